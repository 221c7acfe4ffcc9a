"""Measurements behind two design decisions: how photos are resized, and single photos per stream against batches.

python benchmarks/choices.py PHOTOS --model RUN [--rounds 5]
"""

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from common.measuring import in_turn, machine, spread
from PIL import Image

from photoclass.machine import processors
from photoclass.model.engine import import_openvino
from photoclass.model.folder import load_info, read_onnx
from photoclass.model.runtime import Runtime
from photoclass.photos.decode import read_file
from photoclass.photos.sources.read_photos import read_photos
from photoclass.workspace import Workspace

_PHOTOS = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    table = read_photos([arguments.photos], Workspace())
    files = [data for path in table.paths[:_PHOTOS] if isinstance(data := read_file(path), bytes)]
    pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in files]
    arrays = [np.asarray(picture) for picture in pictures]
    side = load_info(arguments.model).image_size
    pixels = np.stack([cv2.resize(array, (side, side), interpolation=cv2.INTER_AREA) for array in arrays])
    size = (side, side)
    print(f"{machine()}\n{len(files)} photos of {pictures[0].size}, to {side} px, {arguments.rounds} rounds in turn\n")
    parts: dict[str, Callable[[], float]] = {
        "decode, Pillow": lambda: _milliseconds(lambda data: Image.open(io.BytesIO(data)).load(), files),
        "resize, Pillow bilinear": lambda: _milliseconds(lambda p: p.resize(size, Image.Resampling.BILINEAR), pictures),
        "resize, OpenCV area": lambda: _milliseconds(
            lambda a: cv2.resize(a, size, interpolation=cv2.INTER_AREA), arrays
        ),
    }
    ways = {
        "one photo per stream (the runtime)": lambda: _runtime_rate(Runtime.load(arguments.model), pixels),
        "batches of 16, one stream": lambda: _batch_rate(arguments.model, pixels, 16, 1),
        "batches of 16, one stream per core": lambda: _batch_rate(arguments.model, pixels, 16, processors()),
    }
    for title, measures, digits in (("ms per photo, one core", parts, 2), ("photos/s in the network", ways, 0)):
        found = in_turn(measures, arguments.rounds)
        print(f"\n| what | {title}, median (least to most) |\n| --- | --- |")
        for name, values in found.items():
            print(f"| {name} | {spread(values, digits)} |")


def _milliseconds(work: Callable, items: list) -> float:
    started_at = time.process_time()
    for item in items:
        work(item)
    return 1000 * (time.process_time() - started_at) / len(items)


def _runtime_rate(runtime: Runtime, pixels: np.ndarray) -> float:
    started_at = time.perf_counter()
    runtime.probabilities(pixels)
    return len(pixels) / (time.perf_counter() - started_at)


def _batch_rate(model: Path, pixels: np.ndarray, batch: int, streams: int) -> float:
    openvino = import_openvino()
    network = openvino.Core().read_model(model=read_onnx(model, load_info(model)), weights=b"")
    network.reshape({0: [batch, *pixels.shape[1:]]})
    config = {"NUM_STREAMS": str(streams), "INFERENCE_NUM_THREADS": str(processors())}
    requests = [
        request
        for compiled in [openvino.Core().compile_model(network, "CPU", config)]
        for request in (compiled.create_infer_request() for _ in range(streams + 1))
    ]
    count = len(pixels) // batch
    started_at = time.perf_counter()
    for i in range(count):
        request = requests[i % len(requests)]
        request.wait()
        request.start_async({0: openvino.Tensor(pixels[i * batch : (i + 1) * batch])})
    for request in requests:
        request.wait()
    return count * batch / (time.perf_counter() - started_at)


if __name__ == "__main__":
    main()
