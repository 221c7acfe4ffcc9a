"""The commands, run as a user runs them: their output, files and exit codes."""

import csv
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoclass.training.recipes.registry import RECIPES
from running import QUICK, SHARED_PHOTOS, done, real_photos, run_command, run_in_new_interpreter, start_command


def _refused(*words: object, code: int = 1) -> str:
    """Run a command that must be refused, and return its one line of error."""
    result = run_command(*words)
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("photoclass: ")]
    assert len(lines) == 1, result.stderr
    return lines[0]


def _width(picture: Path) -> int:
    with Image.open(picture) as opened:
        return opened.size[0]


# Every step


def test_every_step_on_real_photos(tmp_path: Path) -> None:
    photos = real_photos(tmp_path, 150)
    run = tmp_path / "run"
    trained = done("train", photos, "--recipe", "small-cnn", "--out", run, "--epochs", 2, "--set", "image_size=64")
    assert "300 photos (150 cat, 150 dog)" in trained.stderr
    assert "held-out photos" in trained.stdout

    done("evaluate", photos, "--model", run, "--json", tmp_path / "score.json")
    score = json.loads((tmp_path / "score.json").read_text())
    in_model = json.loads((run / "model.json").read_text())["metrics"]["held_out"]
    assert score["split"] == "held_out" and not score["split_selected_model"]
    assert score["log_loss"] == pytest.approx(in_model["log_loss"], abs=1e-9)
    assert score["n"] + score["left_out_trained"] + score["left_out_selected_model"] == 300
    assert np.sum(score["confusion"]) == score["n"]

    test = tmp_path / "test"
    test.mkdir()
    for number, photo in enumerate(sorted(photos.iterdir())[:40], start=1):
        shutil.copy(photo, test / f"{number}.jpg")
    done("predict", test, "--model", run, "--out", tmp_path / "predictions.csv")
    with open(tmp_path / "predictions.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [Path(row["file"]).stem for row in rows] == [str(i) for i in range(1, 41)]

    sample = tmp_path / "sample.csv"
    sample.write_text("id,label\n" + "".join(f"{i},0.5\n" for i in range(40, 0, -1)))
    done("submit", test, "--model", run, "--sample", sample, "--out", tmp_path / "submission.csv")
    lines = (tmp_path / "submission.csv").read_text().splitlines()
    assert lines[0] == "id,label" and [line.split(",")[0] for line in lines[1:]] == [str(i) for i in range(40, 0, -1)]
    wanted = {Path(row["file"]).stem: np.clip(float(row["prob_dog"]), 0.005, 0.995) for row in rows}
    for line in lines[1:]:
        name, label = line.split(",")
        assert float(label) == pytest.approx(wanted[name], abs=2e-6)

    done("gallery", photos, "--model", run, "--out", tmp_path / "gallery.png", "--count", 30)
    assert _width(tmp_path / "gallery-1.png") > 1500 and _width(tmp_path / "gallery-2.png") > 1500


def test_every_id_of_kaggles_test_set_is_predicted(model: Path, tmp_path: Path) -> None:
    if not SHARED_PHOTOS.is_dir():
        pytest.skip(f"the shared photos are not here ({SHARED_PHOTOS})")
    out = tmp_path / "submission.csv"
    done(
        "submit", SHARED_PHOTOS / "test1.zip", "--model", model, "--sample",
        SHARED_PHOTOS / "sampleSubmission.csv", "--out", out,
    )  # fmt: skip
    ids = [line.split(",")[0] for line in out.read_text().splitlines()[1:]]
    sample = (SHARED_PHOTOS / "sampleSubmission.csv").read_text().split()
    assert ids == [line.split(",")[0] for line in sample[1:]]


def test_a_zip_gives_the_scores_of_its_folder(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", drawn_photos.parent, "photos"))
    done("evaluate", drawn_photos, "--model", model, "--json", tmp_path / "folder.json")
    done("evaluate", archive, "--model", model, "--json", tmp_path / "zip.json")
    assert json.loads((tmp_path / "folder.json").read_text()) == json.loads((tmp_path / "zip.json").read_text())


def test_zips_with_parts_of_the_photos_are_their_folder(drawn_photos: Path, tmp_path: Path) -> None:
    folder, parts = tmp_path / "photos", [tmp_path / "photos 001.zip", tmp_path / "photos 002.zip"]
    folder.mkdir()
    with zipfile.ZipFile(parts[0], "w") as first, zipfile.ZipFile(parts[1], "w") as second:
        for number, photo in enumerate(sorted(drawn_photos.glob("*/*.jpg"))):
            [first, second][number % 3 == 0].write(photo, photo.relative_to(drawn_photos.parent))
    checked = done("check", *parts, "--quick", "--json", tmp_path / "check.json").stdout
    assert f"next: photoclass train '{parts[0]}' '{parts[1]}' --out my-model" in checked
    assert json.loads((tmp_path / "check.json").read_text())["data"] == [str(part) for part in parts]

    run = tmp_path / "run"
    trained = done("train", *parts, "--recipe", "small-cnn", "--out", run, "--epochs", 1, *QUICK, "--no-report")
    assert "2 parts are read as one: " in trained.stderr
    assert json.loads((run / "model.json").read_text())["training"]["data"] == [str(part) for part in parts]
    done("evaluate", drawn_photos, "--model", run, "--json", tmp_path / "folder.json")
    done("evaluate", *parts, "--model", run, "--json", tmp_path / "parts.json")
    folder_scores, scores = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("folder", "parts"))
    assert scores.pop("notes")[0].startswith("2 parts are read as one: ")
    assert scores == {name: value for name, value in folder_scores.items() if name != "notes"}

    done("report", run)
    page = (run / "report.html").read_text()
    assert "missing" not in page and "no pictures" not in page
    moved = [part.rename(folder / part.name) for part in parts]
    done("report", run, "--data", moved[0], "--data", moved[1])
    page = (run / "report.html").read_text()
    assert "missing" not in page and "no pictures" not in page


def test_a_model_folder_contains_the_documented_files(model: Path) -> None:
    held = {path.name for path in model.iterdir()}
    assert {"model.onnx", "model.json", "README.md", "history.csv", "curves.png", "photos.csv", "resume"} <= held
    assert {"valid_predictions.csv", "held_out_predictions.csv", "report.html"} <= held
    info = json.loads((model / "model.json").read_text())
    assert info["class_names"] == ["cat", "dog"]
    assert info["metrics"]["valid"]["split_selected_model"] and not info["metrics"]["held_out"]["split_selected_model"]
    with open(model / "history.csv", newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2"]
    assert _width(model / "curves.png") > 1000
    assert not list(model.rglob("*.part"))


def test_predict_without_out_prints_one_line_per_photo(model: Path, drawn_photos: Path) -> None:
    photo = drawn_photos / "cat" / "cat-0001.jpg"
    assert done("predict", photo, "--model", model).stdout.startswith(f"{photo}: ")


def test_without_a_terminal_progress_is_plain_lines_on_stderr(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    result = done("predict", drawn_photos, "--model", model, "--out", tmp_path / "p.csv")
    assert "\x1b" not in result.stderr and "\r" not in result.stderr
    assert result.stdout.count("\n") == 1


# Unreadable photos


def test_unreadable_photos_are_skipped_counted_and_listed(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(drawn_photos, photos)
    (photos / "cat" / "empty.jpg").write_bytes(b"")
    (photos / "dog" / "page.jpg").write_text("not a photo")
    (photos / "dog" / "notes.txt").write_text("not a photo, and not called one")
    run = tmp_path / "run"
    result = run_command("train", photos, "--out", run, "--recipe", "small-cnn", "--epochs", 1, *QUICK, "--strict")
    assert result.returncode == 3
    assert "2 skipped:" in result.stderr and "empty.jpg: file is empty" in result.stderr
    assert f"passed over: 1 text file (txt); for example {photos}/dog/notes.txt" in result.stderr
    with open(run / "skipped.csv", newline="") as stream:
        assert sorted(Path(row["file"]).name for row in csv.DictReader(stream)) == ["empty.jpg", "page.jpg"]
    result = run_command("predict", photos, "--model", run, "--out", tmp_path / "p.csv", "--strict")
    assert result.returncode == 3 and "2 skipped:" in result.stderr
    assert done("evaluate", photos, "--model", run, "--json", tmp_path / "s.json").stderr.count("skipped") == 1
    named = {Path(item["file"]).name for item in json.loads((tmp_path / "s.json").read_text())["skipped"]}
    assert named == {"empty.jpg", "page.jpg"}


def test_fault_60_files_beside_photos_are_counted_by_every_command_and_are_no_fault_to_strict(
    model: Path, few_drawn_photos: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(few_drawn_photos, photos)
    for photo in list(photos.rglob("*.jpg")):
        photo.with_suffix(".jpg.json").write_text("{}")
    (photos / "Thumbs.db").write_bytes(b"x")
    count = len(list(photos.rglob("*.jpg")))
    line = f"passed over: {count} sidecar files (json), 1 system file; for example "
    checked = done("check", photos, "--quick", "--strict", "--json", tmp_path / "c.json", "--html", tmp_path / "c.html")
    assert f"  note      {line}cat/" in checked.stdout and "cannot be used" not in checked.stdout
    assert line in (tmp_path / "c.html").read_text()
    passed_over = {"sidecar files (json)": count, "system files": 1}
    assert json.loads((tmp_path / "c.json").read_text())["passed_over"] == passed_over
    with_model = ("--model", model, "--strict")
    assert line in done("predict", photos, *with_model, "--out", tmp_path / "p.csv").stderr
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 1 + count
    assert line in done("evaluate", photos, *with_model, "--json", tmp_path / "s.json", "--include-known").stderr
    assert json.loads((tmp_path / "s.json").read_text())["passed_over"] == passed_over
    for command in ("gallery", "explain"):
        assert line in done(command, photos, *with_model, "--count", 1, "--out", tmp_path / "g.png").stderr
    assert line in done("submit", photos, *with_model, "--out", tmp_path / "s.csv").stderr


def test_fault_71_a_model_is_trained_inside_data_as_check_recommends(
    few_drawn_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(few_drawn_photos, photos)
    monkeypatch.chdir(photos)
    refused = run_command("train", ".", "--out", "models/of/mine", "--recipe", "small-cnn", "--set", "dropout=2")
    assert refused.returncode == 1 and not Path("models").exists()
    done("train", ".", "--out", "models/of/mine", "--recipe", "small-cnn", "--epochs", 1, "--no-report", *QUICK)
    for name in ("my-model", "my-model-2"):
        advice = done("check", ".", "--quick").stdout.splitlines()[-1]
        assert advice == f"next: photoclass train . --out {name}"
        words = shlex.split(advice.removeprefix("next: photoclass "))
        trained = done(*words, "--recipe", "small-cnn", "--epochs", 1, *QUICK)
        assert "48 photos (24 cat, 24 dog)" in trained.stderr
        assert "1 file that photoclass made" not in trained.stderr
    assert "files that photoclass made" in done("evaluate", ".", "--model", name, "--include-known").stderr
    done("predict", ".", "--model", name, "--out", "p.csv")
    assert len(Path("p.csv").read_text().splitlines()) == 49


def test_a_submission_gives_an_unreadable_photo_the_base_rate(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    test = tmp_path / "test"
    test.mkdir()
    shutil.copy(drawn_photos / "cat" / "cat-0001.jpg", test / "1.jpg")
    (test / "2.jpg").write_bytes(b"broken")
    result = done("submit", test, "--model", model, "--out", tmp_path / "s.csv")
    assert "1 row has the class frequencies of the training photos" in result.stdout and "2.jpg" in result.stderr
    base_rate = json.loads((model / "model.json").read_text())["base_rates"][1]
    assert float((tmp_path / "s.csv").read_text().splitlines()[2].split(",")[1]) == pytest.approx(base_rate, abs=1e-6)


# Checking before training


def test_check_prints_a_verdict_and_writes_json_page_and_fixes(drawn_photos: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(drawn_photos, photos)
    shutil.copy(photos / "cat" / "cat-0001.jpg", photos / "dog" / "copy.jpg")
    (photos / "dog" / "empty.jpg").write_bytes(b"")
    files = {name: tmp_path / f"check.{name}" for name in ("json", "html", "csv")}
    words = [
        "check",
        photos,
        "--quick",
        "--json",
        files["json"],
        "--html",
        files["html"],
        "--write-fixes",
        files["csv"],
    ]
    result = done(*words)
    assert result.stdout.startswith(f"{photos}: 2 kinds of problem to fix before training\n")
    assert "cat/cat-0001.jpg (cat) = dog/copy.jpg (dog): same bytes" in result.stdout
    assert "dog/empty.jpg: file is empty" in result.stdout
    found = json.loads(files["json"].read_text())
    assert {"counts", "unreadable", "duplicates", "label_errors", "odd"} <= set(found)
    assert found["counts"] == {"all": {"cat": 60, "dog": 61}} and found["label_errors"] is None
    assert files["html"].read_text().startswith("<!doctype html>")
    assert run_command("check", photos, "--quick", "--strict").returncode == 3
    assert "nothing needs to be fixed" in done("check", photos, "--quick", "--fixes", files["csv"], "--strict").stdout

    # A file that a person may have edited is not written over; with --fixes its rows are kept.
    files["csv"].write_text(files["csv"].read_text() + "cat/cat-0002.jpg,dog,mine\n")
    assert "exists already" in _refused(*words)
    assert "4 rows proposed" in done(*words, "--fixes", files["csv"]).stdout
    assert "cat/cat-0002.jpg,dog,mine" in files["csv"].read_text()

    # What was proposed is what train and evaluate take.
    run = tmp_path / "run"
    trained = done(
        "train",
        photos,
        "--out",
        run,
        "--recipe",
        "small-cnn",
        "--epochs",
        1,
        *QUICK,
        "--fixes",
        files["csv"],
        "--strict",
    )
    assert "119 photos (58 cat, 61 dog)" in trained.stderr
    assert done("evaluate", photos, "--model", run, "--fixes", files["csv"], "--include-known").stdout.count("119")


def test_train_reports_each_kind_of_fault_in_one_line(drawn_photos: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for number, photo in enumerate(sorted(drawn_photos.rglob("*.jpg"))):
        target = photos / ("valid" if number % 5 == 0 else "train") / photo.parent.name / photo.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, target)
    moved = sorted((photos / "train" / "cat").iterdir())
    with Image.open(moved[0]) as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photos / "valid" / "cat" / "mirrored.jpg")
    (photos / "train" / "dog" / "empty.jpg").write_bytes(b"")
    run = tmp_path / "run"
    lines = done("train", photos, "--out", run, "--recipe", "small-cnn", "--epochs", 1, *QUICK).stderr.splitlines()
    assert sum("1 picture is in two splits" in line for line in lines) == 1
    assert sum("1 file cannot be used and is skipped" in line for line in lines) == 1


def test_a_run_is_not_resumed_with_other_fixes(drawn_photos: Path, tmp_path: Path) -> None:
    run, fixes = tmp_path / "run", tmp_path / "fixes.csv"
    fixes.write_text("image,label\ncat/cat-0001.jpg,-\n")
    done("train", drawn_photos, "--out", run, "--recipe", "small-cnn", "--epochs", 1, *QUICK)
    assert "was started with different data" in _refused(
        "train", drawn_photos, "--out", run, "--resume", "--epochs", 2, "--fixes", fixes
    )


def test_fixes_that_do_not_fit_are_refused_by_every_command(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    fixes = tmp_path / "fixes.csv"
    fixes.write_text("image,label\ncat/nowhere.jpg,dog\n")
    for words in (["train", drawn_photos, "--out", tmp_path / "r"], ["evaluate", drawn_photos, "--model", model]):
        assert "'cat/nowhere.jpg'" in _refused(*words, "--fixes", fixes)
    assert "'cat/nowhere.jpg'" in _refused("check", drawn_photos, "--fixes", fixes)


# Refused input


def test_missing_data_is_refused(tmp_path: Path) -> None:
    line = _refused("train", tmp_path / "nowhere", "--out", tmp_path / "run")
    assert "nowhere: there is no such file or folder" in line
    assert not (tmp_path / "run").exists()


def test_fault_18_one_class_only(drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn_photos / "cat", tmp_path / "data" / "cat")
    assert "only one class, 'cat'" in _refused("train", tmp_path / "data", "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_fault_19_an_empty_class(drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn_photos, tmp_path / "data")
    (tmp_path / "data" / "bird").mkdir()
    assert "class 'bird' is empty" in _refused("train", tmp_path / "data", "--out", tmp_path / "run")


def test_a_class_in_which_nothing_can_be_read(drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn_photos, tmp_path / "data")
    (tmp_path / "data" / "bird").mkdir()
    for number in range(3):
        (tmp_path / "data" / "bird" / f"{number}.jpg").write_text(f"no photo {number}")
    assert "class 'bird' has no readable photo" in _refused("train", tmp_path / "data", "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_not_a_model_folder_is_refused(drawn_photos: Path, tmp_path: Path) -> None:
    for command in ("evaluate", "predict", "gallery", "submit"):
        words = [command, drawn_photos, "--model", tmp_path]
        if command in ("gallery", "submit"):
            words += ["--out", tmp_path / "out.png"]
        assert "model.json is missing" in _refused(*words)
    assert list(tmp_path.iterdir()) == []


def test_fault_33_a_pickle_given_as_a_model(drawn_photos: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"\x80\x04.")
    assert "can run code" in _refused("predict", drawn_photos, "--model", tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ("id,label\n1,0.5\n2,0.5\n9,0.5\n", "1 id of"),
        ("id,label\n1,0.5\n", "1 photo of"),
        ("id,label\n1,0.5\n2,0.5\n2,0.5\n", "occurring more than once"),
        ("id,horse,cow\n1,0,0\n2,0,0\n", "its header is id,horse,cow"),
        ("", "name the columns"),
    ],
)
def test_a_sample_whose_ids_do_not_match(
    sample: str, words: str, model: Path, drawn_photos: Path, tmp_path: Path
) -> None:
    test = tmp_path / "test"
    test.mkdir()
    for number in (1, 2):
        shutil.copy(drawn_photos / "cat" / "cat-0001.jpg", test / f"{number}.jpg")
    (tmp_path / "sample.csv").write_text(sample)
    line = _refused(
        "submit", test, "--model", model, "--sample", tmp_path / "sample.csv", "--out", tmp_path / "submission.csv"
    )
    assert words in line
    assert not (tmp_path / "submission.csv").exists()


def test_fault_40_an_out_folder_that_is_not_empty(drawn_photos: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert "is not empty" in _refused("train", drawn_photos, "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--recipe", "magic"], "unknown recipe 'magic'; choose from features, finetune, resnet, small-cnn"),
        (["--set", "dropuot=0.5"], "unknown setting 'dropuot'"),
        (["--set", "dropout=2"], "dropout is 2.0"),
        (["--set", "dropout"], "give NAME=VALUE"),
        (["--set", "batch_size=many"], "must be an integer"),
        (["--device", "abacus"], "device 'abacus' is not available on this machine"),
    ],
)
def test_invalid_settings_are_refused(words: list[str], named: str, drawn_photos: Path, tmp_path: Path) -> None:
    assert named in _refused("train", drawn_photos, "--out", tmp_path / "run", "--recipe", "small-cnn", *words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("words", [["train"], ["fly"], ["train", "x", "--out", "y", "--minutes", "-1"], ["predict"]])
def test_wrong_usage_exits_with_2(words: list[str]) -> None:
    assert run_command(*words).returncode == 2


def test_a_model_of_other_classes_is_refused(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn_photos / "cat", tmp_path / "data" / "cat")
    shutil.copytree(drawn_photos / "dog", tmp_path / "data" / "horse")
    assert "the model does not know the class 'horse'" in _refused("evaluate", tmp_path / "data", "--model", model)


# Signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_fault_41_a_signal_keeps_a_checkpoint_and_resume_continues(
    number: signal.Signals, code: int, drawn_photos: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    words = ["train", drawn_photos, "--out", run, "--recipe", "small-cnn", *QUICK]
    command = start_command(*words, "--epochs", 500, "--set", "patience=500")
    assert command.has_printed("\nepoch 1:")
    time.sleep(0.2)
    os.kill(command.pid, number)
    ended = command.wait()
    assert ended.returncode == code
    rest = ended.stderr.partition("\nepoch 1:")[2]
    assert "the checkpoint is kept" in rest and "Traceback" not in rest
    assert not (run / "model.json").exists()
    assert "unfinished" in _refused("predict", drawn_photos, "--model", run)
    epochs = len((run / "history.csv").read_text().splitlines())
    resumed = done("train", drawn_photos, "--out", run, "--resume", "--set", f"epochs={epochs}")
    assert "resumed at epoch" in resumed.stderr
    assert (run / "model.json").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_any_command_with_one_line(number: signal.Signals, code: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "photoclass", "demo", "--out", str(tmp_path / "demo")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("1 of 5: drawing")
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(60) == code
    assert rest == "photoclass: interrupted\n"


def test_a_closed_pipe_is_not_an_error_with_a_traceback(model: Path, drawn_photos: Path) -> None:
    command = [sys.executable, "-m", "photoclass", "predict", str(drawn_photos), "--model", str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
        assert process.wait(60) in (0, 1)


# Help


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_the_options_of_train_are_in_groups_of_plain_text(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    text = done("train", "--help").stdout
    headings = [line.removesuffix(":") for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Data", "Recipe", "Time and budget", "Pretrained backbone", "Hardware", "Output", "Other"]
    assert text.isascii() and "\x1b" not in text
    for name in RECIPES:
        assert f"{name} (" in " ".join(text.split()), "every recipe of the registry is in the help"


# Speed


def test_help_is_fast() -> None:
    fastest = min(_seconds("--help") for _ in range(5))
    assert fastest < 0.4


def _seconds(*words: str) -> float:
    started_at = time.perf_counter()
    assert run_in_new_interpreter(*words).returncode == 0
    return time.perf_counter() - started_at


def test_version_is_printed() -> None:
    assert done("--version").stdout.startswith("photoclass ")
