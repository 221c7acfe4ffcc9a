"""`train`: from DATA to a model folder, despite kills, full disks and invalid options."""

import csv
import dataclasses
import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from command_server import RunningCommand
from photoclass.errors import DataError, Interrupted, ModelError, OutputError, SettingsError, TrainingError
from photoclass.model.folder import data_fingerprint, load_info, load_photo_splits, load_valid_predictions, read_onnx
from photoclass.model.runtime import Runtime
from photoclass.networks.logits import cross_entropy
from photoclass.photos.duplicates.near_duplicates import group_near_duplicates
from photoclass.photos.table import HELD_OUT, SPLITS, TRAIN, VALID
from photoclass.training.cross_fitting import estimate_optimism
from photoclass.training.finish import TrainResult
from photoclass.training.loop import loop
from photoclass.training.run import TrainOptions
from photoclass.training.run_folder import checkpoint_path
from photoclass.training.stopping import StopRequest
from running import start_script
from tiny_runs import TINY, Tiny, Watch, assert_same_training, read_checkpoint, stop_after

CHILD = Path(__file__).with_name("child.py")
STEPS = 15  # three epochs of five
FILES = {
    "README.md",
    "curves.png",
    "fingerprints.bin",
    "held_out_predictions.csv",
    "history.csv",
    "model.json",
    "model.onnx",
    "photos.csv",
    "resume",
    "novelty.npz",
}


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _history(folder: Path) -> list[dict[str, float]]:
    with open(folder / "history.csv", newline="") as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def _assert_same_model(one: Path, other: Path) -> None:
    assert (one / "model.onnx").read_bytes() == (other / "model.onnx").read_bytes()
    assert (one / "valid_predictions.csv").read_bytes() == (other / "valid_predictions.csv").read_bytes()
    assert (one / "novelty.npz").read_bytes() == (other / "novelty.npz").read_bytes()
    ours, theirs = (dataclasses.asdict(load_info(folder)) for folder in (one, other))
    for info in (ours, theirs):
        del info["training"]["finished_at"], info["training"]["seconds"]
    assert ours == theirs
    assert_same_training(read_checkpoint(one), read_checkpoint(other))


