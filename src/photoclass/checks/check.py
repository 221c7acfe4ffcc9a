"""`check`: know the photos before training on them. It looks and says; it changes nothing."""

from pathlib import Path

from photoclass.checks.files import find_odd, inspect_photos
from photoclass.checks.findings import Findings
from photoclass.checks.twins import twin_groups
from photoclass.photos.cache import default_cache
from photoclass.photos.read import read_data
from photoclass.photos.twins import find_twins
from photoclass.progress import SILENT, Progress


def check(
    data: Path,
    *,
    fixes: Path | None = None,
    workers: int | None = None,
    cache: Path | None = None,
    progress: Progress = SILENT,
) -> Findings:
    """Look at the photos of DATA: what cannot be read, twins, leaks, odd ones, counts and balance.

    Args:
        data: Labelled photos in any of the forms of `photos.read.read_data`.
        fixes: A fixes file, whose labels go before DATA's own.
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
    return Findings(str(data), photos, groups, find_odd(photos.facts))
