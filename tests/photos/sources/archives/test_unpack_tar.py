"""Tars: unpacked completely into the cache, and refused if anything in them is unsafe or damaged."""

import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photoclass.errors import ArchiveError
from photoclass.photos.sources.archives import safety
from photoclass.photos.sources.archives.unpack import unpack
from photoclass.workspace import Workspace
from picture_files import put

PHOTOS = {"cats/1.jpg": b"one cat", "dogs/1.jpg": b"one dog" * 1000}
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
NAMES = st.text(st.characters(exclude_characters="/\\\0:.", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)

MEMBERS = st.dictionaries(NAMES, st.binary(max_size=2000), min_size=1, max_size=5)


def _tar(members: Mapping[str, bytes], written: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=written) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _special(kind: bytes, name: str = "cats/2.jpg", target: str = "../../secret") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        archive.addfile(info)
    return stream.getvalue()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _unpacked(archive: Path) -> dict[str, bytes]:
    return _files(unpack(archive, Workspace(archive.parent / "cache")).folder)


def _refusal(archive: Path) -> str:
    """Check that a tar is refused and leaves nothing behind, and return the message."""
    with pytest.raises(ArchiveError) as refused:
        _unpacked(archive)
    left = [path for path in archive.parent.rglob("*") if path.is_file() and path != archive and path.suffix != ".lock"]
    assert left == []
    message = str(refused.value)
    assert message.startswith(f"{archive}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("written", FORMATS)
def test_a_tar_is_unpacked_completely(written: str, compressed: bool, tmp_path: Path) -> None:
    content = _tar({"./": b"", **PHOTOS, "x" * 90 + "/" + "y" * 90 + ".jpg": b"long"}, FORMATS[written])
    archive = put(tmp_path / "photos.bin", gzip.compress(content, mtime=0) if compressed else content)
    assert _unpacked(archive) == {**PHOTOS, "x" * 90 + "/" + "y" * 90 + ".jpg": b"long"}


@given(members=MEMBERS, written=st.sampled_from([*FORMATS]))
@settings(max_examples=60, deadline=None)
def test_any_tar_holds_what_tarfile_finds_in_it(
    members: dict[str, bytes], written: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    members = {f"{number} {name[:40]}": content for number, (name, content) in enumerate(members.items())}
    archive = put(tmp_path_factory.mktemp("tar") / "photos.tar", _tar(members, FORMATS[written]))
    with tarfile.open(archive) as opened:
        expected = {info.name: opened.extractfile(info).read() for info in opened}  # type: ignore[union-attr]
    unpacked = unpack(archive, Workspace(archive.parent / "cache"))
    assert set(_files(unpacked.folder).values()) == {expected[n] for n in expected if n.strip() not in unpacked.litter}
    assert len(_files(unpacked.folder)) + len(unpacked.litter) == len(expected)


def test_it_is_found_again_under_another_name_and_unpacked_again_when_changed(tmp_path: Path) -> None:
    archive = put(tmp_path / "photos.tar", _tar(PHOTOS))
    first = unpack(archive, Workspace(tmp_path / "cache")).folder
    before = (first / "cats/1.jpg").stat()
    again = unpack(archive.rename(tmp_path / "renamed.tar"), Workspace(tmp_path / "cache")).folder
    assert ((again / "cats/1.jpg").stat().st_ino, again) == (before.st_ino, first)
    (first / "cats/1.jpg").unlink()
    assert _unpacked(tmp_path / "renamed.tar") == PHOTOS
    changed = {**PHOTOS, "cats/1.jpg": b"two cat"}
    assert _unpacked(put(tmp_path / "photos.tar", _tar(changed))) == changed


def test_fault_20_hidden_and_system_files_stay_in_the_tar(tmp_path: Path) -> None:
    archive = put(tmp_path / "photos.tar", _tar({"._1.jpg": b"x", "cats/.DS_Store": b"x", **PHOTOS}))
    unpacked = unpack(archive, Workspace(tmp_path / "cache"))
    assert _files(unpacked.folder) == PHOTOS
    assert set(unpacked.litter) == {"._1.jpg", "cats/.DS_Store"}


@pytest.mark.parametrize("name", ["../evil.jpg", "cats/../../evil.jpg", "/tmp/evil.jpg", "C:/evil.jpg", "..\\evil.jpg"])
def test_fault_32_names_that_lead_outside_are_refused(name: str, tmp_path: Path) -> None:
    assert "leads outside the tar" in _refusal(put(tmp_path / "photos.tar", _tar({**PHOTOS, name: b"x"})))


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.FIFOTYPE, "is a pipe"),
        (tarfile.CHRTYPE, "is a device"),
        (tarfile.GNUTYPE_SPARSE, "is a sparse file"),
        (b"Z", "is of an unknown kind"),
    ],
    ids=["symlink", "hard link", "pipe", "device", "sparse", "unknown"],
)
def test_fault_32_links_and_special_files_are_refused(kind: bytes, cause: str, tmp_path: Path) -> None:
    assert cause in _refusal(put(tmp_path / "photos.tar", _special(kind)))


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE], ids=["a huge photo", "countless folders"])
def test_fault_32_a_bomb_is_refused_in_bounded_memory(
    kind: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "_GROWTH_ALLOWANCE_BYTES", 8 << 20)
    info = tarfile.TarInfo("cats")
    info.type, info.size = kind, 30 << 20 if kind == tarfile.REGTYPE else 0
    archive = tmp_path / "photos.tar.gz"
    with gzip.open(archive, "wb", compresslevel=6) as stream:
        stream.write(info.tobuf() if info.size else info.tobuf() * 30_000)
    tracemalloc.start()
    message = _refusal(archive)
    assert tracemalloc.get_traced_memory()[1] < 6 << 20
    tracemalloc.stop()
    assert "as a tar bomb does" in message


