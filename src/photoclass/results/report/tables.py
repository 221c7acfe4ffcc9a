"""What the report tells of a model itself: figures, counts, settings, and how to train the same again."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from photoclass.model.folder import ModelInfo
from photoclass.results.report.plots import bar
from photoclass.results.report.verdict import SPLIT_WORDS, describe_count, shown
from photoclass.results.scores.optimism import Optimism
from photoclass.text import printable

MOST_CLASSES = 100  # beyond them a table is no longer read: the rest is counted
FIGURES = (
    ("accuracy", "accuracy", "share classified correctly"),
    ("balanced_accuracy", "balanced accuracy", "the same, every class weighing the same"),
    ("log_loss", "log loss", "in nats; 0 is perfect, sure mistakes cost most"),
    ("brier", "Brier score", "mean squared error of the probabilities; 0 is perfect"),
    ("roc_auc", "ROC AUC", "how well the classes are put in order; 1 is perfect"),
    ("average_precision", "average precision", "precision over all thresholds; 1 is perfect"),
    ("ece", "calibration error", "how far probabilities are from shares, on average"),
)
_SHARES = ("accuracy", "balanced_accuracy", "ece")


def figure_rows(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Give what is measured, its value, its interval and what it means; what could not be computed has no row."""
    for key, words, meaning in FIGURES:
        value, interval = figures.get(key), figures.get(f"{key}_ci95")
        if not isinstance(value, float | int):
            continue
        spread = " to ".join(_figure(key, end) for end in interval) if interval else ""
        yield words, _figure(key, value), spread, meaning


def _figure(key: str, value: float) -> str:
    return f"{100 * value:.2f} %" if key in _SHARES else f"{value:.4f}"


def split_rows(info: ModelInfo) -> Iterator[tuple[str, int, str, str, str]]:
    """Give each split with its photos, accuracy, log loss, and what it chose."""
    for split, figures in info.metrics.items():
        note = _words_on_choice(figures)
        accuracy, loss = _figure("accuracy", figures["accuracy"]), _figure("log_loss", figures["log_loss"])
        yield SPLIT_WORDS.get(split, split), figures["n"], accuracy, loss, note


def _words_on_choice(figures: Mapping[str, Any]) -> str:
    if not figures["split_chose_model"]:
        return "chose nothing"
    optimism = Optimism.from_json(figures.get("optimism"), "model.json")
    if optimism is None:
        return "chose the model, which flatters"
    what = f"chose {' and '.join(optimism.chose)}, which flatters"
    return f"{what} by {max(0.0, optimism.log_loss.value):.4f} in log loss" if optimism.log_loss else what


def count_rows(info: ModelInfo, names: list[str]) -> Iterator[tuple[str, list[int], int, Markup]]:
    """Give each class with its photos by split, their sum, and a bar as long as that."""
    totals = [sum(by_class.get(name, 0) for by_class in info.photos.values()) for name in info.class_names]
    most = max(totals) or 1
    for name, words, total in list(zip(info.class_names, names, totals, strict=True))[:MOST_CLASSES]:
        parts = [info.photos.get(split, {}).get(name, 0) for split in SPLIT_WORDS]
        yield words, parts, total, bar(total / most)


def describe_duplicates(info: ModelInfo) -> str:
    """Say how many photos are near-duplicates, and whether any stand on both sides of a split."""
    duplicates, across = info.trained.get("photos_with_duplicates"), info.trained.get("duplicates_across_splits")
    if duplicates is None:
        return "How many photos are near-duplicates, this model folder does not say."
    if not duplicates:
        return "No two photos are near-duplicates: the same picture saved again, resized, mirrored or cropped."
    words = f"{describe_count(duplicates)} show a picture that stands there more than once"
    if not across:
        return f"{words} (saved again, resized, mirrored or cropped); they were kept together in one split."
    return f"{words}, {across:,} of them on both sides of a split that DATA gives: that flatters the score."


def why_no_curves(info: ModelInfo) -> str:
    """Say why there are no epochs, and what was chosen instead."""
    if "strength" not in info.trained:
        return "The model folder has no history.csv, so there are no curves to show."
    return (
        f"There are none: the recipe {info.recipe} has no epochs. A pretrained network looked at each photo once, and "
        "a linear head was fitted to what it saw until nothing changed any more. How strongly the head is held back "
        f"(strength {info.trained['strength']:g}) was chosen by cross-validation among the training photos, where the "
        f"log loss was {info.trained['cross_validated_log_loss']:.4f}."
    )


def describe_training(info: ModelInfo) -> str:
    """Say why the training ended."""
    words = str(info.trained.get("stopped", ""))
    return f"Training ended: {words}." if words else ""


def setting_rows(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give every setting, the nested ones too, with its value."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from setting_rows(value)
        else:
            yield name, shown(str(value), 200)


def fact_rows(model: Path, data: str, info: ModelInfo) -> Iterator[tuple[str, str]]:
    """Give what the model is, where it comes from, and its fingerprints."""
    trained = info.trained
    yield "model folder", shown(model.absolute().name, 200)
    yield "photos", shown(data, 200) if data else "not known"
    yield "recipe", info.recipe
    yield "seed", str(info.seed)
    yield "image size", f"{info.image_size} x {info.image_size} pixels, by the rule {info.resize}"
    yield "trained", f"{trained.get('on', 'at an unknown time')}, in {trained.get('seconds', 0):,.0f} s"
    yield "device, precision", f"{trained.get('device', 'unknown')}, {trained.get('precision', 'unknown')}"
    torch = f", torch {trained['torch']}" if "torch" in trained else ""
    yield "versions", f"photoclass {info.photoclass_version}{torch}"
    for key, words in (
        ("temperature", "temperature of the calibration"),
        ("onnx_differs_by", "file and trained head differ by at most"),
        ("onnx_differs_by_f32", "file and trained network differ by at most, in full precision"),
        ("onnx_differs_by_bf16", "the same in bf16"),
    ):
        if key in trained:
            yield words, f"{trained[key]:.4g}"
    yield "fingerprint of the data", info.data_fingerprint
    yield "SHA-256 of model.onnx", info.onnx_sha256


def command_to_repeat(info: ModelInfo) -> str:
    """Return the command that trains the same model again."""
    trained = info.trained
    data = trained.get("data") or "DATA"
    parts = [f"photoclass train {shlex.quote(data)} --out again", f"--recipe {info.recipe} --seed {info.seed}"]
    parts += [f"--set {shlex.quote(f'{name}={value}')}" for name, value in trained.get("set", {}).items()]
    if trained.get("fixes"):
        parts.append(f"--fixes {shlex.quote(trained['fixes'])}")
    if trained.get("device"):
        parts.append(f"--device {trained['device']} --precision {trained.get('precision', 'auto')}")
    return printable(" \\\n    ".join(parts))
