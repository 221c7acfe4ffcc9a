"""A model folder from the hub, as `--model hf:OWNER/REPO` names it."""

from collections.abc import Collection
from pathlib import Path

from photoclass.errors import ModelError
from photoclass.hub.access import HubAccess, usual_access
from photoclass.hub.reference import parse_reference
from photoclass.hub.snapshot import open_snapshot
from photoclass.model.folder import FILES, INFO_FILE, MAX_MODEL_BYTES, NETWORK_FILE, load_info, read_onnx
from photoclass.text import describe_bytes, plural
from photoclass.workspace import Workspace

# Of a model folder, what using it needs. The last file to come, `model.json`, says that the others are there.
_FIRST = [name for name in FILES if name != INFO_FILE and not name.endswith("/")]


def download_model(name: str, *, workspace: Workspace | None = None, access: HubAccess | None = None) -> Path:
    """Return a model folder from the hub, downloaded unless it is on this disk already.

    Only the files of a model folder are fetched, and `model.onnx` is checked against `model.json`. A commit that was
    downloaded once is used without the network from then on; a branch or a tag is asked for, and where the hub does not
    answer, the commit that it stood for before is used, which is reported.

    Args:
        name: `hf:OWNER/REPO[@REVISION]`.
        workspace: Receives progress reports; `Workspace()` when None.
        access: How the hub is reached; by default as HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE say.

    Returns:
        The folder, in the cache of the hub. It is not to be written to.

    Raises:
        MissingPackageError: huggingface_hub is not installed.
        ModelError: There is no such model folder, or it cannot be downloaded.
        SettingsError: The name is not of that form.
    """
    asked = parse_reference(name, takes_file=False)
    progress = (workspace or Workspace()).progress

    def suffices(names: Collection[str]) -> bool:
        return INFO_FILE in names and NETWORK_FILE in names

    snapshot = open_snapshot(asked, access or usual_access(), progress, suffices)
    if not suffices(snapshot.files):
        raise ModelError(
            f"{asked}: is not a model folder of photoclass ({INFO_FILE} or {NETWORK_FILE} is missing); as a backbone, "
            "an ONNX file is given to train with --backbone"
        )
    wanted = [file for file in (*_FIRST, INFO_FILE) if file in snapshot.files]
    missing = [file for file in wanted if not snapshot.has(file)]
    if missing:
        size = sum(snapshot.files[file].size or 0 for file in missing)
        progress.say(
            f"{snapshot.reference}: {plural(len(missing), 'file')}, {describe_bytes(size)}, "
            f"{snapshot.licence}, downloading"
        )
    for file in wanted:
        path = snapshot.fetch(file, progress, MAX_MODEL_BYTES)
    folder = path.parent
    try:
        read_onnx(folder, load_info(folder))
    except ModelError as error:
        raise ModelError(f"{asked}: {error}") from error
    snapshot.remember()
    return folder
