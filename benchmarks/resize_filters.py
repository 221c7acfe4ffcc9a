"""How the filter that resizes photos changes scores and speed: Pillow's filters, and OpenCV's where it is installed.

python benchmarks/resize_filters.py DATA [--photos 6000] [--backbones lite0 lite2] [--rounds 5]

For each backbone and filter a head is fitted to the features of the train photos, with the same seeds, and scored on
the others; differences are paired, photo by photo. The built-in model, which shrinks such photos, is scored too.
"""

import argparse
import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from common.measuring import in_turn, machine, spread
from PIL import Image

from photoclass.machine import processors
from photoclass.model.builtin import builtin_model
from photoclass.model.folder import load_photo_splits
from photoclass.model.runtime import Runtime
from photoclass.photos.cache.photo_set import hash_contents
from photoclass.photos.prefetch import prefetch
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import HELD_OUT, SPLITS, PhotoTable
from photoclass.training.frozen.backbones import open_backbone
from photoclass.training.frozen.head import FeatureArray, fit_head
from photoclass.workspace import Workspace

Resize = Callable[[Image.Image, int], np.ndarray]
_TEST_SHARE = 3  # every third photo is scored on, the others are trained on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=6000)
    parser.add_argument("--backbones", nargs="*", default=["lite0", "lite2"])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    workspace = Workspace()
    table = read_data(arguments.data, workspace)
    filters = _filters()
    print(machine())
    for name in arguments.backbones:
        _compare_heads(name, _sample(table, arguments.photos), filters)
    _compare_builtin(table, filters, arguments.photos)
    _compare_speed(_sample(table, 300), filters, arguments.rounds)


def _filters() -> dict[str, Resize]:
    """Return today's rule of older model folders first, where OpenCV is installed, and then those of Pillow."""
    filters: dict[str, Resize] = {}
    try:
        import cv2
    except ImportError:
        pass
    else:

        def area(picture: Image.Image, side: int) -> np.ndarray:
            how = cv2.INTER_AREA if min(picture.size) >= side else cv2.INTER_LINEAR_EXACT
            return cv2.resize(np.asarray(picture), (side, side), interpolation=how)

        filters["area (OpenCV)"] = area
    for kind in ("BOX", "HAMMING", "BILINEAR", "BICUBIC", "LANCZOS"):
        filters[kind] = partial(_by_pillow, kind=Image.Resampling[kind])
    return filters


def _by_pillow(picture: Image.Image, side: int, kind: Image.Resampling) -> np.ndarray:
    return np.asarray(picture.resize((side, side), kind))


def _sample(table: PhotoTable, count: int) -> PhotoTable:
    chosen = np.random.default_rng(0).permutation(len(table))[:count]
    return table.select(np.sort(chosen))


def _pixels(paths: tuple[str, ...], side: int, resize: Resize) -> Iterator[np.ndarray]:
    def one(path: str) -> np.ndarray:
        with Image.open(path) as picture:
            return np.ascontiguousarray(resize(picture.convert("RGB"), side))

    with ThreadPoolExecutor(processors()) as pool:
        yield from prefetch(pool, one, paths)


def _losses(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return -np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1))


def _report(title: str, losses: dict[str, np.ndarray], seconds: dict[str, float]) -> None:
    first, base = next(iter(losses.items()))
    print(f"\n| {title} | log loss | against {first} (standard error) | photos/s in all |\n| --- | --- | --- | --- |")
    for name, values in losses.items():
        change = values - base
        error = change.std() / np.sqrt(len(change))
        print(
            f"| {name} | {values.mean():.5f} | {change.mean():+.5f} ({error:.5f}) | {seconds[name]:.0f} |", flush=True
        )


def _compare_heads(name: str, table: PhotoTable, filters: dict[str, Resize]) -> None:
    backbone = open_backbone(name)
    test = np.arange(len(table)) % _TEST_SHARE == 0
    labels = table.labels
    losses, rates = {}, {}
    for key, resize in filters.items():
        started = time.perf_counter()
        features = np.stack(list(backbone.engine.rows(_pixels(table.paths, backbone.image_size, resize))))
        rates[key] = len(table) / (time.perf_counter() - started)
        found = []
        for seed in range(3):  # of the folds that choose strength and temperature
            train = FeatureArray(features[~test])
            classes = len(table.class_names)
            head = fit_head(train, labels[~test], np.arange((~test).sum()), classes, balance=False, seed=seed)
            found.append(_losses(head.probabilities(features[test]), labels[test]))
        losses[key] = np.mean(found, axis=0)
    _report(f"{name}, {(~test).sum():,} photos to train on, {test.sum():,} to score", losses, rates)


def _compare_builtin(table: PhotoTable, filters: dict[str, Resize], most: int) -> None:
    runtime = Runtime.load(builtin_model())
    table, contents = hash_contents(table, Workspace().progress)
    splits = load_photo_splits(builtin_model())
    mine = np.array([splits.get(content) == SPLITS[HELD_OUT] for content in contents])
    table = _sample(table.select(mine), most)
    losses, rates = {}, {}
    for key, resize in filters.items():
        started = time.perf_counter()
        probabilities = runtime.probabilities(_pixels(table.paths, runtime.info.image_size, resize))
        rates[key] = len(table) / (time.perf_counter() - started)
        losses[key] = _losses(probabilities, table.labels)
    _report(f"built-in model at {runtime.info.image_size} px, {len(table):,} held-out photos", losses, rates)


def _compare_speed(table: PhotoTable, filters: dict[str, Resize], rounds: int) -> None:
    pictures = [Image.open(io.BytesIO(Path(path).read_bytes())).convert("RGB") for path in table.paths]
    large = [picture.resize((1000, 750)) for picture in pictures[:30]]
    sizes = {
        "200 to 260 px": (pictures, 260),
        "200 to 144 px": (pictures, 144),
        "1,000x750 to 224 px": (large, 224),
    }
    for title, (some, side) in sizes.items():
        work = {key: partial(_milliseconds, resize, some, side) for key, resize in filters.items()}
        print(f"\n| {title} | ms of one core a photo, median (least to most) |\n| --- | --- |")
        for key, values in in_turn(work, rounds).items():
            print(f"| {key} | {spread(values, 3)} |", flush=True)


def _milliseconds(resize: Resize, pictures: list[Image.Image], side: int) -> float:
    started = time.process_time()
    for picture in pictures:
        resize(picture, side)
    return 1000 * (time.process_time() - started) / len(pictures)


if __name__ == "__main__":
    main()
