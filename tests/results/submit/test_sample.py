"""Samples as competitions and spreadsheets give them: whose column is whose, which id means which photo."""

import csv
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handmade import SIDE, make_model
from photoclass.errors import DataError, OutputError, SettingsError
from photoclass.results.predict import predict
from photoclass.results.submit.sample import SampleOptions
from photoclass.results.submit.submission import Submission
from photoclass.results.submit.submit import submit

Submit = Callable[..., tuple[Submission, list[list[str]]]]


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    def make(*names: str) -> Path:
        for number, name in enumerate(names, start=1):
            path = tmp_path / "test" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (SIDE, SIDE), (20 * number,) * 3).save(path)
        return tmp_path / "test"

    return make


@pytest.fixture
def submitted(tmp_path: Path) -> Submit:
    """Submit with a sample of this text; returns the result and the rows of the file."""

    def run(
        test: Path, text: str | None, class_names: Sequence[str] = ("cat", "dog"), **options: str
    ) -> tuple[Submission, list[list[str]]]:
        model = tmp_path / "model"
        if not model.exists():
            make_model(model, class_names)
        sample = tmp_path / "sample.csv"
        if text is not None:
            sample.write_text(text, encoding="utf-8")
        out = tmp_path / "out.csv"
        made = submit(test, model, out, sample=None if text is None else sample, options=SampleOptions(**options))
        with open(out, encoding="utf-8", newline="") as stream:
            return made, list(csv.reader(stream))

    return run


def _probabilities(test: Path, model: Path) -> dict[str, list[float]]:
    found = predict([test], model)
    return {Path(name).stem: row.tolist() for name, row in zip(found.files, found.probabilities, strict=True)}


@pytest.mark.parametrize(
    ("header", "ids", "label"),
    [
        ("id,has_cactus", ["002.jpg", "001.jpg"], 1),
        ("image_id,label", ["001", "002"], 1),
        ("Id,Expected", ["001", "002"], 1),
        ("image,is_cat", ["002", "001"], 0),
        ("id_code,Cats", ["001", "002"], 0),
        ("id,P(dog)", ["001", "002"], 1),
        ("filename,catProbability", ["test/001.jpg", "./002.jpg"], 0),
        ("id,label", ["/kaggle/input/pets/test/001.jpg", "C:\\pets\\test\\002.JPG"], 1),
    ],
)
def test_two_columns_of_any_name_keep_their_names_and_ids(
    header: str, ids: list[str], label: int, photos: Callable[..., Path], submitted: Submit, tmp_path: Path
) -> None:
    test = photos("001.jpg", "002.jpg")
    made, rows = submitted(test, header + "\n" + "".join(f"{i},0.5\n" for i in ids))
    assert ",".join(rows[0]) == header and [row[0] for row in rows[1:]] == ids
    known = _probabilities(test, tmp_path / "model")
    wanted = [known["001" if "001" in i else "002"][label] for i in ids]
    np.testing.assert_allclose([float(row[1]) for row in rows[1:]], wanted, atol=1e-6)
    assert f"{header.split(',')[1]} = probability of {('cat', 'dog')[label]}" in made.as_text()


def test_two_classes_with_a_column_each_sum_to_1(photos: Callable[..., Path], submitted: Submit) -> None:
    made, rows = submitted(photos("1.jpg", "2.jpg"), "dog,img,cat\n0,1.jpg,0\n0,2.jpg,0\n")
    assert rows[0] == ["dog", "img", "cat"]
    for dog, _, cat in rows[1:]:
        assert int(dog.replace(".", "")) + int(cat.replace(".", "")) == 1_000_000
        assert float(dog) > float(cat)
    assert "each column = probability of the class of its name" in made.as_text()


def test_columns_in_any_order_have_the_class_of_their_name(
    photos: Callable[..., Path], submitted: Submit, tmp_path: Path
) -> None:
    names = sorted(f"breed_{i}" for i in range(12))
    test = photos("1.jpg", "2.jpg", "10.jpg")
    order = ["Breed 3", "breed_11", *(n for n in names if n not in ("breed_3", "breed_11"))]
    sample = f"{','.join(order)},id\n" + "".join("0.1," * 12 + f"{i}\n" for i in (10, 2, 1))
    made, rows = submitted(test, sample, names)
    assert rows[0] == [*order, "id"] and [row[-1] for row in rows[1:]] == ["10", "2", "1"]
    known = _probabilities(test, tmp_path / "model")
    for row in rows[1:]:
        assert sum(int(cell.replace(".", "")) for cell in row[:12]) == 1_000_000
        wanted = [known[row[12]][names.index(name.casefold().replace(" ", "_"))] for name in order]
        np.testing.assert_allclose([float(cell) for cell in row[:12]], wanted, atol=2e-6)
    assert "Breed 3 = probability of breed_3" in made.as_text()
    assert made.clipping is not None and made.clipping.log_loss_clipped == pytest.approx(-np.log(0.995), abs=1e-5)


