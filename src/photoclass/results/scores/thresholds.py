"""From which probability on to tell the positive class, where the two mistakes cost differently."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import SettingsError
from photoclass.metrics.bootstrap import draw_means
from photoclass.metrics.figures import Interval

Floats = NDArray[np.float64]

PER = 1000  # photos that costs are told for
_FOLDS = 5
_DIVISIONS = 10  # into folds; what one of them happens to give is averaged out
_THRESHOLD_DRAWS = 200  # each finds the cheapest threshold again


@dataclass(frozen=True)
class Costs:
    """What the two mistakes cost, in any unit.

    Attributes:
        fp: Telling the positive class of a photo that is of another.
        fn: Telling another class of a photo that is of the positive one.
        positive: Name of the positive class; None for the second of two.

    Raises:
        SettingsError: A cost is below 0 or no number, or both are 0.
    """

    fp: float
    fn: float
    positive: str | None = None

    def __post_init__(self) -> None:
        _check_costs(self.fp, self.fn)

    def positive_class(self, class_names: tuple[str, ...]) -> int:
        """Return the index of the positive class.

        Raises:
            SettingsError: There is no such class, or it is not said which of more than two it is.
        """
        known = ", ".join(map(repr, class_names))
        if self.positive is None:
            if len(class_names) > 2:
                raise SettingsError(
                    f"with {len(class_names)} classes, costs need --positive CLASS, one class against the rest; "
                    f"the model knows {known}"
                )
            return 1
        if self.positive not in class_names:
            raise SettingsError(f"--positive {self.positive!r}: the model does not know this class; it knows {known}")
        return class_names.index(self.positive)


def costs_of(fp: float | None, fn: float | None, positive: str | None) -> Costs | None:
    """Return costs as they were asked for; None where none were.

    Raises:
        SettingsError: One of the two costs is missing, or there is a positive class without them.
    """
    if fp is None and fn is None and positive is None:
        return None
    if fp is None or fn is None:
        raise SettingsError("--cost-fp and --cost-fn go together, and --positive with them; give both costs")
    return Costs(fp, fn, positive)


@dataclass(frozen=True)
class Threshold:
    """The cheapest threshold: the positive class is told from this probability on. Costs are per 1,000 photos.

    Attributes:
        value: The cheapest on these photos; above 1 where it is cheapest never to tell the positive class.
        value_range: What holds 95 % of the values that photos drawn again would give; low and high.
        theoretical: The cheapest where probabilities mean what they say: fp / (fp + fn).
        cost_fp: Of one photo misclassified as the positive class.
        cost_fn: Of one photo of the positive class told as another.
        cost_on_these: At `value`, on the very photos that chose it: it flatters.
        cost: Each photo paid for at a threshold that others chose; None where there are no others.
        cost_at_half: At 0.5, which no photo chose.
        cost_at_theoretical: At `theoretical`, which no photo chose.
        saved: What `cost` is below `cost_at_half`; its interval is that of the difference.
    """

    value: float
    value_range: tuple[float, float]
    theoretical: float
    cost_fp: float
    cost_fn: float
    cost_on_these: float
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
            "cost_on_these": self.cost_on_these,
        }
        for name in ("cost", "cost_at_half", "cost_at_theoretical", "saved"):
            interval: Interval | None = getattr(self, name)
            values[name] = interval.value if interval else None
            values[f"{name}_ci95"] = [interval.low, interval.high] if interval else None
        return values

    def as_text(self, positive: str) -> str:
        """Return a few lines for a person; `positive` is the positive class's name."""
        low, high = (f"{100 * min(bound, 1):.3g}" for bound in self.value_range)
        here = f"{self.cost_on_these:.2f} on these photos, which chose it"
        if self.cost:
            here += f"; {_words(self.cost)} where other photos chose"
        cheapest = f"{100 * self.value:.3g} %" if self.value <= 1 else "never"
        return "\n".join(
            [
                f"  telling {positive} from which probability on? Wrongly told it costs {self.cost_fp:g}, missed "
                f"{self.cost_fn:g}; {PER:,} photos cost (95 % interval):",
                f"    cheapest{cheapest:>10}   {here}",
                f"    theory{100 * self.theoretical:>10.3g} %   {_words(self.cost_at_theoretical)}",
                f"    usual         50 %   {_words(self.cost_at_half)}",
                f"    take {self._choice()}",
                f"    (photos drawn again would put the cheapest between {low} and {high} %)",
            ]
        )

    def _choice(self) -> str:
        """Say which threshold to use, by costs that no photo flatters."""
        if self.cost and self.cost.value < self.cost_at_theoretical.value:
            return "the cheapest: chosen by some photos it serves others, too"
        return "theory's: the cheapest is not cheaper on photos that did not choose it"


