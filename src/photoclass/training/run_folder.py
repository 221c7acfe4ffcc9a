"""The folder of one run: locked while it trains, and left without a trace when the run produced nothing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from photoclass.atomic import remove_leftovers
from photoclass.errors import OutputError, TrainingError
from photoclass.model.folder.files import CARD_FILE, FILES, INFO_FILE, WAITING_NETWORK_FILE

_MODEL_FILES = (*(name for name in FILES if not name.endswith("/")), CARD_FILE, WAITING_NETWORK_FILE)
# Folders that experiment trackers write, in addition to the files of a model folder.
_TRACKER_FOLDERS = ("tensorboard", "mlruns", "wandb")


def checkpoint_path(folder: Path) -> Path:
    """Return the path of a run's checkpoint."""
    return folder / "resume" / "checkpoint.safetensors"


@contextmanager
def own_folder(out: Path, resume: bool) -> Iterator[bool]:
    """Lock the folder for this run, and yield whether there is a checkpoint to resume from.

    A run that leaves neither a model nor a checkpoint, such as one that fills the disk at its end, leaves nothing: the
    same command can run again.

    Raises:
        OutputError: Another run has it locked, it is not empty, or it cannot be written.
        TrainingError: It holds a finished model without a checkpoint, so there is nothing to resume.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; choose another --out")
    resume_folder = checkpoint_path(out).parent
    unfinished = checkpoint_path(out).exists()
    if not unfinished and resume and (out / INFO_FILE).exists():
        raise TrainingError(f"{out}: is a finished model and has no checkpoint to resume from; choose another --out")
    if _is_in_use(out) and not (unfinished and resume):
        advice = "continue with --resume, or choose" if unfinished else "choose"
        raise OutputError(f"{out}: is not empty; {advice} another --out")
    made = [folder for folder in out.parents if not folder.exists()]
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
        if not unfinished:
            _remove_unfinished(out)
        yield unfinished
    finally:
        has_checkpoint = checkpoint_path(out).exists()
        if not has_checkpoint and not (out / INFO_FILE).exists():
            _remove_unfinished(out)
        lock.release()
        if not has_checkpoint:
            (resume_folder / "lock").unlink(missing_ok=True)
            with suppress(OSError):  # not empty: files that the user put there in the meantime stay
                for folder in (resume_folder, out, *made):
                    folder.rmdir()


def _is_in_use(out: Path) -> bool:
    """Return whether a folder holds anything but what a killed run left, which has a lock and neither of its ends."""
    try:
        present = {path.name for path in out.iterdir()} if out.is_dir() else set()
    except OSError as error:
        raise OutputError(f"{out}: cannot be read ({error.strerror}); choose another --out") from error
    resume_folder = checkpoint_path(out).parent
    others = present - {resume_folder.name}
    if checkpoint_path(out).exists():
        return True
    was_killed = (resume_folder / "lock").exists() and INFO_FILE not in present
    return bool(others - {*_MODEL_FILES, *_TRACKER_FOLDERS} if was_killed else others)


def _remove_unfinished(out: Path) -> None:
    """Remove the files of a model that was not completed."""
    for name in _MODEL_FILES:
        (out / name).unlink(missing_ok=True)
    for name in _TRACKER_FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
