"""What `train --quality …` takes, cold and warm, and what it gives.

python benchmarks/features.py DATA [--qualities fast good]

Cold: an empty cache. Warm: the same command again, all features in the store. "Network alone" is what the backbone
does with photos that lie decoded in memory; the rest of a cold run goes to reading and decoding beside it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import machine

from photoclass.training.backbones import open_backbone
from photoclass.training.recipes import QUALITIES

_ALONE_PHOTOS = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--qualities", nargs="+", default=list(QUALITIES), choices=list(QUALITIES))
    arguments = parser.parse_args()
    rows = []
    for quality in arguments.qualities:
        with tempfile.TemporaryDirectory() as folder:
            cold, model = train(arguments.data, quality, Path(folder), "cold")
            warm, _ = train(arguments.data, quality, Path(folder), "warm")
        held_out, trained = model["metrics"]["held_out"], model["trained"]
        low, high = held_out["log_loss_ci95"]
        rows.append(
            f"| {quality} ({trained['precision']}) | {held_out['log_loss']:.4f} ({low:.4f} to {high:.4f}) "
            f"| {held_out['accuracy']:.2%} | {trained['cross_validated_log_loss']:.4f} | {cold:.0f} s | {warm:.1f} s "
            f"| {network_alone(quality):.0f} |"
        )
    print(f"{machine()}\n")
    print("| quality | held-out log loss | accuracy | cross-validated | cold | warm | network alone, photos/s |")
    print("| --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(rows))


def train(data: Path, quality: str, folder: Path, name: str) -> tuple[float, dict[str, object]]:
    """Train in a process of its own; return its seconds, start-up included, and what model.json says."""
    environment = {**os.environ, "PHOTOCLASS_CACHE": str(folder / "cache")}
    words = ["train", str(data), "--out", str(folder / name), "--quality", quality]
    started_at = time.perf_counter()
    subprocess.run([sys.executable, "-m", "photoclass.cli", *words], check=True, capture_output=True, env=environment)
    seconds = time.perf_counter() - started_at
    return seconds, json.loads((folder / name / "model.json").read_text())


def network_alone(quality: str) -> float:
    """Photos/s of the backbone on pixels in memory."""
    backbone = open_backbone(QUALITIES[quality]["backbone"])
    side = backbone.image_size
    pixels = np.random.default_rng(0).integers(0, 256, (32, side, side, 3), dtype=np.uint8)
    photos = [pixels[i % len(pixels)] for i in range(_ALONE_PHOTOS)]
    list(backbone.engine.rows(photos[:64]))
    started_at = time.perf_counter()
    list(backbone.engine.rows(photos))
    return _ALONE_PHOTOS / (time.perf_counter() - started_at)


if __name__ == "__main__":
    main()
