"""Zips: unpacked completely into the cache, found there again, and refused if anything in them is unsafe."""

import stat
import struct
import tracemalloc
import unicodedata
import zipfile
import zlib
from pathlib import Path
from random import Random
from threading import Barrier, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photoclass.errors import ArchiveError, OutputError
from photoclass.photos.sources.archives.unpack import unpack
from photoclass.workspace import Workspace
from picture_files import put
from zip_files import UTF8_FLAG, raw_zip

# What a file system takes as the name of a file.
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
PHOTOS = {"cats/1.jpg": b"one cat", "dogs/1.jpg": b"one dog" * 1000}


def _zip(path: Path, members: dict[str, bytes] | list[tuple[zipfile.ZipInfo, bytes]], method: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            info = zipfile.ZipInfo(name) if isinstance(name, str) else name
            archive.writestr(info, content, compress_type=method)
    return path


def _unpacked(archive: Path, cache: Path) -> Path:
    return unpack(archive, Workspace(cache)).folder


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _refusal(archive: Path, sandbox: Path) -> str:
    """Check that a zip is refused and leaves nothing behind, and return the message."""
    cache = sandbox / "deep" / "down" / "cache"
    before = _files(sandbox)
    with pytest.raises(ArchiveError) as refused:
        _unpacked(archive, cache)
    left = {name for name in _files(sandbox) if name not in before and not name.endswith(".lock")}
    assert left == set()
    assert not [path for path in cache.rglob("*") if path.is_dir() and path.parent.name == "unpacked"]
    assert str(refused.value).startswith(f"{archive}: ")
    return str(refused.value)


def test_a_zip_is_unpacked_completely(tmp_path: Path) -> None:
    folder = _unpacked(_zip(tmp_path / "photos.zip", PHOTOS), tmp_path / "cache")
    assert _files(folder) == PHOTOS
    assert folder.is_relative_to(tmp_path / "cache")


def test_the_entry_of_the_root_that_dropbox_writes_does_no_harm(tmp_path: Path) -> None:
    assert _files(_unpacked(_zip(tmp_path / "photos.zip", {"/": b"", **PHOTOS}), tmp_path / "cache")) == PHOTOS


def test_it_is_found_again_under_another_name_and_not_unpacked_twice(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "photos.zip", PHOTOS)
    folder = _unpacked(archive, tmp_path / "cache")
    before = (folder / "cats/1.jpg").stat()
    again = _unpacked(archive.rename(tmp_path / "renamed.zip"), tmp_path / "cache")
    after = (again / "cats/1.jpg").stat()
    assert (again, after.st_ino, after.st_mtime_ns) == (folder, before.st_ino, before.st_mtime_ns)


def test_a_changed_zip_is_unpacked_again(tmp_path: Path) -> None:
    first = _unpacked(_zip(tmp_path / "photos.zip", PHOTOS), tmp_path / "cache")
    second = _unpacked(_zip(tmp_path / "photos.zip", {**PHOTOS, "cats/1.jpg": b"two cat"}), tmp_path / "cache")
    assert (first / "cats/1.jpg").read_bytes() == b"one cat"
    assert (second / "cats/1.jpg").read_bytes() == b"two cat"


@pytest.mark.parametrize("lost", ["cats/1.jpg", "dogs/1.jpg"])
def test_deleted_files_are_unpacked_again(lost: str, tmp_path: Path) -> None:
    archive = _zip(tmp_path / "photos.zip", PHOTOS)
    folder = _unpacked(archive, tmp_path / "cache")
    (folder / lost).unlink()
    assert _files(_unpacked(archive, tmp_path / "cache")) == PHOTOS


def test_the_partly_unpacked_zip_of_a_killed_run_is_not_used(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "photos.zip", PHOTOS)
    folder = _unpacked(archive, tmp_path / "cache")
    growing = folder.parent.with_suffix(".part")
    folder.parent.rename(growing)
    (growing / "files/cats/1.jpg").write_bytes(b"half")
    assert _files(_unpacked(archive, tmp_path / "cache")) == PHOTOS


def test_several_runs_may_unpack_one_zip_at_once(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "photos.zip", {f"cats/{number}.jpg": bytes(1000) for number in range(200)})
    found: list[dict[str, bytes]] = []
    start = Barrier(4)

    def run() -> None:
        start.wait()
        found.append(_files(_unpacked(archive, tmp_path / "cache")))

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(len(files) == 200 for files in found)


def test_fault_20_hidden_and_system_files_stay_in_the_zip(tmp_path: Path) -> None:
    rest = {"__MACOSX/cats/._1.jpg": b"x", "cats/Thumbs.db": b"x", ".hidden/1.jpg": b"x"}
    assert _files(_unpacked(_zip(tmp_path / "photos.zip", {**rest, **PHOTOS}), tmp_path / "cache")) == PHOTOS


def test_fault_24_unusual_names_are_kept(tmp_path: Path) -> None:
    names = {"cats/new\nline.jpg": b"1", "cats/-rf.jpg": b"2", "cats/12:30.jpg": b"3", "cats/" + "n" * 255: b"4"}
    assert _files(_unpacked(_zip(tmp_path / "photos.zip", names), tmp_path / "cache")) == names


@pytest.mark.parametrize(
    "name",
    ["../evil.jpg", "cats/../../../evil.jpg", "/evil.jpg", "//evil.jpg", "..\\evil.jpg", "C:\\evil.jpg", "../evil/"],
)
def test_fault_32_a_zip_with_a_name_that_leads_outside_is_refused(name: str, tmp_path: Path) -> None:
    assert "leads outside" in _refusal(_zip(tmp_path / "photos.zip", {**PHOTOS, name: b""}), tmp_path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_fault_32_a_zip_with_a_link_or_special_file_is_refused(kind: int, tmp_path: Path) -> None:
    harmful = zipfile.ZipInfo("cats/link.jpg")
    harmful.external_attr = (kind | 0o777) << 16
    archive = _zip(tmp_path / "photos.zip", [(zipfile.ZipInfo("cats/1.jpg"), b"x"), (harmful, b"/etc/passwd")])
    assert "link or special file" in _refusal(archive, tmp_path)


def test_fault_32_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened, opened.open("cats/1.jpg", "w") as member:
        for _ in range(300):
            member.write(bytes(1 << 20))
    assert archive.stat().st_size < 1 << 20
    assert "would grow from" in _refusal(archive, tmp_path)


def test_fault_32_a_zip_bomb_of_overlapping_members_is_refused(tmp_path: Path) -> None:
    # Many names for one packed member: each alone grows little, together they are more than the file holds.
    archive = _zip(tmp_path / "photos.zip", {"cats/1.jpg": Random(0).randbytes(20_000)})
    data = archive.read_bytes()
    directory, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry = data[directory:end]
    entries = b"".join(entry.replace(b"cats/1.jpg", b"cats/%d.jpg" % digit) for digit in range(10))
    counts = struct.pack("<HHI", 10, 10, len(entries))
    archive.write_bytes(data[:directory] + entries + data[end : end + 8] + counts + data[end + 16 :])
    assert len(zipfile.ZipFile(archive).infolist()) == 10
    assert "would grow from" in _refusal(archive, tmp_path)


def _with_declared_size(archive: Path, size: int, content: bytes, checksum: int | None = None) -> Path:
    """Change the declared size, and perhaps the checksum, in both headers of the only member."""
    data = archive.read_bytes()
    old = struct.pack("<I", len(content))
    assert data.count(old) == 2
    data = data.replace(old, struct.pack("<I", size))
    if checksum is not None:
        data = data.replace(struct.pack("<I", zlib.crc32(content)), struct.pack("<I", checksum))
    archive.write_bytes(data)
    return archive


def test_fault_32_a_zip_bomb_with_a_false_size_is_refused(tmp_path: Path) -> None:
    content = bytes(64 << 20)
    archive = _with_declared_size(_zip(tmp_path / "photos.zip", {"cats/1.jpg": content}), 1000, content)
    assert "damaged at 'cats/1.jpg'" in _refusal(archive, tmp_path)


def test_fault_32_a_zip_bomb_with_a_false_checksum_too_gives_no_more_than_it_declares(tmp_path: Path) -> None:
    content = bytes(64 << 20)
    archive = _zip(tmp_path / "photos.zip", {"cats/1.jpg": content})
    _with_declared_size(archive, 1000, content, checksum=zlib.crc32(bytes(1000)))
    del content
    tracemalloc.start()
    try:
        assert _files(_unpacked(archive, tmp_path / "cache")) == {"cats/1.jpg": bytes(1000)}
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_fault_32_compression_with_unbounded_memory_is_refused(method: int, tmp_path: Path) -> None:
    assert "unsupported compression method" in _refusal(_zip(tmp_path / "photos.zip", PHOTOS, method), tmp_path)


def test_fault_32_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "photos.zip", {"cats/1.jpg": b"x"})
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    assert "encrypted with a password (for example 'cats/1.jpg'); unpack it yourself" in _refusal(archive, tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a.jpg", "a.jpg"), ("a.jpg", "./a.jpg"), ("a//b.jpg", "a/b.jpg"), ("a", "a/b.jpg")])
def test_two_members_of_one_path_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    archive = _zip(tmp_path / "photos.zip", [(zipfile.ZipInfo(name), b"x") for name in names])
    assert "create it again" in _refusal(archive, tmp_path)


@pytest.mark.parametrize("members", [{}, {"cats/": b""}, {".hidden": b"x"}])
def test_a_zip_without_files_is_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    assert "holds no files" in _refusal(_zip(tmp_path / "photos.zip", members), tmp_path)


@pytest.mark.parametrize("name", ["", "."])
def test_a_member_without_a_name_is_refused(name: str, tmp_path: Path) -> None:
    assert "is empty" in _refusal(_zip(tmp_path / "photos.zip", {name: b"x"}), tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all", bytes(1000)])
def test_a_file_that_is_not_a_zip_is_refused(content: bytes, tmp_path: Path) -> None:
    assert "not a zip" in _refusal(put(tmp_path / "photos.zip", content), tmp_path)


@settings(max_examples=60)
@given(names=st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), min_size=1, max_size=5))
def test_any_names_are_unpacked_left_out_or_refused(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("names")
    archive = raw_zip(folder / "photos.zip", {name.encode(): name.encode() for name in names}, flags=UTF8_FLAG)
    try:
        unpacked = unpack(archive, Workspace(folder / "cache"))
    except ArchiveError:
        assert not [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".zip", ".lock")]
        return
    files = {unicodedata.normalize("NFC", name): name.encode() for name in names}
    assert _files(unpacked.folder) == {name: files[name] for name in files.keys() - unpacked.litter.keys()}
    assert unpacked.litter.keys() <= files.keys()


@settings(max_examples=150)
@given(data=st.data())
def test_a_damaged_zip_is_refused_or_gives_the_files_that_it_lists(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    archive = _zip(folder / "photos.zip", {"a.jpg": Random(0).randbytes(300) + bytes(500), "b.jpg": bytes(2000)})
    content = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    archive.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))])
    try:
        unpacked = _unpacked(archive, folder / "cache")
    except ArchiveError:
        return
    assert sorted(map(len, _files(unpacked).values())) == [800, 2000]


def test_a_cache_that_cannot_be_written_is_not_blamed_on_the_zip(tmp_path: Path) -> None:
    put(tmp_path / "cache", b"a file where the folder should be")
    with pytest.raises(OutputError, match="set PHOTOCLASS_CACHE to a folder"):
        _unpacked(_zip(tmp_path / "photos.zip", PHOTOS), tmp_path / "cache")
