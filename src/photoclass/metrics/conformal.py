"""Split conformal prediction: sets of classes that hold the true one for at least a given share of photos.

A set holds every class whose probability reaches a threshold, and always the most probable class. The threshold comes
from photos that trained nothing, with the finite-sample quantile, so the guarantee needs no assumption about the model:
only that the new photos are drawn as those were. Sets of this kind are the smallest on average at a given coverage.

Sources: Papadopoulos et al. (2002), "Inductive Confidence Machines for Regression"; Sadinle, Lei and Wasserman (2019),
"Least Ambiguous Set-Valued Classifiers with Bounded Error Levels"; Vovk (2012), "Conditional Validity of Inductive
Conformal Predictors", for classes; Lee, Barber and Willett (2023), "Distribution-free Inference with Hierarchical
Data", for groups.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import SettingsError
from photoclass.metrics.intervals import Interval, wilson_interval
from photoclass.metrics.labelled import LabelledProbabilities, Probabilities

# A model folder keeps probabilities with seven decimals; thresholds allow for what was rounded away.
_ROUNDING = 1e-7
# Sums of the weights of groups differ from integers in the last digits.
_LAST_DIGITS = 1e-9


@dataclass(frozen=True, eq=False)
class ConformalThresholds:
    """The thresholds that turn probabilities into sets of classes.

    Attributes:
        coverage: The share of photos whose set shall hold the true class.
        by_class: Whether it shall do so among the photos of each class, and not only among all of them.
        class_names: In class order.
        thresholds: Shape (C,), the least probability of each class that puts it into the set.
        photos: How many photos they were calibrated on.
        groups: How many of them are distinct: near-duplicates and the photos of one of the user's groups count once.
    """

    coverage: float
    by_class: bool
    class_names: tuple[str, ...]
    thresholds: NDArray[np.float64]
    photos: int
    groups: int

    @property
    def by(self) -> str:
        """`class` or `all`: among which photos the coverage is kept."""
        return "class" if self.by_class else "all"

    def sets(self, probabilities: Probabilities) -> NDArray[np.bool_]:
        """Return which classes are in the set of each photo, shape (N, C); no class where a probability is NaN.

        Args:
            probabilities: Shape (N, C).
        """
        known = ~np.isnan(probabilities).any(axis=1)
        with np.errstate(invalid="ignore"):
            inside = probabilities.astype(np.float64) >= self.thresholds
        rows = np.flatnonzero(known)
        inside[rows, probabilities[rows].argmax(axis=1)] = True
        inside[~known] = False
        return np.asarray(inside)


@dataclass(frozen=True)
class MeasuredSets:
    """How sets of classes turned out on labelled photos.

    Attributes:
        photos: How many photos.
        coverage: The share of them whose set holds the true class, with Wilson's interval.
        mean_size: Classes in a set, on average.
        sizes: Photos by the size of their set: the first item counts those of one class.
        per_class: The coverage among the photos of each class, in class order; None for a class without photos.
    """

    photos: int
    coverage: Interval
    mean_size: float
    sizes: tuple[int, ...]
    per_class: tuple[Interval | None, ...]


def check_coverage(coverage: float) -> None:
    """Check a coverage that is asked for.

    Raises:
        SettingsError: It is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise SettingsError(f"coverage is {coverage:g}; it must be above 0 and below 1, such as 0.99")


def photos_needed(coverage: float) -> int:
    """Return how many distinct calibration photos a coverage needs: with fewer, only the set of all classes has it."""
    exact = _exactly(coverage)
    return math.ceil(exact / (1 - exact))


