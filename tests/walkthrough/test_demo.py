"""The demo: the whole workflow in one command, and a second time."""

import csv
import json
import re
from pathlib import Path

import pytest

from photoclass.walkthrough.demo import demo
from running import done, run_command, start_script

SMALL_DEMO = Path(__file__).with_name("small_demo.py")


def test_the_demo_makes_everything_it_lists_and_can_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "demo"
    result = start_script(SMALL_DEMO, 250, "demo", "--out", out, "--epochs", 1).wait()
    assert result.returncode == 0, result.stderr
    printed = result.stdout
    made = re.findall(r"^  (\S+[/.]\S*)  ", printed, re.MULTILINE)
    assert {"photos/", "model/", "predictions.csv", "submission.csv", "gallery.png"} <= set(made)
    assert all((out / name).exists() for name in made)
    assert "photoclass train PHOTOS --out" in printed
    with open(out / "submission.csv", newline="") as stream:
        ids = [row["id"] for row in csv.DictReader(stream)]
    assert ids == [str(number) for number in range(1, len(ids) + 1)] and len(ids) > 30
    assert len(ids) == json.loads((out / "score.json").read_text())["n"]

    monkeypatch.setattr("photoclass.walkthrough.demo.DRAWINGS_PER_CLASS", 50)
    again = demo(None, out, epochs=1)
    assert again.score.n < 25 < len(ids), "what the first run made is replaced"
    assert len(list((out / "photos").rglob("*.jpg"))) == 100


def test_the_demo_runs_on_the_users_photos(drawn_photos: Path, tmp_path: Path) -> None:
    result = done("demo", "--data", drawn_photos, "--out", tmp_path / "demo", "--minutes", 0.05)
    assert "photoclass predict PHOTOS --model" in result.stdout
    assert not (tmp_path / "demo" / "photos").exists()


def test_the_demo_never_replaces_what_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    result = run_command("demo", "--out", tmp_path)
    assert result.returncode == 1 and "was not made by a demo" in result.stderr
    assert (tmp_path / "mine.txt").read_text() == "precious"
