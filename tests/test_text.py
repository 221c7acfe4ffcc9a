"""Text as lines: nothing is lost but what does not fit, and no line is wider than asked for."""

from hypothesis import given, settings
from hypothesis import strategies as st

from photoclass.text import _width, wrap


def test_words_stay_whole_where_they_fit() -> None:
    assert wrap("3×3 kernels, stride 2, ReLU to 6, int8", 230, 12.5) == ["3×3 kernels, stride 2, ReLU to 6,", "int8"]
    assert wrap("", 230, 12.5) == []


def test_a_text_that_is_too_long_says_so() -> None:
    lines = wrap("word " * 100, 100, 10, most=3)
    assert len(lines) == 3 and lines[-1].endswith(" …")


@settings(max_examples=50)
@given(st.text(max_size=60), st.floats(40, 400))
def test_no_line_is_too_wide_and_no_letter_is_lost(text: str, width: float) -> None:
    lines = wrap(text, width, 10, most=1000)
    assert all(_width(line) * 10 <= width for line in lines)
    printed = [letter for letter in "".join(lines) if letter != " "]
    assert len(printed) >= len([letter for letter in text if letter.isprintable() and not letter.isspace()])
