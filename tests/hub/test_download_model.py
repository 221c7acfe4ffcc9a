"""Model folders on the hub: pushed in one commit without names of photos, and used by every command that takes one."""

import csv
import json
import shutil
from pathlib import Path

import pytest

import photoclass
from fake_hub import FakeHub
from photoclass.errors import ModelError, OutputError, SettingsError
from photoclass.hub.access import HubAccess
from photoclass.hub.download_model import download_model
from photoclass.hub.push import push
from running import done, run_command

NAME = "me/cats"


@pytest.fixture
def run(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "run"))


def test_a_pushed_model_predicts_the_same_from_the_hub(
    run: Path, drawn_photos: Path, hub: FakeHub, tmp_path: Path
) -> None:
    pushed = done("push", run, f"hf:{NAME}")
    assert f"{hub.endpoint}/{NAME}: " in pushed.stdout and "in one commit" in pushed.stdout
    commit = hub.repositories[NAME].refs["main"]
    assert f"next: photoclass predict PHOTOS --model hf:{NAME}@{commit}" in pushed.stdout
    assert hub.repositories[NAME].private
    here, there, again = (tmp_path / f"{name}.csv" for name in ("here", "there", "again"))
    sets = ("--coverage", "0.5")  # calibrated on predictions that are pushed without names
    done("predict", drawn_photos, "--model", run, *sets, "--out", here)
    first = done("predict", drawn_photos, "--model", f"hf:{NAME}", *sets, "--out", there)
    assert f"hf:{NAME}@{commit}: " in first.stderr and "licence not stated, downloading" in first.stderr
    assert there.read_bytes() == here.read_bytes()
    hub.status = 503
    second = done("predict", drawn_photos, "--model", f"hf:{NAME}@{commit}", *sets, "--out", again)
    assert "hf:" not in second.stderr and again.read_bytes() == here.read_bytes()
    score = done("evaluate", drawn_photos, "--model", f"hf:{NAME}", "--model", run).stdout
    assert "A" in score


def test_a_pushed_model_names_no_photo_and_no_path(run: Path, hub: FakeHub, access: HubAccess) -> None:
    pushed = push(run, f"hf:{NAME}", access=access)
    files = hub.repositories[NAME].commits[pushed.reference.revision]
    assert set(files) == {
        "model.onnx",
        "model.json",
        "README.md",
        "photos.csv",
        "valid_predictions.csv",
        "held_out_predictions.csv",
        "novelty.npz",
        "history.csv",
        "curves.png",
    }
    names = {path.name for path in Path(json.loads((run / "model.json").read_text())["training"]["data"]).rglob("*.*")}
    text = b"".join(content for name, content in files.items() if not name.endswith((".onnx", ".npz", ".png")))
    assert str(run.parent).encode() not in text and b'"data": null' in text
    assert names and not [name for name in names if name.encode() in text]
    rows = list(csv.DictReader(files["photos.csv"].decode().splitlines()))
    assert set(rows[0]) == {"sha256", "split", "label"}
    assert {"fingerprints.bin", "report.html"} <= set(pushed.left_out) | {"report.html"}
    for name in ("valid_predictions.csv", "held_out_predictions.csv"):
        kept = list(csv.DictReader(files[name].decode().splitlines()))
        assert kept and {row["file"] for row in kept} <= {row["sha256"] for row in rows}
    # In the order that a reader of the hub needs: one commit, so no reader sees half of it.
    assert len(hub.repositories[NAME].commits) == 2  # the first one is empty
    everything = push(run, f"hf:{NAME}", everything=True, access=access)
    assert "fingerprints.bin" in everything.files and not everything.left_out
    assert not any(name.startswith("resume") for name in everything.files)


def test_the_built_in_model_is_pushed_with_what_prediction_sets_and_scores_need(
    hub: FakeHub, access: HubAccess
) -> None:
    pushed = push(photoclass.builtin_model(), f"hf:{NAME}", access=access)
    assert {"photos.bin", "valid_predictions.csv", "held_out_predictions.csv"} <= set(pushed.files)
    files = hub.repositories[NAME].commits[pushed.reference.revision]
    assert files["valid_predictions.csv"] == (photoclass.builtin_model() / "valid_predictions.csv").read_bytes()
    assert files["photos.bin"] == (photoclass.builtin_model() / "photos.bin").read_bytes()


