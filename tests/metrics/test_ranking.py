"""ROC AUC and average precision equal scikit-learn's, with ties, weights and any number of classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as reference

from photoclass.errors import ModelError
from photoclass.metrics.ranking import Ranking, average_precision, mean_metrics, rank_photos, roc_auc

Ranked = tuple[NDArray[np.float64], NDArray[np.int64]]


def _predictions(seed: int, photos: int, classes: int, steps: int, single: bool) -> Ranked:
    """Make predictions in which every class has a photo; few `steps` make many ties."""
    generator = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), generator.integers(0, classes, photos)])
    votes = generator.integers(1, steps + 1, (len(labels), classes)).astype(np.float64)
    votes[np.arange(len(labels)), labels] += generator.integers(0, steps, len(labels))
    probabilities = votes / votes.sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32) if single else probabilities, labels


predictions = st.builds(
    _predictions,
    seed=st.integers(0, 2**32),
    photos=st.integers(0, 150),
    classes=st.integers(2, 6),
    steps=st.sampled_from([1, 2, 5, 1000]),
    single=st.booleans(),
)


@given(predictions)
def test_both_equal_scikit_learns(given: Ranked) -> None:
    probabilities, labels = given
    two = probabilities.shape[1] == 2
    scores = probabilities[:, 1] if two else probabilities.astype(np.float64)
    # scikit-learn wants rows that sum to 1 in double precision; the order of float32 stays as it is.
    wanted = scores if two else scores / scores.sum(axis=1, keepdims=True)
    mine = probabilities if two else wanted
    assert roc_auc(mine, labels) == pytest.approx(reference.roc_auc_score(labels, wanted, multi_class="ovr"), abs=1e-9)
    expected = reference.average_precision_score(labels, wanted)
    assert average_precision(mine, labels) == pytest.approx(expected, abs=1e-9)


@given(predictions, st.integers(0, 2**32))
def test_a_whole_weight_is_a_number_of_copies(given: Ranked, seed: int) -> None:
    """As in the bootstrap, where a weight of 0 means that the photo was not drawn."""
    probabilities, labels = given
    weights = np.random.default_rng(seed).integers(0, 4, (3, len(labels))).astype(np.float64)
    for row, auc, precision in zip(weights, *mean_metrics(rank_photos(probabilities, labels), weights), strict=True):
        times = row.astype(np.int64)
        repeated, of_which = np.repeat(probabilities, times, axis=0), np.repeat(labels, times)
        if len(np.unique(of_which)) < probabilities.shape[1]:
            assert np.isnan(auc) and np.isnan(precision)
            continue
        assert auc == pytest.approx(roc_auc(repeated, of_which), abs=1e-9)
        assert precision == pytest.approx(average_precision(repeated, of_which), abs=1e-9)


@given(predictions, st.integers(0, 2**32))
def test_weights_may_be_fractions(given: Ranked, seed: int) -> None:
    probabilities, labels = given
    weights = np.random.default_rng(seed).random(len(labels)) + 0.01
    ranking = Ranking.of(probabilities[:, 0], labels == 0)
    auc, precision = ranking.metrics(weights[None])
    truth, score = labels == 0, probabilities[:, 0]
    assert auc[0] == pytest.approx(reference.roc_auc_score(truth, score, sample_weight=weights), abs=1e-9)
    assert precision[0] == pytest.approx(
        reference.average_precision_score(truth, score, sample_weight=weights), abs=1e-9
    )


def test_each_wrongly_ordered_pair_lowers_roc_auc() -> None:
    of_class_1 = np.array([0.9, 0.4, 0.6, 0.1])
    probabilities = np.stack([1 - of_class_1, of_class_1], axis=1)
    assert roc_auc(probabilities, np.array([1, 1, 0, 0])) == 0.75
    assert average_precision(probabilities, np.array([1, 1, 0, 0])) == pytest.approx((1 + 2 / 3) / 2)


def test_equal_probabilities_rank_nothing() -> None:
    equal, labels = np.full((10, 2), 0.5), np.array([0] * 7 + [1] * 3)
    assert (roc_auc(equal, labels), average_precision(equal, labels)) == (0.5, pytest.approx(0.3))


@pytest.mark.parametrize("metric", [roc_auc, average_precision])
@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_photos_of_a_single_class_cannot_be_ranked(metric, labels: list[int]) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelError, match="has no photo: photos cannot be ranked"):
        metric(np.array([[0.2, 0.8], [0.6, 0.4]]), np.array(labels))
