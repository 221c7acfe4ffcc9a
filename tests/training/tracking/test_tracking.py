"""Tracking in TensorBoard, MLflow, W&B and Trackio: each epoch once, after stops and kills too; nothing is sent."""

import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from photoclass.errors import Interrupted, MissingPackageError, OutputError, SettingsError
from photoclass.model.folder import Epoch
from photoclass.progress import SILENT
from photoclass.training.run import TrainOptions
from photoclass.training.tracking.base import Entry, flat_figures
from photoclass.training.tracking.open import open_records
from tiny_runs import TINY, Tiny, Watch, stop_after

STEPS = 5  # of an epoch of the tiny run
needs_tensorboardx = pytest.mark.skipif(
    not importlib.util.find_spec("tensorboardX"), reason="the extra `tensorboard` is not installed"
)
needs_mlflow = pytest.mark.skipif(not importlib.util.find_spec("mlflow"), reason="the extra `mlflow` is not installed")
needs_wandb = pytest.mark.skipif(not importlib.util.find_spec("wandb"), reason="the extra `wandb` is not installed")
needs_trackio = pytest.mark.skipif(not importlib.util.find_spec("trackio"), reason="trackio is not installed")


def _row(epoch: float) -> Epoch:
    return Epoch(epoch, 0.5 / epoch, 0.8, 0.6 / epoch, 0.7, 2.0, 100.0)


# ALL TRACKERS


def test_nested_metrics_are_named_by_their_paths() -> None:
    figures = {
        "valid": {
            "n": 9,
            "log_loss": 0.25,
            "log_loss_ci95": [0.2, 0.3],
            "split": "valid",
            "split_selected_model": True,
        },
        "held_out": {"per_class": {"cat": {"recall": 0.5}}, "confusion": [[1, 2], [3, 4]], "optimism": None},
    }
    assert dict(flat_figures(figures)) == {
        "valid/n": 9,
        "valid/log_loss": 0.25,
        "valid/log_loss_ci95_low": 0.2,
        "valid/log_loss_ci95_high": 0.3,
        "held_out/per_class/cat/recall": 0.5,
    }


def test_an_unknown_log_is_refused() -> None:
    with pytest.raises(SettingsError, match="unknown log 'comet'; choose from tensorboard, mlflow, wandb, trackio"):
        TrainOptions(log=("tensorboard", "comet"))


