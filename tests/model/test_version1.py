"""Format 1, as photoclass 0.1 wrote it: a folder of that format opens and works with every command.

`golden_v1/small-cnn` was trained by that version on the drawings of the fixture `drawn_photos` (without its report and
curves); of `golden_v1/features`, only the files that differ in kind are kept.
"""

import csv
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from photoclass.errors import ModelError
from photoclass.model.card import card
from photoclass.model.folder import (
    FORMAT_VERSION,
    load_history,
    load_info,
    load_novelty,
    load_predictions,
    load_skipped,
    read_onnx,
    save_model,
)
from photoclass.results.predict import predict
from photoclass.results.report.report import report
from photoclass.results.scores.compare import compare
from photoclass.results.scores.evaluate import evaluate

GOLDEN = Path(__file__).parent / "golden_v1"
MODEL = GOLDEN / "small-cnn"
OLD_KEYS = {
    "trained",
    "flatters",
    "cannot",
    "chose",
    "how",
    "pictures",
    "split_chose_model",
    "learnt",
    "kernel_rate",
    "start_share",
}
OLD_KEYS |= {"valid_chose_model", "photos_with_twins", "twins_across_splits", "set", "on", "average", "why"}


def _keys(values: object) -> set[str]:
    if isinstance(values, dict):
        return set(values).union(*(_keys(value) for value in values.values()))
    return set().union(*(_keys(value) for value in values)) if isinstance(values, list) else set()


def test_keys_and_settings_get_their_current_names() -> None:
    written = json.loads((MODEL / "model.json").read_text())
    assert written["format_version"] == 1 and _keys(written) >= OLD_KEYS - {"why"}
    info = load_info(MODEL)
    assert not _keys(info.as_json()) & OLD_KEYS
    assert info.settings["loop"]["ema_decay"] == written["settings"]["loop"]["average"] == 0.5
    assert info.training.changed_settings["ema_decay"] == "0.5"
    assert str(info.training.data) == "/photos" and info.training.finished_at.startswith("2026-11-27T")
    assert info.training.stop_reason == "all 40 epochs are done" and info.training.photos_with_duplicates == 0
    loop = info.training.loop
    assert loop is not None and (loop.epochs, loop.best_epoch) == (40, written["trained"]["best_epoch"])
    assert info.training.onnx_difference["f32"] == written["trained"]["onnx_differs_by_f32"]
    held_out, measured = info.metrics["held_out"], written["metrics"]["held_out"]
    assert (held_out.n, held_out.distinct_photos) == (14, measured["pictures"])
    assert held_out.log_loss.bounds() == measured["log_loss_ci95"] and not held_out.split_selected_model
    optimism = info.metrics["valid"].optimism
    then = written["metrics"]["valid"]["flatters"]
    assert optimism is not None and (list(optimism.selected), optimism.method) == (then["chose"], then["how"])
    assert optimism.log_loss is not None and optimism.log_loss.value == then["log_loss"]
    assert card(info).count("--set ema_decay=0.5") == 1


def test_a_linear_head_gets_its_own_summary() -> None:
    training = load_info(GOLDEN / "features").training
    assert training.head is not None and training.loop is None
    assert (training.head.strength, training.head.label_errors, training.head.features_computed) == (3.0, 1, 120)
    assert training.onnx_difference == {"int8": 0.002132} and not training.valid_selected_model


def test_files_are_found_under_their_old_names() -> None:
    info = load_info(MODEL)
    assert [item.name for item in load_skipped(MODEL)] == ["/photos/cat/broken.jpg"]
    assert load_novelty(MODEL, info.onnx_sha256) is not None
    assert len(load_history(MODEL)) == 40


def test_predictions_are_those_of_the_training(drawn_photos: Path) -> None:
    for split in ("valid", "held_out"):
        then = load_predictions(MODEL, load_info(MODEL), split)
        assert then is not None
        photos = [drawn_photos / Path(name).relative_to("/photos") for name in then.names]
        now = predict(photos, MODEL, abstain=0.5)
        assert [Path(file) for file in now.files] == photos and now.distances is not None
        # The drawings that it was scored on were made by OpenCV, those of today are by Pillow: edges differ a little.
        np.testing.assert_allclose(now.probabilities, then.probabilities, atol=1e-2)


@pytest.fixture
def known(drawn_photos: Path, tmp_path: Path) -> Path:
    """The model, as if it had been trained on the drawings of today: those of then were made by OpenCV."""
    folder = shutil.copytree(MODEL, tmp_path / "known")
    with open(MODEL / "photos.csv", newline="") as then, open(folder / "photos.csv", "w", newline="") as now:
        writer, (header, *rows) = csv.writer(now), csv.reader(then)
        writer.writerow(header)
        for _, *others in rows:
            drawing = drawn_photos / Path(others[-1]).relative_to("/photos")
            writer.writerow([hashlib.sha256(drawing.read_bytes()).hexdigest(), *others])
    return folder


def test_evaluate_compare_and_report_work(drawn_photos: Path, known: Path, tmp_path: Path) -> None:
    evaluation = evaluate(drawn_photos, known)
    assert (evaluation.score.n, evaluation.score.split, evaluation.left_out_trained) == (14, "held_out", 94)
    assert evaluation.leaked_duplicates == 0
    stored = load_info(MODEL).metrics["held_out"]
    assert evaluation.score.log_loss.value == pytest.approx(stored.log_loss.value, abs=5e-3)
    assert compare(drawn_photos, [known, known]).log_loss.a_minus_b.value == 0
    own = shutil.copytree(known, tmp_path / "run")
    made = report(own, data=drawn_photos)
    assert not made.note
    page = made.path.read_text()
    assert page.count("data:image/") > 10 and "broken.jpg" in page and "ema_decay" in page


def test_saving_it_again_gives_the_current_format_with_the_same_content(tmp_path: Path) -> None:
    info = load_info(MODEL)
    save_model(tmp_path, info, read_onnx(MODEL, info))
    assert json.loads((tmp_path / "model.json").read_text())["format_version"] == FORMAT_VERSION
    assert load_info(tmp_path) == info


@pytest.mark.parametrize(
    "changes",
    [
        {"trained": "yes"},
        {"trained": {"seconds": "long"}},
        {"metrics": {"valid": 3}},
        {"metrics": {"valid": {"n": 3, "cannot": [3], "flatters": {"chose": 1}}}},
        {"settings": 3},
    ],
    ids=str,
)
def test_invalid_values_are_refused(changes: dict[str, object], tmp_path: Path) -> None:
    content = json.loads((MODEL / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**content, **changes}))
    with pytest.raises(ModelError, match=r"(training|metrics|settings).* cannot be right"):
        load_info(tmp_path)


def test_a_missing_key_is_refused(tmp_path: Path) -> None:
    content = json.loads((MODEL / "model.json").read_text())
    del content["trained"]
    (tmp_path / "model.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match="not written by photoclass, or incomplete"):
        load_info(tmp_path)


def test_label_errors_are_a_fixes_file() -> None:
    with open(GOLDEN / "features" / "doubtful_labels.csv", newline="") as stream:
        assert [row["image"] for row in csv.DictReader(stream)] == ["dog/cat-0005.jpg"]
