"""The cheapest decision threshold: found by trying all, with an unbiased cost; invalid costs are rejected."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photoclass.errors import SettingsError
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.results.scores.thresholds import Costs, Threshold, cheapest_threshold, costs_of


def _cost(
    probabilities: NDArray[np.floating], truth: NDArray[np.bool_], threshold: float, fp: float, fn: float
) -> float:
    predicted = probabilities >= threshold
    return 1000 * float(fp * (predicted & ~truth).mean() + fn * (~predicted & truth).mean())


def _cheapest(
    probabilities: NDArray[np.floating],
    truth: NDArray[np.bool_],
    fp: float,
    fn: float,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> Threshold:
    columns = np.stack([1 - probabilities, probabilities], axis=1)
    photos = LabelledProbabilities(columns, truth.astype(np.int64), ("cat", "dog"), groups)
    return cheapest_threshold(photos, Costs(fp, fn), seed)


def _calibrated(count: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Make calibrated probabilities with their labels."""
    generator = np.random.default_rng(seed)
    probabilities = generator.beta(0.4, 0.4, count)
    return probabilities, generator.random(count) < probabilities


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 1.0]), st.booleans()), min_size=1, max_size=25),
    st.sampled_from([(1, 1), (1, 5), (10, 1), (0, 1), (1, 0), (0.1, 0.3)]),
)
@settings(max_examples=40)
def test_no_threshold_is_cheaper(photos: list[tuple[float, bool]], costs: tuple[float, float]) -> None:
    probabilities, truth = np.array([p for p, _ in photos]), np.array([t for _, t in photos])
    found = _cheapest(probabilities, truth, *costs)
    every = [0, *np.unique(probabilities), 0.05, 0.2, 0.4, 0.6, 0.9, 2]
    cheapest = min(_cost(probabilities, truth, threshold, *costs) for threshold in every)
    assert found.cost_in_sample == pytest.approx(cheapest)
    assert _cost(probabilities, truth, found.value, *costs) == pytest.approx(cheapest)
    assert found.cost_at_half.value == pytest.approx(_cost(probabilities, truth, 0.5, *costs))
    assert (found.cost is None) == (len(photos) == 1), "for a single photo no others can select a threshold"
    if found.cost:
        assert found.cost.low <= found.cost.value + 1e-9 and found.cost.value <= found.cost.high + 1e-9


def test_calibrated_probabilities_are_cheapest_at_the_theoretical_threshold() -> None:
    probabilities, truth = _calibrated(20_000)
    found = _cheapest(probabilities, truth, 1, 4)
    assert found.theoretical == 0.2
    assert found.value_range[0] < 0.2 < found.value_range[1] and found.value == pytest.approx(0.2, abs=0.05)
    assert found.saved is not None and found.saved.low > 0, "0.5 costs significantly more"
    assert found.cost is not None
    assert found.saved.value == pytest.approx(found.cost_at_half.value - found.cost.value)


def test_of_equally_cheap_thresholds_the_nearest_to_the_theoretical_is_taken() -> None:
    probabilities, truth = np.array([0.1, 0.2, 0.9, 0.95]), np.array([False, False, True, True])
    assert _cheapest(probabilities, truth, 1, 1).value == 0.5
    assert _cheapest(probabilities, truth, 3, 1).value == 0.75
    assert _cheapest(probabilities, truth, 99, 1).value == pytest.approx(0.55), "0.99 would miss both"


def test_the_cross_fitted_cost_is_not_optimistic() -> None:
    """With random probabilities, a threshold selected on some photos does not help on others."""
    generator = np.random.default_rng(1)
    in_sample, cross_fitted = [], []
    for seed in range(12):
        probabilities, truth = generator.random(60), generator.permutation(60) < 30
        found = _cheapest(probabilities, truth, 1, 1, seed=seed)
        assert found.cost is not None
        in_sample.append(found.cost_in_sample)
        cross_fitted.append(found.cost.value)
    assert np.mean(in_sample) < 450, "chance makes some threshold look good"
    assert np.mean(cross_fitted) > 480, "half of the predictions are wrong, whatever the threshold"


def test_near_duplicates_stay_together() -> None:
    """Ten copies of each photo are not ten times the evidence."""
    probabilities, truth = _calibrated(60, seed=3)
    alone = _cheapest(probabilities, truth, 1, 4)
    copies = [np.repeat(values, 10) for values in (probabilities, truth, np.arange(60))]
    together = _cheapest(copies[0], copies[1], 1, 4, copies[2])
    as_if_others = _cheapest(copies[0], copies[1], 1, 4)
    for found, wide in ((together, True), (as_if_others, False)):
        spread = found.cost_at_half.high - found.cost_at_half.low
        usual = alone.cost_at_half.high - alone.cost_at_half.low
        assert (spread > 0.8 * usual) == wide


def test_the_interval_is_that_of_a_plain_bootstrap() -> None:
    probabilities, truth = _calibrated(300, seed=5)
    found = _cheapest(probabilities, truth, 1, 4).cost_at_half
    predicted = probabilities >= 0.5
    costs = 1000.0 * (1 * (predicted & ~truth) + 4 * (~predicted & truth))
    generator = np.random.default_rng(8)
    low, high = np.quantile([costs[generator.integers(0, 300, 300)].mean() for _ in range(4000)], [0.025, 0.975])
    assert (found.low, found.high) == (pytest.approx(low, rel=0.08), pytest.approx(high, rel=0.05))


def test_never_predicting_the_class_can_be_cheapest() -> None:
    probabilities, truth = np.array([1.0, 1.0, 0.5]), np.array([False, False, False])
    found = _cheapest(probabilities, truth, 1, 1)
    assert found.value > 1 and found.cost_in_sample == 0
    assert "cheapest   never" in found.as_text("dog")


def test_the_recommendation_is_by_the_cross_fitted_cost() -> None:
    few = _cheapest(*_calibrated(30, seed=4), 1, 4)
    assert few.cost is not None and few.cost.value > few.cost_at_theoretical.value
    assert "recommended: the theoretical one" in few.as_text("dog") and "which selected it" in few.as_text("dog")
    probabilities, truth = _calibrated(20_000)
    overconfident = _cheapest(probabilities**3 / (probabilities**3 + (1 - probabilities) ** 3), truth, 1, 9)
    assert "recommended: the cheapest" in overconfident.as_text("dog"), "theory assumes calibration"


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ((1, None, None), "--cost-fp and --cost-fn go together"),
        ((None, None, "dog"), "give both costs"),
        ((-1, 1, None), "--cost-fp is -1"),
        ((1, float("nan"), None), "--cost-fn is nan"),
        ((float("inf"), 1, None), "--cost-fp is inf"),
        ((0, 0, None), "both 0"),
    ],
)
def test_invalid_costs_are_rejected(costs: tuple[float, float, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        costs_of(*costs)
    assert costs_of(None, None, None) is None


def test_the_positive_class_is_the_second_of_two_or_given() -> None:
    assert Costs(1, 2).positive_class(("cat", "dog")) == 1
    assert Costs(1, 2, "cat").positive_class(("cat", "dog")) == 0
    assert Costs(1, 2, "ape").positive_class(("ape", "cat", "dog")) == 0
    with pytest.raises(SettingsError, match="with 3 classes, costs need --positive CLASS"):
        Costs(1, 2).positive_class(("ape", "cat", "dog"))
    with pytest.raises(SettingsError, match=r"--positive 'cow': unknown class; choose from 'cat'"):
        Costs(1, 2, "cow").positive_class(("cat", "dog"))
