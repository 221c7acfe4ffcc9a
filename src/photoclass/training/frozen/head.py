"""The head: regularised logistic regression on features, with the regularisation chosen by cross-validation.

All candidates (each strength of regularisation, on each fold and on all photos) are fitted simultaneously: reading the
features is the main cost, in memory or from disk, and each iteration reads them once for all candidates.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import DataError
from photoclass.metrics.calibration import fit_temperature, to_probabilities
from photoclass.metrics.logits import is_binary, logit_count

Floats = NDArray[np.float64]

# Factors of half the squared weights, added to the mean loss, on features of unit variance. The best is near 0.03 for
# 20,000 photos of two classes, and higher for few photos.
STRENGTHS = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
FOLDS = 5
_LEAST_PICTURES = 2  # of each class: one for training, one for cross-validation
_BLOCK = 4096  # photos read at a time
_MAX_BYTES_IN_MEMORY = 2 << 30  # features up to this size stay in memory between iterations; larger ones are read again
_ITERATIONS = 100
_MEMORY = 10  # L-BFGS history size
_TOLERANCE = 1e-4
# Added to standard deviations, so that a nearly constant feature is not scaled up to unit variance.
_LEAST_DEVIATION = 0.05
# Shrinkage of variances towards their mean over all features, as if by this many additional photos. With few photos,
# the variance of a single feature is noisy: with 10 photos per class, shrinkage raises accuracy from 96.0 to 96.5 %
# (lite0, 24 draws); with 16,000 photos it makes no difference.
_SHRINKAGE_PHOTOS = 1000


class FeatureRows(Protocol):
    """N rows of D features, in memory or on disk."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def select(self, rows: NDArray[np.int64]) -> "FeatureRows":
        """Return only these rows."""

    def all(self) -> NDArray[Any]:
        """Return all rows as one array, shape (N, D)."""


@dataclass(frozen=True)
class FeatureArray:
    """Feature rows in memory.

    Attributes:
        values: Shape (N, D).
    """

    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.values)

    def select(self, rows: NDArray[np.int64]) -> "FeatureArray":
        """Return only these rows."""
        return FeatureArray(self.values[rows])

    def all(self) -> NDArray[np.float32]:
        """Return all rows."""
        return self.values


@dataclass(frozen=True)
class Head:
    """A fitted linear head: features to logits and probabilities.

    Attributes:
        weights: Shape (D, K), for the signed square roots of the features; K is 1 for two classes, else their number.
        bias: Shape (K,).
        temperature: Calibration temperature, by which logits are divided.
        strength: The selected strength of regularisation.
        candidates: Cross-validated log loss by strength.
        out_of_fold: Shape (N, K): out-of-fold logits of the training photos. Near-duplicates share a fold.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: float
    strength: float
    candidates: dict[float, float]
    out_of_fold: Floats

    @property
    def out_of_fold_probabilities(self) -> Floats:
        """Calibrated out-of-fold probabilities of the training photos, shape (N, C)."""
        return to_probabilities(self.out_of_fold / self.temperature)

    def probabilities(self, features: NDArray[np.floating]) -> Floats:
        """Compute calibrated probabilities, shape (N, C), from features, shape (N, D)."""
        logits = signed_roots(features) @ self.weights + self.bias
        return to_probabilities(logits.astype(np.float64) / self.temperature)


def signed_roots(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the square root of each feature's absolute value, with its sign; `export_head.add_head` does so in ONNX.

    Features of networks with ReLU are heavy-tailed, and a linear head on their square roots is better (log loss 0.0309
    against 0.0317 for lite2 on 12,800 photos). Features of other networks may be negative.
    """
    exact = features.astype(np.float32)
    return np.asarray(np.sign(exact) * np.sqrt(np.abs(exact)), dtype=np.float32)


def check_pictures(
    labels: NDArray[np.int64], duplicates: NDArray[np.int64], class_names: Sequence[str], where: str
) -> None:
    """Check that every class has enough different photos to fit a head.

    Args:
        labels: Shape (N,), class indices.
        duplicates: Shape (N,), group numbers: near-duplicates share one.
        class_names: In class order.
        where: Name of the data, for messages.

    Raises:
        DataError: A class has fewer than two different photos.
    """
    for label, name in enumerate(class_names):
        pictures = len(np.unique(duplicates[labels == label]))
        if pictures < _LEAST_PICTURES:
            few = f"{pictures} different photo to train on; at least {_LEAST_PICTURES} are needed"
            raise DataError(f"{where}: class {name!r} has {few}")


