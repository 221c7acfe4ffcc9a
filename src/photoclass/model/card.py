"""`README.md` of a model folder: a model card for a person."""

from pathlib import Path
from typing import Any

from photoclass.atomic import atomic_text
from photoclass.model.folder import ModelInfo


def write_card(folder: Path, info: ModelInfo) -> None:
    """Write the card, whole or not at all."""
    with atomic_text(folder / "README.md") as stream:
        stream.write(card(info))


def card(info: ModelInfo) -> str:
    """Return the card's text, in Markdown."""
    names = " or ".join(info.class_names) if len(info.class_names) < 5 else f"{len(info.class_names)} classes"
    counts = [
        f"| {split} | {sum(by_class.values()):,} | {', '.join(f'{c:,} {name}' for name, c in by_class.items())} |"
        for split, by_class in info.photos.items()
    ]
    scores = [_score_row(split, figures) for split, figures in info.metrics.items()]
    return f"""# {names}?

An image classifier, trained by photoclass {info.photoclass_version} with the recipe `{info.recipe}`.

| measured on | photos | log loss (95 % interval) | accuracy (95 % interval) | |
| --- | --- | --- | --- | --- |
{chr(10).join(scores)}

## Use

    photoclass predict PHOTOS --model {{this folder}} --out predictions.csv

`model.onnx` takes uint8 RGB pixels of shape (N, {info.image_size}, {info.image_size}, 3) and gives probabilities of
shape (N, {len(info.class_names)}), in the order: {", ".join(info.class_names)}. Photos come to that size by the rule
`{info.resize}`. It knows these classes only: shown anything else, it still names one of
them, but with `--abstain`, which knows most photos that are of none.

## Photos

| split | photos | by class |
| --- | --- | --- |
{chr(10).join(counts)}

`photos.csv` lists them by content (SHA-256). Fingerprint of all: `{info.data_fingerprint}`.
`fingerprints.bin` has 16x16 grey cells of each training photo, by which `evaluate` knows their near twins; whoever
gives the model away without it loses nothing else. `seen.npz` has what the network makes of up to 2,000 of them, by
which photos that are unlike them are known.

## Training

{_training(info)}
"""


def _training(info: ModelInfo) -> str:
    trained = info.trained
    where = f"on {trained.get('device')} in {trained.get('precision')}, seed {info.seed}"
    minutes = f"{trained.get('seconds', 0) / 60:.1f} minutes"
    if "strength" in trained:
        return (
            f"A linear head on the features of the frozen pretrained network `{info.settings.get('backbone')}`, in "
            f"{minutes} {where}. Its regularisation ({trained['strength']:g}) and temperature "
            f"({trained['temperature']:.3f}) were chosen by cross-validation among the training photos, where its log "
            f"loss was {trained['cross_validated_log_loss']:.4f}. All settings stand in `model.json`."
        )
    what = f"Trained was {trained['learnt']}. " if "learnt" in trained else ""
    return (
        f"{what}{trained.get('epochs', 0):g} epochs in {minutes} {where}; kept is epoch {trained.get('best_epoch')}. "
        f"It ended because: {trained.get('stopped')}. All settings stand in `model.json`, the epochs in `history.csv` "
        "and `curves.png`."
    )


def _score_row(split: str, figures: dict[str, Any]) -> str:
    loss, (loss_low, loss_high) = figures["log_loss"], figures["log_loss_ci95"]
    right, (right_low, right_high) = figures["accuracy"], figures["accuracy_ci95"]
    note = "chose the model: a little flattering" if figures["split_chose_model"] else "the honest score"
    return (
        f"| {split} | {figures['n']:,} | {loss:.4f} ({loss_low:.4f}–{loss_high:.4f}) | "
        f"{right:.2%} ({right_low:.2%}–{right_high:.2%}) | {note} |"
    )
