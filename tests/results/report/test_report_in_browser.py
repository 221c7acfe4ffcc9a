"""The page of `report`, opened in a browser: its slider moves by keyboard, it prints whole, and asks for nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accessibility import accessibility_faults
from browser import DESKTOP, PHONE, OpenedPage
from running import done

pytest.importorskip("photoclass.results.report.report", reason="there is no command `report` yet")

OpenPage = Callable[..., OpenedPage]
_MOST_TABS = 300


@pytest.fixture(scope="module")
def report_page(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small model."""
    run = tmp_path_factory.mktemp("report") / "run"
    shutil.copytree(model, run)
    done("report", run)
    return run / "report.html"


def _told(page: Any) -> list[str]:
    """Return what the slider's outputs say."""
    texts: list[str] = page.locator("output").all_inner_texts()
    return texts


def _said(slider: Any) -> str:
    """Return what a slider says of where it stands, to a screen reader."""
    said: str = slider.evaluate("slider => slider.getAttribute('aria-valuetext') || slider.value")
    return said


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
@pytest.mark.parametrize("dark", [False, True])
def test_all_can_read_it(open_page: OpenPage, report_page: Path, size: tuple[int, int], dark: bool) -> None:
    opened = open_page(report_page, *size, dark=dark)
    assert opened.requests == [] and opened.faults == []
    assert opened.overflow() == 0, "no scrolling sideways"
    assert accessibility_faults(opened.page) == []


def test_the_slider_moves_by_keyboard(open_page: OpenPage, report_page: Path) -> None:
    opened = open_page(report_page, *PHONE)
    page = opened.page
    slider = page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("End")
    at_end = _told(page)
    page.keyboard.press("Home")
    at_home = _told(page)
    assert at_end and at_end != at_home
    said_at_home = _said(slider)
    page.keyboard.press("ArrowRight")  # a step may change no photo's answer, but it is another place
    assert _said(slider) != said_at_home
    page.keyboard.press("ArrowLeft")
    assert (_said(slider), _told(page)) == (said_at_home, at_home), "the same place says the same"
    assert opened.requests == [] and opened.faults == []


def test_the_tabulator_reaches_the_slider(open_page: OpenPage, report_page: Path) -> None:
    page = open_page(report_page, *PHONE).page
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('input[type=range], [role=slider]')"):
            break
    else:
        pytest.fail("no slider was reached")
    outline = page.evaluate("(style => style.outlineStyle + style.boxShadow)(getComputedStyle(document.activeElement))")
    assert outline != "nonenone", "where the keyboard is can be seen"


def test_it_prints_whole(open_page: OpenPage, report_page: Path) -> None:
    page = open_page(report_page, *DESKTOP).page
    page.emulate_media(media="print")
    hidden = """[...document.querySelectorAll('section')].filter(section =>
        !section.checkVisibility({visibilityProperty: true, opacityProperty: true})
        || section.getBoundingClientRect().height === 0).map(section => section.id || section.innerText.slice(0, 60))"""
    assert page.locator("section").count() > 0
    assert page.evaluate(hidden) == []
    assert len(page.pdf()) > 1000


def test_dark_and_light_differ(open_page: OpenPage, report_page: Path) -> None:
    colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color].join()"
    light, dark = (open_page(report_page, *PHONE, dark=dark).page.evaluate(colours) for dark in (False, True))
    assert light != dark


def test_pictures_are_inside_and_seen(open_page: OpenPage, report_page: Path) -> None:
    page = open_page(report_page, *PHONE).page
    for image in page.locator("img").all():
        if image.is_visible():
            image.scroll_into_view_if_needed()
            assert image.evaluate("async image => { await image.decode(); return image.naturalWidth }") > 0
    assert page.locator("img:not([src^='data:'])").count() == 0
    assert report_page.stat().st_size < 5_000_000
