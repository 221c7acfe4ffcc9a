"""Cross-fitting: the estimated optimism of photos that selected epoch and temperature, against the truth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from photoclass.metrics.calibration import fit_temperature, to_probabilities
from photoclass.metrics.classification import log_losses
from photoclass.training.cross_fitting import estimate_optimism, kept_rows, selected_by_validation

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]


def _noise_epochs(epochs: int, photos: int, seed: int, sharp: float = 1.0) -> tuple[Logits, Labels]:
    """Return equally good epochs that differ only by noise; one logit per photo."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, photos)
    shared = (2 * labels - 1) * 1.5 + generator.normal(0, 1.2, photos)
    logits = sharp * (shared + generator.normal(0, 0.8, (epochs, photos)))
    return logits[:, :, None].astype(np.float32), labels


def _losses(logits: NDArray[np.floating], labels: Labels, temperature: float = 1.0) -> NDArray[np.float64]:
    return log_losses(to_probabilities(logits.astype(np.float64) / temperature), labels)


def _selected(logits: Logits, labels: Labels, calibrate: bool) -> tuple[int, float]:
    """Select epoch and temperature as the training loop does."""
    temperatures = [fit_temperature(epoch.astype(np.float64), labels) if calibrate else 1.0 for epoch in logits]
    losses = [_losses(epoch, labels, t).mean() for epoch, t in zip(logits, temperatures, strict=True)]
    best = int(np.argmin(losses))
    return best, temperatures[best]


@pytest.mark.parametrize(("epochs", "calibrate"), [(20, False), (6, True)])
def test_the_estimate_is_the_true_optimism_on_average(epochs: int, calibrate: bool) -> None:
    """Over 40 sets of 300 photos, against new photos; noise common to both is removed from the spread."""
    fresh, fresh_labels = _noise_epochs(epochs, 20_000, seed=10_000)
    usual = np.mean([_losses(epoch, fresh_labels).mean() for epoch in fresh])
    true, estimated = [], []
    for seed in range(40):
        logits, labels = _noise_epochs(epochs, 300, seed)
        best, temperature = _selected(logits, labels, calibrate)
        naive = _losses(logits[best], labels, temperature).mean()
        # What all epochs have in common flatters nobody: without it the same answer takes fewer sets.
        luck = np.mean([_losses(epoch, labels).mean() for epoch in logits]) - usual
        true.append(_losses(fresh[best], fresh_labels, temperature).mean() - naive + luck)
        found = estimate_optimism(logits, labels, np.arange(300), calibrate, seed)
        assert found is not None and found.log_loss is not None
        estimated.append(found.log_loss)
    values = np.array([one.value for one in estimated])
    sure_of = np.hypot(np.std(true), values.std()) / np.sqrt(len(true))
    assert np.mean(true) > 8 * np.std(true) / np.sqrt(len(true)), "there is something to find"
    assert abs(values.mean() - np.mean(true)) < 3 * sure_of
    # The error that each estimate gives of itself is about its spread.
    assert 0.7 < np.mean([one.error for one in estimated]) / values.std() < 2


def test_the_optimism_of_one_temperature_is_one_nat_divided_by_the_number_of_photos() -> None:
    """A parameter fitted by likelihood costs 1/2N in and 1/2N out of sample (Akaike, 1974)."""
    values = []
    for seed in range(20):
        logits, labels = _noise_epochs(1, 800, seed, sharp=1.5)
        found = estimate_optimism(logits, labels, np.arange(800), True, seed)
        assert found is not None and found.log_loss is not None and found.selected == ("temperature",)
        assert found.accuracy is not None and found.accuracy.value == 0, "no temperature changes what is signed"
        values.append(found.log_loss.value)
    assert np.mean(values) == pytest.approx(1 / 800, rel=0.4)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("calibrate", [False, True])