def test_a_model_is_downloaded_whole_or_not_at_all(run: Path, hub: FakeHub, access: HubAccess) -> None:
    push(run, f"hf:{NAME}", public=True, access=access)
    assert not hub.repositories[NAME].private
    hub.fails_at, hub.fails_with = "novelty.npz", 403
    with pytest.raises(ModelError):
        download_model(f"hf:{NAME}", access=access)
    offline = HubAccess(access.endpoint, access.cache, offline=True)
    with pytest.raises(ModelError, match="was not downloaded"):  # what has come is not taken for a whole folder
        download_model(f"hf:{NAME}", access=offline)
    hub.fails_at = ""
    folder = download_model(f"hf:{NAME}", access=access)
    assert folder == download_model(f"hf:{NAME}", access=offline)
    assert photoclass.load_info(folder).class_names == photoclass.load_info(run).class_names


def test_a_class_name_that_was_changed_on_the_way_is_noticed(run: Path, hub: FakeHub, access: HubAccess) -> None:
    push(run, f"hf:{NAME}", access=access)
    hub.changed = (b'"cat"', b'"cow"')
    with pytest.raises(ModelError, match=r"model\.json is damaged, for its checksum is not [0-9a-f]{40}; it"):
        download_model(f"hf:{NAME}", access=access)
    hub.changed = None
    assert photoclass.load_info(download_model(f"hf:{NAME}", access=access)).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf:me", "hf:me: is not a name on the hub; give hf:OWNER/REPO[@REVISION]"),
        ("hf:me/cats:model.onnx", "names a file, but a whole model folder is used here"),
        ("hf:me/../cats", "is not a name on the hub"),
        ("hf:me/a--b", "have neither '..' nor '--'"),
        ("hf://me/cats", "is not a name on the hub"),
    ],
    ids=["no repository", "a file", "dots", "dashes", "slashes"],
)
def test_a_name_that_is_none_is_refused(name: str, message: str, hub: FakeHub, access: HubAccess) -> None:
    with pytest.raises(SettingsError) as refused:
        download_model(name, access=access)
    assert message in str(refused.value)
    assert not hub.requests


def test_a_name_where_a_folder_is_wanted_is_explained() -> None:
    with pytest.raises(
        ModelError, match=r"hf:me/cats: is a name on the hub; get its folder first, with photoclass\.down"
    ):
        photoclass.load_info(f"hf:{NAME}")


def test_what_is_no_model_folder_is_refused(run: Path, hub: FakeHub, access: HubAccess) -> None:
    hub.add(NAME, {"model.onnx": b"x" * 2000, "config.json": b"{}"})
    with pytest.raises(ModelError, match=r"hf:me/cats: is not a model folder of photoclass \(model.json or model.onnx"):
        download_model(f"hf:{NAME}", access=access)
    files = {name: (run / name).read_bytes() for name in ("model.onnx", "model.json")}
    hub.add(NAME, {**files, "model.onnx": files["model.onnx"][:-1] + b"!"})
    with pytest.raises(ModelError, match=r"hf:me/cats: .*missing, damaged or replaced"):
        download_model(f"hf:{NAME}", access=access)


@pytest.mark.parametrize(
    ("fails_at", "status", "message"),
    [
        ("PUT /lfs/", 403, "refuses access (403)"),
        ("/commit/", 500, "out of order or busy (500)"),
        ("/api/repos/create", 500, "out of order or busy (500)"),
    ],
    ids=["upload", "commit", "create"],
)
def test_a_push_that_fails_leaves_no_half_model(
    fails_at: str, status: int, message: str, run: Path, hub: FakeHub, access: HubAccess
) -> None:
    hub.fails_at, hub.fails_with = fails_at, status
    with pytest.raises(OutputError) as refused:
        push(run, f"hf:{NAME}", access=access)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value) and str(refused.value).startswith(f"hf:{NAME}: ")
    assert not [
        name for repository in hub.repositories.values() for files in repository.commits.values() for name in files
    ]


def test_push_refuses_what_cannot_work_in_one_line(run: Path, hub: FakeHub, access: HubAccess, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="a commit cannot be changed"):
        push(run, f"hf:{NAME}@{'0' * 40}", access=access)
    with pytest.raises(SettingsError, match="HF_HUB_OFFLINE is set, so nothing can be uploaded"):
        push(run, f"hf:{NAME}", access=HubAccess(access.endpoint, access.cache, offline=True))
    with pytest.raises(ModelError, match="no such model folder"):
        push(tmp_path / "absent", f"hf:{NAME}", access=access)
    with pytest.raises(SettingsError, match="is not a name on the hub"):
        push(run, "me/cats", access=access)
    assert not hub.requests
    hub.add(NAME, {})
    with pytest.raises(OutputError, match="no revision 'dev'"):
        push(run, f"hf:{NAME}@dev", access=access)
    failed = run_command("push", tmp_path / "absent", f"hf:{NAME}")
    assert failed.returncode == 1 and failed.stderr.count("\n") == 1
