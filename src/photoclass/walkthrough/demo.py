"""`demo`: the whole way from labelled pictures to a submission and a gallery, on drawings or on real photos."""

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import atomic_text
from photoclass.errors import DataError, OutputError
from photoclass.model.runtime import Runtime
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.table import HELD_OUT, VALID, PhotoTable
from photoclass.results.pictures.gallery import draw_gallery, worst_rows
from photoclass.results.predict import predict, predict_table, write_predictions
from photoclass.results.scores.evaluate import evaluate
from photoclass.results.scores.score import Score
from photoclass.results.submit import submit
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.run import TrainOptions
from photoclass.training.stopping import StopRequest
from photoclass.training.train import train
from photoclass.walkthrough.drawings.drawings import draw_photo_folders
from photoclass.workspace import Workspace

# Enough to learn from in a minute on two processors: fewer and smaller pictures than the post's, and, as a drawing
# says all in its outline, milder augmentation.
DRAWINGS_PER_CLASS = 800
DRAWING_SETTINGS = {
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


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Attributes:
        folder: Where it is.
        drawn: Whether it drew its own pictures.
        score: On photos that the model had not seen.
        files: What it made, with a word on each.
    """

    folder: Path
    drawn: bool
    score: Score
    files: tuple[tuple[str, str], ...]

    def as_text(self) -> str:
        """Return the demo's last words."""
        width = max(len(name) for name, _ in self.files)
        model = self.folder / "model"
        lines = [
            self.score.as_text(),
            "",
            f"Made in {self.folder}/:",
            *(f"  {name:<{width}}  {words}" for name, words in self.files),
            "",
        ]
        if self.drawn:
            lines += [
                "These pictures were drawn by photoclass itself. Next, with photos of your own in class folders",
                "(PHOTOS/cats/…, PHOTOS/dogs/…), a zip of them, or Kaggle's train.zip:",
                "  photoclass train PHOTOS --out my-model",
            ]
        else:
            lines += ["Next, tell photos that it has never seen:", f"  photoclass predict PHOTOS --model {model}"]
        return "\n".join(lines)


def demo(
    data: Path | None,
    out: Path,
    *,
    epochs: int | None = None,
    seed: int = 0,
    stop: StopRequest | None = None,
    workspace: Workspace | None = None,
) -> DemoResult:
    """Train on pictures, score, predict, write a submission, and draw what came of it.

    Args:
        data: Labelled photos; None to draw cats and dogs by code.
        out: A folder, new, empty, or made by an earlier demo, whose content is then replaced.
        epochs: Passes over the photos, at most; the recipe's own for photos, 20 for drawings.
        seed: Decides drawings, splits and all randomness.
        stop: Lets the caller end the training early.
        workspace: The cache folder, the number of workers, and who receives progress reports; the user's cache, all
            processors and nobody when None.

    Raises:
        OutputError: `out` holds something that no demo made.
        PhotoclassError: As the commands that it runs.
    """
    workspace = workspace or Workspace()
    _make_room(out)
    drawn = data is None
    if data is None:
        data = out / "photos"
        workspace.say(f"1 of 5: drawing {2 * DRAWINGS_PER_CLASS:,} pictures of cats and dogs, by code")
        with workspace.task("Drawing", 2 * DRAWINGS_PER_CLASS, "pictures") as task:
            draw_photo_folders(data, DRAWINGS_PER_CLASS, seed, progress=task.advance)
    else:
        workspace.say(f"1 of 5: your photos in {data}")
    settings: dict[str, float] = dict(DRAWING_SETTINGS) if drawn else {}
    if epochs is not None:
        settings["epochs"] = epochs
    words = f", at {settings['image_size']} pixels and with milder augmentation, to be quick" if drawn else ""
    workspace.say(f"2 of 5: training the post's network{words}")
    model = out / "model"
    trained = train(data, model, "small-cnn", settings, TrainOptions(seed=seed), stop, workspace)

    workspace.say("3 of 5: scoring it on pictures that it has not seen")
    evaluation = evaluate(data, model, include_known=len(trained.scores) < 2, workspace=workspace)
    with atomic_text(out / "score.json") as stream:
        json.dump(evaluation.as_json(), stream, indent=2)

    workspace.say("4 of 5: predicting an unlabelled set, and a submission for Kaggle")
    unseen = _unseen(trained.photos)
    ids = _write_test_set(unseen.table, out / "test", seed)
    _write_sample(out / "sampleSubmission.csv", ids)
    write_predictions(predict([out / "test"], model, workspace=workspace), out / "predictions.csv")
    submission = submit(
        out / "test", model, out / "submission.csv", sample=out / "sampleSubmission.csv", workspace=workspace
    )
    workspace.say(submission.as_text())

    workspace.say("5 of 5: drawing the gallery")
    pictures = _draw_galleries(unseen.table, model, out, seed, workspace)
    photos = [("photos/", "the drawings, in class folders")] if drawn else []
    files = (
        *photos,
        ("model/", "the model: model.onnx, model.json, its card README.md, history.csv"),
        ("model/report.html", "all that there is to know of it, as a page for the browser"),
        ("model/curves.png", "loss and accuracy, epoch by epoch"),
        ("score.json", "the score on pictures that it has not seen"),
        ("test/", f"{len(ids):,} of these, numbered, without their labels"),
        ("predictions.csv", "class and probabilities of each"),
        ("submission.csv", "the same as Kaggle wants it"),
        *pictures,
    )
    return DemoResult(out, drawn, evaluation.score, files)


def _make_room(out: Path) -> None:
    """Make the folder; what an earlier demo left there is replaced, anything else is not touched.

    Raises:
        OutputError: It holds something that no demo made, or cannot be written.
    """
    try:
        if out.exists() and not out.is_dir():
            raise OutputError(f"{out}: is a file; choose another --out")
        if out.is_dir() and any(out.iterdir()):
            if not (out / _MARKER).is_file():
                raise OutputError(f"{out}: is not empty and no demo made it; choose another --out")
            shutil.rmtree(out)
        out.mkdir(parents=True, exist_ok=True)
        (out / _MARKER).write_text("Made by `photoclass demo`, which replaces this folder when it runs again.\n")
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another --out") from error


def _unseen(photos: CachedPhotos | FeaturedPhotos) -> CachedPhotos | FeaturedPhotos:
    """Return the held-out photos; where the user's DATA has none, the validation photos."""
    for split in (HELD_OUT, VALID):
        if (photos.table.splits == split).any():
            return photos.select(photos.table.splits == split)
    raise DataError("there is neither a held-out nor a validation photo")


def _write_test_set(table: PhotoTable, folder: Path, seed: int) -> list[str]:
    """Copy photos into a folder under numbers, as Kaggle gives a test set, and return the ids."""
    folder.mkdir()
    order = np.random.default_rng(seed).permutation(len(table))[:_TEST_PHOTOS]
    for number, row in enumerate(order, start=1):
        shutil.copyfile(table.paths[row], folder / f"{number}{Path(table.paths[row]).suffix}")
    return [str(number) for number in range(1, len(order) + 1)]


def _write_sample(file: Path, ids: list[str]) -> None:
    with atomic_text(file) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "label"])
        writer.writerows([name, 0.5] for name in ids)


def _draw_galleries(
    table: PhotoTable, model: Path, out: Path, seed: int, workspace: Workspace
) -> list[tuple[str, str]]:
    predictions = predict_table(Runtime.load(model), table, workspace)
    few = np.random.default_rng(seed).permutation(len(table))[:_GALLERY_PHOTOS]
    draw_gallery(predictions, np.sort(few), out / "gallery.png", "What the model says", workspace.progress)
    made = [("gallery.png", "pictures that it has not seen, with what it says of each")]
    try:
        wrong: NDArray[np.int64] = worst_rows(predictions)[:_GALLERY_PHOTOS]
    except DataError:
        return made  # not one mistake
    draw_gallery(
        predictions,
        wrong,
        out / "mistakes.png",
        "The most confident mistakes, the most confident first",
        workspace.progress,
    )
    return [*made, ("mistakes.png", "its most confident mistakes among them")]
