"""A backbone from the hub: one ONNX file of a repository, and what it expects of its photos."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from photoclass.errors import ModelError
from photoclass.hub.access import HubAccess, usual_access
from photoclass.hub.preprocessing import PREPROCESSOR_FILE, Preprocessing, read_preprocessing
from photoclass.hub.reference import HubReference
from photoclass.hub.snapshot import Snapshot, open_snapshot
from photoclass.progress import Progress
from photoclass.text import describe_bytes

_ENDING = ".onnx"
# The usual names, the first before the others: of a network for photos and texts, only the part for photos.
_USUAL_NAMES = ("vision_model.onnx", "model.onnx")
_MOST_CONFIG_BYTES = 1_000_000
_MOST_NAMED = 6


@dataclass(frozen=True)
class HubBackbone:
    """A backbone on this disk.

    Attributes:
        reference: Its repository at one commit, with the file: what `model.json` keeps.
        path: The ONNX file.
        preprocessing: What its repository says of its input; empty where that was not asked for, or is not said.
        licence: What the model card says of it, such as `licence apache-2.0`; empty where the hub was not asked.
    """

    reference: HubReference
    path: Path
    preprocessing: Preprocessing
    licence: str = ""


def fetch_backbone(
    asked: HubReference,
    progress: Progress,
    *,
    most_bytes: int,
    with_preprocessing: bool,
    access: HubAccess | None = None,
) -> HubBackbone:
    """Find a backbone on this disk, or download it, having said its size and licence.

    Args:
        asked: The repository, and perhaps a revision and a file.
        progress: Receives reports.
        most_bytes: The largest ONNX file that can be used.
        with_preprocessing: Whether to read the repository's `preprocessor_config.json`, if it has one.
        access: How the hub is reached; by default as the environment says.

    Raises:
        MissingPackageError: huggingface_hub is not installed.
        ModelError: The repository has no such file, or cannot be reached.
    """

    def suffices(names: Collection[str]) -> bool:
        return asked.file in names if asked.file else any(name.endswith(_ENDING) for name in names)

    wanted = [PREPROCESSOR_FILE] if with_preprocessing else []
    snapshot = open_snapshot(asked, access or usual_access(), progress, suffices, wanted)
    name = _choose_file(snapshot)
    _say(snapshot, name, progress)
    preprocessing = Preprocessing()
    config = PREPROCESSOR_FILE if with_preprocessing and PREPROCESSOR_FILE in snapshot.files else ""
    if config:
        path = snapshot.fetch(config, progress, _MOST_CONFIG_BYTES)
        preprocessing = read_preprocessing(path, f"{replace(snapshot.asked, file='')}: {config}")
    path = snapshot.fetch(name, progress, most_bytes)
    snapshot.remember()
    return HubBackbone(
        snapshot.reference.pinned(snapshot.reference.revision, name), path, preprocessing, snapshot.licence
    )


def _choose_file(snapshot: Snapshot) -> str:
    """Return the file that was named, the only one, or the one of a usual name.

    Raises:
        ModelError: There is no such file, or several could be meant.
    """
    asked = snapshot.asked
    networks = sorted(name for name in snapshot.files if name.endswith(_ENDING))
    some = ", ".join(networks[:_MOST_NAMED]) + (
        f" and {len(networks) - _MOST_NAMED} more" * (len(networks) > _MOST_NAMED)
    )
    if asked.file:
        if asked.file not in snapshot.files:
            raise ModelError(f"{asked}: has no file {asked.file}; its ONNX files: {some or 'none'}")
        return asked.file
    if not networks:
        raise ModelError(
            f"{asked}: has no ONNX file; choose a repository that has one, such as its conversion by onnx-community"
        )
    for usual in _USUAL_NAMES:
        named = [name for name in networks if PurePosixPath(name).name == usual]
        if len(named) == 1:
            return named[0]
    if len(networks) == 1:
        return networks[0]
    raise ModelError(f"{asked}: has several ONNX files; choose one, as in {asked}:{networks[0]}; there are: {some}")


def _say(snapshot: Snapshot, name: str, progress: Progress) -> None:
    """Say what is used before it is downloaded: the commit, the file, its size and its licence."""
    size = snapshot.files[name].size
    parts = [
        f"{snapshot.reference}: {name}" if name != snapshot.reference.file else str(snapshot.reference),
        describe_bytes(size) if size is not None else "size unknown",
        snapshot.licence,
        "on this disk already" if snapshot.has(name) else "downloading",
    ]
    progress.say(", ".join(part for part in parts if part))
