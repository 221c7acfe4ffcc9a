"""Text for people: formats, and lines in which nothing but what does not fit is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photoclass.text import _width, describe_bytes, describe_seconds, plural, printable, wrap


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
