"""Text for people: formats, and lines in which nothing but what does not fit is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photoclass.text import _width, describe_bytes, describe_seconds, listed, plural, printable, shorten, wrap


def test_words_stay_whole_where_they_fit() -> None:
    assert wrap("3×3 kernels, stride 2, ReLU to 6, int8", 230, 12.5) == ["3×3 kernels, stride 2, ReLU to 6,", "int8"]
    assert wrap("", 230, 12.5) == []


def test_a_text_that_is_too_long_ends_in_an_ellipsis() -> None:
    lines = wrap("word " * 100, 100, 10, most=3)
    assert len(lines) == 3 and lines[-1].endswith(" …")


@settings(max_examples=50)
@given(st.text(max_size=60), st.floats(40, 400))
def test_no_line_is_too_wide_and_no_letter_is_lost(text: str, width: float) -> None:
    lines = wrap(text, width, 10, most=1000)
    assert all(_width(line) * 10 <= width for line in lines)
    printed = [letter for letter in "".join(lines) if letter != " "]
    assert len(printed) >= len([letter for letter in text if letter.isprintable() and not letter.isspace()])


def test_no_name_moves_the_cursor() -> None:
    assert printable("a\x1b[2Jb\rc\nd") == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c\nd"


@pytest.mark.parametrize(("seconds", "text"), [(3, "3 s"), (600, "10 min"), (9000, "2.5 h")])
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert describe_seconds(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(512, "512 bytes"), (51_000_000, "51 MB"), (4.2e9, "4.2 GB")])
def test_sizes(count: int, text: str) -> None:
    assert describe_bytes(int(count)) == text


def test_counts_with_their_noun() -> None:
    assert plural(1, "photo") == "1 photo"
    assert plural(2000, "photo") == "2,000 photos"
    assert plural(3, "class", "classes") == "3 classes"


@given(st.lists(st.text("abc ", min_size=1, max_size=30), min_size=1, max_size=60), st.integers(20, 100))
def test_a_list_fits_its_room_and_counts_what_it_leaves_out(items: list[str], room: int) -> None:
    text = listed(items, "class", "classes", room)
    if text != ", ".join(items):
        shown, _, more = text.rpartition(" and ")
        left_out = int(more.split(" ")[0])
        assert shown == ", ".join(items[: len(items) - left_out])
        assert len(text) <= room or left_out == len(items) - 1
    else:
        assert len(text) <= room or len(items) == 1


def test_the_rest_of_a_list_is_counted_with_its_noun() -> None:
    assert listed(["4 cats", "4 dogs", "4 owls"], "class", "classes", 24) == "4 cats, 4 dogs, 4 owls"
    assert listed(["4 cats", "4 dogs", "4 owls"], "class", "classes", 20) == "4 cats and 2 more classes"
    assert listed([str(i) for i in range(1000, 3000)], "photo", room=40) == "1000, 1001, 1002 and 1,997 more photos"


@given(st.text(max_size=50), st.integers(1, 50))
def test_a_shortened_text_keeps_its_start_and_end(text: str, width: int) -> None:
    short = shorten(text, width)
    assert len(short) <= width
    start, _, end = short.partition("…")
    assert short == text or (text.startswith(start) and text.endswith(end))
