"""`README.md` of the built-in model: its held-out score, its training photos, its limits and how to reproduce it."""

from pathlib import Path

from photoclass.atomic import atomic_text
from photoclass.model.card import describe_use, files, scores
from photoclass.model.card_metadata import front_matter
from photoclass.model.folder import (
    CARD_FILE,
    CURVES_FILE,
    HASHES_FILE,
    HELD_OUT_PREDICTIONS_FILE,
    HISTORY_FILE,
    INFO_FILE,
    NETWORK_FILE,
    NOVELTY_FILE,
    VALID_PREDICTIONS_FILE,
    ModelInfo,
)
from photoclass.photos.decode_settings import RESAMPLING

PACKED_FILES = (
    NETWORK_FILE,
    INFO_FILE,
    HASHES_FILE,
    VALID_PREDICTIONS_FILE,
    HELD_OUT_PREDICTIONS_FILE,
    NOVELTY_FILE,
    HISTORY_FILE,
    CURVES_FILE,
)


def write_builtin_card(folder: Path, info: ModelInfo) -> None:
    """Write the card atomically."""
    with atomic_text(folder / CARD_FILE) as stream:
        stream.write(_card(info))


def _resampling(info: ModelInfo) -> str:
    """Say where photos are resized by another rule than those that it was trained on."""
    if info.resampling == RESAMPLING:
        return ""
    return f"""Its training photos were resized by area averaging; it is used, and was scored, with Pillow's
{info.resampling} filter.
"""


def _card(info: ModelInfo) -> str:
    held_out = info.metrics["held_out"]
    photos = {split: f"{sum(by_class.values()):,}" for split, by_class in info.photos.items()}
    total = sum(sum(by_class.values()) for by_class in info.photos.values())
    classes = " and ".join(info.class_names)
    return f"""{front_matter(info)}
# Cat or dog: the built-in model

The model that `photoclass` uses when no `--model` is given. Its classes are {classes}. photoclass
{info.photoclass_version} trained it from scratch with the recipe `{info.recipe}`, without pretrained weights.
{_resampling(info)}
It classifies **{held_out.accuracy.value:.2%}** of {held_out.n:,} held-out photos correctly, with a log loss of
**{held_out.log_loss.value:.4f}**.

{scores(info)}

## Use

    photoclass predict my-pet.jpg

{describe_use(info)}

## What it was trained on

{total:,} photos of Kaggle's *Dogs vs. Cats*: {photos["train"]} for training, {photos["valid"]} for validation and
{photos["held_out"]} held out, with near-duplicates kept in one split. This folder contains no photo: `photos.bin` has
the start of the SHA-256, the split and the class of each, so that `photoclass evaluate` can leave out those that
trained the model.

## Limits

- It has two classes only. Given anything else, it still predicts one of them. `--abstain` marks most
  out-of-distribution photos, those that show neither a cat nor a dog, as `unsure`.
- It was trained on ordinary photos of pets, and the scores hold for such photos. Expect more mistakes on drawings,
  wild cats, wolves, night pictures and distant animals.
- It is small, so that it can be part of the package. `photoclass train` starts from a pretrained network and makes a
  better model from the same photos within minutes.
- It has no `fingerprints.bin`: `photoclass evaluate` recognises exact copies of its training photos, but not
  near-duplicates of them.

## How to reproduce it

    make builtin-model DATA=train.zip

This trains with seed {info.seed} and packs the result; this one took {_describe_training(info)}.
{_describe_weights(info)} All settings are in `model.json`, the epochs in `history.csv` and `curves.png`.

Fingerprint of all photos, their classes and splits: `{info.data_fingerprint}`.

## Files

{files(PACKED_FILES)}
"""


def _describe_training(info: ModelInfo) -> str:
    training, epochs = info.training, info.training.loop.epochs if info.training.loop else 0
    return f"{epochs:g} epochs and {training.seconds / 60:,.0f} minutes on {training.device} in {training.precision}"


def _describe_weights(info: ModelInfo) -> str:
    packing = info.training.packing
    if packing is None or packing.weights == "fp32":
        return "Its weights are stored in fp32."
    before, after = packing.log_loss_with_fp32_weights, info.metrics["held_out"].log_loss.value
    return f"Its weights are stored in fp16, which moved the held-out log loss from {before:.6f} to {after:.6f}."
