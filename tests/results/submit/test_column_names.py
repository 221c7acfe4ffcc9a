"""Columns of a sample: which class each is called after."""

import pytest

from photoclass.results.submit.column_names import class_of_column


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("dog", "dog"),
        (" Dog ", "dog"),
        ("DOGS", "dog"),
        ("prob_dog", "dog"),
        ("P(dog)", "dog"),
        ("isDog", "dog"),
        ("predicted_dog", "dog"),
        ("dog_probability", "dog"),
        ("Big Cat", "big_cat"),
        ("has big cats", "big_cat"),
        ("bigCat", "big_cat"),
        ("Loewe", ""),
        ("Lo\u0308we", "L\u00f6we"),
        ("3", "class 3"),
        ("not_dog", ""),
        ("dog_or_cat", ""),
        ("label", ""),
        ("has_cactus", ""),
        ("", ""),
        ("is", ""),
        ("a", "a"),
        ("A", "a"),
        ("B", ""),
    ],
)
def test_a_column_is_called_after_the_one_class_that_fits(name: str, class_name: str) -> None:
    names = ["a", "á", "big_cat", "class 3", "dog", "L\u00f6we", "b!", "b?"]
    label = class_of_column(name, names)
    assert (names[label] if label >= 0 else "") == class_name
