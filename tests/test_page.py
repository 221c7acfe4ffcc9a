"""What all pages share: values are escaped, and the policy names exactly the styles and scripts of the page."""

import re

import pytest

from photoclass.page import Masthead, Stat, policy, render

SVG = "<svg><style>a {{ fill: red }}</style><rect{}/></svg>"


def _rendered(drawings: tuple[str, ...] = (), **values: object) -> str:
    masthead = Masthead("</title><script>alert(1)</script>", "<i>", "<s>", "<b>", stats=(Stat("<u>", "<em>", "<q>"),))
    given = {"masthead": masthead, "contents": [], "counts": {}, "class_names": [], "more_classes": 0, "facts": []}
    return render("photoclass.checks", "check.html.j2", {**given, "sections": [], **values}, drawings=drawings)


def test_values_are_escaped() -> None:
    page = _rendered()
    assert not re.search("<(script|i|s|b|u|em|q)>", page)
    assert "&lt;b&gt;" in page and "&lt;script&gt;alert(1)" in page


def test_a_page_without_a_script_allows_none_and_only_its_own_style() -> None:
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', _rendered())
    assert found
    rules = found[1].replace("&#39;", "'")
    assert "script-src 'none'" in rules and "default-src 'none'" in rules and "unsafe" not in rules


@pytest.mark.parametrize(("attribute", "allowed"), [("", False), (' style="fill: red"', True)])
def test_the_styles_of_drawings_are_allowed(attribute: str, allowed: bool) -> None:
    drawing = SVG.format(attribute).replace("{{", "{").replace("}}", "}")
    with_drawing = _rendered((drawing,))
    assert ("style-src-attr" in with_drawing) is allowed
    assert with_drawing.count("sha256-") == 2, "the page's style and the drawing's"


def test_the_digest_follows_the_standard() -> None:
    """The example of https://www.w3.org/TR/CSP3/: alert('Hello, world.')"""
    assert "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='" in policy([], ["alert('Hello, world.');"])