def test_it_equals_selecting_and_evaluating_fold_by_fold(classes: int, calibrate: bool) -> None:
    photos, generator = 90, np.random.default_rng(classes)
    labels = generator.integers(0, classes, photos)
    width = 1 if classes == 2 else classes
    signed = (2 * labels - 1)[:, None] if classes == 2 else 3 * np.eye(classes)[labels]
    logits = (2 * signed + generator.normal(0, 2, (4, photos, width))).astype(np.float32)
    duplicates = np.arange(photos) // 2 * 2
    found = estimate_optimism(logits, labels, duplicates, calibrate, seed=5)
    best, temperature = _selected(logits, labels, calibrate)
    naive = _losses(logits[best], labels, temperature)
    right = [to_probabilities(epoch.astype(np.float64)).argmax(axis=1) == labels for epoch in logits]
    draws, losses, worse = np.random.default_rng([5, 2]), [], []
    for _ in range(10):
        fold = draws.permutation(photos // 2)[np.arange(photos) // 2] % 5
        for k in range(5):
            rest, here = fold != k, fold == k
            chosen, heat = _selected(logits[:, rest], labels[rest], calibrate)
            losses.append((_losses(logits[chosen][here], labels[here], heat) - naive[here]).sum())
            worse.append((right[best][here].astype(int) - right[chosen][here]).sum())
    assert found is not None and found.log_loss is not None and found.accuracy is not None
    assert found.log_loss.value == pytest.approx(sum(losses) / (10 * photos), abs=5e-5 if calibrate else 1e-12)
    assert found.accuracy.value == pytest.approx(sum(worse) / (10 * photos), abs=1e-12)


def test_near_duplicates_are_in_one_fold() -> None:
    """Duplicated photos carry no more information: in different folds, they would select for each other."""
    logits, labels = _noise_epochs(15, 200, seed=1)
    once = estimate_optimism(logits, labels, np.arange(200), False, seed=0)
    doubled, duplicates = np.repeat(logits, 2, axis=1), np.repeat(np.arange(200), 2)
    together = estimate_optimism(doubled, np.repeat(labels, 2), duplicates, False, seed=0)
    apart = estimate_optimism(doubled, np.repeat(labels, 2), np.arange(400), False, seed=0)
    assert once and together and apart and once.log_loss and together.log_loss and apart.log_loss
    assert together.log_loss.value == pytest.approx(once.log_loss.value, rel=1e-9)
    assert together.log_loss.error == pytest.approx(once.log_loss.error, rel=1e-9)
    assert apart.log_loss.value < once.log_loss.value


def test_a_single_epoch_without_a_temperature_is_no_selection() -> None:
    logits, labels = _noise_epochs(2, 30, seed=0)
    assert estimate_optimism(logits[:1], labels, np.arange(30), False, seed=0) is None
    logits[1, 3] = np.nan  # an epoch with NaN is not a candidate
    assert estimate_optimism(logits, labels, np.arange(30), False, seed=0) is None
    assert selected_by_validation(2, True) == ("epoch", "temperature")


def test_an_optimism_that_cannot_be_estimated_is_reported_as_unknown() -> None:
    logits, labels = _noise_epochs(3, 4, seed=0)
    alone = estimate_optimism(logits, labels, np.zeros(4, dtype=np.int64), False, seed=0)
    assert alone is not None and alone.log_loss is None
    assert alone.as_text().endswith("by an unknown amount: a single picture cannot be divided into folds")
    few = estimate_optimism(logits, labels, np.arange(4), True, seed=0)
    assert few is not None and few.log_loss is not None and few.method == "cross-fitting, 10 x 4 folds"


def test_of_very_many_photos_a_fixed_sample_is_kept() -> None:
    assert kept_rows(2_000, 2, 50, seed=0).tolist() == list(range(2_000))
    rows = kept_rows(300_000, 2, 50, seed=3)
    assert len(np.unique(rows)) == 20_000 and rows.max() < 300_000
    assert len(kept_rows(300_000, 1_000, 50, seed=3)) * 1_000 * 50 <= 64_000_000, "many classes, fewer photos"
    np.testing.assert_array_equal(kept_rows(300_000, 2, 900, seed=3, kept=20_000), rows)
    logits, labels = _noise_epochs(3, 50, seed=0)
    found = estimate_optimism(logits, labels, np.arange(50), False, seed=0, all_photos=300)
    assert found is not None
    assert (
        found.method == "cross-fitting, 10 x 5 folds, on 50 of the 300 photos; the optimism of fewer photos is larger"
    )
