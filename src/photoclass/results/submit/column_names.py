"""What columns of samples are called after: ids, predictions, or a class."""

import re
from collections.abc import Sequence

from photoclass.photos.class_names import clean_class_name, match_class

# Words of column names: what ids are called, what predictions are called, and what stands around the name of a class.
_ID_WORDS = frozenset(
    {"id", "ids", "image", "images", "img", "file", "filename", "fname", "path", "filepath", "name", "photo", "key"}
)
_VALUE_WORDS = frozenset(
    {
        *("label", "labels", "class", "target", "category", "breed", "species", "expected", "predicted", "prediction"),
        *("probability", "prob", "score", "answer", "y"),
    }
)
_AROUND_CLASS = frozenset(
    {
        *("is", "has", "p", "of", "prob", "proba", "probability", "pred", "predicted", "prediction", "score"),
        *("class", "label", "target"),
    }
)
_WORDS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def class_of_column(name: str, class_names: Sequence[str]) -> int:
    """Return the class that a column is called after, -1 if none or several.

    Names match as class names do, but for case, signs and a plural; if they do not, without words such as `is`, `has`
    and `prob`.
    """
    words = _words(name)
    bare = _without_words(words)
    found = name if name in class_names else match_class(name, class_names)
    if found is None and bare and bare != words:
        found = match_class(" ".join(bare), class_names)
    if found is None and bare:
        fitting = [other for other in class_names if _without_words(_words(other)) == bare]
        found = fitting[0] if len(fitting) == 1 else None
    return -1 if found is None else list(class_names).index(found)


def classes_in_name(name: str, class_names: Sequence[str]) -> set[str]:
    """Return the classes whose names are part of a column's, such as dog in `not_dogs`."""
    words = _words(name)
    parts = [" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
    return {found for part in parts if (found := match_class(part, class_names)) is not None}


def is_called_ids(name: str) -> bool:
    """Return whether a column is called as ids are: `id`, `image_name`, `filename`."""
    return bool(set(_words(name)) & _ID_WORDS)


def is_called_predictions(name: str) -> bool:
    """Return whether a column is called as predictions are: `label`, `target`, `Expected`."""
    return bool(set(_words(name)) & _VALUE_WORDS)


def is_row_number(name: str) -> bool:
    """Return whether a column is the row numbers that pandas writes: it has no name."""
    return not name.strip() or name.casefold().startswith("unnamed:")


def _words(name: str) -> tuple[str, ...]:
    return tuple(_WORDS.findall(_CAMEL.sub(" ", clean_class_name(name)).casefold()))


def _without_words(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(lambda word: word not in _AROUND_CLASS, words))
