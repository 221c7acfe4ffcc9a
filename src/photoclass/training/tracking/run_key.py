"""The key by which a tracker finds the record of a run again when the run is resumed."""

import secrets
from pathlib import Path

from photoclass.atomic import atomic_text


def run_key(out: Path, tracker: str, *, resumable: bool) -> str:
    """Return the key of a run in a tracker, 32 hexadecimal digits.

    It is on disk before the record is created, so that a kill cannot create two.

    Args:
        out: The model folder.
        tracker: Name of the tracker; each has a key of its own.
        resumable: Whether the run has a checkpoint; without one the key is not kept.

    Raises:
        OutputError: The key cannot be written.
    """
    path = out / "resume" / f"{tracker}.txt"
    if path.is_file():
        return path.read_text(encoding="utf-8").strip()
    key = secrets.token_hex(16)
    if resumable:
        with atomic_text(path) as stream:
            stream.write(f"{key}\n")
    return key
