"""X of an estimator: photos as paths, pictures, arrays or bytes, in a list, an array or a column of a data frame."""

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

# A path, the content of a photo file, a picture, or pixels of shape (height, width, 3), uint8 RGB.
Photo: TypeAlias = str | bytes | Image.Image | NDArray[np.uint8]

# Photos that are written to temporary files, or whose features are read, at once.
_WRITTEN_AT_ONCE, _READ_AT_ONCE = 1024, 16_384
_ACCEPTED = "paths, bytes of photo files, PIL images, or uint8 arrays of shape (height, width, 3)"


@dataclass(frozen=True)
class PhotoInput:
    """The photos of X, each of a kind that is known.

    Attributes:
        photos: In the order of X.
        start: Where the first of them is in X.
    """

    photos: tuple[Photo, ...]
    start: int = 0

    def __len__(self) -> int:
        return len(self.photos)

    @classmethod
    def of(cls, X: Any) -> "PhotoInput":
        """Read X.

        Args:
            X: A list or 1-D array of paths, bytes of photo files, PIL images or arrays; an array of shape (N, height,
                width, 3); or a pandas, polars or pyarrow column of any of these. A column may also hold the mappings
                `{"bytes": …, "path": …}` of Hugging Face data sets.

        Raises:
            ValueError: X or one of its items is something else, X is empty, or a photo is null.
        """
        items = _items_of(X)
        if not len(items):
            raise ValueError("X holds 0 sample(s), that is no photo, while a minimum of 1 is required")
        return cls(tuple(_photo_of(item, row) for row, item in enumerate(items)))

    def name(self, row: int) -> str:
        """Return what messages call a photo: its path, or its place in X."""
        photo = self.photos[row]
        return photo if isinstance(photo, str) else f"X[{self.start + row}]"

    def blocks(self) -> Iterator["PhotoInput"]:
        """Yield the photos in parts, which bounds memory and the size of temporary files."""
        step = _READ_AT_ONCE if all(isinstance(photo, str) for photo in self.photos) else _WRITTEN_AT_ONCE
        for start in range(0, len(self), step):
            yield PhotoInput(self.photos[start : start + step], self.start + start)


def _items_of(X: Any) -> Sequence[Any]:
    """Return the items of X, one a photo."""
    if isinstance(X, str | os.PathLike | bytes | Image.Image):
        raise ValueError(f"X is one photo ({type(X).__name__}); give a list, such as [photo]")
    if hasattr(X, "toarray"):
        raise ValueError(f"X is a sparse matrix; give photos: {_ACCEPTED}")
    if isinstance(X, Mapping) or (hasattr(X, "columns") and not isinstance(X, np.ndarray)):
        raise ValueError(f"X is a table ({type(X).__name__}); give its column of photos, such as X['image']")
    if hasattr(X, "to_pylist"):  # pyarrow
        return list(X.to_pylist())
    if hasattr(X, "to_numpy"):  # pandas, polars
        values = X.to_numpy()
        # polars makes one column for each field of its structs; as a list, each row is a mapping.
        X = X.to_list() if values.ndim == 2 else values
    elif hasattr(X, "__array__") and not isinstance(X, np.ndarray):
        X = np.asarray(X)
    if isinstance(X, np.ndarray):
        return _items_of_array(X)
    if isinstance(X, Iterable) and not isinstance(X, Set):  # a set has no order, but y has
        return X if isinstance(X, list | tuple) else list(X)
    raise ValueError(f"X is {_describe(X)}; give a list of {_ACCEPTED}")


def _items_of_array(X: NDArray[Any]) -> Sequence[Any]:
    if X.ndim == 1 and X.dtype.kind in "OUT":
        return list(X.tolist())
    if X.ndim == 1 and X.dtype.kind == "S":
        raise ValueError(f"X is an array of {X.dtype}, which drops zeros at the end of each value; use dtype=object")
    if X.ndim == 4 and X.dtype != np.object_:
        return list(X)
    shape = f"an array of shape {X.shape}, {X.dtype}"
    one = "; it is one photo: give X[None]" if X.ndim == 3 and X.shape[-1] == 3 else ""
    raise ValueError(
        f"X is {shape}{one}. Reshape your data: photos are uint8 of shape (N, height, width, 3), or a list of "
        f"{_ACCEPTED}"
    )


def _photo_of(item: Any, row: int) -> Photo:
    if isinstance(item, str | os.PathLike):
        path = os.fspath(item)
        return os.fsdecode(path) if isinstance(path, bytes) else path
    if isinstance(item, bytes | bytearray | memoryview):
        return bytes(item)
    if isinstance(item, np.ndarray):
        return _checked_pixels(item, row)
    if isinstance(item, Image.Image):
        return _unread_file(item)
    if isinstance(item, Mapping) and item.keys() == {"bytes", "path"}:
        content = item["bytes"] if item["bytes"] is not None else item["path"]
        return _photo_of(content, row)
    if item is None or _is_missing(item):
        raise ValueError(f"X[{row}] is null (NaN or None); leave out the rows without a photo")
    raise ValueError(f"X[{row}] is {_describe(item)}, not a photo; give {_ACCEPTED}")


def _is_missing(item: Any) -> bool:
    """Return whether an item is what data frames put where a value is missing: NaN, NaT or pandas' NA."""
    if type(item).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(item, float | np.floating) and bool(np.isnan(item))


def _checked_pixels(pixels: NDArray[Any], row: int) -> NDArray[np.uint8]:
    fits = pixels.ndim == 3 and pixels.shape[2] == 3 and min(pixels.shape) > 0
    if fits and pixels.dtype == np.uint8:
        return pixels
    found = f"an array of shape {pixels.shape}, {pixels.dtype}"
    advice = f"expected uint8 of shape (height, width, 3), RGB from 0 to 255, but found {found}"
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise ValueError(f"X[{row}] has values that are NaN or infinity (inf); {advice}")
    if pixels.dtype.kind == "c":
        raise ValueError(f"X[{row}]: Complex data not supported; {advice}")
    if fits and pixels.dtype.kind == "f":
        advice += "; for pixels from 0 to 1: (255 * X).round().astype('uint8')"
    elif pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (1, 4)):
        advice += "; for other colour modes give PIL images: Image.fromarray(pixels)"
    elif pixels.ndim == 3 and pixels.shape[0] == 3:
        advice += "; for channels that come first: np.moveaxis(X, 1, -1)"
    raise ValueError(f"X[{row}]: {advice}")


def _unread_file(picture: Image.Image) -> Photo:
    """Return the file of a picture that Pillow has opened and not read yet; otherwise the picture.

    Reading it would leave all its pixels in the user's object: a thousand photos of 12 megapixels take 36 GB.
    """
    if not isinstance(picture, ImageFile.ImageFile) or not picture.tile or picture.tell():
        return picture
    if picture.filename and os.path.isfile(picture.filename):
        return os.fsdecode(picture.filename)
    if isinstance(picture.fp, io.BytesIO):
        return picture.fp.getvalue()
    return picture


def _describe(value: Any) -> str:
    return f"of type {type(value).__name__}"
