"""One commit of a repository on the hub: what it has, and its files, each downloaded once."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from photoclass.atomic import atomic_text
from photoclass.errors import ModelError
from photoclass.hub.access import LIBRARY, LIBRARY_VERSION, HubAccess, import_hub
from photoclass.hub.faults import HubUnreachableError, hub_faults
from photoclass.hub.progress_bar import progress_bar
from photoclass.hub.reference import DEFAULT_REVISION, HubReference, short_commit
from photoclass.progress import Progress
from photoclass.text import describe_bytes

_SHA256_DIGITS, _GIT_DIGITS = 64, 40


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository.

    Attributes:
        name: Its path there.
        size: In bytes; None where unknown.
        checksum: Of a large file the SHA-256, 64 digits; of a small one the id that git gives its content, 40 digits;
            empty where the hub gives neither.
    """

    name: str
    size: int | None
    checksum: str = ""


@dataclass(frozen=True)
class Snapshot:
    """One commit of a repository.

    Attributes:
        access: How the hub is reached.
        asked: What the user named, for messages.
        reference: The same, at this commit.
        files: By name; of a snapshot that is only on this disk, those that were downloaded.
        licence: What its model card says of the licence, as it is shown; empty where the hub was not asked.
        is_local: Whether the hub was not asked.
    """

    access: HubAccess
    asked: HubReference
    reference: HubReference
    files: dict[str, RemoteFile]
    licence: str = ""
    is_local: bool = False

    def has(self, name: str) -> bool:
        """Return whether a file is on this disk."""
        return (_folder(self.access, self.reference) / name).is_file()

    def fetch(self, name: str, progress: Progress, most_bytes: int) -> Path:
        """Return a file's path on this disk; download it first where it is not there yet.

        Raises:
            ModelError: It cannot be downloaded, or is not what the hub has under its name.
        """
        path = _folder(self.access, self.reference) / name
        file = self.files[name]
        if not path.is_file():
            self._check_size(file, most_bytes)
            self._download(file, progress)
        if path.stat().st_size > most_bytes:
            raise self._too_large(file, path.stat().st_size, most_bytes)
        self._check_content(path, file)
        return path

    def remember(self) -> None:
        """Note for work without the hub which commit the branch or tag stood for; once all its files are there."""
        if self.asked.is_pinned or self.is_local:
            return
        with hub_faults(self.asked, self.access), atomic_text(_ref_path(self.access, self.asked)) as stream:
            stream.write(self.reference.revision)

    def _download(self, file: RemoteFile, progress: Progress) -> None:
        hub, access = import_hub(), self.access
        with hub_faults(self.asked, access), progress_bar(progress, file.name, file.size) as bar:
            hub.hf_hub_download(
                self.reference.repository,
                file.name,
                revision=self.reference.revision,
                cache_dir=access.cache,
                endpoint=access.endpoint,
                etag_timeout=access.timeout,
                library_name=LIBRARY,
                library_version=LIBRARY_VERSION,
                tqdm_class=bar,
            )

    def _check_size(self, file: RemoteFile, most_bytes: int) -> None:
        if file.size is None:
            return
        if file.size > most_bytes:
            raise self._too_large(file, file.size, most_bytes)
        existing = next(folder for folder in (self.access.cache, *self.access.cache.parents) if folder.exists())
        free = shutil.disk_usage(existing).free
        if free < file.size:
            raise ModelError(
                f"{self.asked}: {file.name} takes {describe_bytes(file.size)}, and {self.access.cache} has "
                f"{describe_bytes(free)} left; free some space, or set HF_HOME to another disk"
            )

    def _too_large(self, file: RemoteFile, size: int, most_bytes: int) -> ModelError:
        return ModelError(
            f"{self.asked}: {file.name} takes {describe_bytes(size)}, more than the {describe_bytes(most_bytes)} that "
            "can be used; choose a smaller one"
        )

    def _check_content(self, path: Path, file: RemoteFile) -> None:
        """Compare a file with the checksum that the hub gives, or gave when it was downloaded.

        Raises:
            ModelError: They differ. The file is removed, so that the next use downloads it again.
        """
        wanted = file.checksum or _checksum_in_cache(path)
        if wanted and _checksum(path, len(wanted)) != wanted:
            blob = path.resolve()
            with hub_faults(self.asked, self.access):
                path.unlink()
                blob.unlink(missing_ok=True)
            raise ModelError(
                f"{self.asked}: {file.name} is damaged, for its checksum is not {wanted}; it was removed: run the same "
                "command to download it again"
            )


