"""scikit-learn's own checks of estimators.

Of those that `check_estimator` has, all are run. scikit-learn itself skips its checks of arrays other than NumPy's
(array API) unless SCIPY_ARRAY_API is set: photos are read with NumPy.
"""

import warnings
from collections.abc import Callable

import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import estimator_checks_generator

from numbers_estimators import NumbersClassifier, NumbersFeatures
from photoclass import PhotoClassifier, PhotoFeatures

# What needs no data is checked on the estimators themselves. The other checks give 2-D arrays, which are no photos:
# they are run on subclasses that draw each row as a picture.
_WITHOUT_DATA = (
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_mixin_order",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
)


def _checks(estimator: BaseEstimator) -> dict[str, Callable[[BaseEstimator], None]]:
    """Return the checks that scikit-learn has for an estimator, each by a name of its own."""
    found: dict[str, Callable[[BaseEstimator], None]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        for _, check in estimator_checks_generator(estimator):
            options = "".join(f"-{value}" for value in check.keywords.values())
            found[f"{check.func.__name__}{options}"] = check
    return found


_OF_CLASSIFIER, _OF_FEATURES = _checks(NumbersClassifier()), _checks(NumbersFeatures())


@pytest.fixture(scope="module", autouse=True)
def network(tiny_backbone: str) -> None:
    NumbersClassifier.network = NumbersFeatures.network = tiny_backbone


@pytest.mark.parametrize("name", _WITHOUT_DATA)
@pytest.mark.parametrize("estimator", [PhotoClassifier, PhotoFeatures], ids=["classifier", "features"])
def test_the_estimators_themselves(estimator: type[BaseEstimator], name: str) -> None:
    from sklearn.utils import estimator_checks

    getattr(estimator_checks, name)(estimator.__name__, estimator())


@pytest.mark.parametrize("name", _OF_CLASSIFIER)
def test_the_classifier_on_rows_of_numbers(name: str) -> None:
    _OF_CLASSIFIER[name](NumbersClassifier())


@pytest.mark.parametrize("name", _OF_FEATURES)
def test_the_features_on_rows_of_numbers(name: str) -> None:
    _OF_FEATURES[name](NumbersFeatures())
