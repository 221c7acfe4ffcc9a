"""What a notebook shows of `model.json`: the score of each split, and the photos by class and split."""

from collections.abc import Mapping

from markupsafe import Markup

from photoclass import notebook
from photoclass.metrics.intervals import Interval
from photoclass.model.folder.scores import StoredScore
from photoclass.text import SPLIT_NAMES


def score_table(metrics: Mapping[str, StoredScore]) -> Markup:
    """Return the accuracy and the log loss of each split, with what was selected on it."""
    rows = [
        (
            SPLIT_NAMES.get(split, split),
            "selected the model: optimistic" if score.split_selected_model else "selected nothing",
            f"{score.n:,}",
            _describe(score.accuracy, ".2%"),
            _describe(score.log_loss, ".4f"),
        )
        for split, score in metrics.items()
    ]
    headings = ("split", "", "photos", "accuracy (95 % interval)", "log loss (95 % interval)")
    return notebook.table("Scores", headings, rows, texts=2)


def photo_table(photos: Mapping[str, Mapping[str, int]]) -> Markup:
    """Return the photos by class and split."""
    splits = [split for split in SPLIT_NAMES if photos.get(split)]
    names = list(dict.fromkeys(name for split in splits for name in photos[split]))
    rows = [(name, *(f"{photos[split].get(name, 0):,}" for split in splits)) for name in names]
    return notebook.table("Photos by class and split", ("class", *(SPLIT_NAMES[split] for split in splits)), rows)


def _describe(figure: Interval, form: str) -> str:
    interval = f" ({figure.low:{form}} to {figure.high:{form}})" if figure.is_known else ""
    return f"{figure.value:{form}}{interval}"
