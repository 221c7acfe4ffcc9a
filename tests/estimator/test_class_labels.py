"""y: labels of any type come back as they were; class names of a model folder are in natural order."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.estimator.labels import Labels, checked_labels, group_names


@pytest.mark.parametrize(
    "y",
    [
        ["dog", "cat", "dog"],
        [10, 9, 10],
        [True, False, True],
        [1.0, 0.0, 1.0],
        np.array([10, 9, 10], dtype=object),
        pd.Series(["dog", "cat", "dog"], dtype="category"),
        pd.Series(["dog", "cat", "dog"], dtype="string"),
        pl.Series(["dog", "cat", "dog"]),
        pa.chunked_array([["dog", "cat"], ["dog"]]),
    ],
    ids=["text", "integers", "booleans", "floats", "objects", "category", "string", "polars", "arrow"],
)
def test_labels_come_back_as_they_were(y: Any) -> None:
    labels, numbers = Labels.fit(checked_labels(y, "PhotoClassifier"))
    given = np.asarray(y.to_pylist() if isinstance(y, pa.ChunkedArray) else y).tolist()
    assert labels.classes.tolist() == sorted(set(given))
    assert [labels.class_names[number] for number in numbers] == list(map(str, given))
    again = Labels.of_model(labels.class_names, labels.type)
    assert again.classes.tolist() == labels.classes.tolist()
    assert again.class_names == labels.class_names


@given(st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=40, unique=True))
def test_any_integers_are_kept(values: list[int]) -> None:
    labels, numbers = Labels.fit(np.array(values))
    assert [labels.class_names[number] for number in numbers] == list(map(str, values))
    assert Labels.of_model(labels.class_names, labels.type).classes.tolist() == sorted(values)
    assert [labels.class_names[place] for place in labels.places] == labels.names


def test_class_names_are_in_natural_order_and_classes_as_scikit_learn_sorts_them() -> None:
    labels, _ = Labels.fit(np.array(["b10", "b9", "A"]))
    assert labels.classes.tolist() == ["A", "b10", "b9"]
    assert labels.class_names == ("A", "b9", "b10")
    assert labels.places.tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (["cat", None], "NaN or None"),
        ([1.0, np.nan], "NaN"),
        ([0.5, 1.5], "Unknown label type"),
        ([["cat", "dog"], ["dog", "cat"]], "1d array"),
        (["cat", "cat"], r"y has 1 class, 'cat' \(n_samples = 2\)"),
        (["cat ", "dog"], r"the label 'cat ', which cannot be a class name; for example as 'cat'"),
        (["", "dog"], "the label ''"),
        (["cat\n", "dog"], "cannot be a class name"),
        (["Cat", "cat"], "differ only by case"),
        (np.array(["cat", 7], dtype=object), "Unknown label type: y has labels of the types int, str"),
    ],
    ids=["none", "null", "nan", "continuous", "two columns", "one class", "space", "empty", "break", "case", "mixed"],
)
def test_what_cannot_be_labels_is_refused(y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Labels.fit(checked_labels(y, "PhotoClassifier"))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["cat", "bird"], "previously unseen labels: 'bird'; the classifier knows 'cat', 'dog'"),
        ([0, 1], "unseen labels: 0"),
    ],
    ids=["text", "numbers"],
)
def test_unknown_labels_are_named(y: list[Any], message: str) -> None:
    labels, _ = Labels.fit(np.array(["cat", "dog"]))
    labels.check_known(np.array(["dog"]))
    with pytest.raises(ValueError, match=message):
        labels.check_known(np.array(y))


def test_a_type_that_class_names_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match="label_type"):
        Labels.of_model(("cat", "dog"), "int")
    with pytest.raises(ValueError, match="label_type"):
        Labels.of_model(("cat", "dog"), "complex")


def test_groups_may_be_anything_but_null() -> None:
    assert group_names(None) == ()
    assert group_names(pd.Series([1, 2])) == ("1", "2")
    assert group_names(pa.array(["a", "b"])) == ("a", "b")
    with pytest.raises(ValueError, match=r"groups\[1\] is null"):
        group_names(["a", None])
