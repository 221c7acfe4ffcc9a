"""`demo`: the whole workflow, from labelled pictures to a submission and a gallery, on drawings or on real photos."""

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import atomic_text
from photoclass.errors import DataError, OutputError
from photoclass.extras import INSTALL_TORCH, missing_torch_package, require_torch
from photoclass.model.runtime import Runtime
from photoclass.paths import AnyPath
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.table import HELD_OUT, VALID, PhotoTable
from photoclass.results.pictures.gallery import draw_gallery, lettering_of, worst_rows
from photoclass.results.predict import predict, predict_table
from photoclass.results.prediction_files.write import write_predictions
from photoclass.results.scores.evaluate import evaluate
from photoclass.results.scores.score import Score
from photoclass.results.submit.submit import submit
from photoclass.schemas.documents import write_document
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.run import TrainOptions
from photoclass.training.stopping import StopRequest
from photoclass.training.train import train
from photoclass.walkthrough.drawings.drawings import draw_photo_folders
from photoclass.workspace import Workspace

DRAWINGS_PER_CLASS = 800
# The reference CNN on drawings, in a minute on two CPU cores: fewer and smaller pictures than in the post *Cat or Dog?
# Image Classification using Convolutional Neural Networks*. Augmentation is milder, since the outline of a drawing
# matters.
DRAWING_SETTINGS: dict[str, float] = {
    "image_size": 96,
    "epochs": 20,
    "rotation_degrees": 10.0,
    "width_shift": 0.05,
    "height_shift": 0.05,
    "zoom": 0.1,
}
_TEST_PHOTOS = 200
_GALLERY_PHOTOS = 25
_MARKER = ".photoclass-demo"
SCHEMA = "photoclass/demo/1"


@dataclass(frozen=True)
class DemoResult:
    """Result of the demo.

    Attributes:
        folder: The folder with everything that it made.
        drawn: Whether it drew the pictures itself.
        score: On photos that the model was not trained on.
        files: Names and descriptions of what it made.
    """

    folder: Path
    drawn: bool
    score: Score
    files: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "schema": SCHEMA,
            "folder": str(self.folder),
            "drawn": self.drawn,
            "score": self.score.as_json(),
            "files": [{"file": name, "description": description} for name, description in self.files],
        }

    def as_text(self) -> str:
        """Return a summary with the next steps."""
        width = max(len(name) for name, _ in self.files)
        model = self.folder / "model"
        lines = [
            self.score.as_text(),
            "",
            f"Made in {self.folder}/:",
            *(f"  {name:<{width}}  {description}" for name, description in self.files),
            "",
        ]
        if self.drawn:
            lines += [
                "These pictures were drawn by photoclass itself. Next, with photos of your own in class folders",
                "(PHOTOS/cats/…, PHOTOS/dogs/…), a zip of them, or Kaggle's train.zip:",
                "  photoclass train PHOTOS --out my-model",
            ]
        else:
            lines += ["Next, classify new photos:", f"  photoclass predict PHOTOS --model {model}"]
        return "\n".join(lines)


def demo(
    data: AnyPath | None,
    out: AnyPath,
    *,
    epochs: int | None = None,
    seed: int = 0,
    stop: StopRequest | None = None,
    workspace: Workspace | None = None,
) -> DemoResult:
    """Train on pictures, score, predict, write a submission, and draw a gallery.

    With torch, it trains the reference CNN; without, the recipe `features`, which has no epochs.

    Args:
        data: Labelled photos; None to draw cats and dogs by code.
        out: A new or empty folder, or one made by an earlier demo, whose content is replaced.
        epochs: Largest number of epochs; by default that of the recipe for photos, and 20 for drawings.
        seed: Seed for drawings, splits and all other randomness.
        stop: Lets the caller end the training early.
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        OutputError: `out` contains something that no demo made.
        MissingPackageError: Epochs or a time budget were requested, and torch is not installed.
        PhotoclassError: As for the commands that it runs.
    """
    data = None if data is None else Path(data)
    out = Path(out)
    workspace = workspace or Workspace()
    if epochs is not None:
        require_torch("a demo with --epochs")
    if stop is not None and stop.deadline is not None:
        require_torch("a demo with --minutes")
    _prepare_folder(out)
    drawn = data is None
    if data is None:
        data = out / "photos"
        workspace.say(f"1 of 5: drawing {2 * DRAWINGS_PER_CLASS:,} pictures of cats and dogs")
        with workspace.task("Drawing", 2 * DRAWINGS_PER_CLASS, "pictures") as task:
            draw_photo_folders(data, DRAWINGS_PER_CLASS, seed, progress=task.advance)
    else:
        workspace.say(f"1 of 5: your photos in {data}")
    recipe, settings, described = _training(drawn, epochs)
    workspace.say(f"2 of 5: training {described}")
    model = out / "model"
    trained = train(data, model, recipe, settings, TrainOptions(seed=seed), stop, workspace)

    workspace.say("3 of 5: scoring it on pictures that it was not trained on")
    evaluation = evaluate(data, model, include_known=len(trained.scores) < 2, workspace=workspace)
    write_document(evaluation.as_json(), out / "score.json")

    workspace.say("4 of 5: predicting an unlabelled test set, and writing a submission for Kaggle")
    unseen = _unseen(trained.photos)
    ids = _write_test_set(unseen.table, out / "test", seed)
    _write_sample(out / "sampleSubmission.csv", ids, unseen.table.class_names)
    write_predictions(predict([out / "test"], model, workspace=workspace), out / "predictions.csv")
    submission = submit(
        out / "test", model, out / "submission.csv", sample=out / "sampleSubmission.csv", workspace=workspace
    )
    workspace.say(submission.as_text())

    workspace.say("5 of 5: drawing the galleries")
    pictures = _draw_galleries(unseen.table, model, out, seed, workspace)
    photos = [("photos/", "the drawings, in class folders")] if drawn else []
    curves = [("model/curves.png", "loss and accuracy by epoch")] if trained.history else []
    files = (
        *photos,
        ("model/", "the model: model.onnx, model.json, its card README.md"),
        ("model/report.html", "the report on the model, as a page for the browser"),
        *curves,
        ("score.json", "the score on pictures that it was not trained on"),
        ("test/", f"{len(ids):,} of these pictures, numbered, without labels"),
        ("predictions.csv", "predicted class and probabilities of each"),
        ("submission.csv", "the same in Kaggle's format"),
        *pictures,
    )
    return DemoResult(out, drawn, evaluation.score, files)


