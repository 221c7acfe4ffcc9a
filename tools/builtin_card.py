"""`README.md` of the built-in model: its score on held-out photos, what it learnt from, its limits, how to make it."""

from pathlib import Path
from typing import Any

from photoclass.atomic import atomic_text
from photoclass.model.card import example, scores
from photoclass.model.card_metadata import front_matter
from photoclass.model.folder import ModelInfo


def write_builtin_card(folder: Path, info: ModelInfo) -> None:
    """Write the card, whole or not at all."""
    with atomic_text(folder / "README.md") as stream:
        stream.write(_card(info))


def _card(info: ModelInfo) -> str:
    held_out, trained = info.metrics["held_out"], info.trained
    photos = {split: f"{sum(by_class.values()):,}" for split, by_class in info.photos.items()}
    total = sum(sum(by_class.values()) for by_class in info.photos.values())
    classes, side = " and ".join(info.class_names), info.image_size
    return f"""{front_matter(info)}
# Cat or dog: the built-in model

The model that `photoclass` uses where no `--model` is given. It tells {classes} apart, was trained from scratch by
photoclass {info.photoclass_version} with the recipe `{info.recipe}`, and starts from nobody's weights.

Of {held_out["n"]:,} photos that it has never seen it tells **{held_out["accuracy"]:.2%}** rightly, with a log loss of
**{held_out["log_loss"]:.4f}**.

{scores(info)}

## Use

    photoclass predict my-pet.jpg

Without photoclass, in this folder, with any ONNX runtime (here OpenVINO):

{example(info)}

## What it was trained on

{total:,} photos of Kaggle's *Dogs vs. Cats*: {photos["train"]} to learn from, {photos["valid"]} for validation,
{photos["held_out"]} held out, no picture in two of these. No photo is in this folder: `photos.csv` has the SHA-256,
split and class of each, so that `photoclass evaluate` leaves out those that it knows.

## Limits

- It knows cats and dogs alone. Shown anything else it still names one of them, but with `--abstain`, which knows most
  photos that are of neither.
- It learnt from photos of pets as people take them. The scores hold for such photos: drawings, wild cats, wolves, night
  pictures and animals far away are none.
- It is small, so that it can come with the package. `photoclass train`, which starts from a pretrained network, makes a
  better one of the same photos in minutes.
- Near-duplicates of the photos that it was trained on are not known to it, only the very same files.

## How to make it again

    make builtin-model DATA=train.zip

That trains with seed {info.seed}, and packs what comes of it; this one took {_length(trained)}.
{_weights(info)} All settings stand in `model.json`, the epochs in `history.csv` and `curves.png`.

Fingerprint of all photos, their classes and splits: `{info.data_fingerprint}`.

## Files

| file | what it is |
| --- | --- |
| model.onnx | the network, from uint8 RGB pixels (N, {side}, {side}, 3) to probabilities (N, 2) |
| model.json | class names, image size, settings, scores, and the SHA-256 of `model.onnx` |
| photos.csv | which photo was in which split, by content (SHA-256) |
| valid_predictions.csv, held_out_predictions.csv | what the model says of the photos that it was scored on |
| novelty.npz | what the network makes of up to 2,000 training photos, by which those unlike them are known |
| history.csv, curves.png | loss and accuracy, epoch by epoch |
"""


def _length(trained: dict[str, Any]) -> str:
    minutes = trained.get("seconds", 0) / 60
    return (
        f"{trained.get('epochs', 0):g} epochs and {minutes:,.0f} minutes on {trained.get('device')} in "
        f"{trained.get('precision')}"
    )


def _weights(info: ModelInfo) -> str:
    before = f"{info.trained['log_loss_with_fp32_weights']:.6f}"
    if info.trained["weights"] == "fp32":
        return "Its weights stay in fp32."
    after = f"{info.metrics['held_out']['log_loss']:.6f}"
    return f"Its weights are kept in fp16: the held-out log loss was {before} before, and is {after}."
