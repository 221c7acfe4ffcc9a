"""Progress reports: library functions send them, and the caller decides what to show."""

import contextlib
from collections.abc import Iterator
from typing import Protocol


class Task(Protocol):
    """A piece of work with a known number of items."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Report that `count` more items are done; `note` is a short text to show beside the count."""


class Progress(Protocol):
    """Receives messages, and the progress of tasks."""

    def say(self, line: str) -> None:
        """Receive a message of one line."""

    def task(
        self, title: str, total: int, unit: str = "photos", done: int = 0
    ) -> contextlib.AbstractContextManager[Task]:
        """Open a task of `total` items, of which `done` are done already; it ends with its `with` block."""


class _SilentTask:
    def advance(self, count: int = 1, note: str = "") -> None:
        pass


class Silent:
    """Shows nothing; the default of library functions."""

    def say(self, line: str) -> None:
        pass

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> Iterator[Task]:
        yield _SilentTask()


SILENT = Silent()
