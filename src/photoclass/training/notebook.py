"""A trained model in a notebook: headline, scores, confusion matrix, the most confident mistakes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from photoclass import notebook
from photoclass.model.folder import ModelInfo, load_predictions
from photoclass.model.folder.notebook import photo_table, score_table
from photoclass.photos.thumbnail import thumbnails
from photoclass.results.report.verdict import headline
from photoclass.results.scores.confusion import confusion_table
from photoclass.results.scores.score import Score
from photoclass.text import SPLIT_NAMES, describe_seconds, plural

_MOST_MISTAKES = 8


def trained_html(folder: Path, info: ModelInfo, score: Score, paths: Mapping[str, str]) -> str:
    """Return a trained model as HTML.

    Args:
        folder: The model folder.
        info: Its model.json.
        score: On the held-out photos, or else on the validation photos.
        paths: Where each photo is read from, by name.
    """
    done = f"{folder}: recipe {info.recipe}, {describe_seconds(info.training.seconds)} of training"
    return notebook.card(
        headline(info.metrics[score.split]),
        notebook.paragraph(done),
        score_table(info.metrics),
        confusion_table(score.confusion, score.class_names),
        _mistakes(folder, info, score, paths),
        photo_table(info.photos),
    )


def _mistakes(folder: Path, info: ModelInfo, score: Score, paths: Mapping[str, str]) -> Markup:
    """Show the most confident mistakes; nothing where there are none."""
    found = load_predictions(folder, info, score.split)
    if found is None:
        return Markup("")
    predicted, confidence = found.probabilities.argmax(axis=1), found.probabilities.max(axis=1)
    mistakes: Sequence[int] = [int(i) for i in (-confidence).argsort(kind="stable") if predicted[i] != found.labels[i]]
    if not mistakes:
        return Markup("")
    shown = mistakes[:_MOST_MISTAKES]
    rules = info.decode_settings().rules
    pictures = thumbnails([paths.get(found.names[i], "") for i in shown], notebook.THUMBNAIL_SIDE, rules)
    names = info.class_names
    strip = [
        notebook.Photo(
            picture,
            Path(found.names[i]).name,
            (f"{names[predicted[i]]} {confidence[i]:.1%}", f"true class: {names[found.labels[i]]}"),
        )
        for i, picture in zip(shown, pictures, strict=True)
    ]
    count = plural(len(mistakes), f"{SPLIT_NAMES[score.split]} photo")
    return notebook.paragraph(f"Most confident mistakes, of {count} misclassified:") + notebook.photo_strip(strip)