def test_spare_columns_and_blank_rows(photos: Callable[..., Path], submitted: Submit) -> None:
    made, rows = submitted(photos("7.jpg", "9.jpg"), ",Usage,id,label\n0,Public,9,\n\n1,Private,7,\n,,,\n")
    assert [row[:3] for row in rows] == [["", "Usage", "id"], ["0", "Public", "9"], ["1", "Private", "7"]]
    assert all(0 < float(row[3]) < 1 for row in rows[1:])
    assert "label = probability of dog; the unnamed column, Usage as in the sample" in made.as_text()


def test_the_header_is_written_as_it_is(photos: Callable[..., Path], submitted: Submit, tmp_path: Path) -> None:
    submitted(photos("1.jpg"), "Id, cat ,dog \n 1 ,0,0\n")
    assert (tmp_path / "out.csv").read_text().startswith("Id, cat ,dog \n1,0.")


def test_a_sample_from_a_spreadsheet(photos: Callable[..., Path], submitted: Submit) -> None:
    made, rows = submitted(photos("1.jpg", "Kätzchen.jpg"), "\ufeffid;label\n1;0,5\nKa\u0308tzchen;0,5\n")
    assert rows[0] == ["id", "label"] and [row[0] for row in rows[1:]] == ["1", "Ka\u0308tzchen"]
    assert "not separated by commas; the submission is" in made.as_text()


@pytest.mark.parametrize("names", [("cat", "dog"), ("ant", "bee", "cat", "dog")])
def test_a_sample_of_class_names_gets_class_names(
    names: tuple[str, ...], photos: Callable[..., Path], submitted: Submit
) -> None:
    made, rows = submitted(photos("1.jpg", "2.jpg"), "id,breed\n2,cat\n1,dog\n", names)
    assert rows == [["id", "breed"], ["2", "dog"], ["1", "dog"]]
    assert "breed = predicted class, one a row" in made.as_text() and "clipped" not in made.as_text()
    assert made.clipping is None