class TestModelFolder:
    """The files of a model folder after training."""

    @pytest.fixture(scope="class")
    def run(self, whole_run: Callable[[str], TrainResult]) -> TrainResult:
        return whole_run("fp32")

    def test_it_has_the_documented_files_and_nothing_else(self, run: TrainResult) -> None:
        assert {path.name for path in run.folder.iterdir()} == FILES | {"valid_predictions.csv"}
        assert not [path for path in run.folder.rglob("*") if path.suffix in (".part", ".pt", ".pkl", ".new")]

    def test_model_json_describes_model_and_training_data(self, run: TrainResult) -> None:
        info, table = load_info(run.folder), run.photos.table
        assert info == run.info
        assert info.class_names == ("cat", "dog")
        assert (info.image_size, info.resize, info.recipe, info.seed) == (32, "squash", "small-cnn", 0)
        assert info.settings["network"]["filters"] == [4, 4, 8]
        assert info.settings["loop"]["epochs"] == 3
        assert info.data_fingerprint == data_fingerprint(run.photos.contents, table)
        assert {name: sum(by_class.values()) for name, by_class in info.photos.items()} == {
            name: int((table.splits == i).sum()) for i, name in enumerate(SPLITS)
        }
        trained = table.labels[table.splits == 0]
        assert info.base_rates == pytest.approx([(trained == 0).mean(), (trained == 1).mean()])
        assert info.training.loop is not None and info.training.loop.epochs == 3
        assert info.training.stop_reason == "all 3 epochs are done"
        assert info.training.loop.best_epoch == min(run.history, key=lambda row: row.val_loss).epoch
        assert info.training.precision == "fp32"
        assert info.onnx_sha256 == hashlib.sha256((run.folder / "model.onnx").read_bytes()).hexdigest()

    def test_the_scores_are_those_of_the_saved_model(self, run: TrainResult) -> None:
        runtime = Runtime.load(run.folder)
        assert [score.split for score in run.scores] == ["valid", "held_out"]
        for score, split in zip(run.scores, (VALID, HELD_OUT), strict=True):
            part = run.photos.select(run.photos.table.splits == split)
            given = runtime.probabilities(np.asarray(part.pixels[i]) for i in range(len(part)))
            right = given[np.arange(len(part)), part.table.labels]
            assert score.log_loss.value == pytest.approx(float(-np.log(right).mean()), rel=1e-5)
            assert score.accuracy.value == pytest.approx((given.argmax(axis=1) == part.table.labels).mean())
            assert run.info.metrics[score.split].as_json() == score.as_json()
            assert score.split_selected_model == (split == VALID)

    def test_the_kept_network_is_that_of_the_best_epoch(self, tiny: Tiny, tmp_path: Path) -> None:
        run = tiny.train(tmp_path / "run", settings={**TINY, "learning_rate": 0.006})
        best = min(run.history, key=lambda row: row.val_loss)
        assert best is not run.history[-1], "else this would be no test"
        exact = Runtime.load(run.folder, "f32")
        part = run.photos.select(run.photos.table.splits == VALID)
        right = exact.probabilities(np.asarray(part.pixels[i]) for i in range(len(part)))
        loss = -np.log(right[np.arange(len(part)), part.table.labels]).mean()
        assert float(loss) == pytest.approx(best.val_loss, abs=1e-4)

    def test_the_export_was_compared_with_the_trained_network(self, run: TrainResult) -> None:
        assert run.info.training.onnx_difference["f32"] < 1e-4

    def test_photos_csv_has_the_split_of_every_photo(self, run: TrainResult) -> None:
        table = run.photos.table
        expected = {c: SPLITS[s] for c, s in zip(run.photos.contents, table.splits, strict=True)}
        assert load_photo_splits(run.folder) == expected
        for content, path in zip(run.photos.contents, table.paths, strict=True):
            assert hashlib.sha256(Path(path).read_bytes()).digest() == content

    def test_the_predictions_on_the_validation_split_are_saved(self, run: TrainResult) -> None:
        probabilities, labels = load_valid_predictions(run.folder, run.info)
        part = run.photos.select(run.photos.table.splits == VALID)
        given = Runtime.load(run.folder).probabilities(np.asarray(part.pixels[i]) for i in range(len(part)))
        np.testing.assert_allclose(probabilities, given, atol=1e-6)
        np.testing.assert_array_equal(labels, part.table.labels)

    def test_the_optimism_is_estimated_from_the_logits_of_every_epoch(self, run: TrainResult) -> None:
        kept = read_checkpoint(run.folder).tensors["valid_logits"]
        part = run.photos.table.splits == VALID
        assert kept.shape == (3, part.sum(), 1)
        labels = run.photos.table.labels[part]
        for logits, row in zip(kept, run.history, strict=True):
            assert float(cross_entropy(logits, torch.from_numpy(labels))) == pytest.approx(row.val_loss, rel=1e-6)
        duplicates = group_near_duplicates(run.photos.fingerprints)[part]
        expected = estimate_optimism(list(kept.numpy()), labels, duplicates, False, seed=0)
        assert expected is not None and expected.log_loss is not None
        assert run.info.metrics["valid"].optimism == expected
        assert run.info.metrics["held_out"].optimism is None
        assert expected.as_text() in run.scores[0].as_text()

    def test_the_history_is_that_of_the_epochs(self, run: TrainResult) -> None:
        rows = _history(run.folder)
        assert rows == [pytest.approx(dataclasses.asdict(row)) for row in run.history]
        assert [row["epoch"] for row in rows] == [1, 2, 3]

    def test_the_curves_are_a_picture(self, run: TrainResult) -> None:
        with Image.open(run.folder / "curves.png") as picture:
            picture.load()
            assert min(picture.size) > 300


def test_history_and_checkpoint_are_written_after_every_epoch(tiny: Tiny, tmp_path: Path) -> None:
    out = tmp_path / "run"
    rows: list[int] = []
    stop = StopRequest()

    def on_epoch(title: str) -> None:
        rows.append(len(_history(out)) if out.joinpath("history.csv").exists() else 0)
        if rows[-1]:
            assert read_checkpoint(out).counters["epoch"] == rows[-1]
            assert (out / "curves.png").exists()
        if len(rows) == 3:
            stop.signal_number = signal.SIGINT

    with pytest.raises(Interrupted):
        tiny.train(out, stop=stop, progress=Watch(on_epoch=on_epoch))
    assert rows == [0, 1, 2]


