"""scikit-learn: seconds of `cross_val_score` over photos whose features are cached, and agreement with the saved model.

python benchmarks/estimator.py DATA [--photos 2000] [--folds 5] [--quality good] [--rounds 3]

DATA is anything that `train` reads. The first cross-validation, which may compute features, is shown apart. Processor
time stands beside wall-clock time: on a shared machine it is more reliable.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from common.measuring import machine, spread
from sklearn.model_selection import cross_val_score

import photoclass
from photoclass.photos.sources.read import read_data
from photoclass.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--quality", default="good")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    table = read_data(arguments.data, Workspace())
    rows = np.random.default_rng(0).permutation(len(table))[: arguments.photos]
    table = table.select(np.sort(rows))
    paths, labels = list(table.paths), np.array(table.class_names)[table.labels]
    classifier = photoclass.PhotoClassifier(quality=arguments.quality)
    wall, processor = [], []
    for _ in range(arguments.rounds + 1):
        started_at, used = time.perf_counter(), sum(os.times()[:4])
        scores = cross_val_score(classifier, paths, labels, cv=arguments.folds)
        wall.append(time.perf_counter() - started_at)
        processor.append(sum(os.times()[:4]) - used)
        print(f"  {arguments.folds} folds: {wall[-1]:.1f} s, accuracy {scores.mean():.2%}", flush=True)
    differences = saved_model_differences(classifier, paths, labels)
    print(f"\n{machine()}; scikit-learn\n")
    print(f"| `cross_val_score`, {arguments.folds} folds, {len(paths):,} photos, {arguments.quality} | seconds |")
    print("| --- | --- |")
    print(f"| first | {wall[0]:.1f} |")
    print(f"| from the cache, {arguments.rounds} rounds | {spread(wall[1:], 1)} |")
    print(f"| the same, processor seconds | {spread(processor[1:], 1)} |\n")
    most = float(differences.max())
    print(f"probabilities against `photoclass predict`: mean {differences.mean():.5f}, at most {most:.5f} apart")


def saved_model_differences(classifier: photoclass.PhotoClassifier, paths: list[str], labels: np.ndarray) -> np.ndarray:
    """Fit on three quarters, save, and compare with the saved model on the last quarter; shape (n,)."""
    last = np.arange(len(paths)) % 4 == 3
    train = [path for path, is_last in zip(paths, last, strict=True) if not is_last]
    test = sorted(path for path, is_last in zip(paths, last, strict=True) if is_last)
    classifier.fit(train, labels[~last])
    with tempfile.TemporaryDirectory() as folder:
        classifier.save(Path(folder) / "run")
        predictions = photoclass.predict(test, Path(folder) / "run")
    by_file = dict(zip(predictions.paths, predictions.probabilities, strict=True))
    wanted = np.stack([by_file[path] for path in test])
    return np.abs(classifier.predict_proba(test) - wanted).max(axis=1)


if __name__ == "__main__":
    main()
