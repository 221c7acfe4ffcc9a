"""The store of features under kills, full disks and concurrent runs: always right, and nothing is computed twice."""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photoclass.errors import OutputError
from photoclass.networks.pretrained.efficientnet_lite import fold
from photoclass.networks.pretrained.onnx_file.read import FileOptions
from photoclass.photos.cache.cache import cache
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.sources.read import read_data
from photoclass.progress import Silent, Task
from photoclass.training.frozen.backbones import open_backbone_file, open_trunk
from photoclass.training.frozen.features import compute_features
from photoclass.training.prepare import decode_settings
from photoclass.training.recipes.features import FeaturesSettings
from photoclass.workspace import Workspace
from running import done, run_in_new_interpreter
from tiny_networks import tiny_network

# Trains by the command, enters features every 8 photos, and is killed before it enters them for the n-th time.
KILLED = """
import os, signal, sys
from photoclass.cli import main
from photoclass.photos.cache.store import RowStore
from photoclass.training.frozen import features

features._ENTER_EVERY = 8
enter, left = RowStore.enter, int(sys.argv[1])

def enter_or_die(*arguments):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    enter(*arguments)

RowStore.enter = enter_or_die
main(sys.argv[2:])
"""


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty cache and a tiny network, since only the store is tested."""
    monkeypatch.setenv("PHOTOCLASS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "net.onnx").write_bytes(tiny_network().SerializeToString())
    return tmp_path


def _words(photos: Path, out: Path) -> list[str]:
    network = out.parent / "net.onnx"
    scaling = ["--backbone-mean", "0.5", "--backbone-std", "0.5"]
    return ["train", str(photos), "--out", str(out), "--backbone", str(network), *scaling, "--no-report"]


def _result(run: Path) -> tuple[bytes, bytes, dict[str, Any]]:
    """Return the parts of the result that must not depend on interruptions."""
    info = json.loads((run / "model.json").read_text())
    for name in ("finished_at", "seconds"):
        del info["training"][name]
    del info["training"]["head"]["features_computed"]
    return (run / "model.onnx").read_bytes(), (run / "valid_predictions.csv").read_bytes(), info


def _some_of(photos: Path, target: Path, per_class: int) -> Path:
    for folder in sorted(photos.iterdir()):
        (target / folder.name).mkdir(parents=True)
        for photo in sorted(folder.iterdir())[:per_class]:
            shutil.copy(photo, target / folder.name)
    return target


@pytest.fixture(scope="module")
def undisturbed(drawn_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "net.onnx").write_bytes(tiny_network().SerializeToString())
    done(*_words(drawn_photos, folder / "run"))
    return _result(folder / "run")


# Features and fingerprints are entered one after the other: an entry in only one of the two is made again.
@pytest.mark.parametrize(("moment", "kept"), [(1, 0), (2, 0), (4, 8), (8, 24)])
def test_fault_37_after_a_kill_the_next_run_continues_and_gives_the_same_result(
    moment: int, kept: int, drawn_photos: Path, own_folder: Path, undisturbed: object
) -> None:
    words = _words(drawn_photos, own_folder / "run")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(moment), *words], capture_output=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert not (own_folder / "run" / "model.json").exists()
    again = done(*words[:3], str(own_folder / "again"), *words[4:])
    assert f"features: {kept} of 120 from the cache" in again.stderr
    assert _result(own_folder / "again") == undisturbed


def test_fault_39_a_full_disk_gives_a_one_line_error_and_the_store_stays_readable(
    drawn_photos: Path, own_folder: Path
) -> None:
    some = _some_of(drawn_photos, own_folder / "some", 20)
    done("train", some, "--out", own_folder / "first", "--quality", "fast", "--no-report")

    def fill_the_disk() -> None:
        limit = 24_000  # enough for the index of 120 photos, not for the features of 80
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    full = ["train", drawn_photos, "--out", own_folder / "full", "--quality", "fast"]
    result = run_in_new_interpreter(*full, preexec_fn=fill_the_disk)
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("photoclass: ")]
    assert "/features/" in line and "no room for the cache (File too large); free some space" in line
    assert not (own_folder / "full").exists()
    again = done("train", some, "--out", own_folder / "again", "--quality", "fast", "--no-report")
    assert "features: 40 of 40 from the cache" in again.stderr
    assert _result(own_folder / "again") == _result(own_folder / "first")


def test_fault_42_two_runs_at_once_on_one_cold_store_are_both_right(
    drawn_photos: Path, own_folder: Path, undisturbed: object
) -> None:
    runs = [own_folder / "one", own_folder / "other"]
    started = [
        subprocess.Popen([sys.executable, "-m", "photoclass", *_words(drawn_photos, run)], stderr=subprocess.PIPE)
        for run in runs
    ]
    for process in started:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    for run in runs:
        assert _result(run) == undisturbed


def test_ten_more_photos_cost_ten_photos(drawn_photos: Path, own_folder: Path) -> None:
    photos = own_folder / "photos"
    shutil.copytree(drawn_photos, photos)
    done(*_words(photos, own_folder / "first"))
    noise = np.random.default_rng(0).integers(0, 256, (10, 40, 40, 3), dtype=np.uint8)
    for i, pixels in enumerate(noise):
        Image.fromarray(pixels).save(photos / ("cat", "dog")[i % 2] / f"new-{i}.png")
    more = done(*_words(photos, own_folder / "more"))
    assert "features: 120 of 130 from the cache" in more.stderr
    assert json.loads((own_folder / "more" / "model.json").read_text())["training"]["head"]["features_computed"] == 10


class _Emptying(Silent):
    """Progress that empties the cache as soon as features are being computed."""

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> Iterator[Task]:
        if title == "Computing features":
            cache(empty=True)
        with super().task(title, total, unit, done) as task:
            yield task


def test_a_cache_emptied_during_a_run_gives_a_one_line_error(drawn_photos: Path, own_folder: Path) -> None:
    backbone, _ = open_backbone_file(own_folder / "net.onnx", FileOptions(0, (0.5,), (0.5,)))
    settings = decode_settings(FeaturesSettings("net.onnx", backbone_size=backbone.image_size))
    folder = own_folder / "cache"
    table = read_data(drawn_photos, Workspace(folder))
    with pytest.raises(OutputError, match="the cache was emptied while this run used it; start again") as ended:
        compute_features(table, settings, backbone, Workspace(folder, progress=_Emptying()))
    assert "\n" not in str(ended.value)
    assert len(compute_features(table, settings, backbone, Workspace(folder))) == 120


def test_the_name_of_a_file_may_be_anything(own_folder: Path, drawn_photos: Path) -> None:
    name = os.fsdecode(b"..\xff\n'") + "n" * 200 + ".onnx"
    (own_folder / "net.onnx").rename(own_folder / name)
    words = _words(drawn_photos, own_folder / "run")
    done(*[str(own_folder / name) if word.endswith("net.onnx") else word for word in words])
    assert json.loads((own_folder / "run" / "model.json").read_text())["settings"]["backbone"] == name
    (features,) = (own_folder / "cache" / "features").iterdir()
    assert features.name.startswith(".._")
    assert "features of .." in done("cache").stdout


def test_stores_of_feature_maps_are_described(drawn_photos: Path, own_folder: Path) -> None:
    trunk, _ = open_trunk("lite0", fold("lite0"), 15)
    table = read_data(drawn_photos, Workspace(own_folder / "cache")).select(np.arange(3))
    compute_features(table, DecodeSettings(trunk.image_size), trunk, Workspace(own_folder / "cache"))
    described = {stored.what: stored.photos for stored in cache(own_folder / "cache").stored}
    assert described["maps of lite0-blocks15, int8, at 224 px, squash"] == 3
