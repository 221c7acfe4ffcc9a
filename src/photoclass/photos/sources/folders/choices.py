"""What `--splits` says of folders, and which of it was of use."""

from collections.abc import Iterable

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.options import ALL_OTHERS, ReadOptions
from photoclass.photos.table import HELD_OUT, TRAIN, VALID

CLASS, IGNORE = "class", "ignore"
_SPLITS = {"train": TRAIN, "valid": VALID, "test": HELD_OUT}


class Choices:
    """The user's word on folders; each word must be of use."""

    def __init__(self, reading: ReadOptions) -> None:
        self._of = {clean_class_name(name): choice for name, choice in reading.splits.items()}
        self._unused = set(self._of)

    def __bool__(self) -> bool:
        return bool(self._of)

    def of(self, name: str) -> str:
        """Return what the user says that a folder is; empty for nothing."""
        for known in (clean_class_name(name), ALL_OTHERS):
            if known in self._of:
                self._unused.discard(known)
                return self._of[known]
        return ""

    def by_name(self, name: str) -> str:
        """Return what the user says that a folder is, by its own name; empty for nothing."""
        return self.of(name) if clean_class_name(name) in self._of else ""

    def split(self, name: str) -> int | None:
        """Return the split that the user says a folder is; None if there is none."""
        return _SPLITS.get(self.of(name))

    def check_used(self, where: str, folders: Iterable[str]) -> None:
        """Refuse words on folders that were not met.

        Raises:
            DataError: There is such a word.
        """
        for name in sorted(self._unused):
            found = ", ".join(f"{folder}/" for folder in folders) or "none"
            raise DataError(
                f"{where}: --splits {name}={self._of[name]}: no such folder where splits are; found {found}"
            )
