"""Every error that photoclass raises on purpose.

PhotoclassError                 one clear line: what is wrong, where, and how to fix it
├── DataError                   DATA or PHOTOS cannot be used as they are
│   └── ArchiveError            a zip that must not be unpacked
├── SettingsError               a setting that does not exist or is out of range
├── ModelError                  a not a model folder, is damaged, or does not fit
├── TrainingError               training cannot start, resume or go on
├── OutputError                 a result cannot be written where it was asked for
└── Interrupted                 a signal ended the work; what was done is kept

A photo that cannot be read is no error: it is a result, `photos.decode.Unreadable`, and the run goes on.
"""


class PhotoclassError(Exception):
    """The base of all: `str(error)` is one line for a person, without a traceback."""


class DataError(PhotoclassError):
    """DATA or PHOTOS cannot be used as they are."""


class ArchiveError(DataError):
    """A zip that is damaged, or that would write outside its folder, or grow without limit."""


class SettingsError(PhotoclassError):
    """A setting that does not exist, or whose value is out of range."""


class ModelError(PhotoclassError):
    """A not a model folder, is damaged, or does not fit what is asked of it."""


class TrainingError(PhotoclassError):
    """Training cannot start, resume or go on."""


class OutputError(PhotoclassError):
    """A result cannot be written where it was asked for."""


class Interrupted(PhotoclassError):
    """A signal ended the work; what was done is kept.

    Attributes:
        exit_code: 128 plus the signal's number, as shells count: 130 after Ctrl-C, 143 after SIGTERM.
    """

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code
