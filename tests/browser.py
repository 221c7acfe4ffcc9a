"""Pages in a real headless browser, with all their network requests recorded and blocked."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

PHONE, DESKTOP = (390, 844), (1280, 800)
# Bounds, not expectations: machines that run tests are shared.
_LAUNCH_SECONDS, _STEP_SECONDS = 120, 30
# The browser itself makes no requests: no updates, no sync, no name lookups.
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--metrics-recording-only",
    "--no-first-run",
    "--no-pings",
)


@dataclass
class OpenedPage:
    """A page in the browser.

    Attributes:
        page: A page of Playwright.
        requests: All its requests apart from itself and inline data, to the network or to other files.
        faults: Its errors, as in the console.
    """

    page: Any
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def overflow(self) -> int:
        """The number of pixels by which the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


class Browser:
    """A running browser.

    Args:
        chromium: A browser of Playwright.
    """

    def __init__(self, chromium: Any) -> None:
        self._chromium = chromium
        self._contexts: list[Any] = []

    def open_page(
        self, where: Path | str, width: int, height: int, *, dark: bool = False, local_server: bool = False
    ) -> OpenedPage:
        """Open a page in a window of this size.

        Args:
            where: An HTML file or an address.
            width: The width of the window in pixels.
            height: Its height.
            dark: Whether the reader prefers dark pages.
            local_server: Whether requests to 127.0.0.1 are allowed; they are recorded all the same.
        """
        address = where.resolve().as_uri() if isinstance(where, Path) else where
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            service_workers="block",
        )
        self._contexts.append(context)
        context.set_default_timeout(1000 * _STEP_SECONDS)
        opened = OpenedPage(context.new_page())

        def refuse(route: Any) -> None:
            parts = urlsplit(route.request.url)
            if parts.scheme == "file" or (local_server and parts.hostname == "127.0.0.1"):
                route.continue_()
            else:
                route.abort()

        context.route("**/*", refuse)
        opened.page.on("request", lambda request: _record(opened.requests, request.url, address))
        opened.page.on("websocket", lambda socket: _record(opened.requests, socket.url, address))
        opened.page.on("pageerror", lambda error: opened.faults.append(str(error)))
        opened.page.on("console", lambda said: opened.faults.append(said.text) if said.type == "error" else None)
        opened.page.goto(address, wait_until="load")
        return opened

    def close_pages(self) -> None:
        """Close all opened pages."""
        while self._contexts:
            self._contexts.pop().close()


def _record(requests: list[str], url: str, own_address: str) -> None:
    if urlsplit(url).scheme not in ("data", "blob", "about") and url.partition("#")[0] != own_address:
        requests.append(url)


@contextlib.contextmanager
def run_browser() -> Iterator[Browser]:
    """Run Debian's Chromium; skip the test where it is not installed."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("tests of pages need a browser: install Debian's package chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path,
            args=list(_FLAGS),
            # Chromium has no sandbox for root.
            chromium_sandbox=os.geteuid() != 0,
            timeout=1000 * _LAUNCH_SECONDS,
        )
        try:
            yield Browser(chromium)
        finally:
            chromium.close()
