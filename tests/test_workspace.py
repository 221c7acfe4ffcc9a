"""Workspaces: the user's cache, all processors and no output by default; progress is passed on."""

from pathlib import Path

import pytest

from photoclass.machine import processors
from photoclass.progress import SILENT
from photoclass.workspace import Workspace
from tiny_runs import Watch


def test_the_default_workspace_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOCLASS_CACHE", str(tmp_path / "first"))
    first = Workspace()
    monkeypatch.setenv("PHOTOCLASS_CACHE", str(tmp_path / "second"))
    assert (first.cache, Workspace().cache) == (tmp_path / "first", tmp_path / "second")
    assert first.worker_count == processors() and first.progress is SILENT


def test_progress_is_passed_on(tmp_path: Path) -> None:
    watch = Watch()
    workspace = Workspace(tmp_path, 3, watch)
    workspace.say("a message")
    with workspace.task("Epoch 1", 2) as task:
        task.advance()
    assert watch.lines == ["a message"] and watch.steps == 1
    assert workspace.worker_count == 3
