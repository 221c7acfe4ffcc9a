"""Comparing two models on the same photos: what is left out, what is significant, what is rejected."""

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handmade import brightness_onnx, constant_onnx, make_info, nan_for_bright_onnx
from photoclass.errors import DataError, ModelError, SettingsError
from photoclass.model.folder import save_model
from photoclass.photos.sources.read import read_data
from photoclass.results.scores.compare import compare
from photoclass.results.scores.difference import compare_paired
from photoclass.results.scores.evaluate import evaluate
from photoclass.workspace import Workspace
from running import done, run_command

NAMES = ("dark", "light")


def _model(
    folder: Path, onnx: bytes, known: dict[Path, str] | None = None, names: Sequence[str] = NAMES, side: int = 16
) -> Path:
    """Write a model folder; `known` maps photos to the split of its training."""
    folder.mkdir()
    save_model(folder, make_info(names, image_size=side), onnx)
    with open(folder / "photos.csv", "w", newline="") as stream:
        rows = [[hashlib.sha256(p.read_bytes()).hexdigest(), s, "dark", p.name] for p, s in (known or {}).items()]
        csv.writer(stream).writerows([["sha256", "split", "label", "file"], *rows])
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty photos of the classes `dark` and `light`, four of them mislabelled."""
    folder = tmp_path_factory.mktemp("light") / "photos"
    generator = np.random.default_rng(0)
    for number in range(40):
        level = 60 if number % 2 else 190
        name = NAMES[(number % 2 == 0) ^ (number < 4)]
        (folder / name).mkdir(parents=True, exist_ok=True)
        noise = generator.normal(level, 50, (8, 8, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noise.repeat(4, axis=0).repeat(4, axis=1)).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def sees_light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _model(tmp_path_factory.mktemp("a") / "sees-light", brightness_onnx(side=32), side=32)


@pytest.fixture(scope="module")
def guesses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _model(tmp_path_factory.mktemp("b") / "guesses", constant_onnx((0.999, 0.001)))


def test_models_with_other_image_sizes_are_compared_on_the_same_photos(
    photos: Path, sees_light: Path, guesses: Path
) -> None:
    comparison = compare(photos, [sees_light, guesses])
    a, b = comparison.scores
    assert (a.as_json(), b.as_json()) == tuple(
        evaluate(photos, model).score.as_json() for model in (sees_light, guesses)
    )
    values = comparison.as_json()
    assert values["difference"]["log_loss"]["a_minus_b"] == pytest.approx(a.log_loss.value - b.log_loss.value)
    assert values["difference"]["accuracy"]["a_minus_b"] == pytest.approx(a.accuracy.value - b.accuracy.value)
    assert comparison.log_loss.better == "A"
    assert comparison.as_text().startswith(
        f"A is better: the log loss of {sees_light} is lower than that of {guesses} by "
    )


def test_classes_in_another_order_are_compared_by_name(
    photos: Path, sees_light: Path, guesses: Path, tmp_path: Path
) -> None:
    turned = _model(tmp_path / "turned", constant_onnx((0.001, 0.999)), names=("light", "dark"))
    scores = [compare(photos, [sees_light, other]).scores[1].as_json() for other in (guesses, turned)]
    assert scores[0] == scores[1]


def test_the_users_word_on_classes_is_used(photos: Path, sees_light: Path, guesses: Path) -> None:
    swapped = compare(photos, [sees_light, guesses], classes={"dark": "light", "light": "dark"})
    assert swapped.scores[0].accuracy.value == pytest.approx(
        1 - compare(photos, [sees_light, guesses]).scores[0].accuracy.value
    )
    assert swapped.as_json()["notes"] == ["classes: dark → light, light → dark"]


def test_swapping_the_models_swaps_the_result(photos: Path, sees_light: Path, guesses: Path) -> None:
    one, other = compare(photos, [sees_light, guesses]), compare(photos, [guesses, sees_light])
    assert (one.log_loss.better, other.log_loss.better) == ("A", "B")
    assert one.log_loss.a_minus_b.low == pytest.approx(-other.log_loss.a_minus_b.high)
    assert (one.only_a_correct, one.only_b_correct) == (other.only_b_correct, other.only_a_correct)
    assert "B is better" in other.as_text()


def test_the_verdict_on_accuracy_counts_the_photos_that_differ(
    photos: Path, sees_light: Path, guesses: Path, tmp_path: Path
) -> None:
    (tmp_path / "light").mkdir()
    for file in (photos / "light").iterdir():
        (tmp_path / "light" / file.name).write_bytes(file.read_bytes())
    comparison = compare(tmp_path, [guesses, sees_light])
    assert (comparison.accuracy.better, comparison.accuracy.a_minus_b.value) == ("B", -1)
    assert (comparison.only_a_correct, comparison.only_b_correct) == (0, 20)
    counts = "0 photos correct with A only, 20 with B only (exact McNemar test, p < 0.001)"
    assert f"accuracy: B is better by 100.00 percentage points; {counts}" in comparison.as_text()


def test_a_model_does_not_differ_from_itself(photos: Path, sees_light: Path) -> None:
    comparison = compare(photos, [sees_light, sees_light])
    assert (comparison.log_loss.better, comparison.accuracy.better) == (None, None)
    assert (comparison.log_loss.photos_needed, comparison.accuracy.p) == (None, 1)
    assert comparison.as_text().startswith("log loss: no significant difference on these 40 photos\n")


def test_photos_known_to_either_model_are_left_out_and_counted(photos: Path, tmp_path: Path) -> None:
    files = sorted(photos.rglob("*.png"))
    a = _model(tmp_path / "a", brightness_onnx(), {files[0]: "train", files[1]: "valid", files[2]: "held_out"})
    b = _model(tmp_path / "b", constant_onnx((0.5, 0.5)), {files[1]: "train", files[3]: "train", files[4]: "valid"})
    comparison = compare(photos, [a, b])
    assert comparison.scores[0].n == comparison.scores[1].n == 36
    assert (comparison.left_out_trained, comparison.left_out_selected_model) == (3, 1)
    assert "left out: 3 photos that trained A or B, 1 that selected one" in comparison.as_text()
    everything = compare(photos, [a, b], include_known=True)
    assert (everything.scores[0].n, everything.left_out_trained) == (40, 0)
    assert everything.as_text().count("optimistic: some of these photos trained or selected it") == 2


def test_without_photos_unknown_to_both_there_is_no_comparison(photos: Path, tmp_path: Path) -> None:
    files = sorted(photos.rglob("*.png"))
    a = _model(tmp_path / "a", brightness_onnx(), dict.fromkeys(files[:20], "train"))
    b = _model(tmp_path / "b", brightness_onnx(), dict.fromkeys(files[20:], "valid"))
    with pytest.raises(DataError, match=r"no readable photo is left to compare on \(40 trained or selected one of"):
        compare(photos, [a, b])


def test_models_with_different_classes_are_rejected(photos: Path, sees_light: Path, tmp_path: Path) -> None:
    other = _model(tmp_path / "other", brightness_onnx(), names=("dark", "grey"))
    with pytest.raises(ModelError, match=r"has the classes 'dark', 'grey', but .* has 'dark', 'light'; compare"):
        compare(photos, [sees_light, other])


def test_more_than_two_models_are_rejected(photos: Path, sees_light: Path) -> None:
    with pytest.raises(SettingsError, match="3 models: give two to compare them"):
        compare(photos, [sees_light] * 3)


def test_equal_models_seldom_differ_significantly_and_better_ones_mostly_do() -> None:
    """Of 100 comparisons of equally good models, about one in twenty may be significant by chance."""
    found, wrong = 0, [0, 0]
    for trial in range(100):
        generator = np.random.default_rng(trial)
        duplicates = np.repeat(np.arange(60), 2)
        noise = np.repeat(generator.gamma(0.5, 1, 60) * generator.choice([-1, 1], 60), 2)
        right = np.repeat(generator.choice([-1.0, 0, 1], 60, p=[0.1, 0.8, 0.1]), 2)
        loss, accuracy = compare_paired(noise, right, duplicates)
        wrong[0] += loss.better is not None
        wrong[1] += accuracy.better is not None
        if trial < 20:
            found += compare_paired(noise - 0.5, right, duplicates)[0].better == "A"
    assert max(wrong) <= 12
    assert found >= 18


def test_a_difference_that_is_not_significant_comes_with_the_photos_needed() -> None:
    generator = np.random.default_rng(0)
    small, rare = generator.normal(0.05, 1, 300), np.zeros(300)
    rare[:3] = [1, 1, -1]
    loss, accuracy = compare_paired(small, rare, np.arange(300))
    assert loss.better is None and loss.photos_needed is not None and loss.photos_needed > 300
    assert accuracy.p == 1 and accuracy.photos_needed is not None and accuracy.photos_needed > 300
    one_photo = compare_paired(np.array([0.3]), np.array([1.0]), np.array([0]))
    assert [(d.better, d.photos_needed, d.a_minus_b.is_known) for d in one_photo] == [(None, None, False)] * 2


# The command


def test_the_command_prints_the_verdict_first_and_writes_json(
    photos: Path, sees_light: Path, guesses: Path, tmp_path: Path
) -> None:
    output = done("evaluate", photos, "--model", sees_light, "--model", guesses, "--json", tmp_path / "c.json").stdout
    values = json.loads((tmp_path / "c.json").read_text())
    assert output.splitlines()[:2] == values["verdict"]
    assert set(values) == {
        "schema", "n", "distinct_photos", "grouped_by", "models", "difference", "only_a_correct", "only_b_correct",
        "verdict", "left_out_trained", "left_out_selected_model", "skipped", "passed_over", "notes",
    }  # fmt: skip
    assert values["models"]["A"]["model"] == str(sees_light) and values["models"]["B"]["n"] == 40
    assert set(values["difference"]["log_loss"]) == {"a_minus_b", "a_minus_b_ci95", "p", "better", "photos_needed"}
    result = run_command("evaluate", photos, *["--model", guesses] * 3)
    assert (
        result.returncode == 1
        and result.stderr == "photoclass: 3 models: give two to compare them; compare more of them in pairs\n"
    )


# Invalid input to `evaluate`


def test_a_model_that_outputs_nan_is_rejected(photos: Path, tmp_path: Path) -> None:
    model = _model(tmp_path / "nan", nan_for_bright_onnx())
    with pytest.raises(ModelError, match=r"nan/model\.onnx: gives values that are not probabilities; train it again"):
        evaluate(photos, model)


def test_an_unknown_class_is_reported_with_its_photos_and_the_fix(
    photos: Path, sees_light: Path, tmp_path: Path
) -> None:
    for folder, name in (("light", "light"), ("dark", "grey")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for file in sorted((photos / folder).iterdir())[:3]:
            (tmp_path / "data" / name / file.name).write_bytes(file.read_bytes())
    with pytest.raises(
        DataError, match=r"does not know the class 'grey' \(3 photos\); it knows 'dark', 'light'\..*--fixes"
    ):
        evaluate(tmp_path / "data", sees_light)
    fixes = tmp_path / "fixes.csv"
    rows = [f"grey/{file.name},-" for file in (tmp_path / "data" / "grey").iterdir()]
    fixes.write_text("\n".join(["image,label", *rows]))
    score = evaluate(tmp_path / "data", sees_light, fixes=fixes).score
    assert score.n == 3 and score.per_class[0].n == 0


def test_a_class_without_photos_leaves_the_other_metrics(photos: Path, sees_light: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "light").mkdir(parents=True)
    (tmp_path / "data" / "dark").mkdir()
    for file in sorted((photos / "light").iterdir())[:5]:
        (tmp_path / "data" / "light" / file.name).write_bytes(file.read_bytes())
    output = done("evaluate", tmp_path / "data", "--model", sees_light, "--json", tmp_path / "s.json").stdout
    values = json.loads((tmp_path / "s.json").read_text())
    assert values["n"] == 5 and values["log_loss"] > 0 and values["roc_auc"] is None
    assert {"figure": "roc_auc", "reason": "no photo is of class 'dark'"} in values["missing"]
    assert "undefined: ROC AUC, average precision, recall of dark (no photo is of class 'dark')" in output
    for file in sorted((tmp_path / "data" / "light").iterdir())[1:]:
        file.unlink()
    assert evaluate(tmp_path / "data", sees_light).as_text().startswith("Score on 1 photo\n")
    with pytest.raises(DataError, match="class 'dark' is empty"):
        read_data(tmp_path / "data", Workspace(tmp_path))
