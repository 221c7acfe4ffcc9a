"""The documents: complete, generated where they can be, with links that lead somewhere and names that exist."""

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import photoclass
from photoclass.cli.commands import COMMANDS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "photoclass"
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")],
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
MOST_README_LINES = 120
LONGEST_LINE = 120
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
_CODE_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _reference() -> ModuleType:
    """Return tools/reference.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference"] = module  # its dataclasses look for their module there
    spec.loader.exec_module(module)
    return module


def _anchors(page: Path) -> set[str]:
    """Return what a link to a heading of this page may end in, as GitHub makes it."""
    text = _CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _python_blocks() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for language, code in _CODE_BLOCK.findall(page.read_text(encoding="utf-8")):
            if language == "python":
                yield _name(page), code


def test_readme_fits_two_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MOST_README_LINES


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = _CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{_name(page)} links to {link}, which is not there"
        assert target.is_relative_to(ROOT)
        if anchor:
            assert anchor in _anchors(target), f"{_name(page)} links to {link}; {target.name} has no such heading"


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    reached: set[Path] = set()
    waiting = [index]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in _LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists():
                waiting.append(target)
    missing = {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - reached
    assert not missing, f"no link leads from docs/index.md to {sorted(map(_name, missing))}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_lines_can_be_read_in_a_diff(page: Path) -> None:
    in_code = generated = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        in_code ^= line.startswith("```")
        generated = line.startswith("<!-- generated") or (generated and not line.startswith("<!-- end of"))
        # A row of a table and a link cannot be broken.
        if not in_code and not generated and not line.startswith(("|", "![", "    ")):
            assert len(line) <= LONGEST_LINE, f"{_name(page)}:{number} has {len(line)} characters"


@pytest.mark.parametrize("page", sorted(REFERENCE.glob("*.md")), ids=_name)
def test_generated_parts_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert _reference().written(text) == text, f"{_name(page)} is stale; run: make reference"


def test_every_generated_part_is_on_a_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in REFERENCE.glob("*.md"))
    for name in _reference().parts():
        assert f"<!-- generated: {name} -->" in pages, f"no page of docs/reference/ has the part {name!r}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_documented(command: str) -> None:
    documented = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    section = re.search(rf"^## `photoclass {command}`$(.*?)(?=^## |\Z)", documented, re.MULTILINE | re.DOTALL)
    assert section, f"docs/reference/commands.md has no section on {command}"
    code = f"from photoclass.cli import main; main(['{command}', '--help'])"
    help_page = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for option in set(re.findall(r"--[a-z-]*[a-z]", help_page)) - {"--help"}:
        assert option in section[1], f"docs/reference/commands.md does not explain {command} {option}"


@pytest.mark.parametrize(("page", "code"), list(_python_blocks()))
def test_examples_use_public_names_only(page: str, code: str) -> None:
    if page == "docs/reference/python.md":
        return  # signatures, not examples
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "photoclass":
            assert node.module == "photoclass", f"{page} imports from {node.module}; publish the names at the top level"
            assert {alias.name for alias in node.names} <= set(photoclass.__all__)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "photoclass":
            assert node.attr in photoclass.__all__, f"{page} uses photoclass.{node.attr}, which is not public"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_pages_name_public_names_only(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`photoclass\.(\w+(?:\.\w+)*)", text):
        assert name.partition(".")[0] in (*photoclass.__all__, "cli"), f"{_name(page)}: photoclass.{name} is not public"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_files_that_pages_name_exist(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return  # it names what was
    for name in re.findall(r"`([\w./-]+/[\w.-]*\w\.(?:py|css|md|txt|toml))`", page.read_text(encoding="utf-8")):
        if not name.startswith(("RUN/", "resume/")) and "NAME" not in name:
            assert any((base / name).exists() for base in (ROOT, SOURCE)), f"{_name(page)} names {name}, which is gone"


def test_architecture_names_every_folder() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = {path.parent.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("__init__.py")} - {"."}
    for folder in sorted(folders):
        assert f"`{folder}/`" in page, f"docs/architecture.md does not name {folder}/"