def fit_head(
    features: FeatureRows,
    labels: NDArray[np.int64],
    duplicates: NDArray[np.int64],
    classes: int,
    *,
    balance: bool,
    seed: int,
    strengths: tuple[float, ...] = STRENGTHS,
) -> Head:
    """Fit a head, with its regularisation and temperature chosen by cross-validation.

    Args:
        features: Features of the training photos.
        labels: Shape (N,), class indices.
        duplicates: Shape (N,), group numbers: near-duplicates share one, and stay in one fold.
        classes: Number of classes.
        balance: Weight classes equally, whatever their number of photos.
        seed: Seed for the folds.
        strengths: Strengths of regularisation to choose from.
    """
    data = _Standardised(features)
    counts = np.bincount(labels, minlength=classes)
    photo_weights = (len(labels) / (classes * counts))[labels] if balance else np.ones(len(labels))
    folds = assign_folds(labels, duplicates, min(FOLDS, int(counts.min())), seed)
    fold_count = int(folds.max()) + 1
    # For each strength, one problem per fold (on the photos outside the fold) and one on all photos.
    in_problem = np.stack([folds != fold for fold in range(fold_count)] + [np.ones(len(labels), dtype=np.bool_)])
    sample = np.concatenate([in_problem * photo_weights] * len(strengths))
    sample /= sample.sum(axis=1, keepdims=True)
    outputs = logit_count(classes)
    objective = _Objective(data, labels, sample, np.repeat(strengths, fold_count + 1), outputs)
    solutions = minimise_each(objective, np.zeros((len(sample), (data.width + 1) * outputs)))
    solutions = solutions.reshape(len(strengths), fold_count + 1, data.width + 1, outputs)
    out_of_fold = _logits_out_of_fold(data, solutions[:, :fold_count], folds)
    # Compared after calibration, as they will be used: often the best is a strong one, whose logits are too small.
    temperatures = [fit_temperature(logits, labels, photo_weights) for logits in out_of_fold]
    losses = [
        _weighted_loss(logits / temperature, labels, photo_weights)
        for logits, temperature in zip(out_of_fold, temperatures, strict=True)
    ]
    best = int(np.argmin(losses))
    weights, bias = solutions[best, -1, :-1], solutions[best, -1, -1]
    return Head(
        # The standardisation is folded into the weights.
        weights=(weights / data.deviations[:, None]).astype(np.float32),
        bias=(bias - (data.means / data.deviations) @ weights).astype(np.float32),
        temperature=temperatures[best],
        strength=strengths[best],
        candidates=dict(zip(strengths, losses, strict=True)),
        out_of_fold=out_of_fold[best],
    )


def assign_folds(labels: NDArray[np.int64], duplicates: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Assign photos to folds, stratified by class, with near-duplicates in one fold; shape (N,).

    A class of at least two groups is in at least two folds: no fold is predicted by a head that has not seen its class.
    """
    generator = np.random.default_rng([seed, folds])
    _, first, group = np.unique(duplicates, return_index=True, return_inverse=True)
    fold_of_group = np.empty(len(first), dtype=np.int64)
    for label in np.unique(labels[first]):
        groups = generator.permutation(np.flatnonzero(labels[first] == label))
        fold_of_group[groups] = np.arange(len(groups)) % folds
    groups_of = [np.unique(group[labels == label]) for label in np.unique(labels)]
    for groups in groups_of:  # groups that span classes are dealt with the class of their first photo
        if len(groups) > 1 and len(np.unique(fold_of_group[groups])) == 1:
            _move_one(fold_of_group, groups, [others for others in groups_of if len(others) > 1], folds)
    return fold_of_group[group]


def _move_one(
    fold_of_group: NDArray[np.int64], groups: NDArray[np.int64], classes: list[NDArray[np.int64]], folds: int
) -> None:
    """Move a group of a class that is in one fold alone to another, if possible without doing that to other classes."""
    for moved in groups:
        before = fold_of_group[moved]
        for fold in range(folds):
            fold_of_group[moved] = fold
            if fold != before and all(len(np.unique(fold_of_group[of_class])) > 1 for of_class in classes):
                return
        fold_of_group[moved] = before
    fold_of_group[groups[-1]] = (fold_of_group[groups[-1]] + 1) % folds


class _Standardised:
    """Signed square roots of features, standardised to mean 0 and (with enough photos) variance 1, in blocks."""

    def __init__(self, features: FeatureRows) -> None:
        self._features = features
        self._kept: list[NDArray[np.float32]] | None = None
        total = squares = np.zeros(())
        for block in self._roots():
            total = total + block.sum(axis=0, dtype=np.float64)
            squares = squares + np.square(block, dtype=np.float64).sum(axis=0)
        self.means = np.asarray(total / len(features))
        self.width = len(self.means)
        count = len(features)
        variances = np.maximum(squares / count - self.means**2, 0)
        shrunk = (count * variances + _SHRINKAGE_PHOTOS * variances.mean()) / (count + _SHRINKAGE_PHOTOS)
        self.deviations = np.sqrt(shrunk) + _LEAST_DEVIATION
        if 4 * len(features) * self.width <= _MAX_BYTES_IN_MEMORY:
            self._kept = list(self._standardised())

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield slices of the photos with their rows, shape (n, D)."""
        start = 0
        for block in self._kept if self._kept is not None else self._standardised():
            yield slice(start, start + len(block)), block
            start += len(block)

    def _standardised(self) -> Iterator[NDArray[np.float32]]:
        means, deviations = self.means.astype(np.float32), self.deviations.astype(np.float32)
        for block in self._roots():
            yield (block - means) / deviations

    def _roots(self) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(self._features), _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, len(self._features)))
            yield signed_roots(self._features.select(rows).all())


