"""A measurement behind a design decision: single photos per stream against batches.

python benchmarks/choices.py PHOTOS --model RUN [--rounds 5]
"""

import argparse
import time
from pathlib import Path

import numpy as np
from common.measuring import in_turn, machine, spread

from photoclass.machine import processors
from photoclass.model.engine import import_openvino
from photoclass.model.folder import load_info, read_onnx
from photoclass.model.runtime import Runtime
from photoclass.photos.decode import decode_photo, read_file
from photoclass.photos.sources.read_photos import read_photos
from photoclass.workspace import Workspace

_PHOTOS = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    table = read_photos([arguments.photos], Workspace())
    settings = load_info(arguments.model).decode_settings()
    decoded = [
        decode_photo(data, settings) for path in table.paths[:_PHOTOS] if isinstance(data := read_file(path), bytes)
    ]
    pixels = np.stack([photo for photo in decoded if isinstance(photo, np.ndarray)])
    print(f"{machine()}\n{len(pixels)} photos of {pixels.shape[1]} px, {arguments.rounds} rounds in turn\n")
    ways = {
        "one photo per stream (the runtime)": lambda: _runtime_rate(Runtime.load(arguments.model), pixels),
        "batches of 16, one stream": lambda: _batch_rate(arguments.model, pixels, 16, 1),
        "batches of 16, one stream per core": lambda: _batch_rate(arguments.model, pixels, 16, processors()),
    }
    print("\n| what | photos/s in the network, median (least to most) |\n| --- | --- |")
    for name, values in in_turn(ways, arguments.rounds).items():
        print(f"| {name} | {spread(values)} |")


def _runtime_rate(runtime: Runtime, pixels: np.ndarray) -> float:
    started_at = time.perf_counter()
    runtime.probabilities(pixels)
    return len(pixels) / (time.perf_counter() - started_at)


def _batch_rate(model: Path, pixels: np.ndarray, batch: int, streams: int) -> float:
    openvino = import_openvino()
    network = openvino.Core().read_model(model=read_onnx(model, load_info(model)), weights=b"")
    network.reshape({0: [batch, *pixels.shape[1:]]})
    config = {
        "NUM_STREAMS": str(streams),
        "INFERENCE_NUM_THREADS": str(processors()),
        "INFERENCE_PRECISION_HINT": "f32",
    }
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
