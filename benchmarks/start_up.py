"""Start-up time: seconds that `photoclass --help`, `import photoclass` and one prediction take as whole processes.

python benchmarks/start_up.py [--photo PHOTO] [--model RUN] [--rounds 10]

Processor time stands beside wall-clock time: on a shared machine it is more reliable. Sources are compiled to
bytecode first, as pip does; if PYTHONDONTWRITEBYTECODE is set, they are compiled again in every process.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from common.measuring import in_turn, machine, spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="a photo to predict")
    parser.add_argument("--model", type=Path, help="a model folder; the built-in model if left out")
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    commands = {
        "photoclass --help": ["-m", "photoclass", "--help"],
        "import photoclass": ["-c", "import photoclass"],
    }
    if arguments.photo:
        chosen = ["--model", str(arguments.model)] if arguments.model else []
        commands["photoclass predict ONE.jpg"] = ["-m", "photoclass", "predict", str(arguments.photo), *chosen]
    processor: dict[str, list[float]] = {name: [] for name in commands}
    measures: dict[str, Callable[[], float]] = {
        name: lambda words=words, name=name: _seconds(words, processor[name]) for name, words in commands.items()
    }
    for name in commands:  # warm-up: fills the page cache and writes bytecode
        measures[name]()
        processor[name].clear()
    found = in_turn(measures, arguments.rounds)
    print(f"\n{machine()}\n{arguments.rounds} rounds in turn\n")
    print("| command | seconds, median (least to most) | processor seconds |\n| --- | --- | --- |")
    for name, seconds in found.items():
        print(f"| `{name}` | {spread(seconds, 3)} | {spread(processor[name], 3)} |")


def _seconds(words: list[str], processor: list[float]) -> float:
    """Run a process and return its seconds; its processor time, over all threads, is appended to `processor`."""
    started_at, used = time.perf_counter(), _used_by_processes()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    processor.append(_used_by_processes() - used)
    return time.perf_counter() - started_at


def _used_by_processes() -> float:
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    main()
