"""X: every kind of photo in every kind of column is read; what is no photo is refused by its place."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image
from scipy.sparse import csr_array

from photoclass.estimator.photo_input import PhotoInput

_PATHS = ["a.jpg", "b.jpg"]
_BYTES = [b"one", b"other"]
_PIXELS = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)


@pytest.mark.parametrize("photos", [_PATHS, _BYTES], ids=["paths", "bytes"])
@pytest.mark.parametrize(
    "column",
    [
        list,
        tuple,
        lambda photos: np.array(photos, dtype=object),
        pd.Series,
        lambda photos: pd.DataFrame({"image": photos})["image"],
        pl.Series,
        pa.array,
        lambda photos: pa.table({"image": photos})["image"],
        lambda photos: [{"bytes": photo, "path": None} if isinstance(photo, bytes) else photo for photo in photos],
        lambda photos: pa.array([{"bytes": photo, "path": "x"} for photo in photos]) if photos is _BYTES else photos,
        lambda photos: pl.Series([{"bytes": photo, "path": "x"} for photo in photos]) if photos is _BYTES else photos,
        lambda photos: pd.Series([{"bytes": photo, "path": None} for photo in photos]) if photos is _BYTES else photos,
        lambda photos: iter(photos),
    ],
    ids=[
        "list",
        "tuple",
        "objects",
        "pandas",
        "frame",
        "polars",
        "arrow",
        "chunked",
        "mappings",
        "structs",
        "polars structs",
        "pandas mappings",
        "iterator",
    ],
)
def test_paths_and_bytes_come_in_any_column(column: Any, photos: list[Any]) -> None:
    assert PhotoInput.of(column(photos)).photos == tuple(photos)


def test_paths_may_be_objects_and_text_arrays(tmp_path: Path) -> None:
    assert PhotoInput.of([tmp_path / "a.jpg", b"x"]).photos == (str(tmp_path / "a.jpg"), b"x")
    assert PhotoInput.of(np.array(_PATHS)).photos == tuple(_PATHS)
    assert PhotoInput.of(pd.Series(_PATHS, dtype="string")).photos == tuple(_PATHS)


@pytest.mark.parametrize(
    "column",
    [
        lambda x: x,
        list,
        lambda x: pd.Series(list(x)),
        lambda x: pl.Series(list(x), dtype=pl.Object),
        lambda x: pl.Series(x, dtype=pl.Array(pl.UInt8, (4, 5, 3))),
    ],
    ids=["array", "list", "pandas", "polars objects", "polars arrays"],
)
def test_arrays_come_in_any_column(column: Any) -> None:
    found = PhotoInput.of(column(_PIXELS)).photos
    assert all(np.array_equal(one, other) for one, other in zip(found, _PIXELS, strict=True))


def test_a_picture_that_is_not_read_yet_is_its_file(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.fromarray(_PIXELS[0]).save(file)
    content = file.read_bytes()
    opened, loaded, streamed = Image.open(file), Image.open(file), Image.open(io.BytesIO(content))
    loaded.load()
    assert PhotoInput.of([opened, streamed, loaded]).photos == (str(file), content, loaded)
    opened.close()


def test_another_frame_than_the_first_is_a_picture(tmp_path: Path) -> None:
    frames = [Image.fromarray(pixels) for pixels in _PIXELS]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "a.gif") as opened:
        opened.seek(1)
        assert PhotoInput.of([opened]).photos == (opened,)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("a.jpg", r"X is one photo \(str\); give a list"),
        (b"content", "X is one photo"),
        (Image.new("RGB", (4, 4)), "X is one photo"),
        (_PIXELS[0], r"it is one photo: give X\[None\]"),
        ([], r"0 sample\(s\)"),
        (np.zeros((3, 4)), "Reshape your data"),
        (_PIXELS.astype(np.float64), r"X\[0\]: expected uint8 .* found an array of shape \(4, 5, 3\), float64"),
        (_PIXELS[..., :1], r"found an array of shape \(4, 5, 1\), uint8; .* Image.fromarray"),
        (_PIXELS[:, :0], r"shape \(0, 5, 3\)"),
        ([np.full((4, 5, 3), np.nan)], "NaN or infinity"),
        ([_PIXELS[0], 7], r"X\[1\] is of type int, not a photo"),
        (["a.jpg", None], r"X\[1\] is null"),
        (pd.Series(["a.jpg", None], dtype="string"), r"X\[1\] is null"),
        (pd.Series(["a.jpg", np.nan]), r"X\[1\] is null"),
        (pl.Series(["a.jpg", None]), r"X\[1\] is null"),
        (pa.array([None, b"x"]), r"X\[0\] is null"),
        ([{"bytes": None, "path": None}], r"X\[0\] is null"),
        ([{"image": b"x"}], r"X\[0\] is of type dict"),
        (pl.Series([{"image": b"x"}]), r"X\[0\] is of type dict"),
        (pl.Series([{"bytes": b"x", "path": "x"}, None]), r"X\[1\] is null"),
        (pd.DataFrame({"image": _PATHS}), r"X is a table \(DataFrame\); give its column"),
        (pl.DataFrame({"image": _PATHS}), "X is a table"),
        (pa.table({"image": _PATHS}), "X is a table"),
        ({"image": _PATHS}, "X is a table"),
        (csr_array(np.eye(3)), "X is a sparse matrix"),
        (7, "X is of type int"),
        ({"a.jpg", "b.jpg"}, "X is of type set; give a list"),
        (np.zeros((2, 3, 4, 5), np.uint8), r"found an array of shape \(3, 4, 5\), uint8; .*np.moveaxis\(X, 1, -1\)"),
        (np.array([b"content"]), "drops zeros at the end of each value; use dtype=object"),
    ],
    ids=[
        *("one path", "one content", "one picture", "one array", "nothing", "rows", "floats", "grey", "empty", "nan"),
        *(
            "number",
            "none",
            "pandas na",
            "pandas nan",
            "polars null",
            "arrow null",
            "mapping null",
            "mapping",
            "polars mapping",
            "polars mapping null",
        ),
        *(
            "pandas frame",
            "polars frame",
            "arrow table",
            "dict",
            "sparse",
            "not iterable",
            "set",
            "channels first",
            "fixed width",
        ),
    ],
)
def test_what_is_no_photo_is_refused(X: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PhotoInput.of(X)


def test_names_and_blocks_keep_their_places() -> None:
    given = PhotoInput((b"x",) * 2500)
    blocks = list(given.blocks())
    assert [len(block) for block in blocks] == [1024, 1024, 452]
    assert blocks[2].name(3) == "X[2051]"
    assert len(list(PhotoInput(("a.jpg",) * 2500).blocks())) == 1
    assert [block.start for block in PhotoInput(("a.jpg",) * 20_000).blocks()] == [0, 16_384]
