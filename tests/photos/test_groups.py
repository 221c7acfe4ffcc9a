"""Groups that stay together: near-duplicates and the user's groups, joined."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from photoclass.photos.groups import groups_of_names, join_groups


def test_without_names_near_duplicates_stay_as_they_are() -> None:
    duplicates = np.array([0, 0, 2])
    assert join_groups(duplicates, ()) is duplicates
    assert groups_of_names((), 3).tolist() == [0, 1, 2]


def test_a_near_duplicate_in_another_group_joins_both() -> None:
    # Photos 0 and 1 are of rex; 2 is a copy of 1 filed under max, and 3 is max; 4 is neither.
    assert join_groups(np.array([0, 1, 1, 3, 4]), ("rex", "rex", "max", "max", "tom")).tolist() == [0, 0, 0, 0, 4]


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abcdefgh")), max_size=30))
def test_photos_stay_together_exactly_where_a_chain_links_them(photos: list[tuple[int, str]]) -> None:
    duplicates = np.array([number for number, _ in photos], dtype=np.int64)
    joined = join_groups(duplicates, tuple(name for _, name in photos))
    linked = np.array([[a == c or b == d for c, d in photos] for a, b in photos], dtype=np.int64).reshape(
        len(photos), len(photos)
    )
    for _ in range(5):  # paths of length 1, 2, 4, … up to 32
        linked = np.minimum(linked @ linked, 1)
    assert (joined[:, None] == joined).astype(np.int64).tolist() == linked.tolist()
