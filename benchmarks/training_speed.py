"""Training photos/s, end to end: `small-cnn` beside the same recipe in Keras and in plain torch, alternating.

    python benchmarks/training_speed.py DATA [--photos 3200] [--rounds 3] [--bench PYTHON] [--only NAME...]

The second epoch is timed: augmentation, network and optimizer; photoclass has filled its pixel cache before. The peers
decode in every epoch, as `flow_from_directory` does in *Cat or Dog? Image Classification using Convolutional Neural
Networks*, whose recipe all of them train. PYTHON is an interpreter in whose environment the extra `bench` is installed
(TensorFlow, Keras, SciPy, Pillow, torch); without one, only photoclass is measured. NAMEs are photoclass,
keras-tensorflow, keras-torch and dataloader.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from common.measuring import in_turn, machine, spread

from photoclass.photos.sources.read import read_data
from photoclass.workspace import Workspace

_PEER_SCRIPTS = Path(__file__).parent / "peers"
# Each prints the photos/s of its second epoch in its last line.
_PEERS: dict[str, tuple[str, dict[str, str]]] = {
    "keras-tensorflow": ("training_speed_keras.py", {"KERAS_BACKEND": "tensorflow"}),
    "keras-torch": ("training_speed_keras.py", {"KERAS_BACKEND": "torch"}),
    "dataloader": ("training_speed_torch.py", {}),
}
_TITLES = {
    "photoclass": "photoclass",
    "keras-tensorflow": "Keras on TensorFlow",
    "keras-torch": "Keras on torch",
    "dataloader": "torch, `DataLoader` with 2 workers, Pillow",
}
_VERSIONS = """
import importlib.metadata as m, json
print(json.dumps({name: m.version(name) for name in ("tensorflow", "keras", "torch", "pillow")}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=3200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bench", type=Path, help="a Python in whose environment tensorflow and keras are installed")
    parser.add_argument("--only", nargs="+", choices=list(_TITLES), help="measure only these")
    arguments = parser.parse_args()
    names = arguments.only or (list(_TITLES) if arguments.bench else ["photoclass"])
    if arguments.bench is None and set(names) != {"photoclass"}:
        parser.error("peers are run by the Python that --bench names")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        copy_photos(arguments.data, folder / "photos", arguments.photos)
        measures: dict[str, Callable[[], float]] = {
            name: (lambda: photoclass_rate(folder))
            if name == "photoclass"
            else lambda name=name: peer_rate(folder, arguments.bench, name)
            for name in names
        }
        found = in_turn(measures, arguments.rounds)
    print(f"\n    python {' '.join(sys.argv)}\n\n{machine()}")
    if arguments.bench:
        print(f"Peers: {versions(arguments.bench)}")
    print(f"{arguments.photos:,} photos at 150 px, batch 16, {arguments.rounds} rounds in turn\n")
    print_table(found)


def print_table(found: dict[str, list[float]]) -> None:
    """Print photos/s and the speed-up of photoclass, round by round; each as median (least to most)."""
    print("| what | training photos/s, median (least to most) | photoclass is faster, round by round |")
    print("| --- | --- | --- |")
    for name, rates in found.items():
        ratios = "–"
        if name != "photoclass" and "photoclass" in found:
            pairs = zip(found["photoclass"], rates, strict=True)
            ratios = f"{spread([ours / theirs for ours, theirs in pairs], 2)} times"
        print(f"| {_TITLES[name]} | {spread(rates)} | {ratios} |")


def copy_photos(data: Path, folder: Path, count: int) -> None:
    """Lay out the first `count` photos, as many of each class, as train/CLASS and a few as valid/CLASS."""
    table = read_data(data, Workspace())
    classes = len(table.class_names)
    taken = [0] * classes
    valid = max(classes, count // 20) // classes
    for path, label in zip(table.paths, table.labels, strict=True):
        taken[label] += 1
        if taken[label] <= count // classes + valid:
            part = "valid" if taken[label] <= valid else "train"
            target = folder / part / table.class_names[label] / f"{taken[label]}{Path(path).suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(path).read_bytes())


def photoclass_rate(folder: Path) -> float:
    """Train two epochs with the command and return the second one's photos/s."""
    with tempfile.TemporaryDirectory() as out:
        words = ["train", str(folder / "photos"), "--recipe", "small-cnn", "--epochs", "2", "--out", f"{out}/run"]
        subprocess.run([sys.executable, "-m", "photoclass", *words], check=True, capture_output=True)
        with open(f"{out}/run/history.csv", newline="") as stream:
            return float(list(csv.DictReader(stream))[1]["photos_per_second"])


def peer_rate(folder: Path, python: Path, name: str) -> float:
    """Train two epochs of the same recipe with a peer and return the photos/s of the second."""
    script, variables = _PEERS[name]
    command = [python, _PEER_SCRIPTS / script, folder / "photos" / "train"]
    environment = {**os.environ, **variables}
    environment.pop("PYTHONPATH", None)  # the peers have their own environment
    result = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(result.stdout.split()[-1])


def versions(python: Path) -> str:
    """Name the versions that matter in the peers' environment."""
    result = subprocess.run([python, "-c", _VERSIONS], check=True, capture_output=True, text=True)
    return ", ".join(f"{name} {version}" for name, version in json.loads(result.stdout).items())


if __name__ == "__main__":
    main()