@dataclass(frozen=True)
class _Objective:
    """Mean loss and L2 penalty of P problems on the same photos.

    Attributes:
        data: Standardised features.
        labels: Shape (N,).
        sample: Shape (P, N): the weight of each photo in each problem; each row sums to 1.
        penalties: Shape (P,): strengths of regularisation.
        outputs: Logits per photo.
    """

    data: _Standardised
    labels: NDArray[np.int64]
    sample: Floats
    penalties: Floats
    outputs: int

    def __call__(self, which: NDArray[np.int64], points: Floats) -> tuple[Floats, Floats]:
        """Return losses, shape (p,), and gradients, shape (p, (D + 1) K), of the problems `which` at `points`."""
        problems, outputs = len(which), self.outputs
        weights = points.reshape(problems, self.data.width + 1, outputs)
        columns = np.ascontiguousarray(weights[:, :-1].transpose(1, 0, 2).reshape(self.data.width, -1), np.float32)
        bias = weights[:, -1]
        losses = 0.5 * self.penalties[which] * np.square(weights[:, :-1]).sum(axis=(1, 2))
        gradients = self.penalties[which, None, None] * weights
        gradients[:, -1] = 0
        for span, block in self.data.blocks():
            logits = (block @ columns).reshape(len(block), problems, outputs) + bias
            sample = self.sample[which, span].T
            loss, slope = _losses_and_slopes(logits, self.labels[span])
            losses += (sample * loss).sum(axis=0)
            slope *= sample[:, :, None]
            gradients[:, -1] += slope.sum(axis=0)
            product = block.T @ slope.reshape(len(block), -1).astype(np.float32)
            gradients[:, :-1] += product.reshape(self.data.width, problems, outputs).transpose(1, 0, 2)
        return losses, gradients.reshape(problems, -1)


