"""`check`: problems in the photos that are best known before training. It changes nothing."""

import numpy as np
from numpy.typing import NDArray

from photoclass.checks.duplicate_groups import duplicate_groups
from photoclass.checks.findings import Findings, LabelFindings
from photoclass.checks.inspection import InspectedPhotos, find_odd, inspect_photos
from photoclass.paths import AnyPath
from photoclass.photos.cache.details import PhotoDetails
from photoclass.photos.data_paths import Data, DataPaths
from photoclass.photos.duplicates.near_duplicates import find_near_duplicates, groups_of
from photoclass.photos.groups import join_groups
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.trainable import why_too_few
from photoclass.workspace import Workspace


def check(
    data: Data,
    *,
    fixes: AnyPath | None = None,
    reading: ReadOptions = AS_IT_IS,
    labels: bool = True,
    workspace: Workspace | None = None,
) -> Findings:
    """Check the photos of DATA: unreadable files, near-duplicates, data leakage, outliers, label errors, class balance.

    Args:
        data: Labelled photos: class folders, split folders, flat names (`cat.0.jpg`), a zip or tar of these, or a
            label table (CSV, JSON Lines, Parquet, Arrow). A list of several: the parts of one data set.
        fixes: A fixes file, whose labels replace DATA's own.
        reading: How DATA is read where its names leave a choice.
        labels: Whether to look for label errors too, which takes as long as training.
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        DataError: DATA cannot be read, or the fixes do not fit it.
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    workspace = workspace or Workspace()
    table = read_data(data, workspace, fixes, reading)
    photos = inspect_photos(table, workspace)
    duplicates = find_near_duplicates(photos.fingerprints, workspace.progress, PhotoDetails.of(photos))
    groups = duplicate_groups(duplicates, photos.table, photos.contents, photos.measures["pixels"])
    found = LabelFindings(not_checked="not requested")
    together = join_groups(groups_of(duplicates, len(photos)), photos.table.groups)
    if labels:
        found = _check_labels(photos, together, workspace)
    refusal = why_too_few(photos.table, together, reading.group_by)
    return Findings(
        DataPaths.of(data),
        photos,
        groups,
        find_odd(photos.measures, photos.rules.grey_bits),
        found,
        refusal,
        reading.group_by,
    )


def _check_labels(photos: InspectedPhotos, groups: NDArray[np.int64], workspace: Workspace) -> LabelFindings:
    # Imported here because none of the other checks needs the backbone's libraries, which take time to load.
    from photoclass.checks.labels import check_labels

    return check_labels(photos, groups, workspace)
