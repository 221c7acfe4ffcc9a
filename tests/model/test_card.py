"""The model card gives readers, and Hugging Face's hub, what model.json holds."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from card_client import assert_client_agrees, client_of
from handmade import brightness_onnx, make_info
from photoclass.metrics.intervals import Interval
from photoclass.metrics.optimism import Estimate, Optimism
from photoclass.model.builtin import builtin_model
from photoclass.model.card import card, write_card
from photoclass.model.card_metadata import scalar
from photoclass.model.folder import LoopSummary, ModelInfo, StoredScore, TrainingSummary, save_model
from photoclass.model.runtime import Runtime
from photoclass.photos.decode import decode_photo
from picture_files import encode

OPTIMISM = Optimism(
    ("epoch", "temperature"), "cross-fitting, 10 x 5 folds", Estimate(0.0012, 0.0004), Estimate(0.001, 0.002)
)
VALID = StoredScore(1234, Interval(0.25, 0.2, 0.3), Interval(0.9, 0.88, 0.92), True, OPTIMISM)
HELD_OUT = replace(VALID, log_loss=Interval(0.5, 0.2, 0.3), split_selected_model=False, optimism=None)


def _info(**changes: object) -> ModelInfo:
    values = {
        "metrics": {"valid": VALID, "held_out": HELD_OUT},
        "training": TrainingSummary(
            description="A network, from scratch: 12 epochs; epoch 7 was kept.",
            seconds=150.0,
            device="cpu",
            precision="bf16",
            stop_reason="early stopping: no lower val_loss",
            changed_settings={"epochs": "12", "fill_mode": "a b"},
            loop=LoopSummary(12, 7.0),
        ),
    }
    return make_info(**{**values, **changes})  # type: ignore[arg-type]


def _parts(info: ModelInfo) -> tuple[dict[str, Any], str]:
    """Return what the front matter says, and the text below it."""
    start, front, text = card(info).split("---\n", 2)
    assert start == ""
    return yaml.safe_load(front), text


def test_it_names_classes_scores_with_intervals_and_how_it_was_trained() -> None:
    text = _parts(_info())[1]
    assert text.startswith("\n# cat or dog?\n")
    valid, held_out = (line for line in text.splitlines() if line.startswith(("| valid | 1", "| held_out | 1")))
    assert valid == (
        "| valid | 1,234 | 0.2500 (0.2000–0.3000) | 90.00% (88.00%–92.00%) | selected the model: optimistic |"
    )
    assert held_out.endswith("| trained and selected nothing |")
    assert "0.5000" in held_out
    assert (
        "The `valid` photos also selected the epoch and the temperature, so their score is optimistic: by an estimated "
        "0.0012 ± 0.0004 in log loss" in text
    )
    assert "| train | 6 | 3 cat, 3 dog |" in text
    assert "(N, 16, 16, 3)" in text
    assert "in the order: cat, dog" in text
    assert "50.0% are dog, 50.0% are cat" in text
    assert (
        "A network, from scratch: 12 epochs; epoch 7 was kept. Training took 2.5 minutes. All settings are in" in text
    )
    assert "`" + "0" * 64 + "`" in text
    assert "--recipe small-cnn --seed 0 --set epochs=12 --set 'fill_mode=a b'\n" in text
    assert "| history.csv |" in text and "| curves.png |" in text


def test_what_is_not_known_is_not_said() -> None:
    unknown = replace(VALID, optimism=Optimism(("epoch",), "no folds"))
    text = card(_info(metrics={"valid": unknown}))
    assert "so their score is optimistic; by how much is unknown: no folds." in text
    training = TrainingSummary(description="A linear head on the features of lite2.", seconds=6.0)
    text = card(_info(training=training))
    assert (
        "A linear head on the features of lite2. Training took 0.1 minutes. All settings are in `model.json`." in text
    )
    assert "curves.png" not in text and "resume/" not in text and "label_errors.csv" not in text


def test_the_hub_reads_task_tags_and_the_results_of_each_split() -> None:
    front = _parts(_info())[0]
    assert front["pipeline_tag"] == "image-classification"
    assert front["library_name"] == "photoclass"
    assert set(front["tags"]) >= {"image-classification", "onnx", "small-cnn"}
    assert front["metrics"] == ["accuracy", "log_loss"]
    assert "license" not in front, "that is for the owner to say"
    (model,) = front["model-index"]
    assert [result["dataset"]["split"] for result in model["results"]] == ["valid", "held_out"]
    for result, loss in zip(model["results"], (0.25, 0.5), strict=True):
        assert result["task"]["type"] == "image-classification"
        assert result["dataset"]["type"] and result["dataset"]["name"]
        assert {m["type"]: m["value"] for m in result["metrics"]} == {"accuracy": 0.9, "log_loss": loss}
        assert all("95 % interval" in metric["name"] for metric in result["metrics"])
    assert "which selected the model" in model["results"][0]["metrics"][0]["name"]


def test_a_score_on_a_single_photo_has_no_interval_and_says_none() -> None:
    single = replace(HELD_OUT, n=1, log_loss=Interval(0.25))
    (model,) = _parts(_info(metrics={"held_out": single}))[0]["model-index"]
    names = {metric["type"]: metric["name"] for metric in model["results"][0]["metrics"]}
    assert "95 % interval" not in names["log_loss"]
    assert "95 % interval" in names["accuracy"]


def test_a_loss_that_is_next_to_nothing_is_still_a_number() -> None:
    metrics = {"held_out": replace(HELD_OUT, log_loss=Interval(1e-7))}
    (model,) = _parts(_info(metrics=metrics))[0]["model-index"]
    assert model["results"][0]["metrics"][1]["value"] == 0


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_string_comes_back_from_yaml_as_it_was(text: str) -> None:
    assert yaml.safe_load(f"- key: {scalar(text)}\n") == [{"key": text}]


NAMES = ("a: b", "- c", "# d", "'e\"", "f\n---\ng", "h | i", "<b>", "*j*", "\x85k\u2028", "no", "1e3", "\udcff")


def test_no_class_name_breaks_metadata_table_or_text(tmp_path: Path) -> None:
    names = tuple(sorted(NAMES))
    info = _info(class_names=names, base_rates=(1 / 12,) * 12, photos={"train": dict.fromkeys(names, 3)})
    write_card(tmp_path, info)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["model-index"][0]["results"][0]["dataset"]["name"].endswith(" and others")
    two = _info(class_names=("a: b", "f\n---\ng"), photos={"train": {"a: b": 1, "f\n---\ng": 2}})
    assert _parts(two)[0]["model-index"][0]["name"] == "a: b or f\n---\ng"
    (row,) = (line for line in text.splitlines() if line.startswith("| train |"))
    assert row.replace("\\|", "").count("|") == 4
    assert "\\<b\\>" in row and "\\*j\\*" in row


def test_many_classes_are_counted_in_the_title_and_named_in_the_text() -> None:
    names = tuple("abcdef")
    text = _parts(_info(class_names=names, base_rates=(1 / 6,) * 6))[1]
    assert text.startswith("\n# 6 classes?\n")
    assert "in the order: a, b, c, d, e, f" in text
    assert "and 1 other classes" in text


def test_it_is_written_as_readme(tmp_path: Path) -> None:
    write_card(tmp_path, _info())
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == card(_info())
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


@cache
def _photo_files() -> dict[str, bytes]:
    """Return photos of many kinds and sizes as files."""
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 256, (3, 5, 4), dtype=np.uint8)

    def photo(width: int, height: int, mode: str = "RGB") -> Image.Image:
        return Image.fromarray(colours).resize((width, height), Image.Resampling.BICUBIC).convert(mode)

    rotated = Image.Exif()
    rotated[0x0112] = 6
    return {
        "small.jpg": encode(photo(60, 71), "JPEG", quality=95),
        "large.jpg": encode(photo(1301, 1099), "JPEG", quality=95),
        "eighth.jpg": encode(photo(4400, 4200), "JPEG"),
        "rotated.jpg": encode(photo(1300, 1100), "JPEG", exif=rotated),
        "grey.jpg": encode(photo(300, 200, "L"), "JPEG"),
        "cmyk.jpg": encode(photo(300, 200, "CMYK"), "JPEG"),
        "alpha.png": encode(photo(90, 200, "RGBA"), "PNG"),
        "palette.png": encode(photo(90, 200).quantize(20), "PNG", transparency=3),
        "one-bit.png": encode(photo(300, 200, "1"), "PNG"),
        "wide-grey.png": encode(Image.fromarray(generator.integers(0, 65_536, (200, 90), dtype=np.uint16)), "PNG"),
        "large.webp": encode(photo(2000, 1500), "WEBP"),
    }


@pytest.mark.parametrize("name", _photo_files())
@pytest.mark.parametrize(("resize", "resampling"), [("squash", "bicubic"), ("crop", "bilinear")])
def test_the_example_in_python_says_what_the_model_says(
    name: str,
    resize: str,
    resampling: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    info = replace(_info(), resize=resize, resampling=resampling)
    save_model(tmp_path, info, brightness_onnx())
    (tmp_path / "photo.jpg").write_bytes(_photo_files()[name])
    code = client_of(card(info))
    assert "photoclass" not in code
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "card", "exec"), {})
    said = eval(capsys.readouterr().out)  # noqa: S307 - a dict of two numbers, printed by our own example
    pixels = decode_photo((tmp_path / "photo.jpg").read_bytes(), info.decode_settings())
    assert isinstance(pixels, np.ndarray)
    np.testing.assert_allclose(list(said.values()), Runtime.load(tmp_path).probabilities([pixels])[0], atol=1e-5)
    assert list(said) == ["cat", "dog"] and os.getcwd() == str(tmp_path)


def test_models_of_older_formats_are_told_that_the_example_is_not_exact() -> None:
    assert "are those of `photoclass predict`" in card(_info())
    assert "by a few hundredths" in card(_info(resampling="area"))


def test_the_lines_of_the_built_in_models_card_agree_with_predict(drawn_photos: Path, tmp_path: Path) -> None:
    assert_client_agrees(builtin_model(), drawn_photos, tmp_path / "photos")


def test_the_lines_of_a_small_cnns_card_agree_with_predict(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    assert_client_agrees(model, drawn_photos, tmp_path / "photos")
