"""Open the requested trackers, and close them with the outcome of the run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from photoclass.errors import Interrupted
from photoclass.extras import load_extra
from photoclass.progress import Progress
from photoclass.training.tracking.base import FAILED, FINISHED, INTERRUPTED, Log, Records


@contextmanager
def open_records(names: Sequence[str], out: Path, progress: Progress) -> Iterator[Records]:
    """Yield the logs of a run, and close them with its outcome. Nothing is written before the first epoch is finished.

    Args:
        names: Some of LOGS.
        out: The model folder.
        progress: Receives reports of what could not be recorded.

    Raises:
        OutputError: The user's MLflow cannot be reached.
        MissingPackageError: A package that a log needs is not installed.
    """
    records = Records(tuple(_open(name, out) for name in dict.fromkeys(names)), progress)
    how = FAILED
    try:
        yield records
        how = FINISHED
    except Interrupted:
        how = INTERRUPTED
        raise
    finally:
        records.close(how)


def _open(name: str, out: Path) -> Log:
    if name == "mlflow":
        from photoclass.training.tracking.mlflow import MlflowLog

        return MlflowLog.open(out)
    if name == "wandb":
        from photoclass.training.tracking.wandb import WandbLog

        return WandbLog.open(out)
    if name == "trackio":
        from photoclass.training.tracking.trackio import TrackioLog

        return TrackioLog.open(out)
    load_extra("tensorboardX", "tensorboard", "--log tensorboard")
    from photoclass.training.tracking.tensorboard import TensorBoardLog

    return TensorBoardLog(out / "tensorboard")
