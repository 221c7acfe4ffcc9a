"""`README.md` of a model folder: a model card, with the metadata that the Hugging Face Hub reads at its top."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from photoclass.atomic import atomic_text
from photoclass.metrics.intervals import Interval
from photoclass.model.card_metadata import front_matter
from photoclass.model.folder import (
    CARD_FILE,
    CURVES_FILE,
    FILES,
    HASHES_FILE,
    HELD_OUT_PREDICTIONS_FILE,
    HISTORY_FILE,
    INFO_FILE,
    LABEL_ERRORS_FILE,
    RESUME_FOLDER,
    SKIPPED_FILE,
    ModelInfo,
    StoredScore,
)
from photoclass.text import printable

# Characters with a meaning in Markdown. An underscore within a word has none.
_MARKUP = re.compile(r"[\\`*\[\]<>|#&~]|(?<!\w)_|_(?!\w)")


def write_card(folder: Path, info: ModelInfo) -> None:
    """Write the card atomically."""
    with atomic_text(folder / CARD_FILE) as stream:
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
shape (N, {len(names)}), in the order: {", ".join(names)}. Photos are resized to that size by the rule
`{info.resize}`, resampling `{info.resampling}`.

{describe_use(info)}

## Limits

- It has these classes only. Given a photo of anything else, it still predicts one of them; `--abstain` marks most such
  out-of-distribution photos as `unsure`.
- The scores hold for photos like those that it was scored on. Of its training photos, {_shares(info, names)}. Where the
  classes have other frequencies, its probabilities are biased towards these.

## Photos

| split | photos | by class |
| --- | --- | --- |
{chr(10).join(counts)}

{_groups(info)}Fingerprint of all photos with their classes and splits: `{info.data_fingerprint}`.

## Training

{_training(info)}

To repeat the training with the same photos:

    {_command(info)}

## Files

{files(_present_files(info))}
"""


def scores(info: ModelInfo) -> str:
    """Return the scores as a table in Markdown, with a note on each score that is optimistic."""
    rows = [_score_row(split, score) for split, score in info.metrics.items()]
    notes = [note for split, score in info.metrics.items() if (note := _describe_optimism(split, score))]
    header = (
        "| measured on | photos | log loss (95 % interval) | accuracy (95 % interval) | these photos |",
        f"|{' --- |' * 5}",
    )
    return "\n\n".join(("\n".join((*header, *rows)), *notes))


def _score_row(split: str, score: StoredScore) -> str:
    note = "selected the model: optimistic" if score.split_selected_model else "trained and selected nothing"
    return (
        f"| {split} | {score.n:,} | {_with_interval(score.log_loss, '.4f')} | "
        f"{_with_interval(score.accuracy, '.2%')} | {note} |"
    )


def _with_interval(figure: Interval, form: str) -> str:
    interval = f" ({figure.low:{form}}–{figure.high:{form}})" if figure.is_known else ""  # one photo has no spread
    return f"{figure.value:{form}}{interval}"


def _describe_optimism(split: str, score: StoredScore) -> str:
    optimism = score.optimism
    if optimism is None:
        return ""
    start = (
        f"The `{split}` photos also selected the {' and the '.join(optimism.selected)}, so their score is optimistic"
    )
    if optimism.log_loss is None or optimism.accuracy is None:
        return f"{start}; by how much is unknown: {optimism.method}."
    loss, accuracy = optimism.log_loss, optimism.accuracy
    return (
        f"{start}: by an estimated {loss.value:.4f} ± {loss.error:.4f} in log loss and {accuracy.value:.2%} ± "
        f"{accuracy.error:.2%} in accuracy (± one standard error; {optimism.method})."
    )


def describe_use(info: ModelInfo) -> str:
    """Return how the model is used without photoclass: a few lines of Python in Markdown, and what they leave out."""
    rule = (
        "Photos are resized by area averaging here, which Pillow lacks: probabilities may differ by a few hundredths."
        if info.resampling == "area"
        else "The probabilities are those of `photoclass predict`."
    )
    return f"""Without photoclass, in the model's folder, with ONNX Runtime and Pillow alone:

{example(info)}

{rule}
A few photos need more: one with another colour profile than sRGB is converted (`PIL.ImageCms`), and grey whose range is
not 8 or 16 bits is scaled to 8."""


