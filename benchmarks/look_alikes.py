"""Near-duplicates among photos that all look alike: false pairs among different photos, and recall of planted copies.

python benchmarks/look_alikes.py [train.zip] [--photos 1000] [--planted 100] [--seed 0]

Sets are drawn: one lamp, gradient, stripes and noise in common, small marks that differ; and five others
(`common/look_alike_photos.py`). With a data set, some of its photos are a set of ordinary photos. The last column is
the search without the photos' files, as `evaluate` compares with training photos.
"""

import argparse
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from common.look_alike_photos import scenes
from common.measuring import machine
from common.planted_copies import saved_as_jpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps

from photoclass.photos.decode import Pixels, decode_picture
from photoclass.photos.duplicates.confirmation import NearDuplicates
from photoclass.photos.duplicates.detail import in_detail
from photoclass.photos.duplicates.fingerprint import doubled, fingerprint, halved
from photoclass.photos.duplicates.near_duplicates import find_near_duplicates
from photoclass.photos.sources.read import read_data
from photoclass.workspace import Workspace

_QUALITIES = (40, 60, 80, 95)
_SCALES = (0.3, 0.5, 1.5, 2.0)
_SHARES = (0.98, 0.95, 0.9)


class _InMemory:
    """Photos in detail, from their files' bytes."""

    def __init__(self, files: list[bytes]) -> None:
        self.files = files

    def take(self, index: int) -> Pixels | None:
        return in_detail(_decoded(self.files[index]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="a data set, for ordinary photos")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--planted", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"{machine()}\n\n{arguments.photos:,} photos in each set, {arguments.planted:,} planted of each kind")
    for name, photos in _sets(arguments.data, arguments.photos, arguments.seed):
        _measure(name, photos, arguments.planted, arguments.seed)


def _sets(data: Path | None, count: int, seed: int) -> Iterator[tuple[str, list[bytes]]]:
    for name, scene in scenes(seed).items():
        yield name, [saved_as_jpeg(Image.fromarray(scene.photo(number)), 92) for number in range(count)]
    if data:
        paths = read_data(data, Workspace()).paths
        yield "ordinary photos", [Path(path).read_bytes() for path in paths[:: max(1, len(paths) // count)][:count]]


def _measure(name: str, photos: list[bytes], planted: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    chosen = generator.choice(len(photos), min(planted, len(photos)), replace=False)
    prints = np.stack([fingerprint(_decoded(photo)) for photo in photos])
    started_at = time.process_time()
    found = find_near_duplicates(prints, details=_InMemory(photos))
    seconds = time.process_time() - started_at
    at_half = find_near_duplicates(doubled(halved(prints)))
    print(f"\n{name}: {len(found)} pairs, {len(at_half)} without files; {seconds:.1f} processor seconds\n")
    for first, second in zip(found.first[:5], found.second[:5], strict=True):
        print(f"  {first} = {second}")
    print("| planted | found | other pairs | found without files | other pairs |\n| --- | --- | --- | --- | --- |")
    for kind, change in _changes(generator).items():
        copies = [change(Image.open(io.BytesIO(photos[i])).convert("RGB")) for i in chosen]
        every = np.concatenate([prints, np.stack([fingerprint(_decoded(copy)) for copy in copies])])
        recall, others = _recall(
            find_near_duplicates(every, details=_InMemory([*photos, *copies])), chosen, len(photos)
        )
        coarse, coarse_others = _recall(find_near_duplicates(doubled(halved(every))), chosen, len(photos))
        print(f"| {kind} | {recall:.1%} | {others} | {coarse:.1%} | {coarse_others} |", flush=True)


def _changes(generator: np.random.Generator) -> dict[str, Callable[[Image.Image], bytes]]:
    def resized(picture: Image.Image, scale: float) -> Image.Image:
        size = (max(1, round(scale * picture.width)), max(1, round(scale * picture.height)))
        return picture.resize(size, Image.Resampling.LANCZOS)

    def cropped(picture: Image.Image, share: float) -> Image.Image:
        width, height = (round(share * side) for side in picture.size)
        left, top = (int(generator.integers(rest + 1)) for rest in (picture.width - width, picture.height - height))
        return picture.crop((left, top, left + width, top + height))

    return {
        **{f"quality {quality}": lambda picture, q=quality: saved_as_jpeg(picture, q) for quality in _QUALITIES},
        **{f"resized to {scale}": lambda picture, s=scale: saved_as_jpeg(resized(picture, s), 85) for scale in _SCALES},
        "mirrored": lambda picture: saved_as_jpeg(ImageOps.mirror(picture), 85),
        **{f"cropped to {share}": lambda picture, s=share: saved_as_jpeg(cropped(picture, s), 85) for share in _SHARES},
        "mirrored, cropped to 0.9": lambda picture: saved_as_jpeg(cropped(ImageOps.mirror(picture), 0.9), 85),
        "cropped to 0.95, halved, quality 70": lambda picture: saved_as_jpeg(resized(cropped(picture, 0.95), 0.5), 70),
    }


def _decoded(data: bytes) -> Image.Image:
    picture = decode_picture(data, 256)
    if not isinstance(picture, Image.Image):
        raise ValueError(picture.reason)
    return picture


def _recall(duplicates: NearDuplicates, chosen: NDArray[np.int64], count: int) -> tuple[float, int]:
    """Return the share of planted copies paired with their originals, and the number of all other pairs."""
    low, high = np.minimum(duplicates.first, duplicates.second), np.maximum(duplicates.first, duplicates.second)
    planted = high >= count
    correct = np.zeros(len(duplicates), dtype=np.bool_)
    correct[planted] = low[planted] == chosen[high[planted] - count]
    return correct.sum() / len(chosen), int((~correct).sum())


if __name__ == "__main__":
    main()
