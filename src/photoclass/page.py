"""What all HTML pages share: one file that needs nothing else, its style, and a policy that lets nothing else run."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

_STYLE_ELEMENT = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


_FRAME = "page.html.j2"


@dataclass(frozen=True)
class Stat:
    """A key number in the header of a page.

    Attributes:
        label: What it is.
        value: The number.
        detail: A line below it.
        picture: A small drawing of it, as SVG.
        tone: Its colour: `right`, `wrong` or `caution`; that of the text if empty.
    """

    label: str
    value: str
    detail: str = ""
    picture: Markup | str = ""
    tone: str = ""


@dataclass(frozen=True)
class Masthead:
    """The header of a page.

    Attributes:
        title: The title of the document.
        kind: What kind of page it is.
        subject: What it is about.
        headline: The main message.
        lead: A sentence below it; empty for none.
        stats: Key numbers.
    """

    title: str
    kind: str
    subject: str
    headline: str
    lead: str = ""
    stats: Sequence[Stat] = ()


def render(
    package: str,
    template: str,
    values: Mapping[str, Any],
    styles: Sequence[str] = (),
    script: str = "",
    drawings: Sequence[str] = (),
) -> str:
    """Fill in a template that extends page.html.j2; values are escaped.

    Besides its values the template gets `style` (page.css and `styles`), `script`, and `policy`: a content-security
    policy that names both by their SHA-256, and allows pictures from within the page and nothing else.

    Args:
        package: The package that holds the files.
        template: The name of the template file.
        values: What it shows: `masthead` (a `Masthead`), `contents` (groups of (section id, label) pairs, for the
            table of contents), and what the template itself needs.
        styles: Names of further CSS files.
        script: The name of the script file; empty for none.
        drawings: SVG among the values; the policy allows their style elements and attributes.
    """
    style = "\n".join([_read(__package__, "page.css"), *(_read(package, name) for name in styles)])
    code = _read(package, script) if script else ""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: _read(__package__ if name == _FRAME else package, name)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = [text for drawing in drawings for text in _STYLE_ELEMENT.findall(drawing)]
    allowed = policy([style, *drawn], [code] if code else [], any(" style=" in drawing for drawing in drawings))
    return environment.get_template(template).render(
        {**values, "style": Markup(style), "script": Markup(code), "policy": allowed}
    )


def policy(styles: Sequence[str], scripts: Sequence[str], style_attributes: bool = False) -> str:
    """Return a content-security policy that allows these style and script elements, and pictures in data URIs.

    Args:
        styles: The content of each style element.
        scripts: The content of each script element.
        style_attributes: Allow style attributes as well.

    Source: Content Security Policy Level 3, https://www.w3.org/TR/CSP3/
    """
    style, script = (" ".join(f"'sha256-{_digest(text)}'" for text in texts) or "'none'" for texts in (styles, scripts))
    attributes = "style-src-attr 'unsafe-inline'; " if style_attributes else ""
    return (
        f"default-src 'none'; img-src data:; style-src {style}; {attributes}script-src {script}; base-uri 'none'; "
        "form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _read(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")
