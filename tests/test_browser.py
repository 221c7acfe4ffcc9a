"""The browser for tests of pages: it records the requests of a page and blocks them."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from accessibility import accessibility_faults
from browser import PHONE, OpenedPage

OpenPage = Callable[..., OpenedPage]


def _write(folder: Path, body: str, head: str = "<title>A page</title>") -> Path:
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}</head><body>{body}</body></html>'
    )
    return page


@pytest.fixture
def loopback_server() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine: its port, and the requested paths."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, paths
        server.shutdown()
        thread.join()


def test_a_page_without_requests_has_none(open_page: OpenPage, tmp_path: Path) -> None:
    body = '<h1>Hello</h1><img alt="a dot" src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">'
    opened = open_page(_write(tmp_path, body), *PHONE)
    assert opened.requests == [] and opened.faults == []
    assert opened.overflow() == 0


def test_requests_are_recorded_and_blocked(
    open_page: OpenPage, tmp_path: Path, loopback_server: tuple[int, list[str]]
) -> None:
    port, paths = loopback_server
    (tmp_path / "other.css").write_text("")
    images = "".join(f'<img alt="" src="{url}">' for url in ("http://127.0.0.1:9/x", f"http://127.0.0.1:{port}/image"))
    script = f"<script>fetch('http://127.0.0.1:{port}/fetched').catch(() => {{ document.title = 'refused' }})</script>"
    opened = open_page(_write(tmp_path, images + script, '<link rel="stylesheet" href="other.css">'), *PHONE)
    opened.page.wait_for_function("document.title == 'refused'")
    urls = ["http://127.0.0.1:9/x", *(f"http://127.0.0.1:{port}/{path}" for path in ("image", "fetched"))]
    assert sorted(opened.requests) == sorted([*urls, (tmp_path / "other.css").as_uri()])
    assert paths == []


def test_a_local_server_is_reached_if_allowed(
    open_page: OpenPage, tmp_path: Path, loopback_server: tuple[int, list[str]]
) -> None:
    port, paths = loopback_server
    page = _write(tmp_path, f'<img alt="" src="http://127.0.0.1:{port}/image">')
    opened = open_page(page, *PHONE, local_server=True)
    assert opened.requests == [f"http://127.0.0.1:{port}/image"] and paths == ["/image"]


def test_an_overflowing_page_and_a_broken_script_are_found(open_page: OpenPage, tmp_path: Path) -> None:
    body = '<div style="width: 500px">wide</div><script>nothing.there()</script>'
    opened = open_page(_write(tmp_path, body), *PHONE)
    assert opened.overflow() > 100 and "nothing is not defined" in opened.faults[0]


def test_the_reader_may_prefer_dark_pages(open_page: OpenPage, tmp_path: Path) -> None:
    head = "<style>@media (prefers-color-scheme: dark) { body { margin: 7px } }</style>"
    margins = [
        open_page(_write(tmp_path, "x", head), *PHONE, dark=dark).page.evaluate(
            "getComputedStyle(document.body).margin"
        )
        for dark in (False, True)
    ]
    assert margins == ["8px", "7px"]


INACCESSIBLE = {
    '<h1>A</h1><p style="color: #999">pale</p>': "contrast",
    '<h1>A</h1><p style="opacity: .5">half</p>': "contrast",
    '<h1>A</h1><div style="background: #000"><p style="color: #333">dark on black</p></div>': "contrast",
    '<h1>A</h1><svg role="img" aria-label="s"><text y="20" fill="#aaa">t</text></svg>': "contrast",
    "<h1>A</h1><h3>too deep</h3>": "heading",
    "<h2>no first</h2>": "heading",
    '<h1>A</h1><input type="range">': "label",
    "<h1>A</h1><button></button>": "name",
    '<h1>A</h1><img src="data:,">': "alt",
    '<h1>A</h1><svg role="img"></svg>': "name",
    '<h1>A</h1><i id="x"></i><i id="x"></i>': "id",
}


def test_accessibility_faults_are_found(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(_write(tmp_path, ""), *PHONE).page
    for body, fault in INACCESSIBLE.items():
        page.evaluate("body => { document.body.innerHTML = body }", body)
        found = accessibility_faults(page)
        assert len(found) == 1 and fault in found[0], body


def test_an_accessible_page_has_no_faults(open_page: OpenPage, tmp_path: Path) -> None:
    body = """<h1>A</h1><h2>B</h2><h3>C</h3><h2>D</h2><p style="color: #666">grey</p>
    <label>How far? <input type="range"></label><input aria-label="named"><button>Go</button>
    <div style="background: #000; color: #fff">white on black</div>
    <svg role="img" aria-labelledby="t"><title id="t">Seen</title><text y="20">Words</text></svg>"""
    assert accessibility_faults(open_page(_write(tmp_path, body), *PHONE).page) == []
