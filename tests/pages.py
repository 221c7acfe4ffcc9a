"""An HTML page parsed, and what must hold for every page of photoclass, and for what it shows in notebooks."""

import base64
import hashlib
import itertools
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"img", "br"}


@dataclass
class Page(HTMLParser):
    """The tags and texts of a page, in order."""

    source: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.tags[-1][0] if self.tags else "", data))

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every element of this name."""
        return [attributes for name, attributes in self.tags if name == tag]

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    def text(self) -> str:
        """Return the visible text."""
        shown = [text for tag, text in self.texts if tag not in ("script", "style")]
        return " ".join("".join(shown).split())


def check_page(source: str) -> Page:
    """Assert that a page is self-contained, runs only its own code, and is accessible."""
    page = Page(source)
    assert page.all("html")[0]["lang"] == "en"
    ids = page.ids()
    assert len(ids) == len(set(ids)), "an id is used twice"
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], "code in an attribute"
        assert "style" not in attributes or "style-src-attr" in source, "the policy forbids it"
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            value = attributes.get(name, "data:")
            assert value.startswith(("data:image/webp;base64,", "#")) or value == "data:", value
            assert not value.startswith("#") or value[1:] in ids, f"{value} leads nowhere"
        for name in ("for", "aria-labelledby", "aria-describedby"):
            assert set(attributes.get(name, "").split()) <= set(ids)
    assert not {"iframe", "object", "embed", "link", "base", "form"} & {tag for tag, _ in page.tags}
    assert "@import" not in source and "url(" not in source
    assert all(len(image["alt"]) > 10 for image in page.all("img"))
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(headings))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(header.get("scope") in ("row", "col") for header in page.all("th"))
    _check_policy(page)
    return page


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes something else"


def check_fragment(html: str) -> Page:
    """Assert that HTML is complete, holds no code, needs nothing from elsewhere and is accessible."""
    balance = _Balance()
    balance.feed(html)
    assert not balance.open
    page = Page(html)
    assert not {"script", "style", "iframe", "object", "link", "form", "a"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], "code in an attribute"
        assert attributes.get("src", "data:image/webp;base64,").startswith("data:image/webp;base64,")
    assert "url(" not in html
    assert all(len(image["alt"]) > 10 for image in page.all("img"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(header["scope"] == "col" for header in page.all("th"))
    assert len(html) < 200_000
    return page


def _check_policy(page: Page) -> None:
    """Check the policy against the page: it allows all its own code and styles, and nothing else."""
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert (
        rules["default-src"] == "'none'"
        and rules["img-src"] == "data:"
        and "unsafe" not in rules["script-src"] + rules["style-src"]
    )
    for tag in ("script", "style"):
        pattern = rf"<{tag}>(.*?)</{tag}>"
        wanted = {
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
            for text in re.findall(pattern, page.source, re.DOTALL)
        }
        assert set(rules[f"{tag}-src"].split()) == (wanted or {"'none'"})
