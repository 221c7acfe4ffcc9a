"""The rules by which files and folders are read, as data."""

from photoclass.photos.table import HELD_OUT, TRAIN, VALID

# Names of split folders, and words in a table's split column.
SPLIT_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "valid": VALID,
    "val": VALID,
    "validation": VALID,
    "test": HELD_OUT,
    "test1": HELD_OUT,  # Kaggle's name
    "held_out": HELD_OUT,
}

# Files that operating systems and tools leave behind.
LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
