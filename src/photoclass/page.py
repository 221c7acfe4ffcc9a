"""What all HTML pages share: one file that needs nothing else, its style, and a policy that lets nothing else run."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

_STYLE_ELEMENT = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


def render(
    package: str,
    template: str,
    values: Mapping[str, Any],
    styles: Sequence[str] = (),
    script: str = "",
    drawings: Sequence[str] = (),
) -> str:
    """Fill in a template; what it is given is escaped.

    Besides its values the template gets `style` (page.css and `styles`), `script`, and `policy`: a
    content-security policy that names both by their SHA-256, allows pictures from within, and nothing else.

    Args:
        package: Where the files lie.
        template: Name of the template file.
        values: What it shows.
        styles: Names of further CSS files.
        script: Name of the script file; none where empty.
        drawings: SVG among the values; the policy allows what these have of style elements and attributes.
    """
    style = "\n".join([_read(__package__, "page.css"), *(_read(package, name) for name in styles)])
    code = _read(package, script) if script else ""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    drawn = [text for drawing in drawings for text in _STYLE_ELEMENT.findall(drawing)]
    allowed = policy([style, *drawn], [code] if code else [], any(" style=" in drawing for drawing in drawings))
    return environment.from_string(_read(package, template)).render(
        {**values, "style": Markup(style), "script": Markup(code), "policy": allowed}
    )


def policy(styles: Sequence[str], scripts: Sequence[str], style_attributes: bool = False) -> str:
    """Return a content-security policy for exactly these style and script elements and pictures from within.

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
