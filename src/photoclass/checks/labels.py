"""Label errors, and photos that fit several classes or none of them.

Photos are classified by heads on features of a pretrained backbone. No head was trained on the photos that it
classifies, or on their near-duplicates. The features stay in the store, so a later training has them.
"""

import numpy as np
from numpy.typing import NDArray

from photoclass.checks.findings import LabelError, LabelFindings, UnclearPhoto
from photoclass.checks.inspection import InspectedPhotos
from photoclass.errors import DataError
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.training.frozen.backbones import open_backbone
from photoclass.training.frozen.features import compute_features
from photoclass.training.frozen.head import check_pictures, fit_head, signed_roots
from photoclass.training.frozen.label_errors import find_label_errors
from photoclass.workspace import Workspace

# The backbone of the default recipe, so that a later training finds its features in the store.
_BACKBONE = "lite2"
_SEED = 0
# Each photo is compared with at most this many others: time then grows with the number of photos, not with its square.
_COMPARED = 4000
_NEAREST = 5
_BLOCK = 2048
# Robust standard deviations by which a photo is less similar to its nearest neighbours than is usual. Chosen by eye
# among 20,000 photos.
_OUTLIER = 4.0
# Also by eye: where the second most probable class has this probability, a photo often shows both.
_SECOND_CLASS = 0.25


def check_labels(photos: InspectedPhotos, groups: NDArray[np.int64], workspace: Workspace) -> LabelFindings:
    """Look for label errors, and for photos of several classes or of none.

    Args:
        photos: The photos.
        groups: Shape (N,), the same number for near-duplicates. None is classified by a head that was trained on a
            near-duplicate of it.
        workspace: The cache folder, the number of workers, and who receives progress reports.

    Raises:
        ModelError: The pretrained backbone is not installed.
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    table = photos.table
    try:
        check_pictures(table.labels, groups, table.class_names, "DATA")
    except DataError as error:
        return LabelFindings(not_checked=str(error).removeprefix("DATA: "))
    backbone = open_backbone(_BACKBONE, cache=workspace.cache)
    featured = compute_features(table, DecodeSettings(backbone.image_size, rules=photos.rules), backbone, workspace)
    row_of = {path: i for i, path in enumerate(table.paths)}
    rows = np.array([row_of[path] for path in featured.table.paths])  # a file may have vanished in the meantime
    labels, groups = table.labels[rows], groups[rows]
    head = fit_head(featured.features, labels, groups, len(table.class_names), balance=False, seed=_SEED)
    probabilities = head.out_of_fold_probabilities
    found = find_label_errors(probabilities, labels)
    label_errors = tuple(
        LabelError(int(rows[row]), float(wrong), table.class_names[suggested], bool(sure))
        for row, suggested, wrong, sure in zip(found.rows, found.suggested, found.wrong, found.likely, strict=True)
    )
    dissimilarity = _dissimilarity(signed_roots(featured.features.all()), groups)
    unclear = [
        UnclearPhoto(
            int(rows[i]),
            "no class",
            f"similarity to its nearest neighbours is {dissimilarity[i]:.1f} deviations below the usual",
        )
        for i in np.argsort(-dissimilarity)
        if dissimilarity[i] > _OUTLIER
    ]
    ranked = np.sort(probabilities, axis=1)
    order = probabilities.argsort(axis=1)
    for i in np.argsort(-ranked[:, -2]):
        if ranked[i, -2] >= _SECOND_CLASS and dissimilarity[i] <= _OUTLIER:
            first, second = (table.class_names[order[i, k]] for k in (-1, -2))
            shares = f"{first} {ranked[i, -1]:.0%}, {second} {ranked[i, -2]:.0%}"
            unclear.append(UnclearPhoto(int(rows[i]), "several classes", shares))
    return LabelFindings(label_errors, tuple(unclear))


def _dissimilarity(roots: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by how much each photo is less similar to its nearest neighbours than is usual, shape (N,).

    Similarity is the cosine between features, averaged over the five nearest neighbours. The unit is a robust standard
    deviation: the median absolute deviation over all photos, scaled to that of a normal distribution.
    """
    unit = roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)
    others = np.random.default_rng(_SEED).permutation(len(unit))[:_COMPARED]
    nearest = min(_NEAREST, len(others))
    similarity = np.empty(len(unit))
    for start in range(0, len(unit), _BLOCK):
        span = slice(start, start + _BLOCK)
        cosines = unit[span] @ unit[others].T
        cosines[groups[span, None] == groups[others]] = 0.0  # itself and its near-duplicates
        similarity[span] = np.partition(cosines, -nearest, axis=1)[:, -nearest:].mean(axis=1)
    usual = np.median(similarity)
    spread = 1.4826 * np.median(np.abs(similarity - usual))
    return np.asarray((usual - similarity) / max(spread, 1e-6))
