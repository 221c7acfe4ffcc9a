"""Every file that was given is used, named as skipped with a reason, or passed over and counted by kind."""

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from photoclass.checks.check import check
from photoclass.errors import DataError
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.sources.read import read_data
from photoclass.photos.sources.read_photos import read_photos
from photoclass.photos.table import name_in_data
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put
from running import done

PHOTOS = [encode(noise_picture(seed, 24, 20), "PNG") for seed in range(3)]
LAYOUTS = {
    "class folders": ("cats/", "dogs/"),
    "splits": ("train/cats/", "train/dogs/", "valid/cats/", "valid/dogs/"),
    "other splits": ("training_set/training_set/cats/", "training_set/training_set/dogs/", "test_set/test_set/cats/"),
    "flat names": ("cat.", "dog."),
    "in a folder": ("photos/cats/", "photos/dogs/"),
}
# What people have beside their photos: names by content, where `*` stands for a place among the photos.
BESIDE = {
    PHOTOS[0]: ("*7", "*7.jpg_large", "*7.JPG~", "*7.jpg:large", "*7.jpeg?w=640", "*7.dat", "*7 (1).jpg", "*7.bak"),
    PHOTOS[1]: ("*7.txt", "*7.jpg.json", "7.jpg", "loose/7.jpg", "unknown/7.jpg", "my-model/curves.png"),
    PHOTOS[2]: ("#recycle/cats/1.jpg", "$RECYCLE.BIN/S-1-5/$R1.jpg", "*0.jpg:Zone.Identifier", "*._1.jpg", "*x.THM"),
    b"no photo": ("*8.jpg", "*8.png", "*8", "8.jpg", "unknown/8.jpg", "*labels.csv", "*1.jpg.json", "*1.xml", "a.zip"),
    b"1": ("*LICENSE", "annotations/1.xml", "docs/a.pdf", "*clip.mp4", "x.lnk", ".git/objects/1", "*.DS_Store"),
    b"{}": ("*Thumbs.db", "@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", "my-model/model.json", "my-model/model.onnx"),
    b"": ("*9.jpg", "*9", "*Icon\r", "*9.txt", "*9.unheard-of", "labels.txt~"),
}
CONTENTS = {name: content for content, names in BESIDE.items() for name in names}
LINKS = {
    "*gone.jpg": "nowhere.jpg",
    "*gone.json": "nowhere.json",
    "*up": ".",
    "*root": "/",
    "*self.jpg": "self.jpg",
    "*out.jpg": "{outside}/1.png",
    "*zeros.jpg": "/dev/zero",
}


def _make(folder: Path, layout: str, beside: Mapping[str, int], links: Mapping[str, int]) -> int:
    """Write photos, files beside them and links, each in the place of this number, and return how many there are."""
    places = LAYOUTS[layout]
    outside = folder.with_name("outside")
    put(outside / "1.png", PHOTOS[0])
    for place in places:
        for number, photo in enumerate(PHOTOS):
            put(folder / f"{place}{number}.png", photo)
    for name, place in beside.items():
        put(folder / name.replace("*", places[place % len(places)]), CONTENTS[name])
    for name, place in links.items():
        (folder / name.replace("*", places[place % len(places)])).symlink_to(LINKS[name].format(outside=outside))
    entries = [Path(path, name) for path, folders, files in os.walk(folder) for name in (*folders, *files)]
    return sum(entry.is_symlink() or not entry.is_dir() for entry in entries)


def _sum(values: Mapping[str, Any]) -> int:
    return int(values["photos"]) + len(values["unreadable"]) + sum(values["passed_over"].values())


@given(
    st.sampled_from(sorted(LAYOUTS)),
    st.dictionaries(st.sampled_from(sorted(CONTENTS)), st.integers(0, 3), max_size=8),
    st.dictionaries(st.sampled_from(sorted(LINKS)), st.integers(0, 3), max_size=3),
)
@settings(max_examples=60)
@example("class folders", dict.fromkeys(("*9.jpg", "*7.txt", "*LICENSE", "7.jpg"), 0), dict.fromkeys(LINKS, 1))
def test_fault_62_files_given_are_photos_and_skipped_and_passed_over(
    layout: str, beside: dict[str, int], links: dict[str, int]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, workspace = Path(name, "data"), Workspace(Path(name, "cache"), 1)
        files = _make(folder, layout, beside, links)
        table = read_photos([folder], workspace)
        assert len(table) + len(table.skipped) + sum(item.count for item in table.passed_over) == files
        assert len({*table.names, *(item.name for item in table.skipped)}) == len(table) + len(table.skipped)
        try:
            values = check(folder, labels=False, workspace=workspace).as_json()
        except DataError:
            # Two readings are possible, such as `loose/` beside flat names: refused, and nothing is lost either.
            event("refused")
            return
        event("read")
        assert _sum(values) == files
        assert all(item["reason"] for item in values["unreadable"])


# The files of a model folder are known by each other, so they are not divided.
_DIVISIBLE = sorted(name for name in CONTENTS if not name.startswith("my-model"))


@given(
    st.sampled_from(sorted(LAYOUTS)),
    st.dictionaries(st.sampled_from(_DIVISIBLE), st.integers(0, 3), max_size=8),
    st.lists(st.booleans(), min_size=40, max_size=40),
)
@settings(max_examples=40)
def test_a_zip_and_its_parts_are_read_as_the_folder(layout: str, beside: dict[str, int], second: list[bool]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, workspace = Path(name, "data"), Workspace(Path(name, "cache"), 1)
        _make(folder, layout, beside, {})
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        whole, parts = Path(name, "whole.zip"), [Path(name, "part1.zip"), Path(name, "part2.zip")]
        _zip(whole, folder, files)
        for part, chosen in zip(parts, (False, True), strict=True):
            _zip(part, folder, [file for file, other in zip(files, second, strict=False) if other == chosen])
        expected = _described(folder, workspace)
        assert _described(whole, workspace) == expected
        if {True, False} <= set(second[: len(files)]):
            event("in parts")
            assert _described(parts, workspace) == expected


def _zip(archive: Path, folder: Path, files: list[Path]) -> None:
    with zipfile.ZipFile(archive, "w") as opened:
        for file in files:
            opened.write(file, file.relative_to(folder))


def _described(data: Path | list[Path], workspace: Workspace) -> object:
    """Return what DATA was read as, by the names within it; None if it was refused."""
    paths = DataPaths.of(data)
    try:
        table = read_data(paths, workspace)
    except DataError:
        return None
    labels = [table.class_names[label] for label in table.labels]
    names = [name_in_data(name, paths) for name in table.names]
    skipped = [(name_in_data(item.name, paths), item.reason) for item in table.skipped]
    passed_over = {item.kind: item.count for item in table.passed_over}
    return dict(zip(names, zip(labels, table.splits.tolist(), strict=True), strict=True)), sorted(skipped), passed_over


def test_fault_62_check_and_predict_count_every_file(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    files = _make(folder, "class folders", dict.fromkeys(CONTENTS, 0), dict.fromkeys(LINKS, 1))
    done("check", folder, "--quick", "--json", tmp_path / "c.json", "--splits", "loose=ignore")
    values = json.loads((tmp_path / "c.json").read_text())
    assert _sum(values) == files
    result = done("predict", folder, "--out", tmp_path / "p.csv")
    rows = (tmp_path / "p.csv").read_bytes().count(b"\r\n") - 1
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("passed over: "))
    counts = [int(part.split()[0]) for part in line.removeprefix("passed over: ").partition(";")[0].split(", ")]
    assert rows + sum(counts) == files
