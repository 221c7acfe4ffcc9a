"""`check`: know the photos before training on them. It looks and says; it changes nothing."""

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.checks.inspection import InspectedPhotos, find_odd, inspect_photos
from photoclass.checks.findings import Findings, LabelFindings
from photoclass.checks.duplicate_groups import twin_groups
from photoclass.photos.cache.pixels import default_cache
from photoclass.photos.sources.read import read_data
from photoclass.photos.duplicates.near_duplicates import find_twins, groups_of
from photoclass.progress import SILENT, Progress


def check(
    data: Path,
    *,
    fixes: Path | None = None,
    labels: bool = True,
    workers: int | None = None,
    cache: Path | None = None,
    progress: Progress = SILENT,
) -> Findings:
    """Look at the photos of DATA: what cannot be read, twins, leaks, odd ones, doubtful labels, counts and balance.

    Args:
        data: Labelled photos in any of the forms of `photos.sources.read.read_data`.
        fixes: A fixes file, whose labels go before DATA's own.
        labels: Whether to look for doubtful labels, too, which takes as long as training.
        workers: Processes to decode in; as many as there are processors when None.
        cache: The cache folder; the user's when None.
        progress: Hears of the advance.

    Raises:
        DataError: DATA cannot be read, or the fixes do not fit it.
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    cache = cache or default_cache()
    table = read_data(data, cache, progress, fixes)
    photos = inspect_photos(table, cache, workers, progress)
    twins = find_twins(photos.fingerprints, progress)
    groups = twin_groups(twins, photos.table, photos.contents, photos.facts["pixels"])
    found = LabelFindings(not_looked="not asked for")
    if labels:
        found = _check_labels(photos, groups_of(twins, len(photos)), cache, workers, progress)
    return Findings(str(data), photos, groups, find_odd(photos.facts), found)


def _check_labels(
    photos: InspectedPhotos, twins: NDArray[np.int64], cache: Path, workers: int | None, progress: Progress
) -> LabelFindings:
    if importlib.util.find_spec("torch") is None:
        return LabelFindings(not_looked="it takes what training takes; run: pip install 'photoclass[train]'")
    # Here and not above: nothing else that looks at photos needs torch.
    from photoclass.checks.labels import check_labels

    return check_labels(photos, twins, cache, workers, progress)