def test_given_splits_are_kept_and_any_number_of_classes_works(tiny: Tiny, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for name in ("bird", "cat", "dog", "eel"):
        for split, count in (("train", 5), ("valid", 2)):
            (tmp_path / "data" / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = generator.integers(0, 256, (40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / "data" / split / name / f"{i}.png")
    (tmp_path / "data" / "train" / "eel" / "broken.jpg").write_bytes(b"no picture")
    trained = tiny.train(tmp_path / "run", data=tmp_path / "data", settings={**TINY, "epochs": 1})
    assert trained.info.class_names == ("bird", "cat", "dog", "eel")
    assert trained.info.base_rates == (0.25,) * 4
    assert trained.info.photos["train"] == {"bird": 5, "cat": 5, "dog": 5, "eel": 5}
    assert trained.info.photos["held_out"] == {"bird": 0, "cat": 0, "dog": 0, "eel": 0}
    assert [score.split for score in trained.scores] == ["valid"]
    probabilities = Runtime.load(tmp_path / "run").probabilities([np.zeros((32, 32, 3), np.uint8)])
    assert probabilities.shape == (1, 4)
    assert probabilities.sum() == pytest.approx(1, abs=0.01)
    (skipped,) = trained.skipped
    assert skipped.name.endswith("eel/broken.jpg")
    with open(tmp_path / "run" / "skipped.csv", newline="") as stream:
        assert list(csv.reader(stream)) == [["file", "reason"], [skipped.name, skipped.reason]]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_stopped_three_times_and_resumed_equals_the_run_that_never_stopped(
    tiny: Tiny, whole_run: Callable[[str], TrainResult], tmp_path: Path, precision: str
) -> None:
    out = tmp_path / precision  # named as the whole run is: the name stands in no file that is compared
    for steps, resume in ((4, False), (1, True), (6, True)):
        stop, watch = stop_after(steps)
        with pytest.raises(Interrupted):
            tiny.train(out, stop=stop, progress=watch, precision=precision, resume=resume)
        assert not (out / "model.onnx").exists()
    # Settings, recipe and seed need not be said again.
    resumed = tiny.train(out, settings={}, precision=precision, resume=True)
    whole = whole_run(precision)
    _assert_same_model(out, whole.folder)
    assert [row.val_loss for row in resumed.history] == [row.val_loss for row in whole.history]
    pixels = [np.asarray(whole.photos.pixels[i]) for i in range(len(whole.photos))]
    ours, theirs = (Runtime.load(folder).probabilities(pixels) for folder in (out, whole.folder))
    np.testing.assert_array_equal(ours, theirs)


def _start_child(tiny: Tiny, out: Path, **changes: Any) -> RunningCommand:
    given = {
        "data": str(tiny.data),
        "out": str(out),
        "cache": str(tiny.cache),
        "settings": TINY,
        "precision": "fp32",
        "file_bytes": None,
        "save_every_step": False,
        **changes,
    }
    return start_script(CHILD, json.dumps(given))


def _kill_and_resume(
    tiny: Tiny, whole: TrainResult, folder: Path, kills: int, spared: float, longest_seconds: float, lots: random.Random
) -> None:
    """Kill runs with SIGKILL, resume each until it is done, and check that it ends like the run that was never killed.

    Args:
        kills: How often, in as many runs as it takes.
        spared: Share of the starts that are not killed.
        longest_seconds: The longest time between the start of the training and the kill; it learns for half a second,
            and another four are those of the export.
        lots: Decides which and when.
    """
    killed = 0
    for number in itertools.count():
        out = folder / f"run-{number}"
        while True:
            child = _start_child(tiny, out, save_every_step=True)
            if killed < kills and lots.random() >= spared and child.has_printed("ready\n"):
                time.sleep(lots.uniform(0, longest_seconds))
                os.kill(child.pid, signal.SIGKILL)
            ended = child.wait()
            if ended.returncode == 0:
                break
            assert ended.returncode == -signal.SIGKILL, ended.stderr
            killed += 1
        _assert_same_model(out, whole.folder)
        assert {path.name for path in out.iterdir()} >= FILES - {"curves.png"}
        assert not list(out.rglob(".*.part")), "leftovers are cleared"
        if killed >= kills:
            return


def test_fault_37_a_run_killed_at_random_moments_and_resumed_equals_the_run_that_was_never_killed(
    tiny: Tiny, whole_run: Callable[[str], TrainResult], tmp_path: Path
) -> None:
    _kill_and_resume(tiny, whole_run("fp32"), tmp_path, 2, 0.0, 0.6, random.Random(37))


@pytest.mark.slow
def test_fault_37_a_hundred_kills_change_nothing(
    tiny: Tiny, whole_run: Callable[[str], TrainResult], tmp_path: Path
) -> None:
    _kill_and_resume(tiny, whole_run("fp32"), tmp_path, 100, 0.25, 2.0, random.Random(100))


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_fault_39_a_full_disk_ends_the_run_with_one_line_and_the_old_checkpoint_whole(
    tiny: Tiny, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    stop, watch = stop_after(7)
    with pytest.raises(Interrupted):
        tiny.train(out, stop=stop, progress=watch)
    before = _tree(out)
    child = _start_child(tiny, out, file_bytes=2000).wait()
    assert child.returncode == 1
    (line,) = child.stderr.strip().splitlines()
    assert line.startswith(f"OutputError: {checkpoint_path(out)}: cannot be written (File too large)")
    assert _tree(out) == before
    # With room again, it goes on.
    stop, watch = stop_after(1)
    with pytest.raises(Interrupted, match="photo 24"):
        tiny.train(out, stop=stop, progress=watch, resume=True)


class TestFolder:
    """Which folders a run accepts, and the state in which it leaves them."""

    def test_fault_40_a_folder_that_is_not_empty_is_refused(self, tiny: Tiny, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("mine")
        with pytest.raises(OutputError, match="is not empty; choose another --out"):
            tiny.train(tmp_path)
        assert _tree(tmp_path) == {"thesis.txt": b"mine"}

    def test_fault_40_a_folder_with_a_checkpoint_is_refused_pointing_to_resume(
        self, tiny: Tiny, whole_run: Callable[[str], TrainResult]
    ) -> None:
        folder = whole_run("fp32").folder
        before = _tree(folder)
        with pytest.raises(OutputError, match="is not empty; continue with --resume, or choose another --out"):
            tiny.train(folder)
        assert _tree(folder) == before

    def test_fault_40_a_file_in_place_of_the_folder_is_refused(self, tiny: Tiny, tmp_path: Path) -> None:
        (tmp_path / "run").write_text("mine")
        with pytest.raises(OutputError, match="is a file; choose another --out"):
            tiny.train(tmp_path / "run")
        with pytest.raises(OutputError, match="cannot be written"):
            tiny.train(tmp_path / "run" / "inside")
        assert _tree(tmp_path) == {"run": b"mine"}

    @pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that nobody may write")
    def test_fault_40_a_read_only_place_is_refused_before_any_work(self, tiny: Tiny) -> None:
        watch = Watch()
        with pytest.raises(OutputError, match=r"/sys/photoclass: cannot be written \(.+\); choose another --out"):
            tiny.train(Path("/sys/photoclass"), progress=watch)
        assert not watch.lines

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
    def test_fault_40_a_folder_without_permission_is_refused(self, tiny: Tiny, tmp_path: Path) -> None:
        for mode in (0o500, 0o000):
            tmp_path.chmod(mode)
            try:
                with pytest.raises(OutputError, match=r"cannot be (written|read)"):
                    tiny.train(tmp_path)
            finally:
                tmp_path.chmod(0o700)

    def test_fault_40_a_folder_that_cannot_be_listed_is_refused(
        self, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def denied(self: Path) -> Iterator[Path]:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "iterdir", denied)
        with pytest.raises(OutputError, match=r"cannot be read \(Permission denied\); choose another --out"):
            tiny.train(tmp_path)

    def test_a_run_that_failed_early_leaves_no_trace(self, tiny: Tiny, tmp_path: Path) -> None:
        (tmp_path / "data" / "cat").mkdir(parents=True)
        with pytest.raises(DataError):
            tiny.train(tmp_path / "run", data=tmp_path / "data")
        with pytest.raises(SettingsError):
            tiny.train(tmp_path / "run", settings={"filters": "4,x"})
        assert not (tmp_path / "run").exists()

    def test_files_put_there_in_the_meantime_stay(self, tiny: Tiny, tmp_path: Path) -> None:
        out = tmp_path / "run"

        def on_line(line: str) -> None:
            (out / "notes.txt").write_text("mine")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            tiny.train(out, progress=Watch(on_line=on_line))
        assert _tree(out) == {"notes.txt": b"mine"}

    @pytest.mark.parametrize("resume", [False, True])
    def test_fault_42_a_second_run_in_the_folder_is_refused_and_the_first_continues(
        self, tiny: Tiny, tmp_path: Path, resume: bool
    ) -> None:
        out = tmp_path / "run"
        if resume:
            stop, watch = stop_after(1)
            with pytest.raises(Interrupted):
                tiny.train(out, stop=stop, progress=watch)
        stop = StopRequest()
        refused: list[str] = []

        def on_epoch(title: str) -> None:
            before = _tree(out)
            with pytest.raises(OutputError) as error:
                tiny.train(out, resume=resume)
            refused.append(str(error.value))
            assert _tree(out) == before
            stop.signal_number = signal.SIGINT

        with pytest.raises(Interrupted):
            tiny.train(out, stop=stop, progress=Watch(on_epoch=on_epoch), resume=resume)
        assert refused == [f"{out}: another run is training there; wait for it or choose another --out"]
        assert checkpoint_path(out).exists()

    def test_fault_38_leftovers_of_a_killed_run_are_cleared(self, tiny: Tiny, tmp_path: Path) -> None:
        out = tmp_path / "run"
        (out / "resume").mkdir(parents=True)
        leftovers = [out / "resume" / ".checkpoint.safetensors.0123456789ab.part", out / "resume" / "lock"]
        for path in leftovers:
            path.write_bytes(b"half")
        stop, watch = stop_after(1)
        with pytest.raises(Interrupted):
            tiny.train(out, stop=stop, progress=watch)
        (out / ".history.csv.0123456789ab.part").write_bytes(b"half")
        stop, watch = stop_after(1)
        with pytest.raises(Interrupted):
            tiny.train(out, stop=stop, progress=watch, resume=True)
        assert not list(out.rglob("*.part"))


@pytest.mark.parametrize(("signal_number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_fault_41_a_signal_keeps_a_checkpoint_and_sets_the_exit_code(
    tiny: Tiny, tmp_path: Path, signal_number: int, exit_code: int
) -> None:
    out = tmp_path / "run"
    stop, watch = stop_after(7, signal_number)
    with pytest.raises(Interrupted, match="stopped in epoch 2, photo 16; the checkpoint is kept") as interrupted:
        tiny.train(out, stop=stop, progress=watch)
    assert interrupted.value.exit_code == exit_code
    assert read_checkpoint(out).counters["step"] == 2
    assert len(_history(out)) == 1
    with pytest.raises(ModelError, match="its training is unfinished; continue it with --resume"):
        Runtime.load(out)


class TestNaNLoss:
    """Fault 43, a loss of NaN or infinity, through `train`."""

    def test_fault_43_before_any_epoch_it_is_an_error_and_leaves_no_folder(self, tiny: Tiny, tmp_path: Path) -> None:
        with pytest.raises(
            TrainingError, match="NaN or infinity, before any epoch was finished; try a smaller learning_rate"
        ):
            tiny.train(tmp_path / "run", settings={**TINY, "learning_rate": 1e30})
        assert not (tmp_path / "run").exists()

    def test_fault_43_after_an_epoch_the_best_so_far_becomes_the_model(
        self, tiny: Tiny, whole_run: Callable[[str], TrainResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, steps = loop.train_step, itertools.count(1)
        monkeypatch.setattr(loop, "train_step", lambda *given: (float("nan"), 0) if next(steps) == 7 else real(*given))
        watch = Watch()
        trained = tiny.train(tmp_path / "run", progress=watch)
        assert len(trained.history) == 1
        assert trained.history[0].val_loss == whole_run("fp32").history[0].val_loss
        assert trained.info.training.loop is not None and trained.info.training.loop.best_epoch == 1
        reason = "in epoch 2, step 2, the loss became NaN or infinity; the best epoch so far, 1, is kept"
        assert trained.info.training.stop_reason == reason
        assert any(reason in line for line in watch.lines), "and it is said"
        assert Runtime.load(tmp_path / "run").info == trained.info


def test_the_time_budget_is_kept_and_gives_a_model(tiny: Tiny, tmp_path: Path) -> None:
    watch = Watch()
    settings = {**TINY, "epochs": 100_000, "patience": 100_000}
    started_at = time.monotonic()
    trained = tiny.train(tmp_path / "run", settings=settings, minutes=12 / 60, progress=watch)
    assert time.monotonic() - started_at < 12
    assert trained.info.training.stop_reason == "the time limit was reached"
    assert trained.history
    assert Runtime.load(tmp_path / "run").info == trained.info


class TestResume:
    """With which data and settings a run can be resumed."""

    @pytest.fixture(scope="class")
    def begun(self, tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A run that was stopped in its second epoch."""
        out = tmp_path_factory.mktemp("begun") / "run"
        stop, watch = stop_after(7)
        with pytest.raises(Interrupted):
            tiny.train(out, stop=stop, progress=watch)
        return out

    @pytest.fixture
    def out(self, begun: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(begun, tmp_path / "run"))

    @pytest.fixture
    def other_data(self, tiny: Tiny, tmp_path: Path) -> Path:
        other = tmp_path / "other"
        shutil.copytree(tiny.data, other)
        (other / "cat" / "cat-0001.jpg").unlink()
        return other

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"settings": {"dropout": 0.1}}, "settings"),
            ({"settings": {"batch_size": 9}}, "settings"),
            ({"settings": {"zoom": 0.1}}, "settings"),
            ({"seed": 1}, "data, seed"),
            ({"precision": "bf16"}, "precision"),
        ],
        ids=str,
    )
    def test_fault_44_with_different_settings_or_seed_it_is_refused(
        self, tiny: Tiny, out: Path, changes: dict[str, Any], named: str
    ) -> None:
        before = _tree(out)
        with pytest.raises(TrainingError, match=f"was started with different {named}; give the same again"):
            tiny.train(out, resume=True, **{"settings": {}, **changes})
        assert _tree(out) == before

    def test_fault_44_with_different_data_it_is_refused(self, tiny: Tiny, out: Path, other_data: Path) -> None:
        before = _tree(out)
        with pytest.raises(TrainingError, match="was started with different data; give the same again"):
            tiny.train(out, resume=True, data=other_data)
        assert _tree(out) == before

    def test_the_same_photos_from_another_place_are_the_same_data(self, tiny: Tiny, out: Path, tmp_path: Path) -> None:
        moved = Path(shutil.copytree(tiny.data, tmp_path / "moved"))
        (moved / "cat" / "cat-0001.jpg").rename(moved / "cat" / "zoe.jpg")
        stop, watch = stop_after(1)
        with pytest.raises(Interrupted):
            tiny.train(out, resume=True, data=moved, stop=stop, progress=watch)

    @pytest.mark.parametrize("batch_size", [4, 16])
    def test_fault_44_with_force_it_continues_and_repeats_the_current_epoch(
        self, tiny: Tiny, out: Path, other_data: Path, batch_size: int
    ) -> None:
        photos = int((dataclasses.replace(tiny, data=other_data).photos().table.splits == TRAIN).sum())
        steps_an_epoch = -(-photos // batch_size)
        stop, watch = stop_after(2 * steps_an_epoch)
        watch.on_line = lambda line: pytest.fail("it goes round in circles") if len(watch.lines) > 20 else None
        with pytest.raises(Interrupted, match=f"photo {photos}"):
            tiny.train(
                out, resume=True, force=True, data=other_data, settings={"batch_size": batch_size}, stop=stop,
                progress=watch,
            )  # fmt: skip
        assert any(line.startswith("resumed at epoch 2, photo 0") for line in watch.lines)
        saved = read_checkpoint(out).counters
        assert [row["epoch"] for row in saved["history"]] == [1, 2]
        assert (saved["epoch"], saved["seen"]) == (2, photos)
        if batch_size == 16:
            trained = tiny.train(out, resume=True, data=other_data, settings={})
            optimism = trained.info.metrics["valid"].optimism
            assert optimism is not None and (optimism.selected, optimism.log_loss) == (("epoch",), None), (
                "the first epoch had other photos"
            )
            assert "earlier epochs were compared on different photos" in trained.scores[0].as_text()

    def test_fault_44_a_different_network_is_refused_even_with_force(self, tiny: Tiny, out: Path) -> None:
        with pytest.raises(TrainingError, match="does not fit this training"):
            tiny.train(out, resume=True, force=True, settings={"dense_units": 9})

    def test_without_a_checkpoint_training_starts_from_the_beginning_and_says_so(
        self, tiny: Tiny, whole_run: Callable[[str], TrainResult], tmp_path: Path
    ) -> None:
        watch = Watch()
        trained = tiny.train(tmp_path / "run", progress=watch, resume=True)
        assert f"{tmp_path / 'run'}: nothing to resume; training starts from the beginning" in watch.lines
        assert [row.val_loss for row in trained.history] == [row.val_loss for row in whole_run("fp32").history]

    def test_a_finished_model_without_a_checkpoint_is_not_resumed(
        self, tiny: Tiny, whole_run: Callable[[str], TrainResult], tmp_path: Path
    ) -> None:
        out = Path(shutil.copytree(whole_run("fp32").folder, tmp_path / "run"))
        shutil.rmtree(out / "resume")
        before = _tree(out)
        with pytest.raises(TrainingError, match="is a finished model and has no checkpoint to resume from"):
            tiny.train(out, resume=True)
        assert _tree(out) == before

    def test_fault_34_a_damaged_checkpoint_is_refused_and_kept(self, tiny: Tiny, out: Path) -> None:
        content = checkpoint_path(out).read_bytes()
        checkpoint_path(out).write_bytes(content[:-9])
        with pytest.raises(TrainingError, match="damaged"):
            tiny.train(out, resume=True)
        assert checkpoint_path(out).read_bytes() == content[:-9]

    def test_a_finished_run_can_be_resumed_to_train_longer(
        self, tiny: Tiny, whole_run: Callable[[str], TrainResult], tmp_path: Path
    ) -> None:
        out = Path(shutil.copytree(whole_run("fp32").folder, tmp_path / "run"))
        stop, watch = stop_after(6)
        with pytest.raises(Interrupted):
            tiny.train(out, resume=True, settings={"epochs": 9, "patience": 9}, stop=stop, progress=watch)
        assert len(_history(out)) == 4
        assert Runtime.load(out).info == whole_run("fp32").info, "until it ends, the old model is there"


def test_with_a_single_epoch_the_validation_photos_select_nothing(tiny: Tiny, tmp_path: Path) -> None:
    trained = tiny.train(tmp_path / "run", settings={**TINY, "epochs": 1})
    assert not trained.scores[0].split_selected_model and trained.info.metrics["valid"].optimism is None
    assert not trained.info.training.valid_selected_model
    assert (
        "validation photos  (unbiased, like held-out photos: they did not select the model)"
        in trained.scores[0].as_text()
    )


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(SettingsError, match=f"seed is {seed}; it must be from 0 to"):
        TrainOptions(seed=seed)


def test_an_export_that_differs_from_the_trained_network_is_not_saved(
    tiny: Tiny, whole_run: Callable[[str], TrainResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, watch = stop_after(STEPS)
    with pytest.raises(Interrupted):
        tiny.train(tmp_path / "run", stop=stop, progress=watch, seed=5)
    other = read_onnx(whole_run("fp32").folder, whole_run("fp32").info)
    monkeypatch.setattr("photoclass.training.learners.small_cnn.export_onnx", lambda network, image_size: other)
    with pytest.raises(TrainingError, match="the exported model differs from the trained network by 0"):
        tiny.train(tmp_path / "run", resume=True, settings={})
    assert not (tmp_path / "run" / "model.json").exists()
    assert checkpoint_path(tmp_path / "run").exists()
