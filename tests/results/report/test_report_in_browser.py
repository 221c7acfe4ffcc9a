"""The page of `report` in a browser: its sliders work by keyboard, it prints whole, and it makes no requests."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accessibility import accessibility_faults
from browser import DESKTOP, PHONE, OpenedPage
from running import done

OpenPage = Callable[..., OpenedPage]
_MOST_TABS = 300


@pytest.fixture(scope="module")
def report_page(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small model."""
    run = tmp_path_factory.mktemp("report") / "run"
    shutil.copytree(model, run)
    done("report", run)
    return run / "report.html"


def _outputs(page: Any) -> list[str]:
    """Return the texts of the sliders' outputs."""
    texts: list[str] = page.locator("output").all_inner_texts()
    return texts


def _value_text(slider: Any) -> str:
    """Return what a screen reader says of the position of a slider."""
    text: str = slider.evaluate("slider => slider.getAttribute('aria-valuetext') || slider.value")
    return text


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
@pytest.mark.parametrize("dark", [False, True])
def test_it_is_accessible(open_page: OpenPage, report_page: Path, size: tuple[int, int], dark: bool) -> None:
    opened = open_page(report_page, *size, dark=dark)
    assert opened.requests == [] and opened.faults == []
    assert opened.overflow() == 0, "no scrolling sideways"
    assert accessibility_faults(opened.page) == []


def test_a_wide_window_is_used(open_page: OpenPage, report_page: Path) -> None:
    """Contents beside the sections, and figures side by side; one below the other on a phone."""
    corner = """selector => {
        const box = document.querySelector(selector).getBoundingClientRect()
        return [box.left, box.top, box.right]
    }"""
    wide, narrow = (open_page(report_page, *size).page for size in (DESKTOP, PHONE))
    selectors = (".contents", "main", "#calibration svg.plot", "#calibration table")
    contents, main, plot, table = (wide.evaluate(corner, selector) for selector in selectors)
    assert contents[0] < main[0] and main[2] - contents[0] > 0.9 * DESKTOP[0]
    assert plot[2] <= table[0], "beside each other"
    contents, main, plot, table = (narrow.evaluate(corner, selector) for selector in selectors)
    assert contents[1] < main[1] and plot[1] < table[1]


def test_sliders_move_by_keyboard(open_page: OpenPage, report_page: Path) -> None:
    opened = open_page(report_page, *PHONE)
    page = opened.page
    slider = page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("End")
    at_end = _outputs(page)
    page.keyboard.press("Home")
    at_home = _outputs(page)
    assert at_end and at_end != at_home
    text_at_home = _value_text(slider)
    page.keyboard.press("ArrowRight")  # a step may change no prediction, but it is another position
    assert _value_text(slider) != text_at_home
    page.keyboard.press("ArrowLeft")
    assert (_value_text(slider), _outputs(page)) == (text_at_home, at_home), "the same position gives the same text"
    assert opened.requests == [] and opened.faults == []


def test_the_tab_key_reaches_a_slider(open_page: OpenPage, report_page: Path) -> None:
    page = open_page(report_page, *PHONE).page
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('input[type=range], [role=slider]')"):
            break
    else:
        pytest.fail("no slider was reached")
    outline = page.evaluate("(style => style.outlineStyle + style.boxShadow)(getComputedStyle(document.activeElement))")
    assert outline != "nonenone", "the focus is visible"


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


def test_pictures_are_embedded_and_visible(open_page: OpenPage, report_page: Path) -> None:
    page = open_page(report_page, *PHONE).page
    for image in page.locator("img").all():
        if image.is_visible():
            image.scroll_into_view_if_needed()
            assert image.evaluate("async image => { await image.decode(); return image.naturalWidth }") > 0
    assert page.locator("img:not([src^='data:'])").count() == 0
    assert report_page.stat().st_size < 5_000_000
