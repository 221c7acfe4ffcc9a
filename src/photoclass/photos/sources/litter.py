"""Files beside the photos: what they are by name, and whether one that is no photo by name holds a picture."""

from photoclass.photos.sources import rules

_KINDS = {ending: kind for kind, endings in rules.BESIDE_PHOTOS.items() for ending in endings.split()}

_STARTS_OF_LITTER = frozenset("." + "".join(start[0] + start[0].upper() for start in rules.SYSTEM_STARTS))
_HEAD_BYTES = 32
_STARTS_OF_PICTURES = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG\r\n\x1a\n": ".png",
    **dict.fromkeys((b"GIF87a", b"GIF89a"), ".gif"),
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), ".tif"),  # TIFF and BigTIFF
}
_BRANDS_OF_PICTURES = frozenset(
    {b"avif", b"avis", b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
)
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def litter_kind(name: str) -> str:
    """Return which kind of litter a file or folder is by its name, whatever it contains; empty if it is none."""
    if name.startswith("."):
        return rules.IN_ICLOUD if name.endswith(".icloud") else rules.HIDDEN
    folded = name.casefold()
    if folded in rules.SYSTEM_NAMES or folded.startswith(rules.SYSTEM_STARTS) or folded.endswith(rules.SYSTEM_ENDS):
        return rules.SYSTEM
    return ""


def has_photo_ending(name: str) -> bool:
    """Return whether a name ends as photos do."""
    return name[name.rfind(".") + 1 :].lower() in rules.PHOTO_ENDINGS and "." in name


def is_plainly_a_photo(name: str) -> bool:
    """Return at a glance whether a file of this name is a photo and no litter, as most are; False is no answer."""
    return name[0] not in _STARTS_OF_LITTER and name[name.rfind(".") + 1 :].lower() in rules.PHOTO_ENDINGS


def kind_by_ending(name: str) -> str:
    """Return what a file is by its ending, such as `sidecar files (json)`; empty if it may be a photo.

    A file with an unknown ending, or with none, may be a photo.
    """
    name = name.casefold()
    for ending in rules.BACKUP_ENDS:
        name = name.removesuffix(ending)
    if name in rules.TEXT_NAMES:
        return "text files"
    _, dot, ending = name.rpartition(".")
    kind = _KINDS.get(ending, "") if dot else ""
    return f"{kind} ({ending})" if kind else ""


def holds_picture(path: str) -> bool:
    """Return whether a file begins as a picture does, whatever its name says; False if it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as stream:
            head = stream.read(_HEAD_BYTES) or b""
    except OSError:
        return False
    return bool(ending_of_picture(head))


def ending_of_picture(head: bytes) -> str:
    """Return the ending, such as `.jpg`, of a picture that begins in this way; empty if it begins as none does.

    Args:
        head: Its first bytes, at least 32 if it has so many.
    """
    for start, ending in _STARTS_OF_PICTURES.items():
        if head.startswith(start):
            return ending
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ".webp"
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS_OF_PICTURES:
        return ".avif" if head[8:12].startswith(b"avi") else ".heic"
    return ".bmp" if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES else ""
