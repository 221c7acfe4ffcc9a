"""Thumbnails that are embedded in a page."""

import base64
import io
from pathlib import Path

from PIL import Image

from photoclass.photos.thumbnail import data_uri, thumbnail, thumbnails

HEAD = "data:image/webp;base64,"


def _opened(uri: str) -> Image.Image:
    assert uri.startswith(HEAD)
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix(HEAD))))


def test_a_thumbnail_keeps_the_aspect_ratio_and_is_never_enlarged(tmp_path: Path) -> None:
    Image.new("RGB", (400, 200), "red").save(tmp_path / "wide.png")
    assert _opened(thumbnail(str(tmp_path / "wide.png"), 100)).size == (100, 50)
    assert _opened(thumbnail(str(tmp_path / "wide.png"), 1000)).size == (400, 200)


def test_several_thumbnails_are_in_order_and_unreadable_photos_give_empty_ones(tmp_path: Path) -> None:
    for number, colour in enumerate(("red", "lime")):
        Image.new("RGB", (20, 20), colour).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    made = thumbnails([str(tmp_path / name) for name in ("0.png", "broken.png", "1.png", "gone.png")], 16)
    assert [bool(uri) for uri in made] == [True, False, True, False]
    red, lime = (_opened(uri).convert("RGB").getpixel((8, 8)) for uri in (made[0], made[2]))
    assert red[0] > 200 > red[1] and lime[1] > 200 > lime[0]


def test_the_picture_itself_is_unchanged() -> None:
    picture = Image.new("RGB", (300, 300))
    data_uri(picture, 10)
    assert picture.size == (300, 300)