def test_zeros_without_end_are_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "_GROWTH_ALLOWANCE_BYTES", 8 << 20)
    archive = tmp_path / "photos.tar.gz"
    with gzip.open(archive, "wb", compresslevel=6) as stream:
        stream.write(_tar(PHOTOS) + bytes(10 << 20))
    assert "as a tar bomb does" in _refusal(archive)


def test_a_long_extended_header_is_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    assert "an extended header of 1,073,741,824 bytes" in _refusal(put(tmp_path / "photos.tar", info.tobuf()))


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_a_tar_that_is_cut_anywhere_is_refused(compressed: bool, tmp_path: Path) -> None:
    content = _tar(PHOTOS)
    ends = 512 * (2 + 1 + 14)
    for length in range(600, ends, 700):
        packed = gzip.compress(content, mtime=0) if compressed else content[:ends]
        message = _refusal(put(tmp_path / "photos.tar.gz", packed[: len(packed) * length // ends]))
        assert "cut short" in message or "compressed with gzip" in message


def test_a_damaged_header_in_the_middle_is_refused(tmp_path: Path) -> None:
    content = bytearray(_tar(PHOTOS))
    content[1024] ^= 1
    assert "damaged after 1,536 bytes" in _refusal(put(tmp_path / "photos.tar", bytes(content)))


def test_a_name_with_a_nul_byte_is_refused(tmp_path: Path) -> None:
    content = _tar({"cats/ä1.jpg": b"one"}).replace("ä1".encode(), b"\0x1")
    assert "has a NUL byte" in _refusal(put(tmp_path / "photos.tar", content))


def test_tars_that_were_joined_are_refused(tmp_path: Path) -> None:
    assert "goes on after its end" in _refusal(put(tmp_path / "photos.tar", _tar(PHOTOS) + _tar({"cats/2.jpg": b"x"})))


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    stream = _tar({"cats/1.jpg": b"one"})[:1024] + _tar({"cats/1.jpg": b"two"})
    assert "in the tar twice" in _refusal(put(tmp_path / "photos.tar", stream))
    for first, second in (("cats", "cats/1.jpg"), ("cats/1.jpg", "cats")):
        assert "both a file and a folder" in _refusal(put(tmp_path / "photos.tar", _tar({first: b"a", second: b"b"})))


def test_a_tar_without_files_is_refused(tmp_path: Path) -> None:
    assert "holds no files but 1 hidden" in _refusal(put(tmp_path / "photos.tar", _tar({".x": b"1"})))


@given(place=st.integers(0, 3000), value=st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_a_damaged_tar_is_read_or_refused_in_one_line(
    place: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(_tar({"cats/ä1.jpg": b"one cat", "dogs/1.jpg": b"one dog"}))
    content[place % len(content)] = value
    archive = put(tmp_path_factory.mktemp("tar") / "photos.tar", bytes(content))
    try:
        assert len(_unpacked(archive)) == 2
    except ArchiveError as error:
        assert str(error).startswith(f"{archive}: ")
        assert "\n" not in str(error)
