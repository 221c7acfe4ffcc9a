"""Progress, help and completion, with and without a terminal."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import photoclass.terminal as terminal

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COLOUR = re.compile(r"\x1b\[(?:[0-9]*;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;]*m")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _ordinary_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


def _draw(title: str = "Epoch 1") -> str:
    """Return everything that a terminal receives from one task."""
    stream = _Terminal()
    progress = terminal.terminal_progress(stream)
    progress.say("hello [bold]world[/bold]")
    with progress.task(title, 100) as task:
        if isinstance(task, terminal._BarTask):
            task._drawn_at -= 10  # as if time had passed
        task.advance(50, "loss 0.5")
    return stream.getvalue()


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


def test_short_work_prints_no_line() -> None:
    stream = io.StringIO()
    with terminal.terminal_progress(stream).task("Reading", 5) as task:
        task.advance(5)
    assert stream.getvalue() == ""


def test_work_done_before_does_not_count_as_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    stream = io.StringIO()
    with terminal.terminal_progress(stream).task("Epoch 1", 1000, done=900) as task:
        now = 25.0
        task.advance(50)
    assert stream.getvalue() == "Epoch 1: 950 of 1,000 photos, 2/s, 25 s left\n"


def test_on_a_terminal_a_bar_shows_rate_and_note() -> None:
    shown = _draw()
    assert "hello [bold]world[/bold]" in shown, "names are never interpreted as markup"
    assert "Epoch 1" in shown and "50/100" in shown and "photos/s" in shown and "loss 0.5" in shown
    assert _COLOUR.search(shown)


def test_no_color_removes_colours_and_keeps_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = _draw()
    assert "50/100" in shown
    assert not _COLOUR.search(shown)


def test_a_bar_is_no_wider_than_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = _ANSI.sub("", _draw("A title that is longer than the room for it"))
    assert "A title" in shown
    assert max(len(line) for line in re.split(r"[\r\n]+", shown)) <= 40


@pytest.mark.parametrize("name", ["dumb", "unknown"])
def test_a_dumb_terminal_gets_plain_lines(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", name)
    now = 0.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    stream = _Terminal()
    progress = terminal.terminal_progress(stream)
    progress.say("hello")
    with progress.task("Epoch 1", 1000) as task:
        now = 25.0
        task.advance(500)
    assert stream.getvalue() == "hello\nEpoch 1: 500 of 1,000 photos, 20/s, 25 s left\n"


def test_on_a_terminal_short_work_does_not_import_rich() -> None:
    code = (
        "import io, sys; from photoclass.terminal import terminal_progress\n"
        "stream = io.StringIO(); stream.isatty = lambda: True\n"
        "progress = terminal_progress(stream); progress.say('hello')\n"
        "with progress.task('Predicting', 1) as task: task.advance()\n"
        "print(repr(stream.getvalue()), 'rich' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "'hello\\n' False\n"


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m photoclass` with these environment variables added."""
    command = [sys.executable, "-m", "photoclass", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


def _run_on_a_terminal(*arguments: str, environment: Mapping[str, str]) -> str:
    """Run `python -m photoclass` on a pseudo-terminal and return what it printed there."""
    import pty

    main, terminal_side = pty.openpty()
    command = [sys.executable, "-m", "photoclass", *arguments]
    with subprocess.Popen(command, stdout=terminal_side, stderr=terminal_side, env={**os.environ, **environment}):
        os.close(terminal_side)
        printed = b""
        try:
            while chunk := os.read(main, 4096):
                printed += chunk
        except OSError:  # Linux reports the end of a pseudo-terminal so
            pass
    os.close(main)
    return printed.decode()


def test_python_m_photoclass_is_the_command() -> None:
    result = _run("--version")
    assert result.returncode == 0 and result.stdout.startswith("photoclass ")
    wrong = _run("train")
    assert wrong.returncode == 2 and "Usage: photoclass train" in wrong.stderr, "named as the command, not as a file"


@pytest.mark.parametrize("columns", [50, 70])
def test_help_keeps_to_columns(columns: int) -> None:
    result = _run("train", "--help", COLUMNS=str(columns))
    assert result.returncode == 0
    widths = [len(line) for line in result.stdout.splitlines()]
    assert columns - 10 < max(widths) <= columns


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "TERM=dumb"])
def test_help_and_errors_on_a_terminal_are_plain(environment: dict[str, str], tmp_path: Path) -> None:
    shown = _run_on_a_terminal("--help", environment=environment)
    assert "Usage: photoclass" in shown and "\x1b" not in shown
    error = _run_on_a_terminal("report", str(tmp_path / "nothing"), environment=environment)
    assert "photoclass: " in error and "\x1b" not in error


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_of_each_shell(shell: str) -> None:
    script = _run(_PHOTOCLASS_COMPLETE=f"source_{shell}")
    assert script.returncode == 0
    assert f"_PHOTOCLASS_COMPLETE=complete_{shell}" in script.stdout


def test_install_completion_writes_to_the_home_folder(tmp_path: Path) -> None:
    """The shell is the process that started the command, as in real use."""
    line = f"{sys.executable} -m photoclass --install-completion; true"
    environment = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run(["bash", "--norc", "-c", line], check=True, capture_output=True, env=environment)
    assert ".bash_completions/photoclass.sh" in (tmp_path / ".bashrc").read_text()


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    """The printed script is sourced by a real bash, and completes as it does at a prompt."""
    command = tmp_path / "photoclass"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m photoclass "$@"\n')
    command.chmod(0o755)
    script = tmp_path / "completion.sh"
    script.write_text(_run(_PHOTOCLASS_COMPLETE="source_bash").stdout)
    lines = (
        f"source {script}\n"
        'COMP_WORDS=(photoclass ev); COMP_CWORD=1; _photoclass_completion photoclass; echo "${COMPREPLY[*]}"\n'
        'COMP_WORDS=(photoclass train --qual); COMP_CWORD=2; _photoclass_completion photoclass; echo "${COMPREPLY[*]}"'
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    result = subprocess.run(
        ["bash", "--norc", "-c", lines], capture_output=True, text=True, env=environment, check=True
    )
    assert result.stdout.splitlines() == ["evaluate", "--quality"]
