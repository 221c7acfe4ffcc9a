"""Checkpoints: one file without code that holds everything a run needs, complete or not there at all."""

import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from killed import run_killed_at
from photoclass.errors import OutputError, TrainingError
from photoclass.progress import SILENT
from photoclass.training.loop.checkpoint import (
    TrainingState,
    checkpoint_path,
    load_checkpoint,
    read_identity,
    save_checkpoint,
)
from photoclass.training.loop.loop import LoopJob, fit, train_epoch
from photoclass.training.stopping import StopRequest
from tiny_runs import TINY, assert_same_training, fresh_state, read_checkpoint, tiny_recipe

IDENTITY = {"data": "abc", "recipe": "small-cnn", "settings": TINY | {"filters": [4, 4, 8]}, "seed": 3}


def _trained_state(job: LoopJob) -> TrainingState:
    state = fresh_state(tiny_recipe())
    fit(job, state, StopRequest(), lambda state: None, SILENT)
    return state


@pytest.fixture(scope="module")
def state(make_job: Callable[..., LoopJob]) -> TrainingState:
    return _trained_state(make_job(epochs=1))


@pytest.fixture
def saved(tmp_path: Path, state: TrainingState) -> Path:
    save_checkpoint(tmp_path, state, IDENTITY)
    return tmp_path


def test_what_was_saved_is_what_is_loaded(saved: Path, state: TrainingState) -> None:
    loaded = fresh_state(tiny_recipe(), seed=9)
    load_checkpoint(saved, loaded)
    assert read_identity(saved) == IDENTITY
    assert loaded.history == state.history
    counters = ("epoch", "step", "loss_sum", "correct", "seen", "epoch_seconds", "elapsed_seconds", "stopped")
    assert [getattr(loaded, name) for name in counters] == [getattr(state, name) for name in counters]
    for name, value in state.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], value)
    assert state.best_weights.keys() == loaded.best_weights.keys() != set()
    assert all(torch.equal(value, loaded.best_weights[name]) for name, value in state.best_weights.items())
    ours, theirs = loaded.optimizer.state_dict()["state"], state.optimizer.state_dict()["state"]
    assert ours.keys() == theirs.keys() != set()
    for number, values in theirs.items():
        assert all(torch.equal(value, ours[number][name]) for name, value in values.items())


def test_adams_averages_have_the_memory_layout_of_their_weights(saved: Path) -> None:
    """The fused Adam pairs weights and averages by address; with another layout, a resumed run would differ."""
    loaded = fresh_state(tiny_recipe())
    load_checkpoint(saved, loaded)
    for weights, values in loaded.optimizer.state.items():
        for name in ("exp_avg", "exp_avg_sq"):
            assert values[name].stride() == weights.stride()
    assert any(not weights.is_contiguous() for weights in loaded.optimizer.state), (
        "at least one of them is channels-last"
    )


def test_a_run_that_was_saved_and_loaded_continues_as_if_it_had_not_been(
    make_job: Callable[..., LoopJob], tmp_path: Path
) -> None:
    job = make_job(epochs=2)
    whole, resumed = _trained_state(make_job(epochs=1)), fresh_state(tiny_recipe())
    save_checkpoint(tmp_path, whole, IDENTITY)
    load_checkpoint(tmp_path, resumed)
    for run in (whole, resumed):
        train_epoch(job, run, StopRequest(), lambda state: None, SILENT)
    save_checkpoint(tmp_path / "whole", whole, IDENTITY)
    save_checkpoint(tmp_path / "resumed", resumed, IDENTITY)
    assert_same_training(read_checkpoint(tmp_path / "whole"), read_checkpoint(tmp_path / "resumed"))


def test_it_holds_no_code(saved: Path) -> None:
    content = checkpoint_path(saved).read_bytes()
    (header_bytes,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + header_bytes])
    assert all(entry["dtype"] == "F32" for name, entry in header.items() if name != "__metadata__")
    # Which of these is raised depends on the first byte, part of the header's length.
    with pytest.raises((pickle.UnpicklingError, ValueError, EOFError, LookupError, AttributeError)):
        pickle.loads(content)  # noqa: S301 - it must not be a pickle


def test_without_a_checkpoint_there_is_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no checkpoint to resume from; leave out --resume"):
        read_identity(tmp_path)


def _safetensors(header: dict[str, Any] | bytes, data: bytes = b"", declared: int | None = None) -> bytes:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(content) if declared is None else declared) + content + data


