"""How progress looks where there is no terminal, and where there is one."""

import io
import subprocess
import sys

import pytest

import photoclass.terminal as terminal


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_a_few_plain_lines_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    stream = io.StringIO()
    with terminal.terminal_progress(stream).task("Epoch 1", 1000) as task:
        for _ in range(100):
            now += 0.6
            task.advance(10, "loss 0.5")
    lines = stream.getvalue().splitlines()
    assert 2 <= len(lines) <= 5, "a minute's work"
    assert lines[0] == "Epoch 1: 340 of 1,000 photos, 17/s, loss 0.5, 40 s left"
    assert lines[-1] == "Epoch 1: 1,000 of 1,000 photos, 17/s, loss 0.5"


def test_short_work_is_not_worth_a_line() -> None:
    stream = io.StringIO()
    with terminal.terminal_progress(stream).task("Reading", 5) as task:
        task.advance(5)
    assert stream.getvalue() == ""


def test_what_was_done_before_does_not_count_as_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    stream = io.StringIO()
    with terminal.terminal_progress(stream).task("Epoch 1", 1000, done=900) as task:
        now = 25.0
        task.advance(50)
    assert stream.getvalue() == "Epoch 1: 950 of 1,000 photos, 2/s, 25 s left\n"


def test_in_a_terminal_a_bar_shows_rate_and_note() -> None:
    stream = _Terminal()
    progress = terminal.terminal_progress(stream)
    progress.say("hello [bold]world[/bold]")
    with progress.task("Epoch 1", 100) as task:
        task._shown_at -= 10  # as if time had passed
        task.advance(50, "loss 0.5")
    shown = stream.getvalue()
    assert "hello [bold]world[/bold]" in shown, "names are never taken for markup"
    assert "Epoch 1" in shown and "50/100" in shown and "photos/s" in shown and "loss 0.5" in shown


def test_in_a_terminal_short_work_loads_nothing_to_draw_with() -> None:
    code = (
        "import io, sys; from photoclass.terminal import terminal_progress\n"
        "stream = io.StringIO(); stream.isatty = lambda: True\n"
        "progress = terminal_progress(stream); progress.say('hello')\n"
        "with progress.task('Predicting', 1) as task: task.advance()\n"
        "print(repr(stream.getvalue()), 'rich' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "'hello\\n' False\n"


def test_no_name_moves_the_cursor() -> None:
    assert terminal.printable("a\x1b[2Jb\rc\nd") == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c\nd"


@pytest.mark.parametrize(("seconds", "words"), [(3, "3 s"), (600, "10 min"), (9000, "2.5 h")])
def test_lengths_of_time_are_said_as_a_person_would(seconds: float, words: str) -> None:
    assert terminal.describe_seconds(seconds) == words
