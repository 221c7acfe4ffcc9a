"""Files that tests share, and all workers of a run with them: made once, by whoever needs them first."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


def make_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return a folder that `make` fills, unless another worker has done so; nobody may change it afterwards."""
    done = folder.with_name(f"{folder.name}.done")
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            make(folder)
            done.touch()
    return folder
