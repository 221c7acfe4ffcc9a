"""The head: fitted as in scikit-learn, with near-duplicates in one fold, honest out of fold, and calibrated."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from sklearn.linear_model import LogisticRegression

from photoclass.metrics.calibration import fit_temperature, to_probabilities
from photoclass.metrics.classification import log_loss
from photoclass.photos.cache.store import Rows, RowStore, write_row
from photoclass.training.frozen import head as head_module
from photoclass.training.frozen.export_head import add_head
from photoclass.training.frozen.head import Head, assign_folds, fit_head, minimise_each, signed_roots


def rows_of(folder: Path, features: NDArray[np.float32]) -> Rows:
    store = RowStore(folder, features.shape[1:], np.float16)
    contents = [i.to_bytes(32, "big") for i in range(len(features))]
    with store.new_shard() as shard:
        for i, row in enumerate(features):
            write_row(shard.descriptor, i, row.astype(np.float16))
        shard.enter([(content, i) for i, content in enumerate(contents)])
    return store.find(contents)


def clouds(classes: int, per_class: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Overlapping clusters of non-negative features, one per class."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).uniform(0.5, 1.5, (classes, 12))
    labels = np.repeat(np.arange(classes), per_class)
    features = np.maximum(centres[labels] + generator.normal(0, 0.7, (len(labels), 12)), 0)
    return features.astype(np.float16).astype(np.float32), labels


def fit(folder: Path, features: Any, labels: Any, **changes: Any) -> Head:
    options = {"balance": False, "seed": 0, **changes}
    duplicates = options.pop("duplicates", np.arange(len(labels)))
    return fit_head(rows_of(folder, features), labels, duplicates, int(labels.max()) + 1, **options)


@pytest.mark.parametrize("classes", [2, 3])
def test_it_equals_scikit_learns_logistic_regression(classes: int, tmp_path: Path) -> None:
    features, labels = clouds(classes, 80)
    strength = 0.03
    found = fit(tmp_path, features, labels, strengths=(strength,))
    roots = np.sqrt(features)
    # Shrinkage: each variance moves towards the mean of all, as if by 1,000 more photos.
    count, variances = len(roots), roots.var(axis=0)
    deviations = np.sqrt((count * variances + 1000 * variances.mean()) / (count + 1000))
    scaled = (roots - roots.mean(axis=0)) / (deviations + 0.05)
    # scikit-learn adds half the squared weights to C times the sum of losses. For two classes it has one logit, too.
    reference = LogisticRegression(C=1 / (strength * len(labels)), tol=1e-8, max_iter=1000).fit(scaled, labels)
    expected = reference.predict_proba(scaled)
    logits = (roots @ found.weights + found.bias).astype(np.float64)
    assert np.abs(to_probabilities(logits) - expected).max() < 2e-3


def test_features_read_from_disk_give_the_same_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = clouds(2, 100)
    kept = fit(tmp_path / "a", features, labels)
    monkeypatch.setattr(head_module, "_MAX_BYTES_IN_MEMORY", 0)
    monkeypatch.setattr(head_module, "_BLOCK", 37)
    read_again = fit(tmp_path / "b", features, labels)
    assert kept.strength == read_again.strength
    assert np.abs(kept.probabilities(features) - read_again.probabilities(features)).max() < 1e-3


def test_out_of_fold_predictions_score_like_new_photos(tmp_path: Path) -> None:
    features, labels = clouds(2, 300)
    head = fit(tmp_path, features, labels)
    unseen, truth = clouds(2, 3000, seed=1)
    honest = log_loss(to_probabilities(head.out_of_fold / head.temperature), labels)
    assert honest == pytest.approx(log_loss(head.probabilities(unseen), truth), rel=0.15)


def test_copies_of_a_photo_do_not_make_the_head_overconfident(tmp_path: Path) -> None:
    features, labels = clouds(2, 40)
    copies, duplicates = np.repeat(features, 3, axis=0), np.repeat(np.arange(len(labels)), 3)
    together = fit(tmp_path / "a", copies, np.repeat(labels, 3), duplicates=duplicates)
    apart = fit(tmp_path / "b", copies, np.repeat(labels, 3))
    assert min(together.candidates.values()) > min(apart.candidates.values())


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 4))
def test_folds_keep_near_duplicates_together_and_are_stratified(seed: int, folds: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    label_of_group = np.repeat(np.arange(classes), folds + generator.integers(0, 9))
    duplicates = np.concatenate([np.arange(len(label_of_group)), generator.integers(0, len(label_of_group), 20)])
    labels = label_of_group[duplicates]
    found = assign_folds(labels, duplicates, folds, seed)
    for group in np.unique(duplicates):
        assert len(np.unique(found[duplicates == group])) == 1
    for label in range(classes):
        assert set(found[labels == label]) == set(range(folds))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=2, max_size=40), st.integers(0, 999))
def test_fault_70_a_class_of_two_groups_is_in_two_folds_even_where_groups_span_classes(
    photos: list[tuple[int, int]], seed: int
) -> None:
    groups, labels = (np.array(values) for values in zip(*photos, strict=True))
    found = assign_folds(labels, groups, 2, seed)
    torn = []
    for label in np.unique(labels):
        of_class = labels == label
        if len(np.unique(groups[of_class])) > 1 and len(np.unique(found[of_class])) == 1:
            torn.append(label)
    # With two folds, three classes of three shared groups cannot all be divided (an odd circle has no two colours).
    assert not torn or len(np.unique(labels)) == 3
    for group in np.unique(groups):
        assert len(np.unique(found[groups == group])) == 1


def test_balance_raises_the_probability_of_a_rare_class(tmp_path: Path) -> None:
    features, labels = clouds(2, 400)
    keep = np.r_[0:400, 400:420]
    plain = fit(tmp_path / "a", features[keep], labels[keep])
    balanced = fit(tmp_path / "b", features[keep], labels[keep], balance=True)
    rare = features[420:]
    assert balanced.probabilities(rare)[:, 1].mean() > plain.probabilities(rare)[:, 1].mean() + 0.1


def test_five_photos_per_class_are_enough(tmp_path: Path) -> None:
    features, labels = clouds(3, 5)
    unseen, truth = clouds(3, 500, seed=1)
    head = fit(tmp_path, features, labels)
    assert (head.probabilities(unseen).argmax(axis=1) == truth).mean() > 0.5


@pytest.mark.parametrize("classes", [2, 3])
def test_the_exported_head_is_the_fitted_head(classes: int, tmp_path: Path) -> None:
    features, labels = clouds(classes, 40)
    head = fit(tmp_path, features - 1, labels)  # on both sides of zero
    width = features.shape[1]
    row = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["photos", width])
    nothing = helper.make_node("Identity", ["pixels"], ["features"])
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["photos", width])
    backbone = helper.make_model(
        helper.make_graph([nothing], "backbone", [pixels], [row]), opset_imports=[helper.make_opsetid("", 17)]
    )
    whole = add_head(backbone.SerializeToString(), head.weights, head.bias, head.temperature)
    (found,) = ReferenceEvaluator(whole).run(None, {"pixels": features - 1})
    np.testing.assert_allclose(found, head.probabilities(features - 1), atol=1e-5)


def test_many_problems_are_minimised_simultaneously() -> None:
    centres = np.random.default_rng(0).normal(size=(6, 4))
    scales = np.logspace(-2, 2, 6)[:, None]

    def bowls(which: NDArray[np.int64], points: NDArray[np.float64]) -> Any:
        away = points - centres[which]
        return 0.5 * (scales[which] * away**2).sum(axis=1), scales[which] * away

    found = minimise_each(bowls, np.zeros((6, 4)), tolerance=1e-8)
    assert np.abs(found - centres).max() < 1e-5


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_is_the_factor_by_which_logits_are_too_large(classes: int, factor: float) -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (20_000, 1 if classes == 2 else classes))
    chances = to_probabilities(logits).cumsum(axis=1)
    labels = (generator.random((len(logits), 1)) > chances).sum(axis=1)
    assert fit_temperature(factor * logits, labels) == pytest.approx(factor, rel=0.05)


def test_a_temperature_from_four_photos_stays_near_one() -> None:
    logits = np.array([[-9.0], [-8.0], [9.0], [8.0]])
    assert 0.3 < fit_temperature(logits, np.array([0, 0, 1, 1])) < 1
    assert 1 < fit_temperature(logits, np.array([0, 1, 1, 0])) < 8


def test_signed_roots_keep_the_sign_and_equal_plain_roots_of_positive_values() -> None:
    found = signed_roots(np.array([-4.0, -0.25, 0.0, 0.25, 9.0], dtype=np.float16))
    assert found.dtype == np.float32
    assert found.tolist() == [-2.0, -0.5, 0.0, 0.5, 3.0]
    above = np.random.default_rng(0).exponential(2, 1000).astype(np.float16)
    np.testing.assert_array_equal(signed_roots(above), np.sqrt(above.astype(np.float32)))


def test_negative_features_separate_classes(tmp_path: Path) -> None:
    features, labels = clouds(2, 100)
    away = -features  # with positive values alone, nothing would be left
    head = fit(tmp_path, away, labels)
    assert (head.probabilities(away).argmax(axis=1) == labels).mean() > 0.8
