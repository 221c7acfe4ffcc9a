"""Packages that only an extra installs: loaded when needed, and asked for in one line where they are missing."""

from importlib import import_module
from types import ModuleType

from photoclass.errors import MissingPackageError


def load_extra(module: str, extra: str, use: str) -> ModuleType:
    """Import a module that belongs to an extra.

    Args:
        module: Its name, such as `pyarrow.parquet`.
        extra: The extra of photoclass that installs it.
        use: What needs it, as the subject of a sentence: `a .parquet file`.

    Raises:
        MissingPackageError: It is not installed; the message has the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # A module that is missing inside an installed package is a damaged installation, which pip repairs as well.
        package = (error.name or module).partition(".")[0]
        raise MissingPackageError(f"{use} needs {package}; run: pip install 'photoclass[{extra}]'") from None
