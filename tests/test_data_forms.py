"""One set of photos in every form that is read: the same photos, classes, splits and predictions."""

import io
import shutil
import tarfile
from pathlib import Path

import pytest

import photoclass
from arrow_files import images, write_table
from photoclass.photos.sources.read import read_data
from photoclass.photos.split import assign_splits
from photoclass.photos.table import PhotoTable
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put

PHOTOS = {f"{('cat', 'dog')[n % 2]}/{n}.jpg": encode(noise_picture(n), "JPEG") for n in range(20)}


def _folder(folder: Path) -> Path:
    for name, content in PHOTOS.items():
        put(folder / name, content)
    return folder


def _csv(folder: Path) -> Path:
    rows = [f"pets/{name},{name.partition('/')[0]}" for name in PHOTOS]
    _folder(folder / "pets")
    return put(folder / "labels.csv", "\n".join(["image,label", *rows]).encode())


def _samples(file: Path) -> Path:
    file.parent.mkdir(exist_ok=True)
    with tarfile.open(file, "w") as archive:
        for name, content in PHOTOS.items():
            label, _, number = name.removesuffix(".jpg").partition("/")
            for member, text in ((f"{number}.jpg", content), (f"{number}.cls", label.encode())):
                info = tarfile.TarInfo(member)
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text))
    return file


def _table(file: Path) -> Path:
    labels = [name.partition("/")[0] for name in PHOTOS]
    return write_table(file, {"image": images(list(PHOTOS.values())), "label": labels})


FORMS = {
    "folder": lambda out: _folder(out / "pets"),
    "zip": lambda out: Path(shutil.make_archive(str(out / "zipped"), "zip", _folder(out / "pets"))),
    "tar": lambda out: Path(shutil.make_archive(str(out / "tarred"), "tar", _folder(out / "pets"))),
    "tar.gz": lambda out: Path(shutil.make_archive(str(out / "tarred"), "gztar", _folder(out / "pets"))),
    "samples": lambda out: _samples(out / "samples.tar"),
    "csv": _csv,
    "parquet": lambda out: _table(out / "pets.parquet"),
    "arrow": lambda out: _table(out / "pets.arrow"),
    "feather": lambda out: _table(out / "pets.feather"),
    "converted": lambda out: (
        photoclass.convert(_folder(out / "pets"), "parquet", out / "new", workspace=Workspace(out / "cache")).data
    ),
}


def _splits(table: PhotoTable) -> dict[bytes, tuple[str, int]]:
    """Return the class of each photo, and the split that it gets, by its content."""
    contents = [Path(path).read_bytes() for path in table.paths]
    groups = table.labels.cumsum() * 0 + range(len(table))
    splits = assign_splits(contents, groups, table.labels, table.splits, seed=0)
    names = [table.class_names[label] for label in table.labels]
    return dict(zip(contents, zip(names, splits.tolist(), strict=True), strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_photos_classes_and_splits(form: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "cache")
    expected = _splits(read_data(_folder(tmp_path / "plain"), workspace))
    assert {content: label for content, (label, _) in expected.items()} == {
        content: name.partition("/")[0] for name, content in PHOTOS.items()
    }
    data = FORMS[form](tmp_path)
    assert _splits(read_data(data, workspace)) == expected


def test_predictions_are_those_of_the_folder(tmp_path: Path) -> None:
    workspace, model = Workspace(tmp_path / "cache", 1), photoclass.builtin_model()
    found = {}
    for form in ("folder", "tar", "samples", "parquet"):
        photos = FORMS[form](tmp_path / form)
        predictions = photoclass.predict([photos], model, workspace=workspace)
        assert all(file.startswith(f"{photos}/") for file in predictions.files)
        found[form] = dict(zip((Path(file).stem for file in predictions.files), predictions.probabilities, strict=True))
    for form, rows in found.items():
        assert len(rows) == len(PHOTOS), form
    by_row = {str(row): found["parquet"][str(row)] for row in range(len(PHOTOS))}
    for form in ("tar", "samples"):
        for number in map(str, range(len(PHOTOS))):
            assert (found[form][number] == found["folder"][number]).all()
            assert (by_row[number] == found["folder"][number]).all()
