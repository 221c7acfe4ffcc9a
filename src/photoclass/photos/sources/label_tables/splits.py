"""Splits of label tables: what words in a column of splits mean, or the folders in the paths of photos."""

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.folders.choices import IGNORE, Choices
from photoclass.photos.sources.labelled import LabelledFiles
from photoclass.photos.sources.names import split_of_name
from photoclass.photos.sources.options import ALL_OTHERS, ReadOptions
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID

# The split of rows that `--splits NAME=ignore` leaves out.
IGNORED = -2
SPLIT_NAMES = {TRAIN: "train", VALID: "valid", HELD_OUT: "test", IGNORED: "ignored"}
_SPLITS = {"train": TRAIN, "valid": VALID, "test": HELD_OUT}


class TableSplits:
    """What the words of a table mean as splits, and which of them were met.

    Args:
        reading: What words mean where the user says so.
    """

    def __init__(self, reading: ReadOptions) -> None:
        self._given = reading.splits
        self._choices = Choices(reading)
        self._met: set[str] = set()

    def of(self, word: str) -> int | None:
        """Return the split that a folder or a word in a split column means, or IGNORED; None if that is unknown."""
        self._met.add(word)
        known = split_of_name(word)
        choice = self._choices.by_name(word) if known is not None else self._choices.of(word)
        if choice == IGNORE:
            return IGNORED
        return _SPLITS.get(choice) if choice else known

    def check_used(self, where: str) -> None:
        """Refuse what `--splits` says of words that were not met.

        Raises:
            DataError: There is such a word.
        """
        met = {clean_class_name(word) for word in self._met}
        for name, choice in self._given.items():
            if name != ALL_OTHERS and clean_class_name(name) not in met:
                found = ", ".join(sorted(self._met)) or "none"
                raise DataError(f"{where}: --splits {name}={choice}: no row has that split; found {found}")


def split_by_folders(labelled: LabelledFiles, splits: TableSplits) -> str:
    """Take the splits from the first folder of all paths, where each means one and there are several with train.

    Returns:
        What was understood; empty if the folders are no splits.
    """
    folders = {row.file: row.file.partition("/")[0] if "/" in row.file else "" for row in labelled.rows}
    meant = {folder: splits.of(folder) for folder in dict.fromkeys(folders.values()) if folder}
    known = {folder: split for folder, split in meant.items() if split is not None}
    if "" in folders.values() or len(known) < len(meant) or TRAIN not in known.values() or len({*known.values()}) < 2:
        return ""
    rows = [row._replace(split=known[folders[row.file]]) for row in labelled.rows]
    labelled.rows = [row for row in rows if row.split != IGNORED]
    return "splits: " + ", ".join(f"{folder} → {SPLIT_NAMES[split]}" for folder, split in known.items())


def finish_splits(labelled: LabelledFiles, where: str) -> None:
    """Check the splits of labelled files: all have one or none, and some are in train.

    Raises:
        DataError: Some rows have a split and some do not, or none is in train.
    """
    splits = {row.split for row in labelled.rows}
    if NO_SPLIT in splits and len(splits) > 1:
        raise DataError(f"{where}: some rows have a split and some do not; fill the column or remove it")
    if splits and splits != {NO_SPLIT} and TRAIN not in splits:
        raise DataError(f"{where}: no row is in the split train; correct the column or remove it")
    if VALID not in splits:
        labelled.free_train_rows()
