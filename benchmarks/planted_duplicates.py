"""Recall of the near-duplicate search: altered copies of photos, planted among all others, by kind of change.

python benchmarks/planted_duplicates.py train.zip [--planted 600]

The second column is the recall of `evaluate`, which has the training photos' fingerprints at half the resolution only.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common.measuring import machine
from common.planted_copies import saved_as_jpeg
from PIL import Image, ImageOps

from photoclass.checks.inspection import inspect_photos
from photoclass.photos.decode import Pixels, decode_picture
from photoclass.photos.duplicates.confirmation import NearDuplicates
from photoclass.photos.duplicates.fingerprint import doubled, fingerprint, halved
from photoclass.photos.duplicates.near_duplicates import find_near_duplicates
from photoclass.photos.sources.read import read_data
from photoclass.workspace import Workspace

_SHARES = (0.98, 0.95, 0.9, 0.87, 0.85)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--planted", type=int, default=600)
    arguments = parser.parse_args()
    workspace = Workspace()
    photos = inspect_photos(read_data(arguments.data, workspace), workspace)
    generator = np.random.default_rng(0)
    chosen = generator.choice(len(photos), arguments.planted, replace=False)
    originals = photos.fingerprints.all()
    found = find_near_duplicates(originals)
    print(f"{machine()}\n\n{len(photos):,} photos; pairs found among them, to be checked by eye: {len(found)}\n")
    for first, second in zip(found.first, found.second, strict=True):
        print(f"  {photos.table.names[first]} = {photos.table.names[second]}")
    print(
        f"\n| {arguments.planted:,} planted | found | at half the resolution | other pairs |\n| --- | --- | --- | --- |"
    )
    for name, change in _changes(generator).items():
        copies = [_fingerprint(change(Image.open(photos.table.paths[i]).convert("RGB"))) for i in chosen]
        prints = np.concatenate([originals, np.stack(copies)])
        recall, others = _found(find_near_duplicates(prints), chosen, len(photos))
        at_half, _ = _found(find_near_duplicates(doubled(halved(prints))), chosen, len(photos))
        print(f"| {name} | {recall:.1%} | {at_half:.1%} | {others - len(found)} |", flush=True)


def _changes(generator: np.random.Generator) -> dict[str, Callable[[Image.Image], bytes]]:
    def resized(picture: Image.Image) -> Image.Image:
        scale = generator.uniform(0.4, 1.6)
        return picture.resize((round(scale * picture.width), round(scale * picture.height)), Image.Resampling.LANCZOS)

    def cropped(picture: Image.Image, share: float = 0.9) -> Image.Image:
        width, height = (round(share * side) for side in picture.size)
        left, top = (int(generator.integers(rest + 1)) for rest in (picture.width - width, picture.height - height))
        return picture.crop((left, top, left + width, top + height))

    return {
        "saved again at quality 60": lambda picture: saved_as_jpeg(picture, 60),
        "resized, to 0.4 to 1.6": lambda picture: saved_as_jpeg(resized(picture), 85),
        "mirrored": lambda picture: saved_as_jpeg(ImageOps.mirror(picture), 85),
        **{
            f"cropped to {share} of each side": lambda picture, share=share: saved_as_jpeg(cropped(picture, share), 85)
            for share in _SHARES
        },
        "mirrored, cropped to 0.9": lambda picture: saved_as_jpeg(cropped(ImageOps.mirror(picture)), 85),
        "cropped to 0.9, resized, quality 75": lambda picture: saved_as_jpeg(resized(cropped(picture)), 75),
    }


def _fingerprint(data: bytes) -> Pixels:
    picture = decode_picture(data, 0)
    if not isinstance(picture, Image.Image):
        raise ValueError(picture.reason)
    return fingerprint(picture)


def _found(duplicates: NearDuplicates, chosen: np.ndarray, count: int) -> tuple[float, int]:
    """Return the share of planted copies paired with their originals, and the number of all other pairs."""
    low, high = np.minimum(duplicates.first, duplicates.second), np.maximum(duplicates.first, duplicates.second)
    planted = high >= count
    correct = np.zeros(len(duplicates), dtype=np.bool_)
    correct[planted] = low[planted] == chosen[high[planted] - count]
    return correct.sum() / len(chosen), int((~correct).sum())


if __name__ == "__main__":
    main()
