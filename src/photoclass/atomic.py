"""Atomic writes: a file appears complete or not at all, by a temporary file, fsync and rename."""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from photoclass.errors import OutputError

PART_ENDING = ".part"


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; if the block succeeds, that file replaces `path`.

    Readers of `path` see the old file or the new one, never a part of either. On failure the old file stays unchanged
    and the temporary one is removed. A device or pipe, such as /dev/stdout, is written to and never replaced.

    Raises:
        OutputError: The folder cannot be written, or the disk is full.
    """
    is_special = _is_special(path)
    folder = Path(tempfile.gettempdir()) if is_special else path.parent
    part = folder / f".{path.name[:100]}.{secrets.token_hex(6)}{PART_ENDING}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield part
        if is_special:
            with open(part, "rb") as written, open(path, "wb") as out:
                shutil.copyfileobj(written, out)
            return
        with open(part, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path}: cannot be written ({reason}); free some space or choose another place") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _is_special(path: Path) -> bool:
    """Return whether a path is a device, a pipe, or a name that the system gives to an open file."""
    names = path.absolute().parts[1:3]
    if names[:1] == ("dev",) and names != ("dev", "shm"):
        return path.exists()
    return path.exists() and not path.is_file() and not path.is_dir()


@contextlib.contextmanager
def atomic_text(path: Path) -> Iterator[IO[str]]:
    """Open a text file that appears at `path` if the block succeeds.

    File names that are not UTF-8 are written as the bytes that they have on disk (`surrogateescape`).
    """
    with (
        atomic_path(path) as part,
        open(part, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream,
    ):
        yield stream


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` atomically."""
    with atomic_path(path) as part:
        part.write_bytes(content)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a new temporary folder beside `path`; if the block succeeds, that folder becomes `path`.

    On failure nothing is left of it.

    Raises:
        OutputError: `path` is there and is no empty folder, cannot be written, or the disk is full.
    """
    if os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir())):
        raise OutputError(f"{path}: is there already; give a new folder")
    part = path.parent / f".{path.name[:100]}.{secrets.token_hex(6)}{PART_ENDING}"
    try:
        part.mkdir(parents=True)
        yield part
        os.replace(part, path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path}: cannot be written ({reason}); free some space or choose another place") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_writable(path: Path) -> None:
    """Check before long work that its result can be written.

    Raises:
        OutputError: `path` is a folder, or its folder cannot be written.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; give a file name")
    if _is_special(path):
        return
    probe = path.with_name(f".{secrets.token_hex(6)}{PART_ENDING}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path}: cannot be written ({reason}); choose another place") from error


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed run left in `folder`. Call this only while holding the folder's lock."""
    for part in folder.glob(f".*{PART_ENDING}"):
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
