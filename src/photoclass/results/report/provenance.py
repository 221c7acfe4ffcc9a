"""Where a model comes from: its data, its training, its settings, and how to train the same again."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from photoclass.model.folder import ModelInfo
from photoclass.photos.data_paths import DataPaths
from photoclass.results.report.plots import bar
from photoclass.results.report.verdict import describe_count, shown
from photoclass.text import SPLIT_NAMES, printable

MOST_CLASSES = 100  # nobody reads a longer table: the rest is counted


@dataclass(frozen=True)
class ClassCount:
    """The photos of a class.

    Attributes:
        name: The class name.
        by_split: Photos in each split, in the order of `SPLIT_NAMES`.
        total: Their sum.
        bar: A bar in proportion to the largest class.
    """

    name: str
    by_split: tuple[int, ...]
    total: int
    bar: Markup


def class_counts(info: ModelInfo) -> tuple[ClassCount, ...]:
    """Count the photos of each class, of at most 100 classes."""
    totals = [sum(by_class.get(name, 0) for by_class in info.photos.values()) for name in info.class_names]
    most = max(totals) or 1
    return tuple(
        ClassCount(
            shown(name),
            tuple(info.photos.get(split, {}).get(name, 0) for split in SPLIT_NAMES),
            total,
            bar(total / most),
        )
        for name, total in list(zip(info.class_names, totals, strict=True))[:MOST_CLASSES]
    )


def describe_duplicates(info: ModelInfo) -> str:
    """Say how many photos have near-duplicates, and whether these lie in different splits."""
    duplicates, across = info.training.photos_with_duplicates, info.training.duplicates_across_splits
    if duplicates is None:
        return "This model folder does not record how many photos have near-duplicates."
    if not duplicates:
        return "No photo has a near-duplicate (the same picture saved again, resized, mirrored or cropped)."
    text = f"{describe_count(duplicates)} {'has' if duplicates == 1 else 'have'} a near-duplicate"
    if not across:
        return f"{text} (saved again, resized, mirrored or cropped); near-duplicates were kept in the same split."
    return f"{text}, and {across:,} of them have one in another split of DATA: this leak makes the score too good."


def describe_groups(info: ModelInfo) -> str:
    """Say what the user grouped photos by, and what the score would be without; empty for nothing."""
    grouping = info.training.grouping
    if grouping is None:
        return ""
    text = (
        f"The photos are of {grouping.groups:,} groups (--group-by {shown(grouping.group_by)}), of up to "
        f"{describe_count(grouping.largest)}; each was kept in one split"
    )
    if grouping.across_splits:
        text += f", except {grouping.across_splits:,} that DATA has in several: this leak makes the score too good"
    sentence = grouping.as_text()
    return printable(f"{text}. {sentence[0].upper()}{sentence[1:]}.")


def why_no_curves(info: ModelInfo) -> str:
    """Say why there are no training curves, and what was selected instead of an epoch."""
    if info.training.loop or not info.training.description:
        return "The model folder has no history.csv, so there are no curves to show."
    return printable(f"There are none, since the recipe {info.recipe} has no epochs. {info.training.description}")


def describe_ending(info: ModelInfo) -> str:
    """Say why the training ended."""
    reason = info.training.stop_reason
    return f"Training ended: {reason}." if reason else ""


def setting_rows(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give each setting, nested ones too, with its value."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from setting_rows(value)
        else:
            yield name, shown(str(value), 200)


def fact_rows(model: Path, data: DataPaths, info: ModelInfo) -> Iterator[tuple[str, str]]:
    """Give what the model is, how it was trained, and its fingerprints."""
    training = info.training
    yield "model folder", shown(model.absolute().name, 200)
    yield "photos", shown(str(data), 200) if data.parts else "not known"
    yield "recipe", info.recipe
    yield "seed", str(info.seed)
    yield "image size", f"{info.image_size} x {info.image_size} pixels, resize rule {info.resize}"
    yield "trained", f"{training.finished_at or 'at an unknown time'}, in {training.seconds:,.0f} s"
    yield "device, precision", f"{training.device or 'unknown'}, {training.precision or 'unknown'}"
    torch = f", torch {training.loop.torch}" if training.loop and training.loop.torch else ""
    yield "versions", f"photoclass {info.photoclass_version}{torch}"
    if training.temperature is not None:
        yield "calibration temperature", f"{training.temperature:.4g}"
    for precision, difference in training.onnx_difference.items():
        yield f"largest difference between model.onnx and the trained network, in {precision}", f"{difference:.4g}"
    yield "data fingerprint", info.data_fingerprint
    yield "SHA-256 of model.onnx", info.onnx_sha256


def command_to_repeat(info: ModelInfo) -> str:
    """Return the command that trains the same model again."""
    training = info.training
    data = training.data.as_arguments() if training.data else "DATA"
    parts = [f"photoclass train {data} --out again", f"--recipe {info.recipe} --seed {info.seed}"]
    parts += [f"--set {shlex.quote(f'{name}={value}')}" for name, value in training.changed_settings.items()]
    if training.fixes:
        parts.append(f"--fixes {shlex.quote(training.fixes)}")
    parts += [f"{option} {shlex.quote(value)}" for option, value in training.reading.as_arguments()]
    if training.split:
        parts.append(f"--split {training.split}")
    if training.device:
        parts.append(f"--device {training.device} --precision {training.precision or 'auto'}")
    return printable(" \\\n    ".join(parts))
