"""What is seen at a glance from a file's name is what a look at it says."""

import string

from hypothesis import example, given
from hypothesis import strategies as st

from photoclass.photos.sources import rules
from photoclass.photos.sources.litter import has_photo_ending, is_plainly_a_photo, kind_by_ending, litter_kind

_BEGINNINGS = (*rules.SYSTEM_STARTS, *(start.upper() for start in rules.SYSTEM_STARTS), "._", ".", "", "cat", "IMG_")
_NAMES = st.builds(
    "{}{}.{}".format,
    st.sampled_from(_BEGINNINGS),
    st.text(string.ascii_letters + string.digits + "._~$@# ", max_size=9),
    st.sampled_from(sorted(rules.PHOTO_ENDINGS)).map(lambda ending: ending.upper())
    | st.sampled_from(["json", "", "jpg~"]),
)


@given(_NAMES)
@example("SYNOFILE_THUMB_M.jpg")
@example("~$cat.png")
def test_what_is_plainly_a_photo_is_no_litter_and_has_no_other_ending(name: str) -> None:
    if is_plainly_a_photo(name):
        assert has_photo_ending(name)
        assert not litter_kind(name)
        assert not kind_by_ending(name)


def test_an_ordinary_name_is_plainly_a_photo() -> None:
    assert all(map(is_plainly_a_photo, ("cat.0.jpg", "1.PNG", "IMG_0001.JPG", "猫.webp")))
