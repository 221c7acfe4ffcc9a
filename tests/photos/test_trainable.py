"""Whether photos are enough to train on: counted before the split, and said of what DATA holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.photos.split import assign_splits
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, PhotoTable, SkippedPhoto
from photoclass.photos.trainable import sample_of_classes, why_too_few, without_two_pictures


def _table(labels: list[int], splits: list[int] | None = None, skipped: tuple[SkippedPhoto, ...] = ()) -> PhotoTable:
    names = tuple(f"DATA/{i}.jpg" for i in range(len(labels)))
    given_splits = np.array(splits or [NO_SPLIT] * len(labels), dtype=np.int8)
    return PhotoTable(names, names, np.array(labels), given_splits, ("cats", "dogs", "owls"), skipped)


ENOUGH = [0] * 3 + [1] * 3 + [2] * 3


def test_three_photos_of_each_class_are_enough() -> None:
    assert why_too_few(_table(ENOUGH), np.arange(9)) == ""


def test_a_lone_photo_is_named_with_its_class() -> None:
    reason = why_too_few(_table([*ENOUGH[:-2]]), np.arange(7))
    assert reason.startswith("class 'owls' has 1 photo; at least 2 different photos of each class are needed")


def test_a_class_without_a_readable_photo_is_named() -> None:
    table = _table(ENOUGH[:6], skipped=(SkippedPhoto("DATA/owl.jpg", "empty"),))
    assert "class 'owls' has no readable photo" in why_too_few(table, np.arange(6))


def test_fourteen_copies_of_one_picture_are_one() -> None:
    labels = [*ENOUGH[:6], *[2] * 14]
    groups = np.array([*range(6), *[6] * 14])
    assert "class 'owls' has 14 photos, all of one picture" in why_too_few(_table(labels), groups)


def test_a_class_of_a_single_group_names_the_option() -> None:
    reason = why_too_few(_table(ENOUGH), np.array([0, 1, 2, 3, 4, 5, 6, 6, 6]), "animal")
    assert "class 'owls' has 3 photos, all of one group (--group-by animal); at least 2 groups" in reason


def test_several_small_classes_are_counted_and_a_few_named() -> None:
    names = tuple(f"class{i}" for i in range(10))
    labels = np.array([0, 0, 0, *range(1, 10)])
    files = tuple(map(str, range(12)))
    table = PhotoTable(files, files, labels, np.full(12, NO_SPLIT, dtype=np.int8), names)
    reason = why_too_few(table, np.arange(12))
    assert reason.startswith("9 classes have too few photos: class 'class1' has 1 photo; class 'class2' has 1 photo;")
    assert "and 6 more" in reason


def test_two_photos_of_each_class_leave_none_to_validate_with() -> None:
    assert "none is left to validate with" in why_too_few(_table([0, 0, 1, 1, 2, 2]), np.arange(6))


def test_a_split_of_the_users_own_counts_what_is_in_train() -> None:
    table = _table(ENOUGH, [TRAIN] * 7 + [VALID] * 2)
    assert "class 'owls' has 1 photo in train" in why_too_few(table, np.arange(9))


def test_a_split_without_validation_photos_is_refused() -> None:
    table = _table(ENOUGH[:6] + ENOUGH[6:], [TRAIN] * 8 + [HELD_OUT])
    assert "no photo is left for valid" in why_too_few(table, np.arange(9))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=25), st.integers(0, 999), st.data()
)
def test_what_is_not_refused_can_be_split(photos: list[tuple[int, int]], seed: int, data: st.DataObject) -> None:
    labels, groups = (np.array(values) for values in zip(*photos, strict=True))
    splits = data.draw(
        st.one_of(
            st.just([NO_SPLIT] * len(photos)),
            st.lists(st.sampled_from([NO_SPLIT, HELD_OUT]), min_size=len(photos), max_size=len(photos)),
        )
    )
    table = _table(labels.tolist(), splits)
    if why_too_few(table, groups):
        return
    contents = [bytes([i]) * 32 for i in range(len(photos))]
    found = assign_splits(contents, groups, labels, table.splits, seed)
    assert VALID in found
    for label in range(3):
        assert len(np.unique(groups[(labels == label) & (found == TRAIN)])) >= 2


def test_the_sample_has_photos_of_every_class_from_its_start_middle_and_end() -> None:
    assert sample_of_classes(_table([*[0] * 9, 1, 2, 2])).tolist() == [0, 4, 8, 9, 10, 11]


def test_photos_outside_train_are_not_in_the_sample() -> None:
    assert sample_of_classes(_table([0, 0, 1, 1], [TRAIN, VALID, TRAIN, HELD_OUT])).tolist() == [0, 2]


def test_classes_of_one_picture_are_suspected() -> None:
    assert without_two_pictures(_table([0, 0, 1, 1, 2]), np.array([0, 1, 2, 2, 4])) == [1, 2]


@pytest.mark.parametrize("classes", [None, [2]])
def test_only_the_classes_asked_for_are_looked_at(classes: list[int] | None) -> None:
    reason = why_too_few(_table([0, 2]), np.arange(2), classes=classes)
    assert reason.startswith("3 classes" if classes is None else "class 'owls'")
