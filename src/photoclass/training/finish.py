"""After the loop: the best weights exported, checked, scored, and written as a model folder."""

import csv
import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from torch import nn

from photoclass.atomic import atomic_text
from photoclass.errors import TrainingError
from photoclass.model.card import write_card
from photoclass.model.folder import ModelInfo, load_info, save_model, save_photos, save_valid_predictions
from photoclass.model.runtime import Runtime
from photoclass.photos.cache import CachedPhotos
from photoclass.photos.table import HELD_OUT, SPLITS, TRAIN, VALID, SetAside, count_by_class
from photoclass.results.evaluate import predict_cached
from photoclass.results.score import Score, score_predictions
from photoclass.training.checkpoint import TrainingState
from photoclass.training.export import export_onnx, trained_probabilities
from photoclass.training.run import Run
from photoclass.training.stopping import EpochRow, best_epoch

# What the exported file may differ from the trained network by, in probability, in full precision.
_EXPORT_TOLERANCE = 1e-3
_EXPORT_PHOTOS = 64


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        folder: The model folder.
        info: What its model.json says.
        scores: Of the validation split and, where there is one, of the held-out split.
        history: The epochs.
        photos: What it was trained, chosen and scored on.
    """

    folder: Path
    info: ModelInfo
    scores: tuple[Score, ...]
    history: tuple[EpochRow, ...]
    photos: CachedPhotos

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """Photos that could not be read."""
        return self.photos.table.set_aside


def finish(run: Run, state: TrainingState) -> Trained:
    """Export the best weights, check the file against them, score it, and write the model folder.

    Raises:
        TrainingError: The exported file does not do what the trained network does.
        OutputError: The folder cannot be written.
    """
    network = state.network
    network.load_state_dict(state.best_weights)
    info = _describe(run, state)
    onnx = export_onnx(network, run.recipe.image_size)
    difference = _check_export(run, network, info, onnx)
    runtime = Runtime(info, onnx, run.out)
    scores, metrics = [], {}
    for split in (VALID, HELD_OUT):
        part = run.part(split)
        if len(part):
            probabilities = predict_cached(runtime, part, run.progress)
            chose = split == VALID
            score = score_predictions(probabilities, part.table.labels, run.class_names, SPLITS[split], chose)
            scores.append(score)
            metrics[SPLITS[split]] = score.as_json()
            if chose:
                save_valid_predictions(run.out, part.table, probabilities)
    info = dataclasses.replace(info, metrics=metrics, trained={**info.trained, **difference})
    save_photos(run.out, run.photos.contents, run.photos.table)
    _write_set_aside(run.out / "set_aside.csv", run.photos.table.set_aside)
    write_card(run.out, info)
    save_model(run.out, info, onnx)
    return Trained(run.out, load_info(run.out), tuple(scores), tuple(state.history), run.photos)


def _describe(run: Run, state: TrainingState) -> ModelInfo:
    table = run.photos.table
    trained_labels = table.labels[table.splits == TRAIN]
    rates = np.bincount(trained_labels, minlength=len(run.class_names)) / len(trained_labels)
    best = best_epoch(state.history)
    return ModelInfo(
        class_names=run.class_names,
        image_size=run.recipe.image_size,
        resize=run.recipe.resize,
        recipe=run.recipe.name,
        settings=dataclasses.asdict(run.recipe),
        seed=run.seed,
        base_rates=tuple(float(rate) for rate in rates),
        photos={
            name: count_by_class(table.labels[table.splits == i], run.class_names) for i, name in enumerate(SPLITS)
        },
        data_fingerprint=run.identity()["data"],
        photoclass_version=metadata.version("photoclass"),
        trained={
            "on": datetime.now(UTC).isoformat(timespec="seconds"),
            "epochs": state.history[-1].epoch,
            "best_epoch": best.epoch if best else None,
            "seconds": round(state.elapsed_seconds, 1),
            "stopped": state.stopped,
            "device": run.compute.device,
            "precision": run.compute.precision,
            "torch": str(torch.__version__),
        },
    )


def _check_export(run: Run, network: nn.Module, info: ModelInfo, onnx: bytes) -> dict[str, float]:
    """Compare the exported file with the trained network on real photos.

    Raises:
        TrainingError: They do not agree.
    """
    valid = run.part(VALID)
    pixels = np.stack([valid.pixels[i] for i in range(min(_EXPORT_PHOTOS, len(valid)))]).astype(np.uint8)
    wanted = trained_probabilities(network, pixels).numpy()
    exact = float(abs(Runtime(info, onnx, run.out, "f32").probabilities(pixels) - wanted).max())
    used = Runtime(info, onnx, run.out)
    fast = float(abs(used.probabilities(pixels) - wanted).max())
    # bf16 has three digits; its effect on probabilities is reported, and large ones are refused.
    if not (exact <= _EXPORT_TOLERANCE and fast <= 100 * _EXPORT_TOLERANCE):
        raise TrainingError(
            f"the exported model differs from the trained network by {exact:.5f} in f32 and {fast:.5f} in "
            f"{used.precision}; it is not written, the checkpoint is kept. Please report this"
        )
    return {"onnx_differs_by_f32": round(exact, 7), f"onnx_differs_by_{used.precision}": round(fast, 7)}


def _write_set_aside(path: Path, set_aside: tuple[SetAside, ...]) -> None:
    if not set_aside:
        path.unlink(missing_ok=True)
        return
    with atomic_text(path) as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "reason"])
        writer.writerows([item.name, item.reason] for item in set_aside)
