"""How many swapped labels are found, beside cleanlab's ranking of the same out-of-fold probabilities.

python benchmarks/label_errors.py DATA [--photos 3000] [--swapped 50] [--draws 5]

DATA needs two classes. cleanlab (Apache-2.0 since 2.9) is measured if it is installed; nothing else here needs it.
Each draw takes other photos and swaps other labels. Label errors that DATA already has count against both methods.
"""

import argparse
import importlib.util
from pathlib import Path

import numpy as np
from common.measuring import machine, spread
from numpy.typing import NDArray

from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.sources.read import read_data
from photoclass.training.frozen.backbones import open_backbone
from photoclass.training.frozen.features import compute_features
from photoclass.training.frozen.head import FeatureArray, fit_head
from photoclass.training.frozen.label_errors import find_label_errors
from photoclass.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=3000)
    parser.add_argument("--swapped", type=int, default=50)
    parser.add_argument("--draws", type=int, default=5)
    arguments = parser.parse_args()
    backbone = open_backbone("lite2")
    table = read_data(arguments.data, Workspace())
    photos = compute_features(table, DecodeSettings(backbone.image_size), backbone, Workspace())
    features, labels = photos.features.all().astype(np.float32), photos.table.labels
    most = arguments.swapped * 6 // 5
    found: dict[str, list[float]] = {}
    for draw in range(arguments.draws):
        generator = np.random.default_rng(draw)
        rows = generator.permutation(len(labels))[: arguments.photos]
        swapped = generator.permutation(arguments.photos)[: arguments.swapped]
        given = labels[rows].copy()
        given[swapped] = 1 - given[swapped]
        probabilities = out_of_fold(features[rows], given, draw)
        errors_found = find_label_errors(probabilities, given)
        likely = errors_found.only_likely().rows
        found.setdefault(f"photoclass, its first {most}", []).append(share(errors_found.rows[:most], swapped))
        found.setdefault("photoclass, likely label errors: recall", []).append(share(likely, swapped))
        found.setdefault("photoclass, likely label errors: precision", []).append(
            len(set(likely) & set(swapped)) / len(likely)
        )
        if importlib.util.find_spec("cleanlab"):
            for by in ("self_confidence", "normalized_margin"):
                ranked = ranked_by_cleanlab(given, probabilities, by)[:most]
                found.setdefault(f"cleanlab, {by}, its first {most}", []).append(share(ranked, swapped))
    print(f"{machine()}\n")
    print(f"| what | of {arguments.swapped} swapped among {arguments.photos:,} photos, {arguments.draws} draws |")
    print("| --- | --- |")
    for name, shares in found.items():
        print(f"| {name} | {spread([100 * value for value in shares], 1)} % |")


def out_of_fold(features: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Return calibrated out-of-fold probabilities, shape (N, C)."""
    groups = np.arange(len(labels))
    head = fit_head(FeatureArray(features), labels, groups, 2, balance=False, seed=seed)
    return head.out_of_fold_probabilities


def ranked_by_cleanlab(labels: NDArray[np.int64], probabilities: NDArray[np.float64], by: str) -> NDArray[np.int64]:
    """Return the rows that cleanlab reports as label issues, worst first."""
    from cleanlab.filter import find_label_issues

    return np.asarray(find_label_issues(labels, probabilities, return_indices_ranked_by=by, n_jobs=1))


def share(found: NDArray[np.int64], wanted: NDArray[np.int64]) -> float:
    return len(set(found.tolist()) & set(wanted.tolist())) / len(wanted)


if __name__ == "__main__":
    main()