def test_a_sample_that_spells_all_classes_its_own_way(photos: Callable[..., Path], submitted: Submit) -> None:
    test = photos("1.jpg", "2.jpg", "3.jpg")
    assert submitted(test, "id,breed\n2,Cats\n1,DOG\n3,DOG\n")[1][1:] == [["2", "DOG"], ["1", "DOG"], ["3", "DOG"]]
    for cells in (("DOG", "DOG", "DOG"), ("DOG", "Dog", "cat")):
        with pytest.raises(DataError, match="breed has 'DOG' where this model has 'dog'"):
            submitted(test, "id,breed\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells, start=1)))


def test_classes_that_are_numbers(photos: Callable[..., Path], submitted: Submit) -> None:
    """One column cannot hold the probabilities of three classes; of two it could, so that is asked."""
    _, rows = submitted(photos("1.jpg"), "ImageId,Label\n1,0\n", ("0", "1", "2"))
    assert rows[1] == ["1", "2"]
    with pytest.raises(SettingsError, match=r"--values probability: a single column .* this model has 3"):
        submitted(photos("1.jpg"), "ImageId,Label\n1,0\n", ("0", "1", "2"), values="probability")


def test_an_id_with_a_line_break_is_refused_in_one_line(photos: Callable[..., Path], submitted: Submit) -> None:
    with pytest.raises(DataError, match=r"1 id of .* without a photo in .*: 'a\\nb'; 1 photo of .*without an id"):
        submitted(photos("1.jpg"), 'id,label\n"a\nb",0\n')


def test_class_names_beside_numbers_are_refused(photos: Callable[..., Path], submitted: Submit) -> None:
    with pytest.raises(DataError, match="its column label has '1', not a class of this model"):
        submitted(photos("1.jpg", "2.jpg"), "id,label\n1,cat\n2,1\n")


def test_two_classes_that_are_numbers_are_asked_for(photos: Callable[..., Path], submitted: Submit) -> None:
    test = photos("8.jpg")
    with pytest.raises(DataError, match="may be a class or a probability; choose with --values"):
        submitted(test, "id,label\n8,0\n", ("0", "1"))
    assert submitted(test, "id,label\n8,0\n", values="class")[1][1] == ["8", "1"]
    assert submitted(test, "id,label\n8,0\n", values="probability")[1][1][1].startswith("0.")


def test_positive_and_values_decide(photos: Callable[..., Path], submitted: Submit) -> None:
    test = photos("1.jpg")
    _, [_, [_, dog]] = submitted(test, "id,label\n1,0\n")
    made, [_, [_, cat]] = submitted(test, "id,label\n1,0\n", positive="cat")
    assert float(dog) + float(cat) == pytest.approx(1) and "label = probability of cat" in made.as_text()
    assert submitted(test, None, positive="cat")[1][1][1] == cat
    assert submitted(test, "id,label\n1,0\n", values="class")[1][1] == ["1", "dog"]
    for options in ({"positive": "cow"}, {"values": "words"}):
        with pytest.raises(SettingsError, match="choose from"):
            submitted(test, "id,label\n1,0\n", **options)
    with pytest.raises(SettingsError, match="is named after class dog"):
        submitted(test, "id,dog\n1,0\n", positive="cat")
    for text, options in (("id,cat,dog\n1,0,0\n", {}), ("id,label\n1,cat\n", {}), (None, {"values": "class"})):
        with pytest.raises(SettingsError, match="is for a single column of probabilities"):
            submitted(test, text, positive="cat", **options)
    with pytest.raises(SettingsError, match="give --sample, too"):
        submitted(test, None, id_column="id")
    with pytest.raises(DataError, match="has no column 'key'; its columns are id, dog"):
        submitted(test, "id,dog\n1,0\n", id_column="key")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,not_dog\n1,0\n", "not_dog may be the probability of cat or of dog; choose with --positive"),
        ("id,noDogs\n1,0\n", "noDogs may be the probability of cat or of dog; choose with --positive"),
        ("id,cat,dog,bird\n1,0,0,0\n", "no class is named bird"),
        ("id,horse,cow\n1,0,0\n", "its header is id,horse,cow; this model writes .* cat, dog"),
        ("id,cat,horse\n1,0,0\n", "no class is named horse; no column is named dog"),
        ("id,dog,dogs\n1,0,0\n", "dog and dogs are both named after class dog"),
        ("id,label\n1,tiger\n", "has 'tiger', not a class of this model \\(cat, dog\\)"),
        ("id,label\n1,17\n", "neither a probability nor a class"),
        ("id\n1\n", "its header is id; a sample has a column of ids"),
        ("id,label\n", "has a header and no rows"),
        ("id,label\n1,0\n,0\n", "line 3: the id is empty"),
        ("1,0.5\n2,0.5\n", "its first line is 1,0.5, and must name the columns"),
    ],
)
def test_samples_for_others_are_refused(
    text: str, message: str, photos: Callable[..., Path], submitted: Submit
) -> None:
    with pytest.raises(DataError, match=message):
        submitted(photos("1.jpg"), text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\n1,0.5\n", "this model writes a column for each of its classes ant, bee, cat. For one column"),
        ("id,ant,bee\n1,0.5,0.5\n", "no column is named cat"),
        ("id,ant\n1,0.5\n", "no column is named bee, cat"),
    ],
)
def test_samples_for_fewer_classes_are_refused(
    text: str, message: str, photos: Callable[..., Path], submitted: Submit
) -> None:
    with pytest.raises(DataError, match=message):
        submitted(photos("1.jpg"), text, ("ant", "bee", "cat"))


@pytest.mark.parametrize("ids", [["1", "2"], ["1.0", "2.0"], ["0001.jpg", "0002.jpg"], ["1.jpg", "2.jpg"]])
def test_ids_that_match_as_numbers_alone_are_refused_as_that(
    ids: list[str], photos: Callable[..., Path], submitted: Submit
) -> None:
    with pytest.raises(DataError, match=f"2 ids would match .* as numbers alone, as '{ids[0]}' and 001.jpg") as raised:
        submitted(photos("001.jpg", "002.jpg"), "id,label\n" + "".join(f"{i},0\n" for i in ids))
    assert "without a photo" not in str(raised.value)


def test_ids_with_another_extension_are_refused_as_that(photos: Callable[..., Path], submitted: Submit) -> None:
    with pytest.raises(DataError, match=r"1 id would match .* but for the file extension, as 'a\.jpg' and a\.png"):
        submitted(photos("a.png"), "id,label\na.jpg,0\n")


def test_one_name_with_two_extensions(photos: Callable[..., Path], submitted: Submit) -> None:
    test = photos("1.jpg", "1.png")
    assert submitted(test, "id,label\n1.png,0\n1.jpg,0\n")[1][1][0] == "1.png"
    for text in ("id,label\n1,0\n", None):
        with pytest.raises(DataError, match=r"the id '1' belongs to 2 photos.*1\.jpg.*1\.png"):
            submitted(test, text)


