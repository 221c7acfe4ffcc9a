"""Experiment tracking: what is recorded of a run, and the interface of the trackers that record it."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from photoclass.errors import OutputError, SettingsError
from photoclass.model.folder import CARD_FILE, CURVES_FILE, HISTORY_FILE, INFO_FILE, Epoch, ModelInfo
from photoclass.progress import SILENT, Progress

Argument = TypeVar("Argument")

LOGS = ("tensorboard", "mlflow", "wandb", "trackio")
FINISHED, INTERRUPTED, FAILED = "finished", "interrupted", "failed"
# Files worth viewing in a tracker. The model itself stays in its folder.
_FILES = (CARD_FILE, INFO_FILE, HISTORY_FILE, CURVES_FILE)


@dataclass(frozen=True)
class Entry:
    """Everything to record of a run so far; a log skips what it has recorded before.

    Attributes:
        about: Settings and other facts known before the training, by name.
        history: The finished epochs. The step of an epoch is its line in `history.csv`, from 1.
        scores: Metrics of the finished model by name, for example `valid/log_loss`; empty until it is finished.
        files: Files of the model folder to attach.
    """

    about: Mapping[str, str]
    history: tuple[Epoch, ...]
    scores: Mapping[str, float] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


class Log(Protocol):
    """A tracker that runs are recorded in."""

    def write(self, entry: Entry) -> None:
        """Record what has not been recorded yet.

        Raises:
            OutputError: The log cannot be written; the next call tries again.
        """

    def close(self, how: str) -> None:
        """Record how the run ended: finished, interrupted or failed.

        Raises:
            OutputError: The log cannot be written.
        """


@dataclass(frozen=True)
class Records:
    """The logs of a run. If one of them cannot be written, this is reported, and the training continues."""

    logs: tuple[Log, ...] = ()
    progress: Progress = SILENT

    def epochs(self, about: Mapping[str, str], history: Sequence[Epoch]) -> None:
        """Record the finished epochs. Called after the checkpoint is saved, so that no log is ahead of it."""
        self._write(Entry(about, tuple(history)))

    def end(self, about: Mapping[str, str], history: Sequence[Epoch], info: ModelInfo, folder: Path) -> None:
        """Record the scores and files of the finished model."""
        files = tuple(path for name in _FILES if (path := folder / name).is_file())
        figures = flat_figures({split: score.as_json() for split, score in info.metrics.items()})
        self._write(Entry(about, tuple(history), dict(figures), files))

    def close(self, how: str) -> None:
        """Close all logs."""
        for log in self.logs:
            self._try(log.close, how)

    def _write(self, entry: Entry) -> None:
        for log in self.logs:
            self._try(log.write, entry)

    def _try(self, work: Callable[[Argument], None], argument: Argument) -> None:
        try:
            work(argument)
        except OutputError as error:
            self.progress.say(f"not recorded: {error}")


NO_RECORDS = Records()


def check_logs(names: Sequence[str]) -> None:
    """Check the names of logs.

    Raises:
        SettingsError: One of them is unknown.
    """
    for name in names:
        if name not in LOGS:
            raise SettingsError(f"unknown log {name!r}; choose from {', '.join(LOGS)}")


def flat_figures(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number of nested metrics with its path as name; intervals become `…_low` and `…_high`."""
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from flat_figures(value, f"{path}/")
        elif name.endswith("_ci95") and isinstance(value, list | tuple) and len(value) == 2:
            yield from flat_figures({f"{path}_low": value[0], f"{path}_high": value[1]})
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield path, float(value)


def figures_of(row: Epoch) -> dict[str, float]:
    """Return an epoch's metrics under the names of `history.csv`."""
    return {name: float(value) for name, value in dataclasses.asdict(row).items()}
