"""A backbone from the hub: chosen, said, downloaded once, pinned; every fault of a hub is one line."""

import errno
import json
import re
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from fake_hub import FakeHub
from photoclass.errors import MissingPackageError, ModelError, PhotoclassError
from photoclass.hub.access import HubAccess
from photoclass.hub.backbone import HubBackbone, fetch_backbone
from photoclass.hub.download_model import download_model
from photoclass.hub.reference import parse_reference
from tiny_networks import tiny_network

NAME = "onnx-community/tiny"
NETWORK = tiny_network().SerializeToString()
CONFIG = json.dumps({"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}).encode()
FILES = {"onnx/model.onnx": NETWORK, "preprocessor_config.json": CONFIG, "README.md": b"# tiny", "model.py": b"raise"}


class _Lines:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def task(self, *arguments: Any, **options: Any) -> Any:
        from photoclass.progress import SILENT

        return SILENT.task(*arguments, **options)


def _fetch(access: HubAccess, name: str = f"hf:{NAME}", lines: _Lines | None = None, **options: Any) -> HubBackbone:
    chosen = {"most_bytes": 1 << 30, "with_preprocessing": True, **options}
    return fetch_backbone(parse_reference(name, takes_file=True), lines or _Lines(), access=access, **chosen)


def _nothing_half_kept(access: HubAccess) -> None:
    """Assert that no file of the cache is a part of one."""
    for path in access.cache.rglob("*"):
        assert not path.name.endswith((".incomplete", ".part")), path
        if path.parent.name == "blobs" and path.is_file():
            assert path.read_bytes() in FILES.values(), path


def test_a_backbone_is_said_downloaded_and_pinned(hub: FakeHub, access: HubAccess) -> None:
    commit = hub.add(NAME, FILES)
    lines = _Lines()
    found = _fetch(access, lines=lines)
    assert str(found.reference) == f"hf:{NAME}@{commit}:onnx/model.onnx"
    assert found.path.read_bytes() == NETWORK
    assert (found.preprocessing.size, found.preprocessing.mean, found.licence) == (32, (0.5,) * 3, "licence apache-2.0")
    assert lines.lines == [f"hf:{NAME}@{commit}: onnx/model.onnx, 1.2 KB, licence apache-2.0, downloading"]
    # Nothing but what is needed, and no telemetry.
    assert sorted(hub.downloads) == [f"{commit}/onnx/model.onnx", f"{commit}/preprocessor_config.json"]
    assert all(
        agent.startswith(f"photoclass/{version('photoclass')};") and "torch" not in agent for agent in hub.agents
    )
    again = _Lines()
    assert _fetch(access, lines=again).path == found.path
    assert again.lines[0].endswith("licence apache-2.0, on this disk already")
    assert len(hub.downloads) == 2


def test_a_conversion_without_a_licence_names_what_it_was_made_from(hub: FakeHub, access: HubAccess) -> None:
    hub.add(NAME, FILES, licence="")
    assert _fetch(access).licence == "licence not stated"
    hub.repositories[NAME].base_model = "facebook/dinov2-small"
    assert _fetch(access).licence == "licence not stated (made from facebook/dinov2-small)"


def test_what_was_downloaded_works_offline(hub: FakeHub, access: HubAccess) -> None:
    commit = hub.add(NAME, FILES)
    found = _fetch(access)
    asked = len(hub.requests)
    offline = HubAccess(access.endpoint, access.cache, offline=True)
    for name in (f"hf:{NAME}", f"hf:{NAME}@main", f"hf:{NAME}@{commit}", str(found.reference)):
        assert _fetch(offline, name).path == found.path
        assert _fetch(offline, name).preprocessing == found.preprocessing
    assert _fetch(access, str(found.reference)).path == found.path  # a commit that is here is not asked for
    assert len(hub.requests) == asked
    with pytest.raises(
        ModelError, match=r"hf:o/other: was not downloaded to .*HF_HUB_OFFLINE is set; run once without"
    ):
        _fetch(offline, "hf:o/other")


def test_a_hub_that_is_gone_is_replaced_by_what_was_downloaded_and_that_is_said(
    hub: FakeHub, access: HubAccess
) -> None:
    commit = hub.add(NAME, FILES)
    found = _fetch(access)
    hub.status = 503
    lines = _Lines()
    assert _fetch(access, lines=lines).path == found.path
    using = f"using commit {commit[:12]}, which was downloaded before"
    assert lines.lines[0] == f"hf:{NAME}: {hub.endpoint} is out of order or busy (503); {using}"
    nowhere = HubAccess("http://127.0.0.1:9", access.cache, timeout=1)
    lines = _Lines()
    assert _fetch(nowhere, lines=lines).path == found.path
    assert "does not answer" in lines.lines[0]


def test_a_branch_that_moved_is_said_and_a_commit_never_moves(hub: FakeHub, access: HubAccess) -> None:
    before = hub.add(NAME, FILES)
    pinned = _fetch(access).reference
    other = tiny_network(ends_in="maps").SerializeToString()
    after = hub.repositories[NAME].commit({"onnx/model.onnx": other})
    lines = _Lines()
    assert _fetch(access, lines=lines).path.read_bytes() == other
    assert lines.lines[0] == f"hf:{NAME}: has moved from commit {before[:12]}, which was used before, to {after[:12]}"
    assert _fetch(access, str(pinned)).path.read_bytes() == NETWORK


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["net.onnx"], "net.onnx"),
        (["onnx/model.onnx", "onnx/model_fp16.onnx", "onnx/model_int8.onnx"], "onnx/model.onnx"),
        (["onnx/model.onnx", "onnx/text_model.onnx", "onnx/vision_model.onnx"], "onnx/vision_model.onnx"),
    ],
    ids=["only", "usual", "photos and texts"],
)
def test_the_file_that_is_meant_is_taken(names: list[str], chosen: str, hub: FakeHub, access: HubAccess) -> None:
    hub.add(NAME, dict.fromkeys(names, NETWORK))
    assert _fetch(access).reference.file == chosen
    assert _fetch(access, f"hf:{NAME}:{names[-1]}").reference.file == names[-1]


