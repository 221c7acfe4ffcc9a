"""The cheapest decision threshold for one class, if false positives and false negatives cost differently."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import SettingsError
from photoclass.metrics.bootstrap import bootstrap_means
from photoclass.metrics.intervals import Interval
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.text import list_classes

Floats = NDArray[np.float64]

PER = 1000  # photos that costs are given for
_FOLDS = 5
_REPEATS = 10  # of the division into folds, to average out its chance
_THRESHOLD_RESAMPLES = 200  # each needs its own search for the cheapest threshold


@dataclass(frozen=True)
class Costs:
    """What the two kinds of mistakes cost, in any unit.

    Attributes:
        fp: Cost of a false positive: another class predicted as the positive one.
        fn: Cost of a false negative: the positive class predicted as another.
        positive: Name of the positive class; None for the second of two.

    Raises:
        SettingsError: A cost is negative, NaN or infinite, or both are 0.
    """

    fp: float
    fn: float
    positive: str | None = None

    def __post_init__(self) -> None:
        for name, cost in (("--cost-fp", self.fp), ("--cost-fn", self.fn)):
            if not (np.isfinite(cost) and cost >= 0):
                raise SettingsError(f"{name} is {cost:g}; a cost must be a number of at least 0")
        if self.fp == self.fn == 0:
            raise SettingsError("--cost-fp and --cost-fn are both 0, so every threshold costs the same")

    @property
    def theoretical_threshold(self) -> float:
        """The cheapest threshold for calibrated probabilities: fp / (fp + fn)."""
        return self.fp / (self.fp + self.fn)

    def positive_class(self, class_names: tuple[str, ...]) -> int:
        """Return the index of the positive class.

        Raises:
            SettingsError: The class is unknown, or missing although there are more than two.
        """
        known = list_classes(class_names)
        if self.positive is None:
            if len(class_names) > 2:
                raise SettingsError(
                    f"with {len(class_names)} classes, costs need --positive CLASS, one class against the rest; "
                    f"choose from {known}"
                )
            return 1
        if self.positive not in class_names:
            raise SettingsError(f"--positive {self.positive!r}: unknown class; choose from {known}")
        return class_names.index(self.positive)


def costs_of(fp: float | None, fn: float | None, positive: str | None) -> Costs | None:
    """Return the costs that options ask for; None if they ask for none.

    Raises:
        SettingsError: One of the two costs is missing, or both are and a positive class is given.
    """
    if fp is None and fn is None and positive is None:
        return None
    if fp is None or fn is None:
        raise SettingsError("--cost-fp and --cost-fn go together, and --positive with them; give both costs")
    return Costs(fp, fn, positive)


@dataclass(frozen=True)
class Threshold:
    """The cheapest threshold: from this probability on, the positive class is predicted. Costs are per 1,000 photos.

    Attributes:
        value: The cheapest on these photos; above 1 if it is cheapest never to predict the positive class.
        value_range: The range of 95 % of its values on bootstrap resamples, low and high.
        theoretical: The cheapest for calibrated probabilities: fp / (fp + fn).
        cost_fp: Cost of a false positive.
        cost_fn: Cost of a false negative.
        cost_in_sample: The cost at `value`, on the very photos that selected it: it is optimistic.
        cost: The cross-fitted cost: on each photo at a threshold that others selected; None if there are no others.
        cost_at_half: The cost at 0.5, which no photo selected.
        cost_at_theoretical: The cost at `theoretical`, which no photo selected.
        saved: `cost_at_half` minus `cost`; its interval is that of the difference.
    """

    value: float
    value_range: tuple[float, float]
    theoretical: float
    cost_fp: float
    cost_fn: float
    cost_in_sample: float
    cost: Interval | None
    cost_at_half: Interval
    cost_at_theoretical: Interval
    saved: Interval | None

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        values: dict[str, Any] = {
            "value": self.value,
            "value_range": list(self.value_range),
            "theoretical": self.theoretical,
            "cost_fp": self.cost_fp,
            "cost_fn": self.cost_fn,
            "cost_in_sample": self.cost_in_sample,
        }
        for name in ("cost", "cost_at_half", "cost_at_theoretical", "saved"):
            interval: Interval | None = getattr(self, name)
            values[name] = interval.value if interval else None
            values[f"{name}_ci95"] = [interval.low, interval.high] if interval else None
        return values

    def as_text(self, positive: str) -> str:
        """Return some lines of text; `positive` is the name of the positive class."""
        low, high = (f"{100 * min(bound, 1):.3g}" for bound in self.value_range)
        cheapest = f"{self.cost_in_sample:.2f} on these photos, which selected it"
        if self.cost:
            cheapest += f"; {_describe_cost(self.cost)} cross-fitted"
        value = f"{100 * self.value:.3g} %" if self.value <= 1 else "never"
        return "\n".join(
            [
                f"  decision threshold for class {positive!r}: cost of a false positive {self.cost_fp:g}, of a false "
                f"negative {self.cost_fn:g}",
                f"    {'threshold':<18}cost of {PER:,} photos (95 % confidence interval)",
                f"    cheapest{value:>8}  {cheapest}",
                f"    theory{100 * self.theoretical:>8.3g} %  {_describe_cost(self.cost_at_theoretical)}",
                f"    default{50:>8} %  {_describe_cost(self.cost_at_half)}",
                f"    recommended: {self._recommendation()}",
                f"    (on 95 % of bootstrap resamples the cheapest lies between {low} and {high} %)",
            ]
        )

    def _recommendation(self) -> str:
        """Recommend a threshold by the costs that are not optimistic."""
        if self.cost and self.cost.value < self.cost_at_theoretical.value:
            return "the cheapest; it also saves costs on photos that did not select it"
        return "the theoretical one; the cheapest saves nothing on photos that did not select it"


def cheapest_threshold(photos: LabelledProbabilities, costs: Costs, seed: int = 0) -> Threshold:
    """Find the cheapest threshold for the positive class, and what it costs.

    Of thresholds with equal costs, the one nearest to fp / (fp + fn) is taken (Elkan, 2001, "The Foundations of
    Cost-Sensitive Learning"). The cost is cross-fitted: the threshold is selected on four fifths of the photos and
    its cost measured on the other fifth, with ten random divisions into folds. Intervals are bootstraps over photos.

    Args:
        photos: The predictions; near-duplicates stay together in folds and resamples.
        costs: What mistakes cost.
        seed: Decides folds and resamples.

    Raises:
        SettingsError: The positive class is ambiguous or unknown.
    """
    positive = costs.positive_class(photos.class_names)
    ranked = _RankedPhotos.of(photos.probabilities[:, positive], photos.labels == positive, costs)
    alone = np.arange(len(photos)) if photos.groups is None else photos.groups
    group = np.unique(alone, return_inverse=True)[1][ranked.order]
    generator = np.random.default_rng(seed)
    value = ranked.cheapest(np.ones(len(photos)))
    cross_fitted = _cross_fitted_costs(ranked, group, generator)
    fixed = [ranked.costs(threshold) for threshold in (0.5, costs.theoretical_threshold)]
    rows = [*fixed, *([] if cross_fitted is None else [cross_fitted, fixed[0] - cross_fitted])]
    intervals = _intervals(np.stack(rows) * PER, group, seed)
    resampled = [ranked.cheapest(_times_drawn(group, generator)) for _ in range(_THRESHOLD_RESAMPLES)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Threshold(
        value=value,
        value_range=(float(low), float(high)),
        theoretical=costs.theoretical_threshold,
        cost_fp=costs.fp,
        cost_fn=costs.fn,
        cost_in_sample=float(ranked.costs(value).mean() * PER),
        cost=intervals[2] if cross_fitted is not None else None,
        cost_at_half=intervals[0],
        cost_at_theoretical=intervals[1],
        saved=intervals[3] if cross_fitted is not None else None,
    )


@dataclass(frozen=True)
class _RankedPhotos:
    """Photos by rising probability of the positive class.

    Attributes:
        order: Shape (N,), the original index of each photo.
        probabilities: Shape (N,), rising.
        is_positive: Shape (N,), whether each is of the positive class.
        given: The costs of mistakes.
        first: Shape (V,), where each distinct probability begins.
        thresholds: Shape (V + 1,), one for each way to divide the photos: below each distinct probability, and above
            all of them.
    """

    order: NDArray[np.int64]
    probabilities: Floats
    is_positive: NDArray[np.bool_]
    given: Costs
    first: NDArray[np.int64]
    thresholds: Floats

    @classmethod
    def of(cls, probabilities: NDArray[np.floating], is_positive: NDArray[np.bool_], costs: Costs) -> "_RankedPhotos":
        order = np.argsort(probabilities, kind="stable")
        rising = probabilities[order].astype(np.float64)
        values, first = np.unique(rising, return_index=True)
        low = np.append(0.0, values)
        high = np.append(values, max(1.0, np.nextafter(values[-1], 2)))
        middle = (low + high) / 2
        theoretical = costs.theoretical_threshold
        inside = (theoretical > low) & (theoretical <= high)
        thresholds = np.where(inside, theoretical, np.where(middle > low, middle, high))
        return cls(order, rising, is_positive[order].astype(np.bool_), costs, first, thresholds)

    def costs(self, threshold: float) -> Floats:
        """Return the cost of each photo at a threshold, shape (N,)."""
        predicted = self.probabilities >= threshold
        false_positive, false_negative = predicted & ~self.is_positive, ~predicted & self.is_positive
        return np.where(false_positive, self.given.fp, np.where(false_negative, self.given.fn, 0.0))

    def cheapest(self, weights: Floats) -> float:
        """Return the cheapest threshold for weighted photos; `weights` has shape (N,)."""
        false_negatives = np.add.reduceat(self.given.fn * weights * self.is_positive, self.first)
        false_positives = np.add.reduceat(self.given.fp * weights * ~self.is_positive, self.first)
        # Positive photos below a threshold are false negatives; negative ones from it on, false positives.
        costs = np.append(0, np.cumsum(false_negatives)) + np.append(np.cumsum(false_positives[::-1])[::-1], 0)
        best = self.thresholds[costs <= costs.min() + 1e-9 * costs.max()]
        return float(best[np.abs(best - self.given.theoretical_threshold).argmin()])


def _cross_fitted_costs(
    photos: _RankedPhotos, group: NDArray[np.int64], generator: np.random.Generator
) -> Floats | None:
    """Return the cost of each photo at thresholds that others selected, shape (N,); None if there are no others."""
    groups = int(group.max()) + 1
    folds = min(_FOLDS, groups)
    if folds < 2:
        return None
    total = np.zeros(len(group))
    for _ in range(_REPEATS):
        fold = (generator.permutation(groups) % folds)[group]
        for number in range(folds):
            inside = fold == number
            total[inside] += photos.costs(photos.cheapest((~inside).astype(np.float64)))[inside]
    return total / _REPEATS


def _times_drawn(group: NDArray[np.int64], generator: np.random.Generator) -> Floats:
    """Draw as many groups as there are, with replacement; return how often each photo was drawn, shape (N,)."""
    groups = int(group.max()) + 1
    return np.bincount(generator.integers(0, groups, groups), minlength=groups).astype(np.float64)[group]


def _intervals(rows: Floats, group: NDArray[np.int64], seed: int) -> list[Interval]:
    """Return the mean of each row, shape (R, N), with its percentile bootstrap interval."""
    low, high = np.quantile(bootstrap_means(rows.T, group, seed), [0.025, 0.975], axis=0)
    return [Interval(float(row.mean()), float(a), float(b)) for row, a, b in zip(rows, low, high, strict=True)]


def _describe_cost(interval: Interval) -> str:
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
