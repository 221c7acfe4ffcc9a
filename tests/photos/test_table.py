"""The table of photos: natural order, selected rows, skipped files."""

from pathlib import Path
from random import Random

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from photoclass.photos.data_paths import DataPaths
from photoclass.photos.table import (
    NO_LABEL,
    NO_SPLIT,
    PassedOver,
    PhotoTable,
    SkippedPhoto,
    count_by_class,
    describe_passed_over,
    name_below,
    natural_key,
)

# Names with digits of all scripts, and with bytes that are not UTF-8 (lone surrogates).
NAMES = st.text(st.one_of(st.sampled_from("0123456789٣²ab/.- \n"), st.characters(exclude_categories=())), max_size=20)


def _table(count: int) -> PhotoTable:
    names = tuple(f"{number}.jpg" for number in range(count))
    return PhotoTable(
        paths=tuple(f"/photos/{name}" for name in names),
        names=names,
        labels=np.arange(count, dtype=np.int64) % 2,
        splits=np.full(count, NO_SPLIT, dtype=np.int8),
        class_names=("cat", "dog"),
    )


def test_2_comes_before_10() -> None:
    names = ["10.jpg", "b/1.jpg", "2.jpg", "1.jpg", "a10/1.jpg", "a9/20.jpg", "a9/3.jpg"]
    expected = ["1.jpg", "2.jpg", "10.jpg", "a9/3.jpg", "a9/20.jpg", "a10/1.jpg", "b/1.jpg"]
    assert sorted(names, key=natural_key) == expected


def test_capital_letters_do_not_come_first() -> None:
    assert sorted(["Zoe.jpg", "anna.jpg", "Bea.jpg"], key=natural_key) == ["anna.jpg", "Bea.jpg", "Zoe.jpg"]


@given(st.lists(NAMES, max_size=12), st.randoms(use_true_random=False))
def test_natural_order_is_the_same_whatever_the_order_of_the_names(names: list[str], random: Random) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)
    assert sorted(shuffled, key=natural_key) == sorted(names, key=natural_key)


@given(NAMES, NAMES)
@example("1.jpg", "01.jpg")
@example("a.jpg", "A.jpg")
@example("7", "٧")
def test_only_equal_names_have_equal_keys(one: str, other: str) -> None:
    assert (natural_key(one) == natural_key(other)) == (one == other)


def test_rows_are_selected_by_indices_or_by_a_mask() -> None:
    table = _table(5)
    by_index = table.select(np.array([1, 3]))
    by_mask = table.select(np.array([False, True, False, True, False]))
    assert by_index.names == by_mask.names == ("1.jpg", "3.jpg")
    assert by_index.paths == by_mask.paths == ("/photos/1.jpg", "/photos/3.jpg")
    assert by_index.labels.tolist() == by_mask.labels.tolist() == [1, 1]
    assert len(by_mask) == len(by_mask.splits) == 2
    assert by_mask.class_names == ("cat", "dog")


def test_selected_rows_keep_the_requested_order() -> None:
    assert _table(5).select(np.array([4, 0, 2])).names == ("4.jpg", "0.jpg", "2.jpg")


def test_no_rows_can_be_selected() -> None:
    assert len(_table(3).select(np.zeros(3, dtype=np.bool_))) == 0


def test_skipped_files_are_listed_once_and_in_natural_order() -> None:
    table = _table(1).with_skipped([SkippedPhoto("10.jpg", "empty"), SkippedPhoto("2.jpg", "empty")])
    table = table.with_skipped([SkippedPhoto("2.jpg", "empty"), SkippedPhoto("1.jpg", "broken")])
    assert [item.name for item in table.skipped] == ["1.jpg", "2.jpg", "10.jpg"]


def test_selecting_rows_keeps_the_skipped_files() -> None:
    table = _table(3).with_skipped([SkippedPhoto("x.jpg", "empty")])
    assert table.select(np.array([0])).skipped == table.skipped


def test_photos_are_counted_by_class_and_those_without_a_label_are_not() -> None:
    labels = np.array([0, 2, 2, NO_LABEL], dtype=np.int64)
    assert count_by_class(labels, ("cat", "cow", "dog", "hen")) == {"cat": 1, "cow": 0, "dog": 2, "hen": 0}


def test_files_passed_over_are_one_line_by_kind() -> None:
    items = [PassedOver("sidecar files (json)", 1_028, "DATA/a.json"), PassedOver("videos (mp4)", 1, "DATA/a.mp4")]
    line = "passed over: 1,028 sidecar files (json), 1 video (mp4); for example "
    assert describe_passed_over(items) == f"{line}DATA/a.json"
    assert describe_passed_over(items, DataPaths.of(Path("DATA"))) == f"{line}a.json"
    many = [PassedOver(f"files of kind {number}", 10 - number, "a") for number in range(9)]
    assert describe_passed_over(many).endswith("5 files of kind 5, 9 of other kinds; for example a")
    assert describe_passed_over([PassedOver("files of a class", 1, "a")]).startswith("passed over: 1 file of a class;")


def test_names_are_as_the_user_would_write_them() -> None:
    assert [name_below(where, "a/1.jpg") for where in (".", "b", "../b", "/")] == [
        "a/1.jpg",
        "b/a/1.jpg",
        "../b/a/1.jpg",
        "/a/1.jpg",
    ]
