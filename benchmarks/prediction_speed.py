"""Photos a second that `predict` reaches after start-up, and the whole process's time.

python benchmarks/prediction_speed.py PHOTOS --model RUN [--rounds 5]
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import machine, spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rates, seconds = [], []
    for _ in range(arguments.rounds + 1):
        with tempfile.TemporaryDirectory() as out:
            words = ["predict", str(arguments.photos), "--model", str(arguments.model), "--out", f"{out}/p.csv"]
            started_at = time.perf_counter()
            command = [sys.executable, "-m", "photoclass.cli", *words]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seconds.append(time.perf_counter() - started_at)
        match = re.search(r"([\d,]+) rows, ([\d,]+) photos/s", printed)
        if match is None:
            raise SystemExit(f"predict printed no rate: {printed}")
        rates.append(float(match[2].replace(",", "")))
    print(f"{machine()}\n{match[1]} photos, {arguments.rounds} rounds after one to warm up\n")
    print("| what | median (least to most) |\n| --- | --- |")
    print(f"| photos/s after start-up | {spread(rates[1:])} |")
    print(f"| whole process, seconds | {spread(seconds[1:], 2)} |")


if __name__ == "__main__":
    main()
