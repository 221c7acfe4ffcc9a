"""How library functions tell what they are doing: they report, whoever called them decides what to show."""

import contextlib
from collections.abc import Iterator
from typing import Protocol


class Task(Protocol):
    """One piece of work with a known length."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Say that `count` more items are done; `note` is a short text to show beside them."""


class Progress(Protocol):
    """Receives lines of news and the advance of tasks."""

    def say(self, line: str) -> None:
        """Receive one line of news."""

    def task(
        self, title: str, total: int, unit: str = "photos", done: int = 0
    ) -> contextlib.AbstractContextManager[Task]:
        """Open a task of `total` items, `done` of them before; it ends with its `with` block."""


class _SilentTask:
    def advance(self, count: int = 1, note: str = "") -> None:
        pass


class Silent:
    """Shows nothing: the default for library calls."""

    def say(self, line: str) -> None:
        pass

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> Iterator[Task]:
        yield _SilentTask()


SILENT = Silent()