@pytest.mark.parametrize(
    ("files", "name", "message"),
    [
        (
            ["a.onnx", "b.onnx"],
            "",
            "has several ONNX files; choose one, as in hf:onnx-community/tiny:a.onnx; there are: a",
        ),
        (["a.safetensors"], "", "has no ONNX file; choose a repository that has one"),
        (["a.onnx"], ":b.onnx", "has no file b.onnx; its ONNX files: a.onnx"),
        (["a.onnx"], "@v2", "the repository has no revision 'v2'"),
    ],
    ids=["several", "none", "another", "revision"],
)
def test_a_file_that_cannot_be_meant_is_refused(
    files: list[str], name: str, message: str, hub: FakeHub, access: HubAccess
) -> None:
    hub.add(NAME, dict.fromkeys(files, NETWORK))
    with pytest.raises(ModelError) as refused:
        _fetch(access, f"hf:{NAME}{name}")
    assert message in str(refused.value) and "\n" not in str(refused.value)
    assert not hub.downloads


def _silent(hub: FakeHub) -> None:
    hub.silent = True


def _out_of_order(hub: FakeHub) -> None:
    hub.status = 500


def _cut_short(hub: FakeHub) -> None:
    hub.bytes_sent = 700


def _damaged(hub: FakeHub) -> None:
    hub.wrong_content = True


def _no_hub(hub: FakeHub) -> None:
    hub.says = "<html>Welcome</html>"


def _gated(hub: FakeHub) -> None:
    hub.repositories[NAME].gated = True


def _absent(hub: FakeHub) -> None:
    hub.repositories.clear()


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (_silent, r"does not answer \(.*\); check the connection and HF_ENDPOINT, or set HF_HUB_OFFLINE=1"),
        (_out_of_order, r"is out of order or busy \(500\); try again later"),
        (_cut_short, r"(cut short|does not answer|cannot be downloaded)"),
        (_damaged, r"onnx/model.onnx is damaged, for its checksum is not .*run the same command to download it again"),
        (_no_hub, r"does not answer as a hub does; check HF_ENDPOINT"),
        (_gated, r"is gated; accept its terms on http://127.0.0.1:\d+/onnx-community/tiny, and log in"),
        (_absent, r"no such repository at http://127.0.0.1:\d+, or a private one; log in"),
    ],
    ids=["silent", "500", "cut short", "damaged", "no hub", "gated", "absent"],
)
def test_fault_77_each_fault_of_the_hub_is_one_line_and_nothing_is_half_kept(
    break_it: Callable[[FakeHub], None], message: str, hub: FakeHub, access: HubAccess
) -> None:
    hub.add(NAME, FILES)
    break_it(hub)
    with pytest.raises(ModelError, match=message) as refused:
        _fetch(access, with_preprocessing=False)
    assert "\n" not in str(refused.value) and str(refused.value).startswith(f"hf:{NAME}: ")
    _nothing_half_kept(access)
    hub.silent, hub.status, hub.bytes_sent, hub.wrong_content, hub.says = False, 0, None, False, ""
    hub.add(NAME, FILES)
    assert _fetch(access).path.read_bytes() == NETWORK  # the same command works again


