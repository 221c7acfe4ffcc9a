"""Croissant metadata: what the specification requires, and every photo with its class, split, content and place."""

import datetime
import hashlib
import json
import shutil
import tarfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from arrow_files import images, write_table
from photoclass.checks.check import check
from photoclass.checks.croissant import TO_FILL_IN, describe_croissant, write_croissant
from photoclass.photos.data_paths import Data
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put
from running import run_command

PHOTOS = [encode(noise_picture(number), "JPEG" if number % 3 else "PNG") for number in range(12)]
# Table "Required" of the specification, and `distribution`.
REQUIRED = ("@context", "@type", "conformsTo", "description", "license", "name", "url", "creator", "datePublished")


def _folder(folder: Path) -> Path:
    for number, photo in enumerate(PHOTOS):
        split, label = ("train", "test")[number % 4 == 3], ("cats [1]", "dogs")[number % 2]
        put(folder / split / label / f"{number}.{'jpg' if number % 3 else 'png'}", photo)
    return folder


def _archive(form: str, folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), form, folder))


def _written(data: Data, file: Path) -> dict[str, Any]:
    findings = check(data, labels=False, workspace=Workspace(file.parent / "cache", 1))
    assert write_croissant(findings, file).startswith(f"{file}: Croissant metadata of 12 photos")
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def _rows(document: dict[str, Any], name: str) -> list[dict[str, str]]:
    records = next(records for records in document["recordSet"] if records["@id"] == name)
    rows: list[dict[str, str]] = records["data"]
    fields = {field["@id"] for field in records["field"]}
    assert all(set(row) == fields for row in rows)
    return rows


def _ids(value: Any, key: str) -> list[str]:
    """Return all values of `@id` that define a node, or refer to one."""
    if isinstance(value, list):
        return [found for item in value for found in _ids(item, key)]
    if not isinstance(value, dict):
        return []
    own = [value["@id"]] if "@id" in value and ("@type" in value) == (key == "defined") else []
    return own + [
        found for name, item in value.items() if name not in ("@context", "data") for found in _ids(item, key)
    ]


@pytest.mark.parametrize("form", ["folder", "zip", "tar", "gztar", "csv", "parquet"])
def test_every_form_of_data_is_described(form: str, tmp_path: Path) -> None:
    folder = _folder(tmp_path / "pets")
    data = folder if form == "folder" else tmp_path / "pets.parquet"
    if form == "csv":
        rows = [f"{p.relative_to(tmp_path)},{p.parts[-2]},{p.parts[-3]}" for p in sorted(folder.rglob("*.*"))]
        data = put(tmp_path / "labels.csv", "\n".join(["image,label,split", *rows]).encode())
    elif form == "parquet":
        write_table(data, {"image": images(PHOTOS), "label": ["a", "b"] * 6, "split": ["train"] * 9 + ["test"] * 3})
    elif form != "folder":
        data = _archive(form, folder)
    document = _written(data, tmp_path / "croissant.json")
    assert [key for key in REQUIRED if not document[key]] == []
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    photos = _rows(document, "photos")
    assert {row["photos/sha256"] for row in photos} == {hashlib.sha256(photo).hexdigest() for photo in PHOTOS}
    assert {row["photos/split"] for row in photos} == {row["splits/name"] for row in _rows(document, "splits")}
    assert {row["photos/label"] for row in photos} == {row["classes/name"] for row in _rows(document, "classes")}
    assert len({row["photos/file"] for row in photos}) == 12
    defined = _ids(document, "defined")
    assert len(set(defined)) == len(defined)
    assert set(_ids(document, "referred")) <= set(defined)
    _check_places(document, tmp_path, {row["photos/file"]: row["photos/sha256"] for row in photos})


def _check_places(document: dict[str, Any], folder: Path, digests: dict[str, str]) -> None:
    """Check that files and archives are where they are said to be, with the content that is said."""
    objects = [item for item in document["distribution"] if item["@type"] == "cr:FileObject"]
    for item in objects:
        content = (folder / item["contentUrl"]).read_bytes()
        assert item["sha256"] == hashlib.sha256(content).hexdigest()
        assert item["contentSize"] == f"{len(content)} B"
    sets = [item for item in document["distribution"] if item["@type"] == "cr:FileSet"]
    assert [records["@id"] for records in document["recordSet"] if records["@id"] == "images"] == ["images"] * len(sets)
    for item in sets:
        assert all(any(fnmatch(file, pattern) for pattern in item["includes"]) for file in digests)
        assert item["encodingFormat"] == ["image/jpeg", "image/png"]
        for file in digests:
            assert hashlib.sha256(_content(folder, item, objects, file)).hexdigest() == digests[file]


def _content(folder: Path, files: dict[str, Any], objects: list[dict[str, Any]], file: str) -> bytes:
    if "containedIn" not in files:
        return (folder / file).read_bytes()
    (archive,) = (folder / item["contentUrl"] for item in objects if {"@id": item["@id"]} in files["containedIn"])
    if archive.suffix == ".zip":
        return zipfile.ZipFile(archive).read(file)
    with tarfile.open(archive) as opened:
        stream = opened.extractfile(f"./{file}")
        assert stream
        return stream.read()


def test_photos_without_splits_and_what_is_unknown(tmp_path: Path) -> None:
    for number, photo in enumerate(PHOTOS):
        put(tmp_path / f"pets/{'ab'[number % 2]}/{number}.jpg", photo)
    put(tmp_path / "pets/a/empty.jpg", b"")
    findings = check(tmp_path / "pets", labels=False, workspace=Workspace(tmp_path / "cache", 1))
    document = describe_croissant(findings, tmp_path, datetime.date(2026, 1, 2))
    assert [records["@id"] for records in document["recordSet"]] == ["classes", "photos", "images"]
    assert {key: document[key] for key in TO_FILL_IN} == {
        "license": "NOASSERTION",
        "url": "unknown",
        "creator": {"@type": "sc:Person", "name": "unknown"},
        "datePublished": "2026-01-02",
    }
    assert len(_rows(document, "photos")) == 12


def test_paths_are_below_data_where_the_file_is_elsewhere(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "pets")
    (tmp_path / "other").mkdir()
    document = _written(folder, tmp_path / "other/croissant.json")
    assert all((folder / row["photos/file"]).is_file() for row in _rows(document, "photos"))
    document = _written(folder, folder / "croissant.json")
    assert all((folder / row["photos/file"]).is_file() for row in _rows(document, "photos"))


def test_the_command_writes_it_and_says_what_to_fill_in(tmp_path: Path) -> None:
    file = _folder(tmp_path / "pets") / "croissant.json"
    result = run_command("check", tmp_path / "pets", "--quick", "--croissant", file)
    assert result.returncode == 0, result.stderr
    assert f"{file}: Croissant metadata of 12 photos" in result.stdout
    assert "fill in license, url, creator, datePublished" in result.stdout
    assert len(_rows(json.loads(file.read_text()), "photos")) == 12