def example(info: ModelInfo) -> str:
    """Return a Markdown code block of Python that uses the model without photoclass."""
    side = f"({info.image_size}, {info.image_size})"
    # No filter of Pillow's enlarges as the area rule does, and shrinks as it does: this one is nearest to it.
    kind = "BILINEAR" if info.resampling == "area" else info.resampling.upper()
    fitted = f"ImageOps.fit(photo, {side}, " if info.resize == "crop" else f"photo.resize({side}, "
    draft = info.decode_settings().least_side + 1
    return f"""    import json, numpy, onnxruntime, pathlib
    from PIL import Image, ImageOps

    photo = Image.open("photo.jpg")
    photo.draft("RGB", ({draft}, {draft}))  # a large JPEG is decoded at a fraction of its size
    if photo.mode == "I;16":  # grey of 16 bits
        photo = photo.point(lambda value: value / 257 + 0.5).convert("L")
    photo = ImageOps.exif_transpose(photo).convert("RGBA")
    photo = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo).convert("RGB")
    pixels = numpy.asarray({fitted}Image.Resampling.{kind}))[None]
    network = onnxruntime.InferenceSession("model.onnx")
    probabilities = network.run(None, {{network.get_inputs()[0].name: pixels}})[0][0]
    names = json.loads(pathlib.Path("model.json").read_text())["class_names"]
    print(dict(zip(names, probabilities.tolist())))"""


def _shares(info: ModelInfo, names: list[str]) -> str:
    shares = sorted(zip(info.base_rates, names, strict=True), reverse=True)[:5]
    others = f", and {len(names) - 5} other classes" if len(names) > 5 else ""
    return ", ".join(f"{share:.1%} are {name}" for share, name in shares) + others


def _groups(info: ModelInfo) -> str:
    """Return what the user's groups of photos were, and what the score would be without them."""
    grouping = info.training.grouping
    if grouping is None:
        return ""
    by = _plain(grouping.group_by)
    return (
        f"The photos are of {grouping.groups:,} groups, by {by}; each was kept in one split. What that changes: "
        f"{grouping.as_text()}.\n\n"
    )


def _training(info: ModelInfo) -> str:
    """Return how the model was trained, as its recipe described it."""
    training = info.training
    epochs = f"; every epoch is in `{HISTORY_FILE}` and `{CURVES_FILE}`" if training.loop else ""
    minutes = f"Training took {training.seconds / 60:.1f} minutes."
    return f"{_plain(training.description)} {minutes} All settings are in `{INFO_FILE}`{epochs}.".strip()


def _command(info: ModelInfo) -> str:
    """Return the command that trains such a model again, with names quoted for a shell."""
    parts = ["photoclass", "train", "PHOTOS", "--out", "RUN", "--recipe", info.recipe, "--seed", str(info.seed)]
    for name, value in info.training.changed_settings.items():
        parts += ["--set", f"{name}={value}"]
    return printable(shlex.join(parts))


def files(names: Iterable[str]) -> str:
    """Return a table in Markdown of files in the model folder."""
    rows = [f"| {name} | {FILES[name]} |" for name in names]
    return "\n".join(("| file | content |", "| --- | --- |", *rows))


def _present_files(info: ModelInfo) -> list[str]:
    """Return the files that a training with this outcome leaves in the folder."""
    head, loop = info.training.head, info.training.loop
    absent = {
        HELD_OUT_PREDICTIONS_FILE: "held_out" not in info.metrics,
        HASHES_FILE: True,  # only in the built-in model
        SKIPPED_FILE: True,  # whether photos were skipped is not in model.json
        LABEL_ERRORS_FILE: not (head and head.label_errors),
        HISTORY_FILE: loop is None,
        CURVES_FILE: loop is None,
        f"{RESUME_FOLDER}/": loop is None,
    }
    return [name for name in FILES if not absent.get(name)]


def _plain(name: str) -> str:
    """Return a class name with the special characters of Markdown escaped."""
    return _MARKUP.sub(r"\\\g<0>", printable(name).replace("\n", " "))
