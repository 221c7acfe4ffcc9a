"""`README.md` of the built-in model: its score on held-out photos, what it learnt from, its limits, how to make it."""

from pathlib import Path

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
    photos = {split: sum(by_class.values()) for split, by_class in info.photos.items()}
    classes = " and ".join(info.class_names)
    minutes = trained.get("seconds", 0) / 60
    return f"""{front_matter(info)}
# Cat or dog: the built-in model

The model that `photoclass` uses where no `--model` is given. It tells {classes} apart, was trained from scratch by
photoclass {info.photoclass_version} with the recipe `{info.recipe}`, and starts from nobody's weights.

On {held_out["n"]:,} photos that it has never seen it is right in **{held_out["accuracy"]:.2%}** of cases, with a log loss of
**{held_out["log_loss"]:.4f}**.

{scores(info)}

## Use

    photoclass predict my-pet.jpg

Without photoclass, in this folder, with any ONNX runtime (here OpenVINO):

{example(info)}

## What it was trained on

The 20,000 photos to train on of the shared copy of Kaggle's *Dogs vs. Cats*: {photos.get("train", 0):,} to learn from,
{photos.get("valid", 0):,} for validation, {photos.get("held_out", 0):,} held out, no picture in two of these. No photo is in
this folder: `photos.csv` has the SHA-256, split and class of each, so that `photoclass evaluate` leaves out those that it
knows.

## Limits

- It knows cats and dogs alone. Shown anything else it still names one of them, but with `--abstain`, which knows most
  photos that are of neither.
- It learnt from photos of pets as people take them. The scores hold for such photos: drawings, wild cats, wolves, night
  pictures and animals far away are none.
- It is small, so that it can come with the package. `photoclass train`, which starts from a pretrained network, makes a
  better one of the same photos in minutes.
- Near twins of the photos that it was trained on are not known to it, only the very same files.

## How to make it again

    make builtin-model DATA=train.zip

That trains with seed {info.seed}, {trained.get("epochs", 0):g} epochs, here in {minutes:,.0f} minutes on {trained.get("device")} in
{trained.get("precision")}, and packs what comes of it: {_weights(info)} All settings stand in `model.json`, the epochs in
`history.csv` and `curves.png`.

Fingerprint of all photos, their classes and splits: `{info.data_fingerprint}`.

## Files

| file | what it is |
| --- | --- |
| model.onnx | the network, from uint8 RGB pixels (N, {info.image_size}, {info.image_size}, 3) to probabilities (N, {len(info.class_names)}) |
| model.json | class names, image size, settings, scores, and the SHA-256 of `model.onnx` |
| photos.csv | which photo was in which split, by content (SHA-256) |
| valid_predictions.csv, held_out_predictions.csv | what the model says of the photos that it was scored on |
| seen.npz | what the network makes of up to 2,000 training photos, by which those unlike them are known |
| history.csv, curves.png | loss and accuracy, epoch by epoch |
"""


def _weights(info: ModelInfo) -> str:
    before = f"{info.trained['log_loss_with_fp32_weights']:.6f}"
    if info.trained["weights"] == "fp32":
        return "the weights stay in fp32."
    after = f"{info.metrics['held_out']['log_loss']:.6f}"
    return f"the weights are kept in fp16 (held-out log loss {before} before, {after} after)."
