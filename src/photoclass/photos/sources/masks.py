"""Masks and thumbnails beside photos: noticed by name, known by content, and passed over.

Only files that by their names belong to another photo are opened: `x.png` beside `x.jpg`, `x_mask.png`, `x_thumb.jpg`,
or a folder whose files are all called as those of another folder are, but with another ending.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.errors import DataError
from photoclass.photos.decode import Unreadable, decode_with_origin, read_file
from photoclass.photos.duplicates.fingerprint import fingerprint
from photoclass.photos.table import PassedOver, PhotoTable
from photoclass.text import plural

MASKS, THUMBNAILS = "masks", "thumbnails"
_WORDS = (
    "mask|masks|gt|groundtruth|ground_truth|seg|segmentation|label|labels|trimap|matte|annotation"
    "|thumb|thumbs|thumbnail|small|tn|preview"
)
_BY_NAME = re.compile(
    rf"(?:{_WORDS})[ _.-]+(?P<rest>.+)|(?P<stem>.+?)[ _.-]+(?:{_WORDS}|\d+x\d+)\d?", re.IGNORECASE | re.DOTALL
)
_SIZE = re.compile(r"\dx\d")
_MOST_COLOURS = 32  # that a mask has; a drawing or photo has more
_PEAKS, _PEAK_WIDTH, _LEAST_IN_PEAKS = 3, 12, 0.97  # grey levels of a mask that was saved as JPEG
_SAME_SHAPE = 0.03
_SMALLER, _SAME_PICTURE = 0.6, 0.95
_TRIED = 3  # files of a folder, before all are opened
_OPENED_SIDE = 256


@dataclass(frozen=True)
class _Picture:
    """What is known of an opened file.

    Attributes:
        width, height: As it was decoded, in pixels.
        side: Its longer side in the file.
        colours: How many colours it has, at most 33; a mask that was saved as JPEG counts its peaks.
        cells: Its fingerprint, as a row of mean 0 and length 1.
    """

    width: int
    height: int
    side: int
    colours: int
    cells: NDArray[np.float32]

    def is_mask_of(self, photo: "_Picture") -> bool:
        """Return whether this is a mask, and the other one of the same shape is none, nor the same picture."""
        shapes = self.width * photo.height, photo.width * self.height
        alike = abs(shapes[0] - shapes[1]) <= _SAME_SHAPE * max(shapes)
        return alike and self.colours <= _MOST_COLOURS < photo.colours and self._likeness(photo) < _SAME_PICTURE

    def is_thumbnail_of(self, photo: "_Picture") -> bool:
        """Return whether this is the same picture, and smaller."""
        return self.side <= _SMALLER * photo.side and self._likeness(photo) >= _SAME_PICTURE

    def _likeness(self, photo: "_Picture") -> float:
        return float(self.cells @ photo.cells)


def pass_over_masks(table: PhotoTable) -> PhotoTable:
    """Return the table without the masks and thumbnails of its other photos; they are counted and noted.

    Raises:
        DataError: All photos of a class are masks or thumbnails of others.
    """
    if _stand_alone(table.names):
        return table
    files = _Files.of(table)
    found: dict[int, tuple[str, int]] = {}
    for other, photo in (*files.in_one_folder(), *files.in_parallel_folders()):
        if other not in found and photo not in found and (kind := files.kind(other, photo)):
            found[other] = kind, photo
    if not found:
        return table
    kept = np.ones(len(table), dtype=np.bool_)
    kept[list(found)] = False
    _refuse_classes_of_masks(table, kept, found)
    notes, passed_over = [], []
    for kind in (MASKS, THUMBNAILS):
        pairs = [(other, photo) for other, (its_kind, photo) in found.items() if its_kind == kind]
        if pairs:
            example, owner = (table.names[row] for row in pairs[0])
            passed_over.append(PassedOver(kind, len(pairs), example))
            count = plural(len(pairs), kind.removesuffix("s"))
            names = (name.rpartition("/")[2] for name in (example, owner))
            notes.append(f"{count} beside photos passed over, such as {' beside '.join(names)}")
    selected = table.select(kept).with_passed_over(passed_over)
    return replace(selected, notes=(*selected.notes, *notes))


def _stand_alone(names: Sequence[str]) -> bool:
    """Return whether no file belongs to another by its name, as in most data sets: a glance, not a look at each."""
    parts = [name.rpartition(".") for name in names]
    if len({ending.lower() for _, _, ending in parts}) > 1 or len({stem for stem, _, _ in parts}) < len(parts):
        return False
    text = "\n".join(names).lower()
    return not any(word in text for word in _WORDS.split("|")) and not ("x" in text and _SIZE.search(text))


@dataclass(frozen=True)
class _Files:
    """The files of a table by folder and stem, and those that were opened.

    Attributes:
        table: The photos.
        folders: For each folder, for each stem, the files of this name.
        endings: The ending of each file, in lower case.
        opened: What is known of each opened file; None if it cannot be read.
    """

    table: PhotoTable
    folders: Mapping[str, Mapping[str, list[int]]]
    endings: list[str]
    opened: dict[int, _Picture | None]

    @classmethod
    def of(cls, table: PhotoTable) -> "_Files":
        folders: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        endings = []
        for row, name in enumerate(table.names):
            folder, _, file = name.rpartition("/")
            stem, dot, ending = file.rpartition(".")
            folders[folder][stem if dot else file].append(row)
            endings.append(ending.lower() if dot else "")
        return cls(table, folders, endings, {})

    def in_one_folder(self) -> Iterator[tuple[int, int]]:
        """Yield (a file, a photo that it may belong to): `x.png`, `x_mask.png` or `x_thumb.jpg` beside `x.jpg`."""
        for stems in self.folders.values():
            for stem, rows in stems.items():
                yield from ((other, photo) for other in rows for photo in rows if other != photo)
                if match := _BY_NAME.fullmatch(stem):
                    photos = stems.get(match["rest"] or match["stem"], ())
                    yield from ((other, photo) for other in rows for photo in photos)

    def in_parallel_folders(self) -> Iterator[tuple[int, int]]:
        """Yield (a file, a photo) of folders where all files of one are named like files of the other."""
        by_ending: dict[str, list[str]] = defaultdict(list)
        for folder, stems in self.folders.items():
            endings = {self.endings[row] for rows in stems.values() for row in rows}
            if len(endings) == 1:
                by_ending[endings.pop()].append(folder)
        for ending, folders in by_ending.items():
            others = [folder for other, named in by_ending.items() if other != ending for folder in named]
            for folder in folders:
                stems = self.folders[folder]
                for other in others:
                    photos = self.folders[other]
                    if len(stems) > 1 and next(iter(stems)) in photos and all(stem in photos for stem in stems):
                        pairs = [(rows[0], photos[stem][0]) for stem, rows in stems.items()]
                        if all(self.kind(*pair) for pair in pairs[:_TRIED]):
                            yield from pairs

    def kind(self, other: int, photo: int) -> str:
        """Return what a file is to a photo: MASKS, THUMBNAILS, or nothing."""
        mine = self._open(other)
        if mine is None or (theirs := self._open(photo)) is None:
            return ""
        if mine.is_mask_of(theirs):
            return MASKS
        return THUMBNAILS if mine.is_thumbnail_of(theirs) else ""

    def _open(self, row: int) -> _Picture | None:
        if row not in self.opened:
            self.opened[row] = _open(self.table.paths[row])
        return self.opened[row]


def _open(path: str) -> _Picture | None:
    data = read_file(path)
    decoded = data if isinstance(data, Unreadable) else decode_with_origin(data, _OPENED_SIDE)
    if isinstance(decoded, Unreadable):
        return None
    picture, origin = decoded
    cells = fingerprint(picture).astype(np.float32).reshape(-1)
    cells -= cells.mean()
    length = max(float(np.linalg.norm(cells)), 1.0)
    return _Picture(*picture.size, max(origin.width, origin.height), _count_colours(picture), cells / length)


def _count_colours(picture: Image.Image) -> int:
    colours = picture.getcolors(_MOST_COLOURS)
    if colours is not None:
        return len(colours)
    levels = np.bincount(np.asarray(picture.convert("L")).reshape(-1), minlength=256)
    total, peaks = levels.sum(), 0
    covered = np.zeros(256, dtype=np.bool_)
    while peaks < _PEAKS and levels[covered].sum() < _LEAST_IN_PEAKS * total:
        peak = int(np.where(covered, -1, levels).argmax())
        covered[max(peak - _PEAK_WIDTH, 0) : peak + _PEAK_WIDTH + 1] = True
        peaks += 1
    return peaks if levels[covered].sum() >= _LEAST_IN_PEAKS * total else _MOST_COLOURS + 1


def _refuse_classes_of_masks(table: PhotoTable, kept: NDArray[np.bool_], found: Mapping[int, tuple[str, int]]) -> None:
    left = set(table.labels[kept].tolist())
    for row, (kind, photo) in found.items():
        if int(table.labels[row]) not in left:
            name = table.class_names[int(table.labels[row])]
            raise DataError(
                f"{table.names[row]}: class {name!r} holds only {kind} of other photos (this one of "
                f"{table.names[photo]}); move them elsewhere"
            )
