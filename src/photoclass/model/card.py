"""`README.md` of a model folder: a model card for a person, with what Hugging Face's hub reads at its top."""

import re
import shlex
from pathlib import Path
from typing import Any

from photoclass.atomic import atomic_text
from photoclass.model.card_metadata import front_matter
from photoclass.model.folder import ModelInfo
from photoclass.text import printable

# Signs that Markdown would take for its own; an underscore within a word is none.
_MARKUP = re.compile(r"[\\`*\[\]<>|#]|(?<!\w)_|_(?!\w)")


def write_card(folder: Path, info: ModelInfo) -> None:
    """Write the card, whole or not at all."""
    with atomic_text(folder / "README.md") as stream:
        stream.write(card(info))


def card(info: ModelInfo) -> str:
    """Return the card's text, in Markdown."""
    names = [_plain(name) for name in info.class_names]
    title = " or ".join(names) if len(names) < 5 else f"{len(names)} classes"
    counts = [
        f"| {split} | {sum(by_class.values()):,} | {', '.join(f'{c:,} {_plain(n)}' for n, c in by_class.items())} |"
        for split, by_class in info.photos.items()
    ]
    return f"""{front_matter(info)}
# {title}?

An image classifier, trained by photoclass {info.photoclass_version} with the recipe `{info.recipe}`.

{scores(info)}

## Use

    photoclass predict PHOTOS --model {{this folder}} --out predictions.csv

`model.onnx` takes uint8 RGB pixels of shape (N, {info.image_size}, {info.image_size}, 3) and gives probabilities of
shape (N, {len(names)}), in the order: {", ".join(names)}. Photos come to that size by the rule
`{info.resize}`. Without photoclass, in the model's folder, with any ONNX runtime (here OpenVINO):

{example(info)}

## Limits

- It knows these classes only: shown anything else, it still names one of them, but with `--abstain`, which knows
  most photos that are of none.
- The scores hold for photos like those that it was scored on. Of the photos that it learnt from,
  {_shares(info, names)}; where classes come in other shares, its probabilities lean towards these.

## Photos

| split | photos | by class |
| --- | --- | --- |
{chr(10).join(counts)}

Fingerprint of all, their classes and splits: `{info.data_fingerprint}`.

## Training

{_training(info)}

To repeat it, with the same photos:

    {_command(info)}

## Files

{_files(info)}
"""


def scores(info: ModelInfo) -> str:
    """Return the scores as a table in Markdown, with what is to be said of them."""
    rows = [_score_row(split, figures) for split, figures in info.metrics.items()]
    notes = [note for split, figures in info.metrics.items() if (note := _words_on_flattery(split, figures))]
    header = ("| measured on | photos | log loss (95 % interval) | accuracy (95 % interval) | |", f"|{' --- |' * 5}")
    return "\n\n".join(("\n".join((*header, *rows)), *notes))


def _score_row(split: str, figures: dict[str, Any]) -> str:
    loss, loss_ends = figures["log_loss"], figures["log_loss_ci95"]
    loss_interval = f" ({loss_ends[0]:.4f}–{loss_ends[1]:.4f})" if loss_ends else ""  # one photo shows no spread
    right, (right_low, right_high) = figures["accuracy"], figures["accuracy_ci95"]
    note = "chose the model, which flatters" if figures["split_selected_model"] else "chose nothing: an honest score"
    return (
        f"| {split} | {figures['n']:,} | {loss:.4f}{loss_interval} | "
        f"{right:.2%} ({right_low:.2%}–{right_high:.2%}) | {note} |"
    )


def _words_on_flattery(split: str, figures: dict[str, Any]) -> str:
    optimism = figures.get("optimism")
    if not optimism:
        return ""
    start = (
        f"The photos of `{split}` chose the {' and the '.join(optimism['selected'])}, so their score tends to flatter"
    )
    if optimism["log_loss"] is None:
        return f"{start}; by how much is not known: {optimism['method']}."
    return (
        f"{start}: by {optimism['log_loss']:.4f} ± {optimism['log_loss_se']:.4f} in log loss and "
        f"{optimism['accuracy']:.2%} ± {optimism['accuracy_se']:.2%} in accuracy (± one standard error; "
        f"{optimism['method']})."
    )


def example(info: ModelInfo) -> str:
    """Return lines of Python that use the model without photoclass, as Markdown shows code."""
    side = f"({info.image_size}, {info.image_size})"
    fitted = f"ImageOps.fit(photo, {side}, " if info.resize == "crop" else f"photo.resize({side}, "
    return f"""    import json, numpy, openvino, pathlib
    from PIL import Image, ImageOps

    photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
    pixels = numpy.asarray({fitted}Image.Resampling.BOX))
    probabilities = openvino.compile_model("model.onnx", "CPU")(pixels[None])[0][0]
    names = json.loads(pathlib.Path("model.json").read_text())["class_names"]
    print(dict(zip(names, probabilities.tolist())))"""


def _shares(info: ModelInfo, names: list[str]) -> str:
    shares = sorted(zip(info.base_rates, names, strict=True), reverse=True)[:5]
    others = f", and {len(names) - 5} other classes" if len(names) > 5 else ""
    return ", ".join(f"{share:.1%} are {name}" for share, name in shares) + others


def _training(info: ModelInfo) -> str:
    """Return how the model was trained, as its recipe described it."""
    epochs = "; every epoch is in `history.csv` and `curves.png`" if "best_epoch" in info.trained else ""
    minutes = f"Training took {info.trained.get('seconds', 0) / 60:.1f} minutes."
    return f"{_plain(info.trained.get('description', ''))} {minutes} All settings are in `model.json`{epochs}.".strip()


def _command(info: ModelInfo) -> str:
    """Return what trains such a model again; names are quoted for a shell."""
    words = ["photoclass", "train", "PHOTOS", "--out", "RUN", "--recipe", info.recipe, "--seed", str(info.seed)]
    for name, value in info.trained.get("set", {}).items():
        words += ["--set", f"{name}={value}"]
    return printable(shlex.join(words))


def _files(info: ModelInfo) -> str:
    rows = {
        "model.onnx": "the network, from pixels to probabilities",
        "model.json": "class names, image size, settings, scores, and the SHA-256 of `model.onnx`",
        "photos.csv": "which photo was in which split, by content (SHA-256)",
        "report.html": "all of it as a page for a person, with photos; not there after `--no-report`",
        "valid_predictions.csv": "what the model says of the validation photos",
        "fingerprints.bin": "16x16 grey cells of each training photo, by which `evaluate` knows their near-duplicates; "
        "whoever gives the model away without it loses nothing else",
    }
    rows["novelty.npz"] = "what the network makes of up to 2,000 training photos, by which those unlike them are known"
    if "held_out" in info.metrics:
        rows["held_out_predictions.csv"] = "the same of the held-out photos"
    if "best_epoch" in info.trained:
        rows["history.csv, curves.png"] = "loss and accuracy, epoch by epoch"
        rows["resume/"] = "the checkpoint from which `--resume` goes on; not needed to use the model"
    if info.trained.get("doubtful_labels"):
        rows["label_errors.csv"] = "training photos whose label is surely wrong, as fixes to look at"
    return "\n".join(
        ("| file | what it is |", "| --- | --- |", *(f"| {name} | {what} |" for name, what in rows.items()))
    )


def _plain(name: str) -> str:
    """Return a class name as Markdown shows it, whatever signs it has."""
    return _MARKUP.sub(r"\\\g<0>", printable(name).replace("\n", " "))
