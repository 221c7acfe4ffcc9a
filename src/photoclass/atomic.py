"""Files that are there whole or not at all: a temporary file, fsync, rename."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from photoclass.errors import OutputError

PART_ENDING = ".part"


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, it takes `path`'s place.

    Whoever reads `path` sees the old file or the new one, never half of either. On failure the old file
    stays as it was and the temporary one is removed.

    Raises:
        OutputError: The folder cannot be written, or the disk is full.
    """
    part = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}{PART_ENDING}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
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


@contextlib.contextmanager
def atomic_text(path: Path) -> Iterator[IO[str]]:
    """Open a text file that appears whole at `path` when the block ends well.

    Names that are not UTF-8 pass through as the bytes they are on disk (`surrogateescape`).
    """
    with (
        atomic_path(path) as part,
        open(part, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream,
    ):
        yield stream


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` whole or not at all."""
    with atomic_path(path) as part:
        part.write_bytes(content)


def check_writable(path: Path) -> None:
    """Refuse before any work what could not be written after it.

    Raises:
        OutputError: `path` is a folder, or its folder cannot be written.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; give the name of a file")
    probe = path.with_name(f".{secrets.token_hex(6)}{PART_ENDING}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path}: cannot be written ({reason}); choose another place") from error


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed run left in `folder`. Call it only while holding its lock."""
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
