"""Records of a run in the logs that others read: TensorBoard's and MLflow's, each behind an extra of its own."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from photoclass.errors import OutputError, SettingsError
from photoclass.model.folder import ModelInfo
from photoclass.progress import SILENT, Progress
from photoclass.training.stopping import EpochRow

Given = TypeVar("Given")

LOGS = ("tensorboard", "mlflow")
FINISHED, INTERRUPTED, FAILED = "finished", "interrupted", "failed"
# What a person would look at there. The model itself stays in its folder.
_FILES = ("README.md", "model.json", "history.csv", "curves.png")


@dataclass(frozen=True)
class Entry:
    """All that there is to record so far; what a log has already, it leaves.

    Attributes:
        about: Settings and what else was clear before the training, by name.
        history: The epochs done. An epoch's step is its line in `history.csv`, from 1.
        scores: Figures of the finished model by name, as `valid/log_loss`; empty before it is there.
        files: What was written beside the model.
    """

    about: Mapping[str, str]
    history: tuple[EpochRow, ...]
    scores: Mapping[str, float] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


class Log(Protocol):
    """One place where runs are recorded."""

    def write(self, entry: Entry) -> None:
        """Record what is not recorded yet.

        Raises:
            OutputError: It cannot be written; the next call tries again.
        """

    def close(self, how: str) -> None:
        """Say how the run ended: finished, interrupted or failed.

        Raises:
            OutputError: It cannot be written.
        """


@dataclass(frozen=True)
class Records:
    """The logs that were asked for. One that cannot be written is named, and the training goes on."""

    logs: tuple[Log, ...] = ()
    progress: Progress = SILENT

    def epochs(self, about: Mapping[str, str], history: Sequence[EpochRow]) -> None:
        """Record the epochs done. Called after the checkpoint is saved: no log is ahead of it."""
        self._write(Entry(about, tuple(history)))

    def end(self, about: Mapping[str, str], history: Sequence[EpochRow], info: ModelInfo, folder: Path) -> None:
        """Record the scores and files of the finished model."""
        files = tuple(path for name in _FILES if (path := folder / name).is_file())
        self._write(Entry(about, tuple(history), dict(flat_figures(info.metrics)), files))

    def close(self, how: str) -> None:
        """Close all logs."""
        for log in self.logs:
            self._try(log.close, how)

    def _write(self, entry: Entry) -> None:
        for log in self.logs:
            self._try(log.write, entry)

    def _try(self, work: Callable[[Given], None], given: Given) -> None:
        try:
            work(given)
        except OutputError as error:
            self.progress.say(f"not recorded: {error}")


NO_RECORDS = Records()


def check_logs(names: Sequence[str]) -> None:
    """Refuse a log that there is not.

    Raises:
        SettingsError: One of the names is none of LOGS.
    """
    for name in names:
        if name not in LOGS:
            raise SettingsError(f"unknown log {name!r}; choose from {', '.join(LOGS)}")


def flat_figures(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Give every number in nested figures with its path as name; intervals as `…_low` and `…_high`."""
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from flat_figures(value, f"{path}/")
        elif name.endswith("_ci95") and isinstance(value, list | tuple) and len(value) == 2:
            yield from flat_figures({f"{path}_low": value[0], f"{path}_high": value[1]})
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield path, float(value)


def figures_of(row: EpochRow) -> dict[str, float]:
    """Return an epoch's figures under the names of `history.csv`."""
    return {name: float(value) for name, value in dataclasses.asdict(row).items()}
