"""The classes of DATA as a model calls them."""

from pathlib import Path

import numpy as np
import pytest

from photoclass.errors import DataError
from photoclass.photos.table import NO_SPLIT, PhotoTable
from photoclass.results.scores.class_mapping import map_classes
from picture_files import encode, noise_picture, put
from running import done


def _table(*class_names: str) -> PhotoTable:
    names = tuple(f"{name}/1.jpg" for name in class_names)
    labels, splits = np.arange(len(names)), np.full(len(names), NO_SPLIT, dtype=np.int8)
    return PhotoTable(names, names, labels, splits, class_names)


def _mapped(table: PhotoTable, *known: str, **chosen: str) -> dict[str, str]:
    mapped = map_classes(table, known, "DATA", chosen)
    assert mapped.class_names == known
    return {name: known[label] for name, label in zip(table.class_names, mapped.labels, strict=True)}


def test_names_that_differ_by_case_or_plural_are_matched_and_a_note_says_so() -> None:
    assert _mapped(_table("Dog", "cats"), "cat", "dog") == {"Dog": "dog", "cats": "cat"}
    assert map_classes(_table("Dog", "cats"), ("cat", "dog"), "DATA").notes == ("classes: Dog → dog, cats → cat",)


def test_equal_names_need_no_note_and_the_order_is_the_models() -> None:
    table = _table("cat", "dog")
    assert _mapped(table, "dog", "cat") == {"cat": "cat", "dog": "dog"}
    assert not map_classes(table, ("dog", "cat"), "DATA").notes


def test_the_users_word_decides() -> None:
    assert _mapped(_table("kittens", "cats", "dog"), "cat", "dog", kittens="cat", cats="cat") == {
        "kittens": "cat",
        "cats": "cat",
        "dog": "dog",
    }


@pytest.mark.parametrize(
    ("names", "chosen", "message"),
    [
        (("cow", "dog"), {}, r"does not know the class 'cow' \(1 photo\); it knows 'cat', 'dog'.*--classes cow=cat"),
        (("cat", "cats"), {}, "'cat', 'cats' may all be the model's 'cat'.*--classes cat=cat,cats=cat"),
        (("cat", "dog"), {"cow": "cat"}, "--classes cow=cat: DATA has no class 'cow'; it has 'cat', 'dog'"),
        (("cat", "dog"), {"cat": "cow"}, "--classes cat=cow: the model has no class 'cow'"),
    ],
)
def test_classes_that_cannot_be_matched_are_refused_by_name(
    names: tuple[str, ...], chosen: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        map_classes(_table(*names), ("cat", "dog"), "DATA", chosen)


def test_the_built_in_model_scores_the_folders_of_the_post(tmp_path: Path) -> None:
    for i, name in enumerate(("cats/1.jpg", "cats/2.jpg", "Dog/1.jpg")):
        put(tmp_path / name, encode(noise_picture(i), "JPEG"))
    process = done("evaluate", tmp_path)
    assert "classes: cats → cat, Dog → dog" in process.stderr
    assert "Score on 3 photos" in process.stdout
    swapped = done("evaluate", tmp_path, "--classes", "cats=dog,Dog=cat")
    assert "classes: cats → dog, Dog → cat" in swapped.stderr