def _losses_and_slopes(logits: Floats, labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the cross-entropy, shape (n, P), and its derivative in the logits, shape (n, P, K)."""
    photos = np.arange(len(labels))
    if is_binary(logits):
        signs = np.where(labels == 1, 1.0, -1.0)[:, None]
        margins = signs * logits[:, :, 0]
        return np.logaddexp(0, -margins), (-signs / (1 + np.exp(np.minimum(margins, 500))))[:, :, None]
    logits = logits - logits.max(axis=2, keepdims=True)
    exponents = np.exp(logits)
    sums = exponents.sum(axis=2)
    slopes = exponents / sums[:, :, None]
    slopes[photos, :, labels] -= 1
    return np.log(sums) - logits[photos, :, labels], slopes


def minimise_each(
    objective: Callable[[NDArray[np.int64], Floats], tuple[Floats, Floats]],
    start: Floats,
    tolerance: float = _TOLERANCE,
) -> Floats:
    """Minimise many smooth convex functions simultaneously by L-BFGS.

    After Nocedal and Wright, "Numerical Optimization", 2006, chapter 7.

    Args:
        objective: Maps the indices of p problems and their points, shape (p, n), to values, shape (p,), and gradients,
            shape (p, n).
        start: Initial points, shape (P, n).
        tolerance: A problem has converged when no component of its gradient is larger.

    Returns:
        The minima, shape (P, n).
    """
    points = start.copy()
    active = np.arange(len(points))
    values, gradients = objective(active, points)
    steps: list[tuple[Floats, Floats]] = []
    for _ in range(_ITERATIONS):
        unfinished = np.abs(gradients).max(axis=1) > tolerance
        if not unfinished.all():
            active, values, gradients = active[unfinished], values[unfinished], gradients[unfinished]
            steps = [(s[unfinished], y[unfinished]) for s, y in steps]
        if not len(active):
            break
        directions = -_times_inverse_hessian(gradients, steps)
        here = points[active]
        moved, values, new_gradients = _line_search(objective, active, here, values, gradients, directions)
        points[active] = moved
        steps = [*steps, (moved - here, new_gradients - gradients)][-_MEMORY:]
        gradients = new_gradients
    return points


def _times_inverse_hessian(gradients: Floats, steps: list[tuple[Floats, Floats]]) -> Floats:
    """Multiply by the L-BFGS approximation of the inverse Hessian: the two-loop recursion, for all rows at once."""
    result = gradients.copy()
    if not steps:
        return np.asarray(result / np.maximum(np.linalg.norm(gradients, axis=1, keepdims=True), 1.0), dtype=np.float64)
    curvatures = [(s * y).sum(axis=1, keepdims=True) for s, y in steps]
    shares = []
    for (s, y), curvature in zip(reversed(steps), reversed(curvatures), strict=True):
        # A step too small to measure the curvature is ignored.
        share = np.divide((s * result).sum(axis=1, keepdims=True), curvature, where=curvature > 0, out=curvature * 0)
        result -= share * y
        shares.append(share)
    y = steps[-1][1]
    squares = (y * y).sum(axis=1, keepdims=True)
    result *= np.divide(curvatures[-1], squares, where=(squares > 0) & (curvatures[-1] > 0), out=np.ones_like(squares))
    for (s, y), curvature, share in zip(steps, curvatures, reversed(shares), strict=True):
        back = np.divide((y * result).sum(axis=1, keepdims=True), curvature, where=curvature > 0, out=curvature * 0)
        result += s * (share - back)
    return result


def _line_search(
    objective: Callable[[NDArray[np.int64], Floats], tuple[Floats, Floats]],
    active: NDArray[np.int64],
    here: Floats,
    values: Floats,
    gradients: Floats,
    directions: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Backtracking line search: halve each step until the Armijo condition holds; otherwise the point stays."""
    slopes = (gradients * directions).sum(axis=1)
    points, new_values, new_gradients = here.copy(), values.copy(), gradients.copy()
    todo = np.arange(len(active))
    size = 1.0
    for _ in range(20):
        tried = here[todo] + size * directions[todo]
        value, gradient = objective(active[todo], tried)
        # The products are in fp32: a value equal to six digits does not count as an increase.
        fell = value <= values[todo] + 1e-4 * size * slopes[todo] + 1e-7 * np.abs(values[todo])
        points[todo[fell]], new_values[todo[fell]], new_gradients[todo[fell]] = tried[fell], value[fell], gradient[fell]
        todo = todo[~fell]
        if not len(todo):
            break
        size /= 2
    return points, new_values, new_gradients


def _logits_out_of_fold(data: _Standardised, solutions: Floats, folds: NDArray[np.int64]) -> Floats:
    """Return the out-of-fold logits of each photo; shape (strengths, N, K)."""
    strengths, _, _, outputs = solutions.shape
    result = np.empty((strengths, len(folds), outputs))
    for span, block in data.blocks():
        fold = folds[span]
        for i in range(strengths):
            for k in np.unique(fold):
                weights = solutions[i, k]
                result[i, span][fold == k] = block[fold == k] @ weights[:-1] + weights[-1]
    return result


def _weighted_loss(logits: Floats, labels: NDArray[np.int64], photo_weights: Floats) -> float:
    losses = _losses_and_slopes(logits[:, None, :], labels)[0][:, 0]
    return float((photo_weights * losses).sum() / photo_weights.sum())
