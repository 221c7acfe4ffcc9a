"""`photos.bin`: the photos of the built-in model, without names, in an eighth of the space of `photos.csv`.

A line of JSON, `{"format": 1, "digest_bytes": 8, "photos": [["train", "cat", 8000], …]}`, and then, for each entry, as
many digests, sorted: the first bytes of the SHA-256 of each photo's file. Eight bytes tell a million photos from
20,000 others with one mistake in a billion; nothing about a photo can be learned from them by who does not have it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from photoclass.atomic import write_bytes
from photoclass.errors import ModelError
from photoclass.model.folder.files import HASHES_FILE
from photoclass.photos.table import SPLITS

DIGEST_BYTES = 8
_FORMAT = 1
_LONGEST_HEADER = 1 << 20


class PhotoSplits(Mapping[bytes, str]):
    """The split of each photo by the SHA-256 of its file, of which only the first bytes may be known.

    Args:
        splits: Split by digest; all digests are of one length.
    """

    def __init__(self, splits: Mapping[bytes, str]) -> None:
        self._splits = splits
        self._length = len(next(iter(splits), b""))

    def __getitem__(self, content: bytes) -> str:
        return self._splits[content[: self._length]]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._splits)

    def __len__(self) -> int:
        return len(self._splits)


def save_hashes(folder: Path, photos: Sequence[tuple[bytes, str, str]]) -> None:
    """Write `photos.bin` from the SHA-256, split and class of each photo."""
    rows = sorted((split, label, content[:DIGEST_BYTES]) for content, split, label in photos)
    counts = [[*kind, len(list(group))] for kind, group in groupby(rows, key=lambda row: row[:2])]
    header = json.dumps({"format": _FORMAT, "digest_bytes": DIGEST_BYTES, "photos": counts})
    write_bytes(folder / HASHES_FILE, header.encode() + b"\n" + b"".join(digest for _, _, digest in rows))


def load_hashes(folder: Path) -> list[tuple[bytes, str, str]]:
    """Read the start of the SHA-256, the split and the class of each photo.

    Raises:
        ModelError: The file is damaged, or of a newer format.
    """
    path = folder / HASHES_FILE
    try:
        with open(path, "rb") as stream:
            header = json.loads(stream.readline(_LONGEST_HEADER))
            digests = stream.read()
        version, length, counts = (header[key] for key in ("format", "digest_bytes", "photos"))
        if version != _FORMAT:
            raise ModelError(f"{path}: has format {version}, and this photoclass reads {_FORMAT}; update photoclass")
        if length not in range(1, 33) or any(count < 0 for *_, count in counts):
            raise ValueError("a number out of range")
        if len(digests) != length * sum(count for *_, count in counts):
            raise ValueError(f"{len(digests):,} bytes of digests do not fit its header")
        if not all(isinstance(label, str) and split in SPLITS for split, label, _ in counts):
            raise ValueError("an unknown split")
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error
    kinds = [(split, label) for split, label, count in counts for _ in range(count)]
    starts = range(0, len(digests), length)
    return [(digests[at : at + length], *kind) for at, kind in zip(starts, kinds, strict=True)]
