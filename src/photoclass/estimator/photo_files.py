"""Photos of X as files: photos in memory are written to a temporary folder, so that one decoder reads all photos."""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.errors import OutputError
from photoclass.estimator.photo_input import Photo, PhotoInput
from photoclass.photos.table import NO_LABEL, NO_SPLIT, PhotoTable

_MOST_NAMED = 3
_ADVICE = "TMPDIR to a folder with room"
_ORIENTATION_TAG = 0x0112
# Modes that PNG keeps as they are; others are kept by TIFF.
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})


@contextmanager
def photo_table(
    given: PhotoInput,
    labels: NDArray[np.int64] | None = None,
    class_names: tuple[str, ...] = (),
    groups: tuple[str, ...] = (),
) -> Iterator[PhotoTable]:
    """Yield a table of the photos; the files of photos in memory are there until the block ends.

    Args:
        given: The photos.
        labels: Shape (N,), indices into `class_names`; None for photos without labels.
        class_names: In natural order.
        groups: The group of each photo, or none.

    Raises:
        OutputError: The temporary folder cannot be written.
        ValueError: A path leads nowhere, or the colour mode of a picture cannot be stored.
    """
    for row, photo in enumerate(given.photos):
        if isinstance(photo, str) and not os.path.lexists(photo):
            raise ValueError(f"X[{given.start + row}]: {photo}: there is no such file")
    in_memory = not all(isinstance(photo, str) for photo in given.photos)
    with temporary_folder() if in_memory else nullcontext(Path()) as folder:
        paths = [_path_of(photo, folder / str(row)) for row, photo in enumerate(given.photos)]
        yield PhotoTable(
            paths=tuple(paths),
            names=tuple(given.name(row) for row in range(len(given))),
            labels=np.full(len(given), NO_LABEL, dtype=np.int64) if labels is None else labels,
            splits=np.full(len(given), NO_SPLIT, dtype=np.int8),
            class_names=class_names,
            groups=groups,
        )


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that is removed when the block ends.

    Raises:
        OutputError: No temporary folder can be written.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix="photoclass-")
    except OSError as error:
        raise OutputError(f"no temporary folder can be made ({error}); set {_ADVICE}") from error
    with made as folder:
        yield Path(folder)


def _path_of(photo: Photo, file: Path) -> str:
    """Return a photo's path; one in memory is written to `file`."""
    if isinstance(photo, str):
        return photo
    try:
        file.write_bytes(photo if isinstance(photo, bytes) else encode_photo(photo))
    except OSError as error:
        raise OutputError(
            f"{file.parent}: photos in memory cannot be written there ({error.strerror}); free some space, or set "
            f"{_ADVICE}"
        ) from error
    return os.fspath(file)


def refuse_unreadable(table: PhotoTable) -> None:
    """Refuse photos that were skipped: an estimator answers for every row of X.

    Args:
        table: The photos that could be read, the others skipped.

    Raises:
        ValueError: Some were skipped.
    """
    if table.skipped:
        some = "; ".join(f"{item.name}: {item.reason}" for item in table.skipped[:_MOST_NAMED])
        more = f"; and {len(table.skipped) - _MOST_NAMED:,} more" if len(table.skipped) > _MOST_NAMED else ""
        raise ValueError(f"{some}{more}. Every photo of X must be readable: leave out those that are not")


def encode_photo(photo: Image.Image | NDArray[np.uint8]) -> bytes:
    """Return a file that decodes to exactly the picture, the same bytes for the same picture.

    What the decoder does with a photo file (rotation by EXIF, colour profile, transparency, wide greys) it then does
    with a picture.

    Raises:
        ValueError: Pillow cannot store its colour mode.
    """
    if not isinstance(photo, Image.Image):
        height, width = photo.shape[:2]
        return b"P6\n%d %d\n255\n" % (width, height) + np.ascontiguousarray(photo).tobytes()
    orientation, profile = _orientation(photo), photo.info.get("icc_profile")
    if photo.mode == "RGB" and orientation == 1 and not profile:
        return encode_photo(np.asarray(photo))
    if photo.mode in ("YCbCr", "HSV"):
        photo = photo.convert("RGB")
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = orientation
    content = io.BytesIO()
    try:
        if photo.mode in _PNG_MODES:
            photo.save(content, "PNG", compress_level=1, exif=exif.tobytes(), icc_profile=profile)
        else:
            photo.save(content, "TIFF", tiffinfo={_ORIENTATION_TAG: orientation}, icc_profile=profile)
    except (OSError, KeyError) as error:
        raise ValueError(
            f"a PIL image of mode {photo.mode} cannot be stored ({error}); give image.convert('RGB')"
        ) from error
    return content.getvalue()


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # malformed EXIF tells nothing about rotation, but the pixels are fine
        return 1
