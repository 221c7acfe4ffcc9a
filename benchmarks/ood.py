"""How many out-of-distribution pictures are rejected at a threshold that accepts 99 % of in-distribution photos.

python benchmarks/ood.py DATA --model RUN [--each 100] [--trained 3000] [--scored 2033]

DATA is what RUN was trained on. The pictures are drawn by code (common/ood_images.py); three kinds come with
scikit-learn. The threshold of each novelty measure is its 99th percentile on the validation photos; the share of
held-out photos that it rejects stands in the first column. `predict --abstain` is measured as well, with the novelty
detector of the model folder.
"""

import argparse
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from common.measuring import machine
from common.ood_images import KINDS
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

from photoclass.machine import processors
from photoclass.model.folder import load_novelty, load_photo_splits
from photoclass.model.novelty import fit_novelty, photos_to_keep
from photoclass.model.runtime import Runtime
from photoclass.photos.decode import Pixels, Unreadable, decode_photo, read_file
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.prefetch import prefetch
from photoclass.photos.sources.read import read_data
from photoclass.results.scores.coverage import selective_confidence
from photoclass.workspace import Workspace

Floats = NDArray[np.floating]
Predictions = tuple[Floats, Floats]  # probabilities, features
Measure = Callable[[Floats, Floats], Floats]
PRINCIPAL = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--each", type=int, default=100, help="pictures of each kind")
    parser.add_argument("--trained", type=int, default=3000, help="training photos that the measures are fitted to")
    parser.add_argument("--scored", type=int, default=2033, help="validation and held-out photos, at most")
    arguments = parser.parse_args()
    runtime = Runtime.load(arguments.model)
    splits, labels = photos_of(arguments.data, arguments.model, runtime, arguments.trained, arguments.scored)
    kinds = {name: runtime.predict(pictures(name, arguments.each, runtime.info.image_size)) for name in KINDS}
    print(f"{machine()}\n")
    print("| measure | held out | " + " | ".join(kinds) + " | mean |")
    print("| --- " * (len(kinds) + 3) + "|")
    for name, measure in measures(*splits["train"], labels).items():
        threshold = np.quantile(measure(*splits["valid"]), 0.99)
        rejected = {kind: float((measure(*given) > threshold).mean()) for kind, given in kinds.items()}
        print_row(name, float((measure(*splits["held_out"]) > threshold).mean()), rejected)
    detector = load_novelty(arguments.model, runtime.info.onnx_sha256)
    if detector is None:
        kept = photos_to_keep(labels, 0)
        detector = fit_novelty(splits["train"][1][kept], splits["valid"][1])
    for least in (0.5, 0.9, 0.99):

        def unsure(probabilities: Floats, features: Floats, least: float = least) -> float:
            return float((selective_confidence(probabilities, detector.distances(features)) < least).mean())

        print_row(
            f"--abstain {least:g}", unsure(*splits["held_out"]), {k: unsure(*given) for k, given in kinds.items()}
        )


def print_row(name: str, held_out: float, rejected: dict[str, float]) -> None:
    """Print shares in percent; the mean leaves out drawn cats and dogs, which are not out-of-distribution by class."""
    mean = np.mean([share for kind, share in rejected.items() if kind != "drawn cats and dogs"])
    print(
        f"| {name} | {held_out:.1%} | " + " | ".join(f"{share:.0%}" for share in rejected.values()) + f" | {mean:.1%} |"
    )


def photos_of(
    data: Path, model: Path, runtime: Runtime, trained: int, scored: int
) -> tuple[dict[str, Predictions], NDArray[np.int64]]:
    """Return probabilities and features of some photos of each split, and the labels of the training photos."""
    table = read_data(data, Workspace())
    known = load_photo_splits(model)
    settings = runtime.info.decode_settings()
    generator = np.random.default_rng(0)
    paths: dict[str, list[tuple[str, int]]] = {"train": [], "valid": [], "held_out": []}
    for i in generator.permutation(len(table)):
        content = read_file(table.paths[i])
        split = known.get(hashlib.sha256(content).digest()) if isinstance(content, bytes) else None
        if split and len(paths[split]) < (trained if split == "train" else scored):
            paths[split].append((table.paths[i], int(table.labels[i])))
    results = {split: runtime.predict(decoded([path for path, _ in some], settings)) for split, some in paths.items()}
    return results, np.array([label for _, label in paths["train"]])


