"""Croissant 1.0 metadata of DATA: what it holds, so that other tools can find and load it.

Source: Croissant Format Specification 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html). What the
specification asks for and photos cannot say (licence, address, creator) is marked as unknown.
"""

import datetime
import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from photoclass.checks.findings import Findings
from photoclass.checks.photo_places import common_folder, container_files, find_places, image_type
from photoclass.photos.sources.archives.kinds import is_tar, is_zip
from photoclass.photos.table import NO_SPLIT, SPLITS, TRAIN, PhotoTable
from photoclass.schemas.documents import write_document
from photoclass.text import plural

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
# SPDX's value for a licence of which nothing is said.
UNKNOWN_LICENCE = "NOASSERTION"
UNKNOWN = "unknown"
# What the file cannot know, and its user should fill in.
TO_FILL_IN = ("license", "url", "creator", "datePublished")
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_SPLIT_URLS = {"train": "cr:TrainingSplit", "valid": "cr:ValidationSplit", "held_out": "cr:TestSplit"}


def write_croissant(findings: Findings, file: Path) -> str:
    """Write a Croissant file that describes the photos that were checked.

    Returns:
        What was written and what is left to fill in, as one line.

    Raises:
        OutputError: The file cannot be written.
        DataError: A part of DATA cannot be read any more.
    """
    folder = common_folder(findings.data, file)
    write_document(describe_croissant(findings, folder, datetime.date.today()), file)
    return (
        f"{file}: Croissant metadata of {plural(len(findings.photos), 'photo')}, with paths below {folder}; before you "
        f"publish it, fill in {', '.join(TO_FILL_IN)}"
    )


def describe_croissant(findings: Findings, folder: Path, published: datetime.date) -> dict[str, Any]:
    """Return the metadata.

    Args:
        findings: The photos that were checked, without those that cannot be read.
        folder: What paths are relative to.
        published: The date to say.

    Raises:
        DataError: A part of DATA cannot be read any more.
    """
    table = findings.photos.table
    places = find_places(table, folder)
    containers = container_files(findings.data, places)
    splits = _split_names(table)
    rows = [
        {
            "photos/file": place.file,
            "photos/label": table.class_names[label],
            **({"photos/split": splits[row]} if splits else {}),
            "photos/sha256": findings.photos.contents[row].hex(),
        }
        for row, (place, label) in enumerate(zip(places, table.labels.tolist(), strict=True))
    ]
    # Readers can take a picture from a file or an archive, not from the tables that hold some.
    has_files = all(place.container is None or is_zip(place.container) or is_tar(place.container) for place in places)
    files = _files([place.file for place in places], [file.id for file in containers if file.holds_files])
    classes = ", ".join(table.class_names)
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": "-".join(part.stem for part in findings.data.absolute().parts),
        "description": f"{plural(len(table), 'labelled photo')}, {len(table.class_names)} classes: {classes}.",
        "license": UNKNOWN_LICENCE,
        "url": UNKNOWN,
        "creator": {"@type": "sc:Person", "name": UNKNOWN},
        "datePublished": published.isoformat(),
        "version": "1.0.0",
        "distribution": [*(file.as_json(folder) for file in containers), *([files] if has_files else [])],
        "recordSet": [
            _enumeration("classes", "sc:Enumeration", [{"classes/name": name} for name in table.class_names]),
            *([_splits(splits)] if splits else []),
            _photos(rows, bool(splits)),
            *([_images()] if has_files else []),
        ],
    }


def _split_names(table: PhotoTable) -> list[str]:
    """Return the split of each photo; empty if there are no splits. Photos that are yet to be divided are in train."""
    given = table.splits.tolist()
    if set(given) <= {NO_SPLIT}:
        return []
    return [SPLITS[TRAIN if split == NO_SPLIT else split] for split in given]


def _files(files: Sequence[str], archives: Sequence[str]) -> dict[str, Any]:
    """Return the photos as a set of files, by patterns: one for each folder and ending."""
    patterns = {str(Path(glob.escape(str(Path(file).parent))) / f"*{Path(file).suffix}") for file in files}
    return {
        "@type": "cr:FileSet",
        "@id": "files",
        "name": "files",
        "description": "The photos.",
        **({"containedIn": [{"@id": archive} for archive in archives]} if archives else {}),
        "encodingFormat": sorted({image_type(file) for file in files}),
        "includes": sorted(patterns),
    }


def _enumeration(name: str, kind: str, data: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "dataType": kind,
        "key": {"@id": f"{name}/name"},
        "field": [_field(name, "name", "sc:Text")],
        "data": data,
    }


def _splits(splits: Sequence[str]) -> dict[str, Any]:
    data = [{"splits/name": name, "splits/url": _SPLIT_URLS[name]} for name in SPLITS if name in splits]
    found = _enumeration("splits", "cr:Split", data)
    found["field"].append(_field("splits", "url", "sc:URL"))
    return found


def _photos(rows: list[dict[str, str]], has_splits: bool) -> dict[str, Any]:
    split = [_field("photos", "split", "sc:Text", references={"field": {"@id": "splits/name"}})] if has_splits else []
    return {
        "@type": "cr:RecordSet",
        "@id": "photos",
        "name": "photos",
        "description": "Each photo: its file, its class, its split, and the SHA-256 of the file.",
        "key": {"@id": "photos/file"},
        "field": [
            _field("photos", "file", "sc:Text"),
            _field("photos", "label", ["sc:Text", "cr:Label"], references={"field": {"@id": "classes/name"}}),
            *split,
            _field("photos", "sha256", "sc:Text"),
        ],
        "data": rows,
    }


def _images() -> dict[str, Any]:
    def of_file(name: str) -> dict[str, Any]:
        return {"fileSet": {"@id": "files"}, "extract": {"fileProperty": name}}

    return {
        "@type": "cr:RecordSet",
        "@id": "images",
        "name": "images",
        "description": "The pictures themselves, by `file`, as in `photos`.",
        "key": {"@id": "images/file"},
        "field": [
            _field("images", "file", "sc:Text", source=of_file("fullpath")),
            _field("images", "image", "sc:ImageObject", source=of_file("content")),
        ],
    }


def _field(records: str, name: str, kind: str | list[str], **more: Any) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": f"{records}/{name}", "name": name, "dataType": kind, **more}
