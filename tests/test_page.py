"""What all pages share: what is given is escaped, and the policy names what stands there."""

import re

import pytest

from photoclass.page import policy, render

SVG = "<svg><style>a {{ fill: red }}</style><rect{}/></svg>"


def _rendered(**values: object) -> str:
    given = {"data": "</title><script>alert(1)</script>", "verdict": "<b>", "summary": [], "sections": []}
    return render("photoclass.checks", "check.html.j2", {**given, **values})


def test_what_is_given_is_escaped() -> None:
    page = _rendered()
    assert "<script>" not in page and "<b>" not in page
    assert "&lt;b&gt;" in page and "&lt;script&gt;alert(1)" in page


def test_without_a_script_none_may_run_and_no_style_but_its_own() -> None:
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', _rendered())
    assert found
    rules = found[1].replace("&#39;", "'")
    assert "script-src 'none'" in rules and "default-src 'none'" in rules and "unsafe" not in rules


@pytest.mark.parametrize(("attribute", "allowed"), [("", False), (' style="fill: red"', True)])
def test_drawings_bring_their_styles(attribute: str, allowed: bool) -> None:
    drawing = SVG.format(attribute).replace("{{", "{").replace("}}", "}")
    given = {"data": "x", "verdict": "x", "summary": [], "sections": []}
    with_drawing = render("photoclass.checks", "check.html.j2", given, drawings=(drawing,))
    assert ("style-src-attr" in with_drawing) is allowed
    assert with_drawing.count("sha256-") == 2, "the page's style and the drawing's"


def test_the_digest_is_that_of_the_standard() -> None:
    """The example of https://www.w3.org/TR/CSP3/: alert('Hello, world.')"""
    assert "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='" in policy([], ["alert('Hello, world.');"])