def _entry(start: int, end: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [(end - start) // 4], "data_offsets": [start, end]}


class _Touch:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("part", [0.0, 0.001, 0.02, 0.5, 0.99])
def test_fault_34_a_checkpoint_cut_short_is_refused(saved: Path, part: float) -> None:
    content = checkpoint_path(saved).read_bytes()
    checkpoint_path(saved).write_bytes(content[: int(part * len(content))])
    with pytest.raises(TrainingError, match="damaged"):
        read_identity(saved)
    with pytest.raises(TrainingError, match="damaged"):
        load_checkpoint(saved, fresh_state(tiny_recipe()))


BROKEN = {
    "overlapping": _safetensors({"a": _entry(0, 8), "b": _entry(4, 12)}, bytes(12)),
    "twice": _safetensors({"a": _entry(0, 8), "b": _entry(0, 8)}, bytes(8)),
    "beyond-its-end": _safetensors({"a": _entry(0, 2**40)}, bytes(8)),
    "gap": _safetensors({"a": _entry(4, 8)}, bytes(8)),
    "huge-header": _safetensors({}, declared=2**62),
    "large-header": _safetensors({}, declared=2**30),
    "deep": _safetensors(b"[" * 100_000),
    "text": _safetensors(b"no json"),
    "empty": b"",
    "zeros": b"\0" * 100,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_fault_34_an_overlapping_or_huge_header_is_refused(tmp_path: Path, content: bytes) -> None:
    checkpoint_path(tmp_path).parent.mkdir()
    checkpoint_path(tmp_path).write_bytes(content)
    with pytest.raises(TrainingError, match=r"(damaged|not written by).*train again") as refused:
        read_identity(tmp_path)
    assert "\n" not in str(refused.value)


def test_fault_34_a_file_larger_than_any_checkpoint_is_refused(saved: Path) -> None:
    with open(checkpoint_path(saved), "rb+") as stream:
        stream.truncate((16 << 30) + 1)  # a hole: it takes no space
    with pytest.raises(TrainingError, match="larger than any checkpoint"):
        read_identity(saved)


def test_fault_33_a_pickle_given_as_a_checkpoint_is_refused_unread(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    checkpoint_path(tmp_path).parent.mkdir()
    for content in (pickle.dumps(_Touch(touched)), None):
        if content is None:
            torch.save({"weights": torch.ones(3), "code": _Touch(touched)}, checkpoint_path(tmp_path))
        else:
            checkpoint_path(tmp_path).write_bytes(content)
        with pytest.raises(TrainingError):
            read_identity(tmp_path)
        with pytest.raises(TrainingError):
            load_checkpoint(tmp_path, fresh_state(tiny_recipe()))
    assert not touched.exists()


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"format": "photoclass checkpoint 0", "identity": "{}", "state": "{}"},
        {"format": "photoclass checkpoint 1"},
        {"format": "photoclass checkpoint 1", "identity": "{", "state": "{"},
        {"format": "photoclass checkpoint 1", "identity": "{}", "state": "{}"},
        {"format": "photoclass checkpoint 1", "identity": "{}", "state": '{"history": [{"epoch": 1}]}'},
    ],
    ids=["none", "version", "missing", "no-json", "empty", "short-history"],
)
def test_fault_36_a_checkpoint_of_another_version_or_content_is_refused(
    tmp_path: Path, metadata: dict[str, str]
) -> None:
    checkpoint_path(tmp_path).parent.mkdir()
    safetensors.torch.save_file({"network.x": torch.ones(1)}, checkpoint_path(tmp_path), metadata)
    with pytest.raises(TrainingError):
        load_checkpoint(tmp_path, fresh_state(tiny_recipe()))
    if metadata.get("identity") != "{}":
        with pytest.raises(TrainingError):
            read_identity(tmp_path)


def test_fault_36_a_checkpoint_of_another_network_is_refused_in_one_line(saved: Path) -> None:
    for changes in ({"filters": (4, 4, 9)}, {"filters": (4, 4)}, {"dense_units": 9}):
        with pytest.raises(TrainingError, match="does not fit this training") as refused:
            load_checkpoint(saved, fresh_state(tiny_recipe(**changes)))
        assert "\n" not in str(refused.value)


def test_fault_36_optimizer_values_of_another_shape_are_refused(saved: Path) -> None:
    path = checkpoint_path(saved)
    with safetensors.safe_open(path, framework="pt") as opened:
        metadata = opened.metadata()
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    tensors["optimizer.0.exp_avg"] = torch.zeros(3)
    safetensors.torch.save_file(tensors, path, metadata)
    with pytest.raises(TrainingError, match="exp_avg and its weights differ in shape"):
        load_checkpoint(saved, fresh_state(tiny_recipe()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fault_38_a_kill_at_any_moment_of_a_save_leaves_the_old_or_the_new_checkpoint(
    saved: Path, state: TrainingState
) -> None:
    old = checkpoint_path(saved).read_bytes()
    seen = []
    for moment in range(100):
        exit_code = run_killed_at(moment, lambda: save_checkpoint(saved, state, {**IDENTITY, "seed": 4}))
        seen.append(read_identity(saved)["seed"])
        load_checkpoint(saved, fresh_state(tiny_recipe()))
        checkpoint_path(saved).write_bytes(old)
        if exit_code == 0:
            break
    assert len(seen) > 3
    assert seen == sorted(seen), "once it is there, the new one stays"
    assert seen[0] == 3
    assert seen[-1] == 4


def test_fault_39_a_save_that_fails_leaves_the_old_checkpoint_and_no_remains(
    saved: Path, state: TrainingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = checkpoint_path(saved).read_bytes()

    def full(self: Path, content: bytes) -> int:
        with open(self, "wb") as stream:
            stream.write(content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left on device"):
        save_checkpoint(saved, state, IDENTITY)
    monkeypatch.undo()
    assert checkpoint_path(saved).read_bytes() == old
    assert [path.name for path in checkpoint_path(saved).parent.iterdir()] == ["checkpoint.safetensors"]
