"""Labels that the other photos contradict, and photos that seem to show several classes or none of them.

What a photo shows is judged by heads that have not seen it or its near-duplicates, on features of a pretrained network; they
stay in the store, so a training after the check has them.
"""

import numpy as np
from numpy.typing import NDArray

from photoclass.checks.findings import LabelError, LabelFindings, UnclearPhoto
from photoclass.checks.inspection import InspectedPhotos
from photoclass.errors import DataError
from photoclass.photos.decode import DecodeSettings
from photoclass.training.frozen.backbones import open_backbone
from photoclass.training.frozen.features import compute_features
from photoclass.training.frozen.head import check_pictures, fit_head, signed_roots
from photoclass.training.frozen.label_errors import find_label_errors
from photoclass.workspace import Workspace

# The default recipe's: what is computed here is there for a training afterwards.
_BACKBONE = "lite2"
_SEED = 0
# A photo is compared with so many others at most: the time then grows with the photos, not with their square.
_COMPARED = 4000
_NEAREST = 5
_BLOCK = 2048
# How much less alike to the nearest others than usual, in robust standard deviations. By eye among 20,000 photos.
_UNLIKE = 4.0
# By eye as well: where the second class has this much, a photo often shows both.
_SECOND_CLASS = 0.25


def check_labels(photos: InspectedPhotos, duplicates: NDArray[np.int64], workspace: Workspace) -> LabelFindings:
    """Look for labels that are surely wrong, and photos of several classes or none.

    Args:
        photos: The photos.
        near-duplicates: Shape (N,), the same number for photos that are near-duplicates: none is asked of a head that has seen its near-duplicate.
        workspace: The cache folder, the number of workers, and who receives progress reports.

    Raises:
        ModelError: The pretrained network is not installed.
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    table = photos.table
    try:
        check_pictures(table.labels, duplicates, table.class_names, "DATA")
    except DataError as error:
        return LabelFindings(not_looked=str(error).removeprefix("DATA: "))
    backbone = open_backbone(_BACKBONE, cache=workspace.cache)
    featured = compute_features(table, DecodeSettings(backbone.image_size), backbone, workspace)
    place = {path: i for i, path in enumerate(table.paths)}
    rows = np.array([place[path] for path in featured.table.paths])  # a file may have vanished since
    labels = table.labels[rows]
    head = fit_head(featured.features, labels, duplicates[rows], len(table.class_names), balance=False, seed=_SEED)
    probabilities = head.out_of_fold_probabilities
    errors_found = find_label_errors(probabilities, labels)
    label_errors = tuple(
        LabelError(int(rows[row]), float(wrong), table.class_names[suggested], bool(sure))
        for row, suggested, wrong, sure in zip(
            errors_found.rows, errors_found.suggested, errors_found.wrong, errors_found.sure, strict=True
        )
    )
    unlikeness = _unlikeness(signed_roots(featured.features.all()), duplicates[rows])
    unclear = [
        UnclearPhoto(int(rows[i]), "no class", f"{unlikeness[i]:.1f} deviations less alike to others than usual")
        for i in np.argsort(-unlikeness)
        if unlikeness[i] > _UNLIKE
    ]
    ranked = np.sort(probabilities, axis=1)
    order = probabilities.argsort(axis=1)
    for i in np.argsort(-ranked[:, -2]):
        if ranked[i, -2] >= _SECOND_CLASS and unlikeness[i] <= _UNLIKE:
            first, second = (table.class_names[order[i, k]] for k in (-1, -2))
            shares = f"{first} {ranked[i, -1]:.0%}, {second} {ranked[i, -2]:.0%}"
            unclear.append(UnclearPhoto(int(rows[i]), "several classes", shares))
    return LabelFindings(label_errors, tuple(unclear))


def _unlikeness(roots: NDArray[np.float32], duplicates: NDArray[np.int64]) -> NDArray[np.float64]:
    """Tell how much less alike to the photos most alike each photo is than usual; shape (N,), in robust deviations.

    Alike is the cosine between features; of the nearest five, the mean. The usual and its spread are median and median
    absolute deviation over all photos.
    """
    unit = roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)
    others = np.random.default_rng(_SEED).permutation(len(unit))[:_COMPARED]
    nearest = min(_NEAREST, len(others))
    alike = np.empty(len(unit))
    for start in range(0, len(unit), _BLOCK):
        span = slice(start, start + _BLOCK)
        cosines = unit[span] @ unit[others].T
        cosines[duplicates[span, None] == duplicates[others]] = 0.0  # itself, and its near-duplicates
        alike[span] = np.partition(cosines, -nearest, axis=1)[:, -nearest:].mean(axis=1)
    usual = np.median(alike)
    spread = 1.4826 * np.median(np.abs(alike - usual))  # the standard deviation of a normal distribution
    return np.asarray((usual - alike) / max(spread, 1e-6))
