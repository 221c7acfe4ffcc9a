"""Paths may be given to the library as text or as `Path` objects, one or several."""

import os
from pathlib import Path

import pytest

import photoclass
from photoclass.paths import paths_of
from photoclass.photos.data_paths import DataPaths


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ("photos", (Path("photos"),)),
        (Path("photos"), (Path("photos"),)),
        (["a", Path("b")], (Path("a"), Path("b"))),
        ((), ()),
    ],
)
def test_text_and_paths_are_the_same(given: object, paths: tuple[Path, ...]) -> None:
    assert paths_of(given) == paths  # type: ignore[arg-type]
    assert DataPaths.of(given).parts == paths  # type: ignore[arg-type]


def test_every_function_takes_paths_as_text(few_drawn_photos: Path, model: Path, tmp_path: Path) -> None:
    data, run = str(few_drawn_photos), str(model)
    table = str(tmp_path / "predictions.csv")
    findings = photoclass.check(data, labels=False)
    photoclass.write_check_page(findings, str(tmp_path / "check.html"))
    fixes = str(tmp_path / "fixes.csv")
    photoclass.write_fixes(fixes, [photoclass.Fix(findings.name(0), None)])
    assert photoclass.evaluate(data, run, include_known=True, fixes=fixes).score.n == len(findings.photos) - 1
    assert photoclass.compare(data, [run, run], include_known=True).log_loss.a_minus_b.value == 0
    predictions = photoclass.predict(data, run)
    assert len(predictions) == len(photoclass.predict([data], run)) == len(findings.photos)
    photoclass.write_predictions(predictions, table)
    assert len(photoclass.read_predictions(table)) == len(predictions)
    photoclass.submit(os.path.join(data, "cat"), run, str(tmp_path / "submission.csv"))
    photoclass.gallery(data, run, str(tmp_path / "gallery.png"), count=2)
    assert photoclass.load_info(run).class_names == photoclass.Runtime.load(run).info.class_names
    assert photoclass.draw_network(run)
    assert photoclass.cache(str(tmp_path / "no-cache")).as_text()