def decoded(paths: list[str], settings: DecodeSettings) -> Iterator[Pixels]:
    def pixels(path: str) -> Pixels:
        content = read_file(path)
        result = content if isinstance(content, Unreadable) else decode_photo(content, settings)
        if isinstance(result, Unreadable):
            raise SystemExit(f"{path}: {result.reason}")
        return result

    with ThreadPoolExecutor(processors()) as pool:
        yield from prefetch(pool, pixels, paths)


def pictures(kind: str, count: int, side: int) -> Iterator[Pixels]:
    for number in range(count):
        picture = KINDS[kind](np.random.default_rng([0, number]))
        yield np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def measures(probabilities: Floats, features: Floats, labels: NDArray[np.int64]) -> dict[str, Measure]:
    """Return novelty measures by name: functions of (probabilities, features) that are larger for novel pictures.

    Args:
        probabilities: Shape (N, C), of training photos.
        features: Shape (N, D).
        labels: Shape (N,).
    """
    kept = features[photos_to_keep(labels, 0)]
    mean = features.mean(axis=0, dtype=np.float64)
    means = np.stack([features[labels == label].mean(axis=0, dtype=np.float64) for label in np.unique(labels)])
    within, whole = whitening(features - means[labels]), whitening(features - mean)

    def mahalanobis(_: Floats, rows: Floats) -> Floats:
        return np.min([np.square((rows - centre) @ within).sum(axis=1) for centre in means], axis=0)

    def relative(given: Floats, rows: Floats) -> Floats:
        return mahalanobis(given, rows) - np.square((rows - mean) @ whole).sum(axis=1)

    principal = np.linalg.svd(features - mean, full_matrices=False)[2][:PRINCIPAL].T

    def residual(_: Floats, rows: Floats) -> Floats:
        centred = rows - mean
        return np.linalg.norm(centred - centred @ principal @ principal.T, axis=1)

    # As in Wang et al., "ViM: Out-Of-Distribution with Virtual-logit Matching" (2022, https://arxiv.org/abs/2203.10807),
    # the residual is scaled to the mean size of the logits.
    alpha = margin(probabilities, features).mean() / residual(probabilities, features).mean()

    def vim(given: Floats, rows: Floats) -> Floats:
        return alpha * residual(given, rows) - margin(given, rows)

    def nearest(number: int) -> Measure:
        def far(_: Floats, rows: Floats) -> Floats:
            alike = unit(rows) @ unit(kept).T
            return 1 - np.partition(alike, -number, axis=1)[:, -number]

        return far

    return {
        "1 - probability": lambda given, _: 1 - given.max(axis=1),
        "Mahalanobis": mahalanobis,
        "relative Mahalanobis": relative,
        f"residual after {PRINCIPAL} principal components": residual,
        "the same with the logits (ViM)": vim,
        **{f"distance to neighbour {number} of {len(kept):,}": nearest(number) for number in (1, 5, 10, 50)},
    }


def margin(given: Floats, _: Floats) -> Floats:
    """Return the difference of the two largest logits; a head with one logit has no others."""
    two = np.sort(np.clip(given, 1e-7, 1), axis=1)[:, -2:]
    return np.log(two[:, 1] / two[:, 0])


def whitening(centred: Floats) -> Floats:
    """Return a whitening matrix, shape (D, D), from the shrunk covariance of Ledoit and Wolf (2004)."""
    shrunk = LedoitWolf(assume_centered=True).fit(centred).precision_
    return np.linalg.cholesky(shrunk)


def unit(rows: Floats) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)


if __name__ == "__main__":
    main()
