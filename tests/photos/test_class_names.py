"""Class names: which spellings are one, and which known class a given name means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.photos.class_names import clean_class_name, has_control_characters, match_class


@pytest.mark.parametrize(
    ("given_name", "clean"),
    [
        ("Lo\u0308we", "L\u00f6we"),
        (" cats ", "cats"),
        ("big\u00a0cats", "big cats"),
        ("big \u2003 cats", "big cats"),
        ("dogs\u200b", "dogs"),
        ("\ufeffdogs", "dogs"),
        ("do\u200dgs\u2063", "dogs"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0631\u062f", "\u0645\u06cc\u200c\u062e\u0648\u0631\u062f"),
        ("\u200b ", ""),
    ],
)
def test_inputs_5_spaces_unicode_forms_and_invisible_characters_make_no_difference(given_name: str, clean: str) -> None:
    assert clean_class_name(given_name) == clean


@given(st.text())
def test_a_clean_name_stays_as_it_is(name: str) -> None:
    assert clean_class_name(clean_class_name(name)) == clean_class_name(name)


def test_line_breaks_and_control_characters_are_known() -> None:
    assert all(map(has_control_characters, ["a\nb", "a\rb", "a\tb", "a\x1bb", "a\u2028b"]))
    assert not any(map(has_control_characters, ["a b", "L\u00f6we", "\u732b"]))


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("cat", ("cat", "dog"), "cat"),
        ("cats", ("cat", "dog"), "cat"),
        ("Dog", ("cat", "dog"), "dog"),
        ("DOGS", ("cat", "dog"), "dog"),
        ("cat", ("cats", "dogs"), "cats"),
        ("puppies", ("puppy", "cat"), "puppy"),
        ("foxes", ("fox", "cat"), "fox"),
        ("wolves", ("wolf", "cat"), "wolf"),
        ("big_cats", ("Big cat", "dog"), "Big cat"),
        ("BigCats", ("big cats", "dog"), "big cats"),
        ("Lo\u0308we", ("L\u00f6we", "dog"), "L\u00f6we"),
        ("cow", ("cat", "dog"), None),
        ("ca", ("cat", "cas"), None),
        ("cats", ("Cats", "CATS"), None),
        ("glass", ("glas", "dog"), None),
        ("bird", ("birds", "Birds"), None),
        ("1", ("01", "10"), None),
        ("", ("cat", "dog"), None),
        ("!", ("?", "dog"), None),
    ],
)
def test_a_name_means_the_known_class_that_no_other_fits_as_well(
    name: str, known: tuple[str, ...], meant: str | None
) -> None:
    assert match_class(name, known) == meant