def conformal_thresholds(photos: LabelledProbabilities, coverage: float, by_class: bool = False) -> ConformalThresholds:
    """Choose the thresholds whose sets hold the true class for at least a share of new photos.

    With n photos, the threshold is the k-th highest probability of a true class, k = ceil((n + 1) coverage). Of K
    groups with photos that belong together, each has the weight of one photo, and the guarantee is for a photo of a
    new group.

    Args:
        photos: Photos that trained nothing, with their groups.
        coverage: The share, between 0 and 1.
        by_class: Choose a threshold for each class, from its own photos, so that the share is kept in each class.

    Raises:
        SettingsError: The coverage is out of range, or there are too few photos for it.
    """
    check_coverage(coverage)
    groups = np.arange(len(photos)) if photos.groups is None else photos.groups
    of_truth = photos.probabilities[np.arange(len(photos)), photos.labels].astype(np.float64)
    everything = [np.ones(len(photos), dtype=np.bool_)]
    parts = [np.asarray(photos.labels == c) for c in range(photos.n_classes)] if by_class else everything
    distinct = [len(np.unique(groups[part])) for part in parts]
    fewest = int(np.argmin(distinct))
    if distinct[fewest] < photos_needed(coverage):
        where = f"of class {photos.class_names[fewest]!r}" if by_class else ""
        raise SettingsError(_too_few(coverage, distinct[fewest], int(parts[fewest].sum()), where))
    found = [_threshold(of_truth[part], groups[part], coverage) for part in parts]
    return ConformalThresholds(
        coverage=coverage,
        by_class=by_class,
        class_names=photos.class_names,
        thresholds=np.array(found if by_class else found * photos.n_classes) - _ROUNDING,
        photos=len(photos),
        groups=len(np.unique(groups)),
    )


def measure_sets(rule: ConformalThresholds, photos: LabelledProbabilities) -> MeasuredSets:
    """Measure the coverage and the size of sets on photos that neither trained the model nor calibrated the sets."""
    sets = rule.sets(photos.probabilities)
    covered = sets[np.arange(len(photos)), photos.labels]
    of_classes = [np.asarray(photos.labels == c) for c in range(photos.n_classes)]
    counts = np.bincount(sets.sum(axis=1), minlength=photos.n_classes + 1)
    return MeasuredSets(
        photos=len(photos),
        coverage=wilson_interval(float(covered.mean()), photos.effective_size()),
        mean_size=float(sets.sum(axis=1).mean()),
        sizes=tuple(counts[1:].tolist()),
        per_class=tuple(_share(covered, photos, rows) if rows.any() else None for rows in of_classes),
    )


def _share(covered: NDArray[np.bool_], photos: LabelledProbabilities, rows: NDArray[np.bool_]) -> Interval:
    return wilson_interval(float(covered[rows].mean()), photos.effective_size(rows))


def _exactly(coverage: float) -> Fraction:
    """Return the share as it is written: 0.95 of 20 is 19, which it is not in binary fractions."""
    return Fraction(str(float(coverage)))


def _threshold(of_truth: NDArray[np.float64], groups: NDArray[np.int64], coverage: float) -> float:
    """Return the highest probability that the true class reaches in enough of the weight of all groups."""
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    falling = np.argsort(-of_truth, kind="stable")
    weight = np.cumsum(1 / sizes[numbers[falling]])
    needed = float(_exactly(coverage) * (len(sizes) + 1)) - _LAST_DIGITS
    return float(of_truth[falling[min(int(np.searchsorted(weight, needed)), len(falling) - 1)]])


def _too_few(coverage: float, distinct: int, photos: int, where: str) -> str:
    counted = f"there are {distinct:,}"
    if distinct < photos:
        counted += " distinct ones (near-duplicates and groups count once)"
    kind = f" {where}" if where else ""
    needed = f"a coverage of {coverage:g} needs at least {photos_needed(coverage):,} validation photos{kind}"
    return f"{needed}; {counted}: {_possible(distinct)}"


def _possible(distinct: int) -> str:
    """Say what so few photos allow."""
    digits = 10 ** max(2, len(str(distinct)))
    highest = Fraction(math.floor(Fraction(distinct, distinct + 1) * digits), digits)
    return f"ask for at most {float(highest):g}, or train with more photos" if distinct else "train with more photos"
