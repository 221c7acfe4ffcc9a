"""Names in zips: the text that their bytes are, the folders in them, and what is said where that is not certain."""

import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.photos.sources.archives.names import MemberNames, read_names
from zip_files import UNIX, UTF8_FLAG, WINDOWS, raw_zip, unicode_path

# What a file system takes as the name of a file.
NAMES = st.text(st.characters(exclude_characters="/\\\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


def _read(file: Path) -> MemberNames:
    with zipfile.ZipFile(file) as archive:
        return read_names(archive.infolist())


def _names_of(tmp_path: Path, *names: bytes, flags: int = 0, system: int = UNIX) -> MemberNames:
    return _read(raw_zip(tmp_path / "photos.zip", dict.fromkeys(names, b"x"), flags=flags, system=system))


def test_names_of_a_mac_that_does_not_say_that_they_are_utf8(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "pets/Löwe/0.jpg").encode()
    assert _names_of(tmp_path, decomposed, b"pets/dogs/0.jpg") == MemberNames(
        ("pets/Löwe/0.jpg", "pets/dogs/0.jpg"), ()
    )


@pytest.mark.parametrize("name", ["Löwe/0.jpg", "chat_brûlé/0.jpg", "Кошка/0.jpg", "猫/0.jpg", "Σκύλος/0.jpg"])
def test_unmarked_utf8_of_many_languages_is_certain(name: str, tmp_path: Path) -> None:
    assert _names_of(tmp_path, name.encode(), b"dogs/0.jpg") == MemberNames((name, "dogs/0.jpg"), ())


def test_other_encodings_are_read_as_cp437_with_a_note_that_shows_what_they_would_be(tmp_path: Path) -> None:
    found = _names_of(tmp_path, "猫/0.jpg".encode("cp932"), "犬/0.jpg".encode("cp932"))
    assert found.names == ("öL/0.jpg", "îó/0.jpg")
    (note,) = found.notes
    assert "'öL' is read as CP437, and would be '猫' in cp932, '擫' in gbk, " in note
    assert "unpack the zip yourself (unzip -O ENCODING FILE, or on the computer that it is from)" in note


def test_western_names_of_windows_are_cp437(tmp_path: Path) -> None:
    found = _names_of(tmp_path, "Löwe/0.jpg".encode("cp850"), b"dogs/0.jpg")
    assert found.names == ("Löwe/0.jpg", "dogs/0.jpg")
    assert "read as CP437" in found.notes[0]


def test_short_chinese_names_that_are_utf8_by_chance_are_told(tmp_path: Path) -> None:
    # In GBK, the cat is C3 A8 and the dog C8 AE: both are letters in UTF-8.
    found = _names_of(tmp_path, "猫/0.jpg".encode("gbk"), "犬/0.jpg".encode("gbk"))
    assert found.names == ("è/0.jpg", "Ȯ/0.jpg")
    assert "'è' is read as UTF-8, and would be '猫' in gbk" in found.notes[0]


def test_one_name_that_is_no_utf8_decides_for_all(tmp_path: Path) -> None:
    found = _names_of(tmp_path, "猫/0.jpg".encode("gbk"), "表/0.jpg".encode("gbk"))
    assert found.names[0] == "├¿/0.jpg"
    assert "'猫' in gbk" in found.notes[0]


def test_the_utf8_flag_is_believed(tmp_path: Path) -> None:
    assert _names_of(tmp_path, "猫/0.jpg".encode(), flags=UTF8_FLAG) == MemberNames(("猫/0.jpg",), ())


def test_the_unicode_path_field_tells_the_name(tmp_path: Path) -> None:
    name = "猫/0.jpg".encode("cp932")
    extras = {name: b"\x01\x00\x02\x00ab" + unicode_path(name, "猫/0.jpg")}
    assert _read(raw_zip(tmp_path / "photos.zip", {name: b"x"}, extras=extras)) == MemberNames(("猫/0.jpg",), ())


@pytest.mark.parametrize("field", [unicode_path(b"other", "猫/0.jpg"), unicode_path(b"cat/0.jpg", "")])
def test_a_unicode_path_field_of_another_name_is_not_used(field: bytes, tmp_path: Path) -> None:
    file = raw_zip(tmp_path / "photos.zip", {b"cat/0.jpg": b"x"}, extras={b"cat/0.jpg": field})
    assert _read(file).names == ("cat/0.jpg",)


def test_backslashes_are_folders_where_no_name_has_a_slash(tmp_path: Path) -> None:
    found = _names_of(tmp_path, b"photos\\cats\\", b"photos\\cats\\0.jpg", b"photos\\dogs\\0.jpg")
    assert found.names == ("photos/cats/", "photos/cats/0.jpg", "photos/dogs/0.jpg")
    assert "packed with backslashes" in found.notes[0]


@pytest.mark.parametrize(
    ("system", "name"), [(WINDOWS, "cats/a/1.jpg"), (UNIX, "cats/a\\1.jpg")], ids=["Windows", "Unix"]
)
def test_beside_slashes_a_backslash_separates_only_in_a_zip_of_windows(system: int, name: str, tmp_path: Path) -> None:
    assert _names_of(tmp_path, b"cats/a\\1.jpg", b"dogs/1.jpg", system=system).names == (name, "dogs/1.jpg")


def test_a_backslash_in_half_of_a_japanese_letter_is_no_folder(tmp_path: Path) -> None:
    name = "表/0.jpg".encode("cp932")
    assert b"\\" in name
    assert _names_of(tmp_path, name, system=WINDOWS).names[0].count("/") == 1


def test_nor_is_it_where_no_name_has_a_slash(tmp_path: Path) -> None:
    names = _names_of(tmp_path, "表1.jpg".encode("cp932"), "表\\1.jpg".encode("cp932"), system=WINDOWS).names
    assert [name.count("/") for name in names] == [0, 1]


@given(names=st.lists(NAMES, min_size=1, max_size=5, unique=True), flags=st.sampled_from([0, UTF8_FLAG]))
def test_any_names_in_utf8_are_read_in_nfc(
    names: list[str], flags: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = [f"a/{name}".encode() for name in names]
    found = _names_of(tmp_path_factory.getbasetemp(), *raw, flags=flags)
    assert found.names == tuple(unicodedata.normalize("NFC", f"a/{name}") for name in names)


@given(names=st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5, unique=True))
def test_any_bytes_give_names_without_surrogates(names: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    found = _names_of(tmp_path_factory.getbasetemp(), *names)
    assert len(found.names) == len(names)
    assert all(name.encode() is not None and "\0" not in name for name in found.names)
