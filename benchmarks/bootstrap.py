"""How long a score with all its bootstrap intervals takes, on synthetic predictions of several sizes.

python benchmarks/bootstrap.py [--rounds 3]

The predictions are confident and mostly correct, like those of a good model. In the row with near-duplicates, one photo
in twenty has one.
"""

import argparse
import time

import numpy as np
from common.measuring import in_turn, machine, spread
from numpy.typing import NDArray

from photoclass.metrics.bootstrap import RESAMPLES
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.results.scores.score import score_predictions

# Photos, classes, whether some have near-duplicates.
_CASES = (
    (25_000, 2, False),
    (25_000, 2, True),
    (5_000, 2, False),
    (2_000, 2, False),
    (25_000, 5, False),
    (2_000, 100, False),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{machine()}\n")
    processor_seconds: dict[str, list[float]] = {}

    def measure(name: str, photos: int, classes: int, duplicates: bool) -> float:
        probabilities, labels = _synthetic(photos, classes)
        groups = np.arange(photos) - (np.arange(photos) % 20 == 1) if duplicates else None
        names = tuple(f"class {i}" for i in range(classes))
        started_at, worked_before = time.perf_counter(), time.process_time()
        score_predictions(LabelledProbabilities(probabilities, labels, names, groups), "held_out")
        processor_seconds.setdefault(name, []).append(time.process_time() - worked_before)
        return time.perf_counter() - started_at

    cases = {
        f"{photos:,} photos, {classes} classes{', some near-duplicates' if duplicates else ''}": case
        for case in _CASES
        for photos, classes, duplicates in [case]
    }
    seconds = in_turn({name: lambda n=name, c=case: measure(n, *c) for name, case in cases.items()}, arguments.rounds)
    print(f"\n| {RESAMPLES:,} resamples of | seconds | processor seconds |\n| --- | --- | --- |")
    for name in cases:
        print(f"| {name} | {spread(seconds[name], 2)} | {spread(processor_seconds[name], 2)} |")


def _synthetic(photos: int, classes: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, classes, photos)
    logits = generator.normal(0, 2, (photos, classes))
    logits[np.arange(photos), labels] += 6
    powers = np.exp(logits)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32), labels


if __name__ == "__main__":
    main()