def _training(drawn: bool, epochs: int | None) -> tuple[str, dict[str, Any], str]:
    """Return the recipe, its changed settings, and a description: the reference CNN where torch is installed."""
    if missing_torch_package():
        return (
            "features",
            {"backbone": "lite0"},
            "a linear head on pretrained features (recipe features), since the reference CNN needs torch: "
            f"{INSTALL_TORCH}",
        )
    settings = dict(DRAWING_SETTINGS) if drawn else {}
    if epochs is not None:
        settings["epochs"] = epochs
    details = f", at {settings['image_size']} pixels and with mild augmentation to save time" if drawn else ""
    return "small-cnn", settings, f"the reference CNN (recipe small-cnn){details}"


def _prepare_folder(out: Path) -> None:
    """Make the folder; results of an earlier demo are replaced, anything else is not touched.

    Raises:
        OutputError: It contains something that no demo made, or cannot be written.
    """
    try:
        if out.exists() and not out.is_dir():
            raise OutputError(f"{out}: is a file; choose another --out")
        if out.is_dir() and any(out.iterdir()):
            if not (out / _MARKER).is_file():
                raise OutputError(f"{out}: is not empty and was not made by a demo; choose another --out")
            shutil.rmtree(out)
        out.mkdir(parents=True, exist_ok=True)
        (out / _MARKER).write_text("Made by `photoclass demo`, which replaces this folder when it runs again.\n")
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another --out") from error


def _unseen(photos: CachedPhotos | FeaturedPhotos) -> CachedPhotos | FeaturedPhotos:
    """Return the held-out photos, or the validation photos if the user's data has none held out."""
    for split in (HELD_OUT, VALID):
        if (photos.table.splits == split).any():
            return photos.select(photos.table.splits == split)
    raise DataError("there are neither held-out nor validation photos")


def _write_test_set(table: PhotoTable, folder: Path, seed: int) -> list[str]:
    """Copy photos into a folder under numbers, like a Kaggle test set, and return the ids."""
    folder.mkdir()
    order = np.random.default_rng(seed).permutation(len(table))[:_TEST_PHOTOS]
    for number, row in enumerate(order, start=1):
        shutil.copyfile(table.paths[row], folder / f"{number}{Path(table.paths[row]).suffix}")
    return [str(number) for number in range(1, len(order) + 1)]


def _write_sample(file: Path, ids: list[str], class_names: Sequence[str]) -> None:
    """Write Kaggle's sample for two classes, a column of labels, or for more, a column a class."""
    columns = ["label"] if len(class_names) == 2 else list(class_names)
    value = round(1 / len(class_names), 6)
    with atomic_text(file) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", *columns])
        writer.writerows([name, *(value for _ in columns)] for name in ids)


def _draw_galleries(
    table: PhotoTable, model: Path, out: Path, seed: int, workspace: Workspace
) -> list[tuple[str, str]]:
    predictions = predict_table(Runtime.load(model), table, workspace)
    few = np.random.default_rng(seed).permutation(len(table))[:_GALLERY_PHOTOS]
    lettering = lettering_of(predictions, np.arange(len(predictions)))
    for note in lettering.notes():
        workspace.say(f"note: {note}")
    title = "Predictions of the model"
    draw_gallery(predictions, np.sort(few), out / "gallery.png", title, lettering, workspace.progress)
    made = [("gallery.png", "pictures that it was not trained on, with its predictions")]
    try:
        wrong: NDArray[np.int64] = worst_rows(predictions)[:_GALLERY_PHOTOS]
    except DataError:
        return made  # no mistakes
    title = "The most confident mistakes"
    draw_gallery(predictions, wrong, out / "mistakes.png", title, lettering, workspace.progress)
    return [*made, ("mistakes.png", "its most confident mistakes on them")]