def open_snapshot(
    asked: HubReference,
    access: HubAccess,
    progress: Progress,
    suffices: Callable[[Collection[str]], bool],
    wanted: Collection[str] = (),
) -> Snapshot:
    """Find the commit that a reference stands for, and what it has.

    A commit whose files are on this disk is used without asking the hub. A branch or tag is asked for; if the hub does
    not answer, the commit that it stood for before is used, and that is reported, as is one that has moved.

    Args:
        asked: What the user named.
        access: How the hub is reached.
        progress: Receives reports.
        suffices: Whether files of these names, already on this disk, are enough to work with.
        wanted: Further files that the repository may have: without them the hub is asked, if it can be.

    Raises:
        ModelError: There is no such repository or revision, or it cannot be reached and was not downloaded before.
    """
    local = _local_snapshot(asked, access)
    usable = local if local is not None and suffices(local.files) else None
    if usable is not None and (access.offline or (asked.is_pinned and usable.files.keys() >= set(wanted))):
        return usable
    if access.offline:
        raise ModelError(
            f"{asked}: was not downloaded to {access.cache} before, and HF_HUB_OFFLINE is set; run once without it"
        )
    try:
        remote = _remote_snapshot(asked, access)
    except HubUnreachableError as error:
        if usable is None:
            raise
        reason = str(error).partition("; ")[0].removeprefix(f"{asked}: ")
        commit = short_commit(usable.reference.revision)
        progress.say(f"{asked}: {reason}; using commit {commit}, which was downloaded before")
        return usable
    if local is not None and local.reference.revision != remote.reference.revision:
        before, now = (short_commit(snapshot.reference.revision) for snapshot in (local, remote))
        progress.say(f"{asked}: has moved from commit {before}, which was used before, to {now}")
    return remote


def _remote_snapshot(asked: HubReference, access: HubAccess) -> Snapshot:
    with hub_faults(asked, access), _odd_answers():
        info = access.api().model_info(
            asked.repository, revision=asked.revision or None, files_metadata=True, timeout=access.timeout
        )
        reference = asked.pinned(str(info.sha))
        if not reference.is_pinned or (asked.is_pinned and reference != asked):
            raise ValueError("the answer is about no commit, or about another one")
        files = {
            file.rfilename: RemoteFile(file.rfilename, file.size, file.lfs.sha256 if file.lfs else file.blob_id or "")
            for file in info.siblings or ()
            if _stays_inside(file.rfilename)
        }
    return Snapshot(access, asked, reference, files, _describe_licence(info))


@contextlib.contextmanager
def _odd_answers() -> Iterator[None]:
    """Turn what the client raises on JSON that is not of a hub into a `ValueError`."""
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("not the answer of a hub") from error


def _stays_inside(name: str) -> bool:
    """Return whether a file's name cannot lead out of the folder of its repository; others are never taken."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name


def _describe_licence(info: Any) -> str:
    """Return a repository's licence; for a conversion that states none, what it was made from: its licence holds."""
    tags = [tag.removeprefix("license:") for tag in info.tags or () if tag.startswith("license:")]
    licence = getattr(info.card_data, "license", None) or (tags[0] if tags else "")
    if licence:
        return f"licence {licence}"
    base = getattr(info.card_data, "base_model", None)
    origin = f" (made from {base})" if isinstance(base, str) and base else ""
    return f"licence not stated{origin}"


def _local_snapshot(asked: HubReference, access: HubAccess) -> Snapshot | None:
    """Return what is on this disk of the commit that a reference stands for, or stood for; None if there is nothing."""
    commit = asked.revision
    if not asked.is_pinned:
        try:
            commit = _ref_path(access, asked).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
    reference = asked.pinned(commit)
    if not reference.is_pinned:
        return None
    folder = _folder(access, reference)
    files = {
        path.relative_to(folder).as_posix(): RemoteFile(path.relative_to(folder).as_posix(), path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file()
    }
    return Snapshot(access, asked, reference, files, is_local=True)


# The layout of the cache is documented in "Understand caching", https://huggingface.co/docs/huggingface_hub/guides/manage-cache.


def _folder(access: HubAccess, reference: HubReference) -> Path:
    return _repository_folder(access, reference) / "snapshots" / reference.revision


def _ref_path(access: HubAccess, reference: HubReference) -> Path:
    return _repository_folder(access, reference) / "refs" / (reference.revision or DEFAULT_REVISION)


def _repository_folder(access: HubAccess, reference: HubReference) -> Path:
    return access.cache / f"models--{reference.repository.replace('/', '--')}"


def _checksum_in_cache(path: Path) -> str:
    """Return the checksum that names a file's content in the cache; empty where nothing does."""
    name = Path(os.readlink(path)).name if path.is_symlink() else ""
    return name if len(name) in (_SHA256_DIGITS, _GIT_DIGITS) else ""


def _checksum(path: Path, digits: int) -> str:
    """Return a file's SHA-256, or the id of its content in git: the SHA-1 of its length and itself."""
    with open(path, "rb") as stream:
        if digits == _SHA256_DIGITS:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        content = stream.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
