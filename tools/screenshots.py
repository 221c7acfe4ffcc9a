"""Take screenshots of the report and of the check page, for the documents and for a look at their design.

    python tools/screenshots.py FOLDER
    python tools/screenshots.py FOLDER --report runs/mine/report.html --check check.html

Writes NAME-desktop.png, NAME-phone.png, NAME-dark.png and NAME-print.png of both pages, and report.webp, the picture
in docs/pictures. Without pages it makes its own: it draws photos, trains `features --quality fast` on them, and checks
them with some faults added. Needs Chromium and the extra `dev` (playwright).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from photoclass.walkthrough.drawings.drawings import draw_photo_folders

DESKTOP, PHONE = (1440, 900), (390, 844)
PAPER = (688, 1017)  # what A4 leaves within margins of 14 mm, in CSS pixels
_PER_CLASS = 600
_GAP, _SCALE = 24, 0.66  # of report.webp, in pixels
_BACKGROUND, _QUALITY = "#dfe4ea", 82


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the pages where none are given, and take the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--report", type=Path, help="a report.html; one of drawings if left out")
    parser.add_argument("--check", type=Path, help="a page of check --html; one of drawings if left out")
    parser.add_argument("--browser", default=shutil.which("chromium"), help="the Chromium to use")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        photos = Path(work) / "photos"
        if options.report is None or options.check is None:
            draw_photo_folders(photos, _PER_CLASS)
        pages = {
            "report": options.report or make_report(photos, Path(work) / "run"),
            "check": options.check or make_check_page(photos, Path(work) / "check.html"),
        }
        # Chromium has no sandbox for root.
        browser = playwright.chromium.launch(
            executable_path=options.browser, args=["--disable-gpu"], chromium_sandbox=os.geteuid() != 0
        )
        for name, page in pages.items():
            take_screenshots(browser, page, options.folder, name)
        compose(browser, pages["report"], options.folder / "report.webp")
        browser.close()


def make_report(photos: Path, run: Path) -> Path:
    """Train on photos, and return the report."""
    _photoclass(photos.parent, "train", photos.name, "--out", run, "--quality", "fast")
    return run / "report.html"


def make_check_page(photos: Path, page: Path) -> Path:
    """Add faults of each kind to a part of the photos, and return the page of their check."""
    faulty = page.parent / "drawings"
    for split, numbers in (("train", range(110)), ("valid", range(110, 150))):
        for label in ("cat", "dog"):
            (faulty / split / label).mkdir(parents=True)
            for photo in [sorted((photos / label).iterdir())[i] for i in numbers]:
                shutil.copy(photo, faulty / split / label)
    cats = sorted((faulty / "train/cat").iterdir())
    for i in (3, 4):
        shutil.copy(cats[i], faulty / "valid/cat" / f"copy-{i}.jpg")
    shutil.copy(cats[7], faulty / "train/dog/second-label.jpg")
    for i in (20, 21, 22):
        shutil.move(cats[i], faulty / "train/dog" / cats[i].name)
    with Image.open(cats[5]) as picture:
        picture.resize((150, 150)).save(faulty / "train/cat/smaller.jpg")
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(faulty / "train/cat/mirrored.jpg")
    (faulty / "train/cat/cut-short.jpg").write_bytes(cats[8].read_bytes()[:900])
    (faulty / "train/dog/empty.jpg").write_bytes(b"")
    (faulty / "train/dog/error-page.jpg").write_text("<!doctype html><title>404</title>")
    _photoclass(faulty.parent, "check", faulty.name, "--html", page)
    return page


def _photoclass(folder: Path, *arguments: object) -> None:
    """Run a command in a folder, so that pages name the photos without the path of this machine."""
    command = [sys.executable, "-m", "photoclass", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)


def take_screenshots(browser: Any, page: Path, folder: Path, name: str) -> None:
    """Take the four screenshots of a page, each of its whole length."""
    for kind, size, scheme in (("desktop", DESKTOP, "light"), ("phone", PHONE, "light"), ("dark", DESKTOP, "dark")):
        opened = _open(browser, page, size, scheme)
        opened.screenshot(path=folder / f"{name}-{kind}.png", full_page=True)
        opened.context.close()
    opened = _open(browser, page, PAPER, "light")
    opened.emulate_media(media="print")
    opened.screenshot(path=folder / f"{name}-print.png", full_page=True)
    opened.context.close()


def compose(browser: Any, page: Path, out: Path) -> None:
    """Set the first screen on a desktop beside a section on a phone in dark mode."""
    desktop = _open(browser, page, DESKTOP, "light")
    desktop.screenshot(path=out.with_suffix(".desktop.png"))
    phone = _open(browser, page, PHONE, "dark")
    phone.evaluate("document.getElementById('unsure').scrollIntoView()")
    phone.screenshot(path=out.with_suffix(".phone.png"))
    with Image.open(out.with_suffix(".desktop.png")) as left, Image.open(out.with_suffix(".phone.png")) as right:
        both = Image.new("RGB", (left.width + 3 * _GAP + right.width, left.height + 2 * _GAP), _BACKGROUND)
        both.paste(left, (_GAP, _GAP))
        both.paste(right, (left.width + 2 * _GAP, (both.height - right.height) // 2))
    both.resize((round(both.width * _SCALE), round(both.height * _SCALE)), Image.Resampling.LANCZOS).save(
        out, quality=_QUALITY, method=6
    )
    for part in (".desktop.png", ".phone.png"):
        out.with_suffix(part).unlink()
    for opened in (desktop, phone):
        opened.context.close()


def _open(browser: Any, page: Path, size: tuple[int, int], scheme: str) -> Any:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(page.resolve().as_uri())
    # Pictures below the first screen are loaded when they are scrolled to, which a screenshot does not do.
    opened.evaluate("for (const image of document.images) image.loading = 'eager'")
    opened.wait_for_function("[...document.images].every(image => image.complete)")
    return opened


if __name__ == "__main__":
    main()
