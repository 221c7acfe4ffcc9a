"""How progress is shown: a bar on a terminal, otherwise plain lines, a few a minute. Everything goes to stderr.

The usual conventions are obeyed: `TERM=dumb` gets plain lines, `NO_COLOR` (https://no-color.org) removes colours, and
`COLUMNS` sets the width. Rich, which draws the bars, reads the latter two itself.
"""

import contextlib
import os
import sys
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from photoclass.progress import Progress, Task
from photoclass.text import describe_seconds, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

_LINE_EVERY_SECONDS = 20.0
_REDRAWS_PER_SECOND = 5
# Terminals without cursor control, such as the shell in Emacs: each update of a bar would be a new line.
_DUMB_TERMINALS = ("dumb", "unknown")


def quiet_libraries() -> None:
    """Keep joblib's remarks on doing with one process off the screen; what they mean for the user, photoclass says."""
    warnings.filterwarnings("ignore", module=r"joblib\.")


def terminal_progress(stream: TextIO | None = None) -> Progress:
    """Return a progress display for the stream (default: stderr): bars for a terminal, lines for a file or pipe."""
    stream = stream or sys.stderr
    draws_bars = stream.isatty() and os.environ.get("TERM", "").lower() not in _DUMB_TERMINALS
    return _Bars(stream) if draws_bars else _Lines(stream)


class _Lines:
    """Plain lines, for log files."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def say(self, line: str) -> None:
        print(printable(line), file=self._stream, flush=True)

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> Iterator[Task]:
        task = _LineTask(self, title, total, unit, done)
        yield task
        task.end()


class _LineTask:
    def __init__(self, lines: _Lines, title: str, total: int, unit: str, done: int) -> None:
        self._lines = lines
        self._title, self._total, self._unit = title, total, unit
        self._done = self._done_before = done
        self._note = ""
        self._started_at = self._printed_at = time.monotonic()
        self._has_printed = False

    def advance(self, count: int = 1, note: str = "") -> None:
        now = time.monotonic()
        self._done += count
        self._note = note or self._note
        if now - self._printed_at >= _LINE_EVERY_SECONDS:
            self._printed_at = now
            self._has_printed = True
            self._lines.say(self._line(now))

    def end(self) -> None:
        if self._has_printed and self._done >= self._total:
            self._lines.say(self._line(time.monotonic()))

    def _line(self, now: float) -> str:
        rate = (self._done - self._done_before) / max(now - self._started_at, 1e-6)
        left = (self._total - self._done) / rate if rate else 0
        note = f", {self._note}" if self._note else ""
        rest = f", {describe_seconds(left)} left" if left else ""
        return f"{self._title}: {self._done:,} of {self._total:,} {self._unit}, {rate:,.0f}/s{note}{rest}"


class _Bars:
    """Progress bars. Rich is imported only when the first bar is drawn: importing it takes longer than a few photos."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._console: Console | None = None

    def say(self, line: str) -> None:
        if self._console is None:
            print(printable(line), file=self._stream, flush=True)
        else:
            self._console.print(printable(line), markup=False)

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> Iterator[Task]:
        task = _BarTask(self, title, total, unit, done)
        try:
            yield task
        finally:
            task.end()

    def new_bar(self) -> "Bar":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = self._console or Console(file=self._stream, highlight=False)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TextColumn("{task.fields[note]}", markup=False),
            TimeRemainingColumn(compact=True),
        )
        return Progress(*columns, console=self._console, transient=True, refresh_per_second=_REDRAWS_PER_SECOND)


class _BarTask:
    def __init__(self, bars: _Bars, title: str, total: int, unit: str, done: int) -> None:
        self._bars = bars
        self._title, self._total, self._unit, self._done_before = title, total, unit, done
        self._bar: Bar | None = None
        self._pending, self._done, self._note = 0, 0, ""
        self._started_at = self._drawn_at = time.monotonic()

    def advance(self, count: int = 1, note: str = "") -> None:
        self._pending += count
        self._note = note or self._note
        now = time.monotonic()
        # Rich takes a lock for every update; a thousand updates a second would slow the work down.
        if now - self._drawn_at < 1 / _REDRAWS_PER_SECOND:
            return
        if self._bar is None:
            self._bar = self._bars.new_bar()
            self._bar.start()
            self._bar.add_task(self._title, total=self._total, completed=self._done_before, note="", rate="")
        self._done += self._pending
        rate = f"{self._done / (now - self._started_at):,.0f} {self._unit}/s"
        self._bar.update(self._bar.task_ids[0], advance=self._pending, note=self._note, rate=rate)
        self._pending, self._drawn_at = 0, now

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
