"""What estimators take from scikit-learn, or stand-ins that say which command installs it.

With the stand-ins, `from photoclass import *` and `help` work where scikit-learn is not installed. No estimator can be
made then, so none of its functions is called.
"""

from typing import Any

from photoclass.extras import load_extra

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils import multiclass, validation
except ModuleNotFoundError:
    multiclass = validation = None

    class BaseEstimator:  # type: ignore[no-redef]
        """Stands in for scikit-learn's class: no instance can be made."""

        def __new__(cls, *arguments: Any, **keywords: Any) -> "BaseEstimator":
            load_extra("sklearn", "sklearn", cls.__name__)
            return super().__new__(cls)

    class ClassifierMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's class."""

    class TransformerMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's class."""

    class ClassNamePrefixFeaturesOutMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's class."""


__all__ = [
    "BaseEstimator",
    "ClassNamePrefixFeaturesOutMixin",
    "ClassifierMixin",
    "TransformerMixin",
    "multiclass",
    "validation",
]
