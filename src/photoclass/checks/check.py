"""`check`: know the photos before training on them. It looks and says; it changes nothing."""

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.checks.duplicate_groups import duplicate_groups
from photoclass.checks.findings import Findings, LabelFindings
from photoclass.checks.inspection import InspectedPhotos, find_odd, inspect_photos
from photoclass.photos.duplicates.near_duplicates import find_near_duplicates, groups_of
from photoclass.photos.sources.read import read_data
from photoclass.workspace import Workspace


def check(
    data: Path,
    *,
    fixes: Path | None = None,
    labels: bool = True,
    workspace: Workspace | None = None,
) -> Findings:
    """Look at the photos of DATA: what cannot be read, near-duplicates, leaks, odd ones, doubtful labels, counts and balance.

    Args:
        data: Labelled photos in any of the forms of `photos.sources.read.read_data`.
        fixes: A fixes file, whose labels go before DATA's own.
        labels: Whether to look for doubtful labels, too, which takes as long as training.
        workspace: The cache folder, the number of workers, and who receives progress reports; the user's cache, all
            processors and nobody when None.

    Raises:
        DataError: DATA cannot be read, or the fixes do not fit it.
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    workspace = workspace or Workspace()
    table = read_data(data, workspace, fixes)
    photos = inspect_photos(table, workspace)
    duplicates = find_near_duplicates(photos.fingerprints, workspace.progress)
    groups = duplicate_groups(duplicates, photos.table, photos.contents, photos.measures["pixels"])
    found = LabelFindings(not_looked="not asked for")
    if labels:
        found = _check_labels(photos, groups_of(duplicates, len(photos)), workspace)
    return Findings(str(data), photos, groups, find_odd(photos.measures), found)


def _check_labels(photos: InspectedPhotos, duplicates: NDArray[np.int64], workspace: Workspace) -> LabelFindings:
    if importlib.util.find_spec("torch") is None:
        return LabelFindings(not_looked="it takes what training takes; run: pip install 'photoclass[train]'")
    # Here and not above: nothing else that looks at photos needs torch.
    from photoclass.checks.labels import check_labels

    return check_labels(photos, duplicates, workspace)
