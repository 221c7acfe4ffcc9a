"""y of an estimator: labels as the user has them, and the class names that a model folder keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.estimator.base import multiclass, validation
from photoclass.photos.class_names import clean_class_name, has_control_characters
from photoclass.photos.table import natural_key

_MOST_NAMED = 3
# The type of the labels, by the kind of their array; objects are text.
_TYPES = {"i": "int", "u": "int", "f": "float", "b": "bool", "U": "str", "O": "str", "T": "str"}
_DTYPES = {"str": np.str_, "int": np.int64, "float": np.float64}


@dataclass(frozen=True)
class Labels:
    """The classes of a classifier.

    Attributes:
        classes: Shape (C,), the labels as they were given, sorted.
        type: `str`, `int`, `float` or `bool`.
    """

    classes: NDArray[Any]
    type: str

    @classmethod
    def fit(cls, y: NDArray[Any]) -> tuple["Labels", NDArray[np.int64]]:
        """Find the classes of labels.

        Args:
            y: Shape (N,).

        Returns:
            The classes, and the index of each label in `class_names`, shape (N,).

        Raises:
            ValueError: There is only one class, or labels cannot be names of classes.
        """
        classes, numbers = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            one = f"1 class, {classes.tolist()[0]!r} (n_samples = {len(y)})"
            raise ValueError(f"y has {one}; at least two classes are needed")
        labels = cls(classes, _type_of(classes))
        labels.check_names()
        return labels, labels.places[numbers]

    @classmethod
    def of_model(cls, class_names: Sequence[str], kind: str) -> "Labels":
        """Return the classes of a model folder.

        Args:
            class_names: In natural order.
            kind: Their type in y.

        Raises:
            ValueError: The classes are not of this type.
        """
        names = np.array(class_names)
        try:
            if kind == "bool" and {*class_names} <= {"False", "True"}:
                return cls(np.sort(names == "True"), kind)
            return cls(np.sort(names.astype(_DTYPES[kind])), kind)
        except (KeyError, ValueError):
            raise ValueError(
                f"label_type is {kind!r} in model.json, but the classes are {_some(class_names)}"
            ) from None

    @property
    def names(self) -> list[str]:
        """The names of the classes, in the order of `classes`."""
        return [str(label) for label in self.classes.tolist()]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in natural order, as a model folder keeps them."""
        return tuple(sorted(self.names, key=natural_key))

    @property
    def places(self) -> NDArray[np.int64]:
        """Shape (C,): where each of `classes` is in `class_names`."""
        place = {name: i for i, name in enumerate(self.class_names)}
        return np.array([place[name] for name in self.names], dtype=np.int64)

    def check_known(self, y: NDArray[Any]) -> None:
        """Refuse labels that are not among the classes.

        Raises:
            ValueError: There are some.
        """
        unknown = np.setdiff1d(y, self.classes) if _comparable(y, self.classes) else np.unique(y)
        if len(unknown):
            known = _some(self.classes.tolist())
            raise ValueError(
                f"y contains previously unseen labels: {_some(unknown.tolist())}; the classifier knows {known}"
            )

    def check_names(self) -> None:
        """Refuse labels that a model folder would have to rename.

        Raises:
            ValueError: One of them has invisible characters or spaces at its ends, or two differ only by case.
        """
        by_case: dict[str, str] = {}
        for name in self.names:
            clean = clean_class_name(name)
            if clean != name or not name or has_control_characters(name):
                meant = f"; for example as {clean!a}" if clean and not has_control_characters(clean) else ""
                raise ValueError(f"y has the label {name!a}, which cannot be a class name{meant}; rename it")
            other = by_case.setdefault(name.casefold(), name)
            if other != name:
                raise ValueError(f"y has the labels {other!r} and {name!r}, which differ only by case; give one name")


def checked_labels(y: Any, estimator: str) -> NDArray[Any]:
    """Return the labels of y, shape (N,).

    Args:
        y: A list, an array or a column of a data frame.
        estimator: The name of the estimator, for messages.

    Raises:
        ValueError: It is None, has more than one column, values that are null or infinite, or is no classification
            target.
    """
    if y is None:
        raise ValueError(f"{estimator} requires y to be passed, but the target y is None")
    values = validation.column_or_1d(y.to_pylist() if hasattr(y, "to_pylist") else y, warn=True)
    if values.dtype.kind == "O":
        if any(value is None or value != value for value in values.tolist()):
            raise ValueError("Input y contains NaN or None; leave out the rows without a label")
        values = _of_one_type(values)
    validation.assert_all_finite(values, input_name="y")
    multiclass.check_classification_targets(values)
    return np.asarray(values)


def _of_one_type(values: NDArray[Any]) -> NDArray[Any]:
    """Return labels that came as objects: as numbers if all are numbers, as they are if all are text."""
    types = {type(value) for value in values.tolist()}
    if types <= {int, float, bool}:
        return np.array(values.tolist())
    if types - {str}:
        names = ", ".join(sorted(found.__name__ for found in types))
        raise ValueError(
            f"Unknown label type: y has labels of the types {names}; give all of them as text or as integers"
        )
    return values


def group_names(groups: Any) -> tuple[str, ...]:
    """Return the names of groups, one a photo; none for None.

    Raises:
        ValueError: One of them is null.
    """
    if groups is None:
        return ()
    values = groups.to_pylist() if hasattr(groups, "to_pylist") else np.asarray(groups).tolist()
    for row, value in enumerate(values):
        if value is None or value != value:
            raise ValueError(f"groups[{row}] is null; give each photo a group, such as its own number")
    return tuple(map(str, values))


def _some(labels: Sequence[Any]) -> str:
    return ", ".join(map(repr, labels[:_MOST_NAMED])) + (", …" if len(labels) > _MOST_NAMED else "")


def _type_of(classes: NDArray[Any]) -> str:
    kind = classes.dtype.kind
    if kind not in _TYPES or (kind == "O" and not all(isinstance(label, str) for label in classes)):
        raise ValueError(f"Unknown label type: {classes[:_MOST_NAMED].tolist()}; labels are text, integers or booleans")
    return _TYPES[kind]


def _comparable(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Return whether labels of two arrays can be equal: text is never a number."""
    return (one.dtype.kind in "OUT") == (other.dtype.kind in "OUT")