@pytest.mark.parametrize(
    ("name", "package"),
    [("tensorboard", "tensorboardX"), ("mlflow", "mlflow"), ("wandb", "wandb"), ("trackio", "trackio")],
)
def test_a_missing_extra_is_reported_before_any_work(
    name: str, package: str, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [m for m in sys.modules if m.partition(".")[0] == package or m.endswith(f"tracking.{name}")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    watch = Watch()
    with pytest.raises(MissingPackageError, match=rf"--log {name} needs .*; run: pip install 'photoclass\[{name}\]'"):
        tiny.train(tmp_path / "run", log=(name,), progress=watch)
    assert not watch.lines and not (tmp_path / "run").exists()


# TENSORBOARD


def _records_in(content: bytes) -> Iterator[bytes]:
    """Read TensorFlow's record format: length, its checksum, data, its checksum."""
    from tensorboardX.record_writer import masked_crc32c

    while content:
        length, sum_of_length = struct.unpack("<QI", content[:12])
        data = content[12 : 12 + length]
        assert masked_crc32c(content[:8]) == sum_of_length
        assert masked_crc32c(data) == struct.unpack("<I", content[12 + length : 16 + length])[0]
        yield data
        content = content[16 + length :]


def _events(folder: Path) -> tuple[dict[str, dict[int, float]], dict[str, Any]]:
    """Return the scalars by name and step, each at most once, and everything else by name."""
    from tensorboardX.proto.event_pb2 import Event

    scalars: dict[str, dict[int, float]] = defaultdict(dict)
    others: dict[str, Any] = {}
    (file,) = folder.iterdir()
    for record in _records_in(file.read_bytes()):
        event = Event.FromString(record)
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                assert event.step not in scalars[value.tag], f"{value.tag} stands twice at step {event.step}"
                scalars[value.tag][event.step] = value.simple_value
            else:
                others[value.tag] = value
    return scalars, others


def _text(value: Any) -> str:
    return str(value.tensor.string_val[0].decode())


@needs_tensorboardx
def test_tensorboard_has_epochs_settings_scores_curves_and_card(tiny: Tiny, tmp_path: Path) -> None:
    trained = tiny.train(tmp_path / "run", log=("tensorboard",))
    scalars, others = _events(tmp_path / "run" / "tensorboard")
    for name in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "photos_per_second"):
        expected = {step: pytest.approx(getattr(row, name)) for step, row in enumerate(trained.history, 1)}
        assert scalars[name] == expected
    for split, score in zip(("valid", "held_out"), trained.scores, strict=True):
        assert scalars[f"{split}/log_loss"] == {3: pytest.approx(score.log_loss.value)}
        assert scalars[f"{split}/accuracy_ci95_low"] == {3: pytest.approx(score.accuracy.low)}
    assert "valid/optimism/log_loss" in scalars
    settings = _text(others["settings/text_summary"])
    assert "| filters | 4,4,8 |" in settings and "| recipe | small-cnn |" in settings and "| seed | 0 |" in settings
    assert _text(others["ended/text_summary"]) == "finished"
    assert "# cat or dog?" in _text(others["model card/text_summary"])
    picture = others["curves"].image
    assert picture.encoded_image_string == (tmp_path / "run" / "curves.png").read_bytes()
    assert (picture.width, picture.height) == (1320, 528)


@needs_tensorboardx
def test_a_resumed_run_continues_in_tensorboard_with_each_epoch_once(tiny: Tiny, tmp_path: Path) -> None:
    out = tmp_path / "run"
    stop, watch = stop_after(2 * STEPS + 2)
    with pytest.raises(Interrupted):
        tiny.train(out, log=("tensorboard",), stop=stop, progress=watch)
    scalars, others = _events(out / "tensorboard")
    assert list(scalars["val_loss"]) == [1, 2]
    assert _text(others["ended/text_summary"]) == "interrupted"
    (out / "tensorboard" / "notes.txt").write_text("mine")
    trained = tiny.train(out, log=("tensorboard",), resume=True, settings={})
    (out / "tensorboard" / "notes.txt").unlink()  # files of others are not touched
    scalars, _ = _events(out / "tensorboard")
    assert scalars["val_loss"] == {i: pytest.approx(row.val_loss) for i, row in enumerate(trained.history, 1)}


@needs_tensorboardx
def test_a_failed_run_leaves_no_record(tiny: Tiny, tmp_path: Path) -> None:
    stop, watch = stop_after(2)
    watch.on_line = lambda line: (_ for _ in ()).throw(OutputError("for the test"))
    with pytest.raises(OutputError, match="for the test"):
        tiny.train(tmp_path / "run", log=("tensorboard",), stop=stop, progress=watch)
    assert not (tmp_path / "run").exists()


@needs_tensorboardx
def test_a_log_that_cannot_be_written_is_reported_and_the_training_continues(tiny: Tiny, tmp_path: Path) -> None:
    out = tmp_path / "run"

    def put_a_file_there(line: str) -> None:
        if " parameters, on " in line:
            (out / "tensorboard").write_text("no folder")

    watch = Watch(on_line=put_a_file_there)
    trained = tiny.train(out, log=("tensorboard",), progress=watch, settings={**TINY, "epochs": 1})
    assert len(trained.history) == 1 and (out / "model.onnx").exists()
    assert any(
        line.startswith(f"not recorded: {out}/tensorboard: cannot be written (File exists)") for line in watch.lines
    )


# MLFLOW


def _experiment(store: Path) -> Path:
    (found,) = (path for path in store.iterdir() if path.is_dir() and path.name not in ("0", ".trash", "models"))
    return found


def _run_of(store: Path) -> Path:
    (found,) = (path for path in _experiment(store).iterdir() if (path / "meta.yaml").is_file())
    return found


def _metric(run: Path, name: str) -> list[tuple[int, float]]:
    """Return step and value, line by line."""
    lines = (run / "metrics" / name).read_text().splitlines()
    return [(int(line.split()[2]), float(line.split()[1])) for line in lines]


def _texts(folder: Path) -> Mapping[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def _status(run: Path) -> str:
    import yaml

    return {3: "FINISHED", 4: "FAILED", 5: "KILLED", 1: "RUNNING"}[
        yaml.safe_load((run / "meta.yaml").read_text())["status"]
    ]


@needs_mlflow
def test_mlflow_has_epochs_settings_scores_and_files_and_a_resumed_run_continues_there(
    tiny: Tiny, tmp_path: Path
) -> None:
    out = tmp_path / "a run"
    stop, watch = stop_after(2 * STEPS + 2)
    with pytest.raises(Interrupted):
        tiny.train(out, log=("mlflow",), stop=stop, progress=watch)
    run = _run_of(out / "mlruns")
    assert [step for step, _ in _metric(run, "val_loss")] == [1, 2]
    assert _status(run) == "KILLED"
    trained = tiny.train(out, log=("mlflow",), resume=True, settings={"epochs": 4})
    assert _run_of(out / "mlruns") == run, "it is the same run"
    expected = [(step, pytest.approx(row.val_loss)) for step, row in enumerate(trained.history, 1)]
    assert _metric(run, "val_loss") == expected
    assert _metric(run, "valid/log_loss") == [(4, pytest.approx(trained.scores[0].log_loss.value))]
    params, tags = _texts(run / "params"), _texts(run / "tags")
    assert (params["filters"], params["epochs"], params["class_names"]) == ("4,4,8", "3", "cat, dog")
    assert tags["resumed_with.epochs"] == "4", "MLflow lets no parameter be changed"
    assert tags["mlflow.runName"] == "a run"
    assert {path.name for path in (run / "artifacts").iterdir()} == {
        "README.md",
        "curves.png",
        "history.csv",
        "model.json",
    }
    assert _status(run) == "FINISHED"
    again = tiny.train(out, log=("mlflow",), resume=True, settings={})
    assert again.history == trained.history
    assert len(_metric(run, "val_loss")) == 4 and len(_metric(run, "valid/log_loss")) == 1


@needs_mlflow
def test_a_recipe_without_epochs_is_recorded_under_names_that_mlflow_allows(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    card = out / "README.md"
    card.write_text("# card")
    scores = {"valid/per_class/a#b/recall": 0.5, "valid/per_class/a?b/recall": 0.25, "valid/n": 9.0}
    with open_records(("mlflow",), out, SILENT) as records:
        records.logs[0].write(Entry({"recipe": "features", "backbone": "lite2"}, (), scores, (card,)))
    run = _run_of(out / "mlruns")
    assert _texts(run / "params") == {"recipe": "features", "backbone": "lite2"}
    assert _metric(run, "valid/per_class/a_b/recall") == [(0, 0.5)]
    assert _metric(run, "valid/per_class/a_b/recall_2") == [(0, 0.25)]
    assert not (out / "resume").exists(), "such a run is not resumed"


@needs_mlflow
def test_the_users_own_store_is_used_and_an_unreachable_one_is_refused_before_any_work(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    with open_records(("mlflow",), tmp_path / "run", SILENT) as records:
        records.logs[0].write(Entry({"recipe": "small-cnn"}, (_row(1),)))
    assert _metric(_run_of(tmp_path / "store"), "val_loss") == [(1, 0.6)]
    assert not (tmp_path / "run" / "mlruns").exists()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "no-such-store://somewhere")
    watch = Watch()
    with pytest.raises(OutputError, match=r"MLFLOW_TRACKING_URI=no-such-store://somewhere: .*; unset it") as refused:
        tiny.train(tmp_path / "run2", log=("mlflow",), progress=watch)
    assert "\n" not in str(refused.value) and not watch.lines
    assert not (tmp_path / "run2").exists()


@needs_mlflow
def test_a_moved_folder_keeps_its_records_in_its_new_place(tiny: Tiny, tmp_path: Path) -> None:
    stop, watch = stop_after(STEPS + 2)
    with pytest.raises(Interrupted):
        tiny.train(tmp_path / "old", log=("mlflow",), stop=stop, progress=watch)
    shutil.move(tmp_path / "old", tmp_path / "new")
    watch = Watch()
    tiny.train(tmp_path / "new", log=("mlflow",), resume=True, settings={}, progress=watch)
    assert len(_metric(_run_of(tmp_path / "new" / "mlruns"), "val_loss")) == 3
    assert any("was started in another place" in line for line in watch.lines)
    assert not (tmp_path / "old").exists()


QUIET = """
import json, sys
heard = []
# urllib3 checks at import whether it can bind an IPv6 address; that sends nothing.
sys.addaudithook(lambda event, given: heard.append([event, repr(given)]) if event in
    ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg") else None)
from pathlib import Path
from photoclass.progress import SILENT
from photoclass.training.tracking.open import open_records
from photoclass.training.tracking.base import Entry
from photoclass.model.folder import Epoch
with open_records(("tensorboard", "mlflow"), Path(sys.argv[1]), SILENT) as records:
    for log in records.logs:
        log.write(Entry({"recipe": "small-cnn"}, (Epoch(1, 0.5, 0.8, 0.6, 0.7, 2, 100),), {"valid/n": 9.0}))
import threading
print(json.dumps([heard, [t.name for t in threading.enumerate()]]))
"""


@needs_mlflow
@needs_tensorboardx
def test_nothing_is_sent_anywhere(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    command = [sys.executable, "-W", "error", "-c", QUIET, str(tmp_path / "run")]
    # As on a user's machine: MLflow sends nothing anyway when it detects a test or CI.
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert result.returncode == 0, result.stderr
    heard, threads = json.loads(result.stdout)
    assert heard == []
    assert threads == ["MainThread"], "no consumer of telemetry waits"
    assert (tmp_path / "run" / "mlruns").is_dir() and (tmp_path / "run" / "tensorboard").is_dir()


# WEIGHTS & BIASES


def _wandb_records(content: bytes) -> Iterator[bytes]:
    """Read LevelDB's log format: blocks of 32 KiB with records of checksum, length and kind (whole, first, …, last)."""
    block, header = 32_768, 7
    position, parts = header, b""  # the file begins with a header of its own of the same length
    while position + header <= len(content):
        if block - position % block < header:
            position += block - position % block
            continue
        length, kind = struct.unpack("<HB", content[position + 4 : position + header])
        parts += content[position + header : position + header + length]
        position += header + length
        if kind in (1, 4):
            yield parts
            parts = b""


def _wandb_rows(run: Path) -> tuple[dict[int, dict[str, float]], dict[str, float]]:
    """Return the metrics of an offline record by step, and its summary."""
    from wandb.proto.wandb_internal_pb2 import Record

    rows: dict[int, dict[str, float]] = {}
    summary: dict[str, float] = {}
    (file,) = run.glob("*.wandb")
    for data in _wandb_records(file.read_bytes()):
        record = Record.FromString(data)
        if record.WhichOneof("record_type") == "history":
            values = {item.key or item.nested_key[-1]: json.loads(item.value_json) for item in record.history.item}
            assert values["_step"] not in rows, "a step stands twice"
            rows[int(values["_step"])] = values
        for item in record.summary.update:
            summary[item.key or item.nested_key[-1]] = json.loads(item.value_json)
    return rows, summary


@needs_wandb
def test_wandb_has_epochs_and_scores_offline_and_a_resumed_run_has_each_epoch_once(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    out = tmp_path / "run"
    stop, watch = stop_after(2 * STEPS + 2)
    with pytest.raises(Interrupted):
        tiny.train(out, log=("wandb",), stop=stop, progress=watch)
    (first,) = (out / "wandb").glob("offline-run-*")
    assert set(_wandb_rows(first)[0]) == {1, 2}
    trained = tiny.train(out, log=("wandb",), resume=True, settings={})
    (second,) = (out / "wandb").glob("offline-run-*")
    rows, summary = _wandb_rows(second)
    assert first.name.rpartition("-")[2] == second.name.rpartition("-")[2], "it is the same run"
    assert {step: row["val_loss"] for step, row in rows.items()} == {
        step: pytest.approx(row.val_loss) for step, row in enumerate(trained.history, 1)
    }
    assert summary["held_out/log_loss"] == pytest.approx(trained.scores[1].log_loss.value)
    assert (second / "files" / "README.md").is_file() and not (second / "files" / "requirements.txt").exists()


# TRACKIO


@needs_trackio
def test_trackio_has_epochs_and_scores_and_a_resumed_run_has_each_epoch_once(tiny: Tiny, tmp_path: Path) -> None:
    # In a process of its own: Trackio chooses its store when it is imported.
    script = Path(__file__).with_name("trackio_child.py")
    environment = {**os.environ, "TRACKIO_DIR": str(tmp_path / "store"), "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, str(script), str(tiny.data), str(tmp_path / "run")]
    result = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=240)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "each epoch once"
