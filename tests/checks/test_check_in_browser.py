"""The page of `check --html` in a browser: accessible, readable on a phone, and without requests."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from accessibility import accessibility_faults
from browser import DESKTOP, PHONE, OpenedPage
from photoclass.walkthrough.drawings.drawings import draw_photo_folders
from running import done

OpenPage = Callable[..., OpenedPage]


@pytest.fixture(scope="module")
def check_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with one picture in two classes, a file that is not a photo, and long names without spaces."""
    folder = tmp_path_factory.mktemp("check")
    draw_photo_folders(folder / "photos", 6)
    cats, dogs = sorted(path for path in (folder / "photos").iterdir() if path.is_dir())
    shutil.copy(sorted(cats.iterdir())[0], dogs / f"{'the-same-picture-' * 8}.jpg")
    (cats / f"{'no_photo_' * 12}.jpg").write_bytes(b"nothing of a picture")
    done("check", folder / "photos", "--html", folder / "check.html")
    return folder / "check.html"


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
@pytest.mark.parametrize("dark", [False, True])
def test_it_is_accessible(open_page: OpenPage, check_page: Path, size: tuple[int, int], dark: bool) -> None:
    opened = open_page(check_page, *size, dark=dark)
    assert opened.requests == [] and opened.faults == []
    assert opened.overflow() == 0, "no scrolling sideways"
    assert accessibility_faults(opened.page) == []
    images = opened.page.locator("img")
    assert images.count() >= 2
    for text in images.evaluate_all("images => images.map(image => image.alt)"):
        assert text.strip()
    assert opened.page.locator("img:not([src^='data:'])").count() == 0


def test_dark_and_light_differ(open_page: OpenPage, check_page: Path) -> None:
    colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color].join()"
    light, dark = (open_page(check_page, *PHONE, dark=dark).page.evaluate(colours) for dark in (False, True))
    assert light != dark


def test_photos_are_visible(open_page: OpenPage, check_page: Path) -> None:
    page = open_page(check_page, *PHONE).page
    for image in page.locator("img").all():
        image.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every(image => image.complete)")
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    width = page.evaluate("Math.min(...[...document.images].map(image => image.getBoundingClientRect().width))")
    assert width >= 120
