"""Where and how work is done: the cache folder, the number of workers, and who receives progress reports."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from photoclass.machine import default_cache, processors
from photoclass.progress import SILENT, Progress, Task


@dataclass(frozen=True)
class Workspace:
    """What every long piece of work needs besides its input. `Workspace()` suits most callers.

    Attributes:
        cache: The cache folder: unpacked zips, decoded pixels, fingerprints, features. By default the user's.
        workers: Processes or threads that decode photos; None for one per processor.
        progress: Receives progress reports; by default nobody does.
    """

    cache: Path = field(default_factory=default_cache)
    workers: int | None = None
    progress: Progress = SILENT

    @property
    def worker_count(self) -> int:
        """Return how many workers to start."""
        return self.workers or processors()

    def say(self, line: str) -> None:
        """Report one line of news."""
        self.progress.say(line)

    def task(self, title: str, total: int, unit: str = "photos") -> AbstractContextManager[Task]:
        """Open a task of `total` items; it ends with its `with` block."""
        return self.progress.task(title, total, unit)
