"""What no archive may hold: names that lead outside of it, and more than a file of its size can honestly hold."""

import re

from photoclass.errors import ArchiveError

# Photos hardly compress. An archive that would grow by more than this factor, beyond an allowance, is a bomb.
_MAX_GROWTH = 20
_GROWTH_ALLOWANCE_BYTES = 256 << 20
LONGEST_NAME_BYTES = 255  # of a file or folder, on the file systems of Linux, macOS and Windows
_DRIVE = re.compile(r"[A-Za-z]:")


def unpack_it(kind: str) -> str:
    """Return what to do with an archive that is refused as unsafe."""
    return f"the {kind} is refused. If you trust it, unpack it yourself and give the folder"


def safe_parts(where: str, name: str, kind: str) -> tuple[str, ...]:
    """Return the folders and the name of a member; `kind` is what the archive is called: `zip` or `tar`.

    Raises:
        ArchiveError: The name leads outside the archive, or is too long for a file.
    """
    if name.startswith(("/", "\\")) or _DRIVE.match(name) or ".." in re.split(r"[/\\]", name):
        raise ArchiveError(f"{where}: the name {name!r} leads outside the {kind}; {unpack_it(kind)}")
    if "\0" in name:
        raise ArchiveError(f"{where}: the name {name!r} has a NUL byte; create the {kind} again")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    for part in parts:
        length = len(part.encode(errors="surrogatepass"))
        if length > LONGEST_NAME_BYTES:
            raise ArchiveError(
                f"{where}: the name {part[:40]!r}… is {length:,} bytes long; at most {LONGEST_NAME_BYTES} can be "
                f"unpacked; shorten it and create the {kind} again"
            )
    return parts


def refuse_bomb(where: str, packed: int, unpacked: int, kind: str) -> None:
    """Refuse an archive that grows as none of photos does; both sizes are in bytes.

    Raises:
        ArchiveError: It does.
    """
    if unpacked > _GROWTH_ALLOWANCE_BYTES + _MAX_GROWTH * packed:
        raise ArchiveError(bomb(where, packed, unpacked, kind))


def bomb(where: str, packed: int, unpacked: int, kind: str) -> str:
    """Return the message for a bomb."""
    return (
        f"{where}: would grow from {packed:,} to {unpacked:,} bytes, as a {kind} bomb does, so it is refused. "
        "If you trust it, unpack it yourself and give the folder"
    )
