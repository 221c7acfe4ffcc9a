"""Seconds that `photoclass --help`, `import photoclass` and one prediction take as whole processes.

python benchmarks/start_up.py [--photo PHOTO --model RUN] [--rounds 10]
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from measuring import in_turn, machine, spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    commands = {
        "photoclass --help": ["-m", "photoclass.cli", "--help"],
        "import photoclass": ["-c", "import photoclass"],
    }
    if arguments.photo and arguments.model:
        words = ["predict", str(arguments.photo), "--model", str(arguments.model)]
        commands["photoclass predict ONE.jpg"] = ["-m", "photoclass.cli", *words]
    measures: dict[str, Callable[[], float]] = {
        name: lambda words=words: _seconds(words) for name, words in commands.items()
    }
    found = in_turn(measures, arguments.rounds)
    print(f"\n{machine()}\n{arguments.rounds} rounds in turn\n")
    print("| command | seconds, median (least to most) |\n| --- | --- |")
    for name, seconds in found.items():
        print(f"| `{name}` | {spread(seconds, 3)} |")


def _seconds(words: list[str]) -> float:
    started_at = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return time.perf_counter() - started_at


if __name__ == "__main__":
    main()