def test_one_name_in_two_folders(photos: Callable[..., Path], submitted: Submit) -> None:
    test = photos("a/1.jpg", "b/1.jpg")
    _, rows = submitted(test, "id,label\nb/1,0\nimages/a/1.jpg,0\n")
    assert float(rows[1][1]) > float(rows[2][1])
    with pytest.raises(DataError, match="belongs to 2 photos"):
        submitted(test, "id,label\n1,0\n")


def test_one_photo_under_two_ids_is_refused(photos: Callable[..., Path], submitted: Submit) -> None:
    with pytest.raises(DataError, match="occurring more than once"):
        submitted(photos("1.jpg"), "id,label\n1,0\n1.jpg,0\n")


def test_ids_in_two_columns(photos: Callable[..., Path], submitted: Submit) -> None:
    test = photos("0.jpg", "1.jpg")
    _, rows = submitted(test, ",id,label\n0,1,0.5\n1,0,0.5\n")
    assert float(rows[1][2]) > float(rows[2][2])
    text = "image,file,label\n0,1,0.5\n1,0,0.5\n"
    with pytest.raises(DataError, match="in any of the columns image, file; choose with --id-column"):
        submitted(test, text)
    assert submitted(test, text, id_column="file")[1][1][0] == "0"


def test_the_submission_is_never_written_over_the_sample_or_into_the_test_set(
    photos: Callable[..., Path], tmp_path: Path
) -> None:
    test, model = photos("1.jpg"), make_model(tmp_path / "model", ("cat", "dog"))
    sample = tmp_path / "sample.csv"
    sample.write_text("id,label\n1,0\n")
    (tmp_path / "link").symlink_to(test)
    with pytest.raises(OutputError, match="is the sample itself"):
        submit(test, model, tmp_path / "test" / ".." / "sample.csv", sample=sample)
    for out in (test / "s.csv", test / "a" / "s.csv", tmp_path / "link" / "s.csv"):
        with pytest.raises(OutputError, match="is inside the test set"):
            submit(test, model, out, sample=sample)
    assert sample.read_text() == "id,label\n1,0\n" and [p.name for p in test.iterdir()] == ["1.jpg"]


def test_files_that_are_no_photos_have_no_row_and_a_broken_photo_has_its_own(
    photos: Callable[..., Path], submitted: Submit
) -> None:
    test = photos("1.jpg", "photo without an ending.png")
    (test / "photo without an ending.png").rename(test / "2")
    for name, content in (("3.jpg", b""), ("README.txt", b"text"), ("notes", b"text"), ("4.bin", b"\0" * 99)):
        (test / name).write_bytes(content)
    (test / "sample.csv").write_text("id,label\n1,0\n2,0\n3,0\n")
    (test / "5.jpg").symlink_to("nowhere")
    made, rows = submitted(test, None)
    assert [row[0] for row in rows[1:]] == ["1", "2", "3", "5"]
    assert [item.name.rpartition("/")[2] for item in made.base_rate_rows] == ["3.jpg", "5.jpg"]
    assert [item.name.rpartition("/")[2] for item in made.skipped] == ["4.bin", "notes"]
    assert sum(item.count for item in made.passed_over) == 2
    assert [float(row[1]) for row in rows[3:]] == [0.5, 0.5]
    assert [row[0] for row in submitted(test, "id,label\n5,0\n3,0\n2,0\n1,0\n")[1][1:]] == ["5", "3", "2", "1"]
    with pytest.raises(DataError, match=r"1 photo of .* without an id in .*: 3\.jpg"):
        submitted(test, "id,label\n5,0\n2,0\n1,0\n")
    with pytest.raises(DataError, match=r"1 id of .* without a photo in .*: README"):
        submitted(test, "id,label\n5,0\n3,0\n2,0\n1,0\nREADME,0\n")


def test_a_zip_with_folders_inside(photos: Callable[..., Path], submitted: Submit, tmp_path: Path) -> None:
    test = photos("test1/1.jpg", "test1/2.jpg", "test1/10.jpg")
    with zipfile.ZipFile(tmp_path / "test.zip", "w") as archive:
        for path in test.rglob("*.jpg"):
            archive.write(path, path.relative_to(test))
    assert [row[0] for row in submitted(tmp_path / "test.zip", None)[1][1:]] == ["1", "2", "10"]
    ids = ["test1/10.jpg", "2", "test.zip/test1/1.jpg"]
    _, rows = submitted(tmp_path / "test.zip", "id,label\n" + "".join(f"{i},0\n" for i in ids))
    assert [row[0] for row in rows[1:]] == ids
