"""`push`: a model folder as a repository on the hub, in one commit, without what is private about its photos."""

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoclass.errors import SettingsError
from photoclass.hub.access import HubAccess, import_hub, usual_access
from photoclass.hub.faults import hub_faults
from photoclass.hub.reference import DEFAULT_REVISION, HubReference, parse_reference
from photoclass.model.card import write_card
from photoclass.model.folder import (
    CARD_FILE,
    CURVES_FILE,
    FILES,
    HASHES_FILE,
    HELD_OUT_PREDICTIONS_FILE,
    HISTORY_FILE,
    INFO_FILE,
    NETWORK_FILE,
    NOVELTY_FILE,
    PHOTOS_FILE,
    VALID_PREDICTIONS_FILE,
    ModelInfo,
    load_info,
    load_photos,
    load_predictions,
    read_onnx,
    save_model,
    save_nameless_photos,
    save_nameless_predictions,
)
from photoclass.paths import AnyPath
from photoclass.text import describe_bytes, plural
from photoclass.workspace import Workspace

SCHEMA = "photoclass/push/1"
# Files that say nothing of single photos but their SHA-256, class, split and prediction. `model.json`, `photos.csv` and
# the predictions are written again for the hub: without paths of this computer and without names of files.
_PUBLIC = (
    *(NETWORK_FILE, INFO_FILE, CARD_FILE, PHOTOS_FILE, HASHES_FILE, NOVELTY_FILE, HISTORY_FILE, CURVES_FILE),
    *(VALID_PREDICTIONS_FILE, HELD_OUT_PREDICTIONS_FILE),
)


@dataclass(frozen=True)
class Pushed:
    """A model folder on the hub.

    Attributes:
        reference: Its repository, at the commit that was made; `--model` takes it.
        url: Its page.
        files: The files of that commit.
        size: Their size, in bytes.
        left_out: Files of the model folder that stayed here.
    """

    reference: HubReference
    url: str
    files: tuple[str, ...]
    size: int
    left_out: tuple[str, ...]

    def as_text(self) -> str:
        """Return lines for the terminal."""
        lines = [f"{self.url}: {plural(len(self.files), 'file')}, {describe_bytes(self.size)}, in one commit"]
        if self.left_out:
            lines.append(f"left out, since they show or name photos: {', '.join(self.left_out)}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "schema": SCHEMA,
            "model": str(self.reference),
            "url": self.url,
            "files": list(self.files),
            "bytes": self.size,
            "left_out": list(self.left_out),
        }


def push(
    run: AnyPath,
    to: str,
    *,
    public: bool = False,
    everything: bool = False,
    workspace: Workspace | None = None,
    access: HubAccess | None = None,
) -> Pushed:
    """Upload a model folder to the hub, as one commit. A repository that does not exist yet is made, a private one.

    Paths of this computer and names of photos are taken out. What shows photos or names them (thumbnails, the report,
    lists of files) stays here unless `everything` is asked for; the checkpoint stays in any case.

    Args:
        run: The model folder.
        to: `hf:OWNER/REPO`, or `hf:OWNER/REPO@BRANCH` for a branch that exists.
        public: Make a new repository public.
        everything: Also upload files that show photos or name them, as they are.
        workspace: Receives progress reports; `Workspace()` when None.
        access: How the hub is reached; by default as HF_ENDPOINT says.

    Raises:
        MissingPackageError: huggingface_hub is not installed.
        ModelError: `run` is not a model folder.
        OutputError: It could not be uploaded; no file of it is on the hub then.
        SettingsError: `to` is not of that form, or no request may be sent (HF_HUB_OFFLINE).
    """
    reference = parse_reference(to, takes_file=False)
    if reference.is_pinned:
        raise SettingsError(f"{to}: a commit cannot be changed; leave out @{reference.revision}, or name a branch")
    folder = Path(run)
    info = load_info(folder)
    onnx = read_onnx(folder, info)
    access, workspace = access or usual_access(), workspace or Workspace()
    if access.offline:
        raise SettingsError(f"{to}: HF_HUB_OFFLINE is set, so nothing can be uploaded; run without it")
    with tempfile.TemporaryDirectory(prefix="photoclass-push-") as made:
        paths = _files_to_push(folder, info, onnx, Path(made), everything)
        size = sum(path.stat().st_size for path in paths.values())
        workspace.say(
            f"uploading {plural(len(paths), 'file')}, {describe_bytes(size)}, to {access.endpoint} ({reference})"
        )
        commit, url = _upload(paths, reference, access, info, public)
    present = [name for name in FILES if (folder / name).exists() and not name.endswith("/")]
    left_out = tuple(name for name in present if name not in paths)
    return Pushed(reference.pinned(commit), url, tuple(paths), size, left_out)


def _files_to_push(folder: Path, info: ModelInfo, onnx: bytes, made: Path, everything: bool) -> dict[str, Path]:
    """Return the paths of the files to upload, by name; those that are written again are in `made`."""
    present = {name: folder / name for name in (*FILES, CARD_FILE) if (folder / name).is_file()}
    if everything:
        return present
    nameless = dataclasses.replace(info, training=dataclasses.replace(info.training, data=None, fixes=None))
    save_model(made, nameless, onnx)
    write_card(made, nameless)
    if PHOTOS_FILE in present or HASHES_FILE in present:
        photos = load_photos(folder)
        if PHOTOS_FILE in present:  # photos.bin has no names
            save_nameless_photos(made, photos)
        for split, name in (("valid", VALID_PREDICTIONS_FILE), ("held_out", HELD_OUT_PREDICTIONS_FILE)):
            predictions = load_predictions(folder, info, split)
            if predictions is not None:
                save_nameless_predictions(made, split, info, predictions, photos)
                present[name] = made / name
    return {name: made / name if (made / name).exists() else path for name, path in present.items() if name in _PUBLIC}


def _upload(
    paths: dict[str, Path], reference: HubReference, access: HubAccess, info: ModelInfo, public: bool
) -> tuple[str, str]:
    """Make the repository where there is none, and commit the files; return the commit and the address of its page."""
    hub = import_hub()
    api = access.api()
    with hub_faults(reference, access, uploads=True):
        url = api.create_repo(reference.repository, private=not public, exist_ok=True)
        commit = api.create_commit(
            reference.repository,
            [hub.CommitOperationAdd(name, path) for name, path in paths.items()],
            commit_message=f"photoclass {info.photoclass_version}: {info.recipe}, {' or '.join(info.class_names[:5])}",
            revision=reference.revision or DEFAULT_REVISION,
        )
    return str(commit.oid), str(url)
