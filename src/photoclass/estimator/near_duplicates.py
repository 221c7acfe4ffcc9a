"""Near-duplicates in X as groups, so that cross-validation keeps them on one side of each split."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.estimator.errors import value_errors
from photoclass.estimator.labels import group_names
from photoclass.estimator.photo_files import photo_table, refuse_unreadable
from photoclass.estimator.photo_input import PhotoInput
from photoclass.photos.cache.details import PhotoDetails
from photoclass.photos.cache.pixels import fingerprint_photos
from photoclass.photos.duplicates.near_duplicates import group_near_duplicates
from photoclass.photos.groups import join_groups
from photoclass.workspace import Workspace


def near_duplicate_groups(X: Any, groups: Any = None, workspace: Workspace | None = None) -> NDArray[np.int64]:
    """Give photos that are the same picture (saved again, resized, mirrored or cropped) the same number.

    A copy of a training photo among those that test a model makes its score too good. Splitters of scikit-learn that
    take `groups`, such as `StratifiedGroupKFold`, keep the photos of a group together.

    Args:
        X: N photos, as `PhotoClassifier.fit` takes them.
        groups: Shape (N,), groups of your own (animals, patients, sites) to be joined with the near-duplicates; None
            for none.
        workspace: The cache folder, the number of workers, and who receives progress reports; `Workspace()` when None.

    Returns:
        Shape (N,).

    Raises:
        ValueError: X cannot be used, one of its photos cannot be read, or `groups` has another length or nulls.
        OutputError: The cache or the temporary folder cannot be written.
    """
    given, names, workspace = PhotoInput.of(X), group_names(groups), workspace or Workspace()
    if names and len(names) != len(given):
        raise ValueError(f"X has {len(given):,} photos, but groups has {len(names):,} values")
    with value_errors(), photo_table(given) as table:
        photos = fingerprint_photos(table, workspace)
        refuse_unreadable(photos.table)
        found = group_near_duplicates(photos.fingerprints, workspace.progress, PhotoDetails.of(photos))
    return join_groups(found, names)