def cheapest_threshold(
    probabilities_of_positive: NDArray[np.floating],
    is_positive: NDArray[np.bool_],
    cost_fp: float,
    cost_fn: float,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> Threshold:
    """Find the cheapest threshold, and what it costs.

    Of thresholds that cost the same, the one nearest to fp / (fp + fn) is taken (Elkan, 2001, "The Foundations of
    Cost-Sensitive Learning"). The cost is cross-fitted: the threshold is chosen on four fifths of the photos and paid
    on the fifth, ten times over with other folds. Intervals are bootstraps over photos, groups together.

    Args:
        probabilities_of_positive: Shape (N,).
        is_positive: Shape (N,), the truth.
        cost_fp: Of one photo misclassified as positive.
        cost_fn: Of one positive photo told as another.
        groups: Shape (N,), the same number for photos that stay together, as near-duplicates; each alone when None.
        seed: Decides folds and draws.

    Raises:
        SettingsError: A cost is below 0 or no number, both are 0, or there is no photo.
    """
    _check_costs(cost_fp, cost_fn)
    if not len(is_positive):
        raise SettingsError("there is no photo to choose a threshold on")
    photos = _Photos.sorted(probabilities_of_positive, is_positive, cost_fp, cost_fn)
    alone = np.arange(len(is_positive)) if groups is None else groups
    group = np.unique(alone, return_inverse=True)[1][photos.order]
    generator = np.random.default_rng(seed)
    ones = np.ones(len(group))
    value = photos.cheapest(ones)
    fitted = _cross_fitted(photos, group, generator)
    paid = [photos.paid(threshold) for threshold in (0.5, photos.theoretical)]
    rows = [*paid, *([] if fitted is None else [fitted, paid[0] - fitted])]
    intervals = _intervals(np.stack(rows) * PER, group, seed)
    drawn = [photos.cheapest(_times_drawn(group, generator)) for _ in range(_THRESHOLD_DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Threshold(
        value=value,
        value_range=(float(low), float(high)),
        theoretical=photos.theoretical,
        cost_fp=cost_fp,
        cost_fn=cost_fn,
        cost_on_these=float(photos.paid(value).mean() * PER),
        cost=intervals[2] if fitted is not None else None,
        cost_at_half=intervals[0],
        cost_at_theoretical=intervals[1],
        saved=intervals[3] if fitted is not None else None,
    )


@dataclass(frozen=True)
class _Photos:
    """Photos by rising probability.

    Attributes:
        order: Shape (N,), where each was before.
        probabilities: Shape (N,), rising.
        is_positive: Shape (N,).
        fp, fn: The costs.
        first: Shape (V,), where each different probability begins.
        thresholds: Shape (V + 1,), one for each way to divide them: one up to each, and one above all.
    """

    order: NDArray[np.int64]
    probabilities: Floats
    is_positive: NDArray[np.bool_]
    fp: float
    fn: float
    first: NDArray[np.int64]
    thresholds: Floats

    @classmethod
    def sorted(
        cls, probabilities: NDArray[np.floating], is_positive: NDArray[np.bool_], fp: float, fn: float
    ) -> "_Photos":
        order = np.argsort(probabilities, kind="stable")
        rising = probabilities[order].astype(np.float64)
        values, first = np.unique(rising, return_index=True)
        low = np.append(0.0, values)
        high = np.append(values, max(1.0, np.nextafter(values[-1], 2)))
        middle = (low + high) / 2
        theoretical = fp / (fp + fn)
        inside = (theoretical > low) & (theoretical <= high)
        thresholds = np.where(inside, theoretical, np.where(middle > low, middle, high))
        return cls(order, rising, is_positive[order].astype(np.bool_), fp, fn, first, thresholds)

    @property
    def theoretical(self) -> float:
        return self.fp / (self.fp + self.fn)

    def paid(self, threshold: float) -> Floats:
        """What each photo costs, shape (N,)."""
        told = self.probabilities >= threshold
        return np.where(told & ~self.is_positive, self.fp, np.where(~told & self.is_positive, self.fn, 0.0))

    def cheapest(self, weights: Floats) -> float:
        """Return the cheapest threshold where each photo counts `weights` times, shape (N,)."""
        missed = np.add.reduceat(self.fn * weights * self.is_positive, self.first)
        wrong = np.add.reduceat(self.fp * weights * ~self.is_positive, self.first)
        # Whatever lies below a threshold is missed, and from it on misclassified.
        costs = np.append(0, np.cumsum(missed)) + np.append(np.cumsum(wrong[::-1])[::-1], 0)
        best = self.thresholds[costs <= costs.min() + 1e-9 * costs.max()]
        return float(best[np.abs(best - self.theoretical).argmin()])


def _cross_fitted(photos: _Photos, group: NDArray[np.int64], generator: np.random.Generator) -> Floats | None:
    """What each photo costs at thresholds that others chose, shape (N,); None where there are no others."""
    groups = int(group.max()) + 1
    folds = min(_FOLDS, groups)
    if folds < 2:
        return None
    total = np.zeros(len(group))
    for _ in range(_DIVISIONS):
        fold = (generator.permutation(groups) % folds)[group]
        for number in range(folds):
            inside = fold == number
            total[inside] += photos.paid(photos.cheapest((~inside).astype(np.float64)))[inside]
    return total / _DIVISIONS


def _times_drawn(group: NDArray[np.int64], generator: np.random.Generator) -> Floats:
    """Draw as many groups as there are, with replacement; return how often each photo is drawn, shape (N,)."""
    groups = int(group.max()) + 1
    return np.bincount(generator.integers(0, groups, groups), minlength=groups).astype(np.float64)[group]


def _intervals(rows: Floats, group: NDArray[np.int64], seed: int) -> list[Interval]:
    """Means of each row, shape (R, N), with percentile bootstraps over groups (Efron, 1979)."""
    low, high = np.quantile(draw_means(rows.T, group, seed), [0.025, 0.975], axis=0)
    return [Interval(float(row.mean()), float(a), float(b)) for row, a, b in zip(rows, low, high, strict=True)]


def _check_costs(fp: float, fn: float) -> None:
    for name, cost in (("--cost-fp", fp), ("--cost-fn", fn)):
        if not (np.isfinite(cost) and cost >= 0):
            raise SettingsError(f"{name} is {cost:g}; a cost is a number from 0 on")
    if fp == fn == 0:
        raise SettingsError("--cost-fp and --cost-fn are both 0; then every threshold costs the same")


def _words(interval: Interval) -> str:
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
