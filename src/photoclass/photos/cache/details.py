"""Photos read again at 128x128 grey cells, to compare look-alikes: only those asked for, the last ones kept."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from photoclass.photos.cache.photo_set import PhotoSet, read_first
from photoclass.photos.decode import Pixels, Unreadable, decode_picture
from photoclass.photos.decode_settings import PictureRules
from photoclass.photos.duplicates.detail import DETAIL_SIDE, in_detail

_KEPT = 4096  # 64 MB


@dataclass(frozen=True)
class PhotoDetails:
    """Photos in detail, as `photos.duplicates.detail.Details` asks for them.

    Attributes:
        paths: Where each photo is read from.
        contents: SHA-256 of each photo file; a file that has changed is not used.
        rules: How they were decoded for their fingerprints.
    """

    paths: Sequence[str]
    contents: Sequence[bytes]
    rules: PictureRules
    _kept: OrderedDict[int, Pixels | None] = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, photos: PhotoSet) -> "PhotoDetails":
        """Return the details of photos whose fingerprints are known."""
        return cls(photos.table.paths, photos.contents, photos.picture_rules())

    def take(self, index: int) -> Pixels | None:
        """Return a photo, shape (128, 128), uint8; None if its file cannot be read any more."""
        if index in self._kept:
            self._kept.move_to_end(index)
        else:
            if len(self._kept) >= _KEPT:
                self._kept.popitem(last=False)
            self._kept[index] = self._read(index)
        return self._kept[index]

    def _read(self, index: int) -> Pixels | None:
        data = read_first([self.paths[index]], self.contents[index])
        picture = data if isinstance(data, Unreadable) else decode_picture(data, 2 * DETAIL_SIDE, self.rules)
        return None if isinstance(picture, Unreadable) else in_detail(picture)
