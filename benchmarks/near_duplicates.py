"""Seconds and peak memory of the near-duplicate search at 10,000, 100,000 and 1,000,000 synthetic fingerprints.

python benchmarks/near_duplicates.py [--counts 10000,100000,1000000]

Each count runs in a separate process, with the fingerprints in a store on disk, as in a real run. One in a hundred is
a near-duplicate of another: with noise, mirrored, or cropped.
"""

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from common.measuring import machine
from numpy.typing import NDArray

from photoclass.photos.cache.store import RowStore, write_row
from photoclass.photos.duplicates.fingerprint import FINGERPRINT_SIDE
from photoclass.photos.duplicates.near_duplicates import find_near_duplicates

_DUPLICATE_EVERY = 100
_BLOCK = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="10000,100000,1000000")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        _measure(arguments.one)
        return
    print(f"{machine()}\n")
    columns = (
        "fingerprints",
        "seconds",
        "processor seconds",
        "µs each",
        "found",
        "other pairs",
        "MB before",
        "MB at peak",
    )
    print(f"| {' | '.join(columns)} |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for count in arguments.counts.split(","):
        subprocess.run([sys.executable, __file__, "--one", count], check=True)


def _measure(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = RowStore(Path(folder), (FINGERPRINT_SIDE, FINGERPRINT_SIDE), np.uint8)
        contents = [hashlib.sha256(str(i).encode()).digest() for i in range(count)]
        with store.new_shard() as shard:
            for start in range(0, count, _BLOCK):
                for row, cells in enumerate(_synthetic(start, min(_BLOCK, count - start)), start=start):
                    write_row(shard.descriptor, row, cells)
            shard.enter(list(zip(contents, range(count), strict=True)))
        rows = store.find(contents)
        del contents
        before = _peak_megabytes()
        started_at, worked_before = time.perf_counter(), time.process_time()
        duplicates = find_near_duplicates(rows)
        seconds, worked = time.perf_counter() - started_at, time.process_time() - worked_before
    planted = (duplicates.first % _DUPLICATE_EVERY == 0) & (duplicates.second == duplicates.first + 1)
    planted |= (duplicates.second % _DUPLICATE_EVERY == 0) & (duplicates.first == duplicates.second + 1)
    found, others = int(planted.sum()), int((~planted).sum())
    each = f"{1e6 * worked / count:,.0f}"
    figures = (f"{count:,}", f"{seconds:,.1f}", f"{worked:,.1f}", each, f"{found:,} of {count // _DUPLICATE_EVERY:,}")
    memory = (f"{others:,}", f"{before:,.0f}", f"{_peak_megabytes():,.0f}")
    print(f"| {' | '.join((*figures, *memory))} |", flush=True)


def _synthetic(start: int, count: int) -> NDArray[np.uint8]:
    """Make fingerprints whose spectrum falls off with frequency, like that of photos."""
    generator = np.random.default_rng(start)
    k = np.arange(FINGERPRINT_SIDE)
    fall = 1 / (1 + np.hypot(*np.meshgrid(k, k))) ** 1.2
    cells = np.stack([cv2.idct(generator.normal(0, 1, fall.shape) * fall) for _ in range(count)])
    cells *= 55 / cells.std(axis=(1, 2), keepdims=True)
    pictures = np.clip(cells + generator.uniform(90, 160, (count, 1, 1)), 0, 255)
    for i in range(0, count - 1, _DUPLICATE_EVERY):
        duplicate = pictures[i] + generator.normal(0, 1.5, fall.shape)
        how = generator.integers(3)
        if how == 1:
            duplicate = duplicate[:, ::-1]
        elif how == 2:
            side = FINGERPRINT_SIDE
            top, left = generator.uniform(0, 0.1 * side, 2)
            places = (np.arange(side, dtype=np.float32) + 0.5) * 0.9 - 0.5
            x, y = np.meshgrid((places + left).astype(np.float32), (places + top).astype(np.float32))
            duplicate = cv2.remap(duplicate.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        pictures[i + 1] = duplicate
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux


if __name__ == "__main__":
    main()
