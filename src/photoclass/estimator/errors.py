"""Errors of photoclass as scikit-learn's users expect them."""

from collections.abc import Iterator
from contextlib import contextmanager

from photoclass.errors import DataError, ModelError, SettingsError


@contextmanager
def value_errors() -> Iterator[None]:
    """Raise what is wrong with photos, labels, parameters or a model as a ValueError with the same message.

    Raises:
        ValueError: In place of DataError, SettingsError and ModelError.
    """
    try:
        yield
    except (DataError, SettingsError, ModelError) as error:
        raise ValueError(str(error)) from error
