"""Workspaces: the cache folder, the number of workers, and the receiver of progress reports, as one value."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photoclass.machine import default_cache, processors
from photoclass.progress import SILENT, Progress, Task


@dataclass(frozen=True)
class Workspace:
    """What longer work needs besides its input; `Workspace()` suits most callers.

    Attributes:
        cache: The cache folder, for unpacked archives, decoded pixels, fingerprints and features; by default the
            user's.
        workers: The number of processes or threads that decode photos; None for one per processor.
        progress: Receives progress reports; by default they are discarded.
        max_pixels: Photos with more pixels are not decoded, see `PictureRules`; None for the usual limit.
    """

    cache: Path = field(default_factory=default_cache)
    workers: int | None = None
    progress: Progress = SILENT
    max_pixels: int | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Workspace":
        """Return the same value: scikit-learn copies the parameters of estimators, and a display cannot be copied."""
        return self

    @property
    def worker_count(self) -> int:
        """The number of workers to start."""
        return self.workers or processors()

    def say(self, line: str) -> None:
        """Report a message of one line."""
        self.progress.say(line)

    def task(self, title: str, total: int, unit: str = "photos") -> AbstractContextManager[Task]:
        """Open a task of `total` items; it ends with its `with` block."""
        return self.progress.task(title, total, unit)
