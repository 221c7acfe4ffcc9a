"""Running commands as a user would, and finding the shared real photos."""

import atexit
import functools
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from command_server import CommandServer, RunningCommand

SHARED_PHOTOS = Path(__file__).parents[1].parent / "shared" / "data" / "dogs-vs-cats"
# A network that learns drawings in seconds: what is tested is the way, not the score.
QUICK = ["--set", "image_size=48", "--set", "rotation_degrees=5", "--set", "width_shift=0", "--set", "height_shift=0"]


def run_command(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a photoclass command as a user would, in a process of its own that need not load the libraries again."""
    return start_command(*words).wait()


def start_command(*words: object) -> RunningCommand:
    """Start a photoclass command, to send it a signal."""
    return _command_server().start(list(map(str, words)), _environment(), timeout_seconds=300)


def start_script(script: Path, *words: object) -> RunningCommand:
    """Start a Python file in a process that need not load the libraries again."""
    return _command_server().start(list(map(str, words)), _environment(), timeout_seconds=300, script=script)


def run_in_new_interpreter(*words: object, **keywords: object) -> subprocess.CompletedProcess[str]:
    """Run a photoclass command in a new interpreter: for tests of its start, or of another copy of the package."""
    command = [sys.executable, "-m", "photoclass", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, errors="surrogateescape", timeout=300, env=_environment(), **keywords
    )


@functools.cache
def _command_server() -> CommandServer:
    server = CommandServer()
    atexit.register(server.close)
    return server


def _environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "120"}


def done(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed."""
    result = run_command(*words)
    assert result.returncode == 0, result.stderr
    return result


def real_photos(folder: Path, per_class: int, classes: Sequence[str] = ("cat", "dog")) -> Path:
    """Unpack some of the shared photos, flat as Kaggle names them; skip where they are absent."""
    archive = SHARED_PHOTOS / "train.zip"
    if not archive.is_file():
        pytest.skip(f"the shared photos are not here ({archive})")
    with zipfile.ZipFile(archive) as opened:
        for name in classes:
            members = sorted(n for n in opened.namelist() if n.startswith(f"train/{name}."))[:per_class]
            opened.extractall(folder, members)
    return folder / "train"
