"""What `hf:OWNER/REPO[@REVISION][:FILE]` names: a repository on the hub, a revision of it, a file in it."""

import dataclasses
import re
from dataclasses import dataclass

from photoclass.errors import SettingsError

PREFIX = "hf:"
DEFAULT_REVISION = "main"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_PATTERN = re.compile(
    rf"{PREFIX}(?P<repository>{_NAME}/{_NAME})(@(?P<revision>[A-Za-z0-9][A-Za-z0-9._/-]*))?(:(?P<file>[^:\\]+))?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHOWN_DIGITS = 12


@dataclass(frozen=True)
class HubReference:
    """A repository on the hub.

    Attributes:
        repository: `OWNER/REPO`.
        revision: A branch, a tag or a commit; empty for the branch `main`.
        file: A file in it; empty where none is named.
    """

    repository: str
    revision: str = ""
    file: str = ""

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return f"{PREFIX}{self.repository}{revision}" + (f":{self.file}" if self.file else "")

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a full commit, which can never mean anything else."""
        return _COMMIT.fullmatch(self.revision) is not None

    def pinned(self, commit: str, file: str = "") -> "HubReference":
        """Return a reference to one commit, and to a file in it."""
        return dataclasses.replace(self, revision=commit, file=file or self.file)


def is_hub_reference(text: str) -> bool:
    """Return whether a text names something on the hub, rightly spelled or not."""
    return text.casefold().startswith(PREFIX)


def parse_reference(text: str, *, takes_file: bool) -> HubReference:
    """Parse a reference.

    Args:
        text: Such as `hf:onnx-community/dinov2-small@main:onnx/model.onnx`.
        takes_file: Whether it may name a file.

    Raises:
        SettingsError: It is not one.
    """
    match = _PATTERN.fullmatch(text)
    wanted = f"{PREFIX}OWNER/REPO[@REVISION]{'[:FILE.onnx]' if takes_file else ''}"
    if match is None:
        raise SettingsError(f"{text}: is not a name on the hub; give {wanted}")
    if match["file"] and not takes_file:
        raise SettingsError(f"{text}: names a file, but a whole model folder is used here; give {wanted}")
    if ".." in text or "--" in match["repository"]:
        raise SettingsError(f"{text}: names on the hub have neither '..' nor '--'; give {wanted}")
    return HubReference(match["repository"], match["revision"] or "", match["file"] or "")


def short_commit(commit: str) -> str:
    """Return the first digits of a commit, enough to tell it from others."""
    return commit[:_SHOWN_DIGITS]
