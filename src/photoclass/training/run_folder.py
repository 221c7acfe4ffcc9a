"""The folder of one run: locked while it trains, and left without a trace when the run produced nothing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from photoclass.atomic import remove_leftovers
from photoclass.errors import OutputError, TrainingError


def checkpoint_path(folder: Path) -> Path:
    """Return the path of a run's checkpoint."""
    return folder / "resume" / "checkpoint.safetensors"


@contextmanager
def own_folder(out: Path, resume: bool) -> Iterator[None]:
    """Lock the folder for this run; remove it again if the run leaves no checkpoint and nothing else in it.

    Raises:
        OutputError: Another run has it locked, it is not empty, or it cannot be written.
        TrainingError: There is no checkpoint to resume from.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; choose another --out")
    resume_folder = checkpoint_path(out).parent
    try:
        existing = [path for path in out.iterdir() if path != resume_folder] if out.is_dir() else []
    except OSError as error:
        raise OutputError(f"{out}: cannot be read ({error.strerror}); choose another --out") from error
    unfinished = checkpoint_path(out).exists()
    if (existing or unfinished) and not resume:
        advice = "continue with --resume, or choose" if unfinished else "choose"
        raise OutputError(f"{out}: is not empty; {advice} another --out")
    if resume and not unfinished:
        raise TrainingError(f"{out}: has no checkpoint to resume from; leave out --resume to start")
    try:
        resume_folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(resume_folder / "lock", timeout=0)
        lock.acquire()
    except filelock.Timeout:
        raise OutputError(f"{out}: another run is training there; wait for it or choose another --out") from None
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another --out") from error
    try:
        remove_leftovers(out)
        remove_leftovers(resume_folder)
        yield
    finally:
        has_checkpoint = checkpoint_path(out).exists()
        lock.release()
        if not has_checkpoint:
            (resume_folder / "lock").unlink(missing_ok=True)
            with suppress(OSError):  # not empty: files that the user put there in the meantime stay
                resume_folder.rmdir()
                out.rmdir()