def test_a_connection_that_breaks_and_comes_back_gives_the_whole_file(hub: FakeHub, access: HubAccess) -> None:
    hub.add(NAME, FILES)
    hub.bytes_sent, hub.mends_after = 700, 2
    assert _fetch(access, with_preprocessing=False).path.read_bytes() == NETWORK
    assert len(hub.downloads) == 2


def test_a_file_that_does_not_fit_is_not_downloaded(
    hub: FakeHub, access: HubAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(NAME, FILES)
    with pytest.raises(ModelError, match=r"onnx/model\.onnx takes 1\.2 KB, more than the 1\.0 KB that can be used"):
        _fetch(access, most_bytes=1000, with_preprocessing=False)
    usage = type("usage", (), {"free": 500})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ModelError, match=r"onnx/model.onnx takes 1\.2 KB, and .* has 500 bytes left; free some space"):
        _fetch(access, with_preprocessing=False)
    assert not hub.downloads


def test_a_disk_that_fills_up_or_cannot_be_written_is_one_line(
    hub: FakeHub, access: HubAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(NAME, FILES)

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.file_download.http_get", full)
        with pytest.raises(ModelError, match=r"no space left for it in .*; free some, or set HF_HOME to another disk"):
            _fetch(access)
    _nothing_half_kept(access)
    (access.cache.parent / "file").write_text("")
    with pytest.raises(ModelError, match=r"cannot be written \(Not a directory\); set HF_HOME to a folder that can"):
        _fetch(HubAccess(access.endpoint, access.cache.parent / "file" / "hub"))


def test_a_file_damaged_in_the_cache_is_found_offline_and_fetched_again(hub: FakeHub, access: HubAccess) -> None:
    hub.add(NAME, FILES)
    blob = _fetch(access).path.resolve()
    blob.write_bytes(NETWORK[:-1] + b"!")
    offline = HubAccess(access.endpoint, access.cache, offline=True)
    with pytest.raises(ModelError, match="is damaged, for its checksum is not"):
        _fetch(offline)
    assert _fetch(access).path.read_bytes() == NETWORK


def test_the_answer_about_another_commit_is_refused(hub: FakeHub, access: HubAccess) -> None:
    commit = hub.add(NAME, FILES)
    hub.repositories[NAME].commits["0" * 40] = {}
    hub.repositories[NAME].refs["f" * 40] = commit  # a branch that is named like a commit
    with pytest.raises(PhotoclassError, match="does not answer as a hub does"):
        _fetch(access, f"hf:{NAME}@{'f' * 40}")


@pytest.mark.parametrize(
    "answer",
    ["", "[1]", "{}", '{"sha": 5}', '{"sha": "../..", "siblings": []}', '{"sha": "x", "siblings": [1]}', "null"],
    ids=["nothing", "list", "empty", "number", "path", "no file", "null"],
)
def test_an_answer_that_is_none_of_a_hub_is_one_line(answer: str, hub: FakeHub, access: HubAccess) -> None:
    hub.says = answer or " "
    with pytest.raises(ModelError, match="does not answer as a hub does; check HF_ENDPOINT") as refused:
        _fetch(access)
    assert "\n" not in str(refused.value)


def test_names_that_lead_out_of_the_repository_are_not_taken(hub: FakeHub, access: HubAccess) -> None:
    (access.cache / "outside").mkdir(parents=True)
    (access.cache / "outside" / "model.onnx").write_bytes(NETWORK)
    outside = ["../../../outside/model.onnx", str(access.cache / "outside" / "model.onnx"), "..\\model.onnx"]
    hub.add(NAME, dict.fromkeys(outside, NETWORK))
    with pytest.raises(ModelError, match="has no ONNX file"):
        _fetch(access)


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    wanted = re.escape("a name on the hub (hf:) needs huggingface_hub; run: pip install 'photoclass[hub]'")
    with pytest.raises(MissingPackageError, match=wanted):
        download_model(f"hf:{NAME}")


def test_the_environment_is_obeyed(hub: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from photoclass.hub.access import usual_access

    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert usual_access() == HubAccess(hub.endpoint, tmp_path / "elsewhere", True, constants.HF_HUB_ETAG_TIMEOUT)
    assert constants.HF_HUB_DISABLE_TELEMETRY
