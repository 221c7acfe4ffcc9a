"""Photos in memory become files that decode to exactly the same picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from photoclass.errors import OutputError
from photoclass.estimator.photo_files import encode_photo, photo_table
from photoclass.estimator.photo_input import PhotoInput
from photoclass.photos.decode import decode_picture

_RGB = np.random.default_rng(3).integers(0, 256, (9, 14, 3)).astype(np.uint8)
_ORIENTATION = 0x0112


def _decoded(content: bytes) -> Image.Image:
    picture = decode_picture(content, 8)
    assert isinstance(picture, Image.Image)
    return picture


def test_pixels_are_kept_to_the_last_bit() -> None:
    assert np.array_equal(np.asarray(_decoded(encode_photo(_RGB))), _RGB)
    assert encode_photo(Image.fromarray(_RGB)) == encode_photo(_RGB)
    assert encode_photo(_RGB[:, ::-1][:, ::-1]) == encode_photo(_RGB)  # not contiguous


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_a_picture_of_any_mode_is_decoded_as_its_file_would_be(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        picture = Image.fromarray(_RGB[..., 0].astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(_RGB).convert(mode)
    if mode in ("RGBA", "LA"):
        picture.putalpha(Image.fromarray(_RGB[..., 1]))
    file = tmp_path / ("a.tif" if mode in ("CMYK", "YCbCr") else "a.png")
    (picture.convert("RGB") if mode == "YCbCr" else picture).save(file)
    wanted = np.asarray(_decoded(file.read_bytes()))
    assert np.array_equal(np.asarray(_decoded(encode_photo(picture))), wanted)


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_a_picture_is_turned_upright_once(mode: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[_ORIENTATION] = 6
    Image.fromarray(_RGB).convert(mode).save(tmp_path / "a.jpg", exif=exif, quality=100)
    with Image.open(tmp_path / "a.jpg") as picture:
        picture.load()
        found = _decoded(encode_photo(picture))
    wanted = _decoded((tmp_path / "a.jpg").read_bytes())
    assert found.size == wanted.size == (9, 14)
    assert np.array_equal(np.asarray(found), np.asarray(wanted))


def test_a_colour_profile_is_kept(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    picture = Image.fromarray(_RGB)
    picture.info["icc_profile"] = profile
    picture.save(tmp_path / "a.png", icc_profile=profile)
    wanted = _decoded((tmp_path / "a.png").read_bytes())
    assert np.array_equal(np.asarray(_decoded(encode_photo(picture))), np.asarray(wanted))


def test_a_mode_that_no_file_keeps_is_refused() -> None:
    with pytest.raises(ValueError, match="mode RGBa cannot be stored"):
        encode_photo(Image.fromarray(_RGB).convert("RGBA").convert("RGBa"))


def test_files_are_there_until_the_block_ends(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    given = PhotoInput((str(tmp_path / "a.jpg"), _RGB))
    with photo_table(given) as table:
        assert table.names == (str(tmp_path / "a.jpg"), "X[1]")
        assert table.paths[0] == str(tmp_path / "a.jpg")
        assert Path(table.paths[1]).read_bytes() == encode_photo(_RGB)
    assert not Path(table.paths[1]).parent.exists()
    assert (tmp_path / "a.jpg").exists()


def test_a_path_that_leads_nowhere_is_refused_before_any_work(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"X\[1\]: .*b\.jpg: there is no such file"),
        photo_table(PhotoInput((b"x", str(tmp_path / "b.jpg")))),
    ):
        pass


def test_a_full_disk_is_named_with_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"No space left on device.*TMPDIR"), photo_table(PhotoInput((b"x",))):
        pass


def test_no_temporary_folder_is_named_with_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with (
        pytest.raises(OutputError, match=r"no temporary folder can be made.*set TMPDIR"),
        photo_table(PhotoInput((b"x",))),
    ):
        pass
    (tmp_path / "a.jpg").write_bytes(b"x")
    with photo_table(PhotoInput((str(tmp_path / "a.jpg"),))) as table:
        assert table.paths == (str(tmp_path / "a.jpg"),)
