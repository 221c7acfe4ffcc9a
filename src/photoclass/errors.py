"""The exceptions that photoclass raises.

PhotoclassError                 one line: what is wrong, where, and how to fix it
├── DataError                   DATA or PHOTOS cannot be used
│   └── ArchiveError            a zip is damaged or unsafe
├── SettingsError               a setting is unknown or out of range
├── ModelError                  a model folder or backbone is missing, damaged or unsuitable
├── TrainingError               training cannot start, resume or continue
├── OutputError                 a result cannot be written
├── MissingPackageError         a package that one of photoclass's extras installs is missing
└── Interrupted                 a signal ended the work; what is done is kept

A photo that cannot be read does not raise: it is a result, `photos.decode.Unreadable`, and the run continues.
"""


class PhotoclassError(Exception):
    """The base class; `str(error)` is one line that can be shown to the user without a traceback."""


class DataError(PhotoclassError):
    """DATA or PHOTOS cannot be used."""


class ArchiveError(DataError):
    """A zip is damaged, would write outside its folder, or is a zip bomb."""


class SettingsError(PhotoclassError):
    """A setting is unknown, or its value is out of range."""


class ModelError(PhotoclassError):
    """A model folder or backbone is missing, damaged, or unsuitable for what it is used for."""


class TrainingError(PhotoclassError):
    """Training cannot start, resume or continue."""


class OutputError(PhotoclassError):
    """A result cannot be written."""


class MissingPackageError(PhotoclassError):
    """A package that one of photoclass's extras installs is missing."""


class Interrupted(PhotoclassError):
    """A signal ended the work; what is done is kept.

    Attributes:
        exit_code: 128 plus the signal's number, as in shells: 130 after Ctrl-C, 143 after SIGTERM.
    """

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code
