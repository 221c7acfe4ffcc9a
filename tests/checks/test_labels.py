"""Label errors, on pictures whose class is beyond doubt: stripes and dots."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photoclass.checks.check import check
from photoclass.checks.description import describe_findings
from photoclass.checks.findings import Findings
from photoclass.checks.labels import _dissimilarity
from photoclass.training.frozen.label_errors import find_label_errors

EACH = 30
SWAPPED = ("dots/3.jpg", "dots/17.jpg", "stripes/8.jpg")


def _stripes(generator: np.random.Generator) -> NDArray[np.uint8]:
    y, x = np.mgrid[:160, :160]
    angle, width = generator.uniform(0, np.pi), generator.uniform(8, 16)
    light = ((x * np.cos(angle) + y * np.sin(angle)) / width % 2 < 1)[:, :, None]
    return np.where(light, generator.integers(150, 256, 3), generator.integers(0, 100, 3)).astype(np.uint8)


def _dots(generator: np.random.Generator) -> NDArray[np.uint8]:
    y, x = np.mgrid[:160, :160]
    spacing = generator.uniform(24, 40)
    radius = generator.uniform(0.2, 0.35) * spacing
    near = np.hypot((x % spacing) - spacing / 2, (y % spacing) - spacing / 2) < radius
    return np.where(near[:, :, None], generator.integers(150, 256, 3), generator.integers(0, 100, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    folder = tmp_path_factory.mktemp("labels") / "photos"
    generator = np.random.default_rng(0)
    for name, draw in (("stripes", _stripes), ("dots", _dots)):
        for i in range(EACH):
            shown = f"{name}/{i}.jpg"
            other = {"stripes": "dots", "dots": "stripes"}[name]
            path = folder / (f"{other}/swapped-{i}.jpg" if shown in SWAPPED else shown)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw(generator)).save(path, quality=90)
    return check(folder)


def test_swapped_labels_are_found_and_their_class_is_suggested(findings: Findings) -> None:
    most = {findings.name(error.photo): error for error in findings.labels.label_errors[: len(SWAPPED)]}
    assert set(most) == {"stripes/swapped-3.jpg", "stripes/swapped-17.jpg", "dots/swapped-8.jpg"}
    for name, error in most.items():
        assert error.suggested == ("dots" if name.startswith("stripes/") else "stripes")
        assert error.likely and error.probability > 0.9


def test_they_stand_describe_findings_json_and_proposed_fixes(findings: Findings) -> None:
    assert "3 of them likely" in describe_findings(findings)
    found = findings.as_json()["label_errors"]
    assert {row["file"].rpartition("/")[2] for row in found[:3]} == {"swapped-3.jpg", "swapped-17.jpg", "swapped-8.jpg"}
    assert set(found[0]) == {"file", "label", "suggested", "probability", "likely"}
    proposed = {fix.image: fix.label for fix in findings.proposed_fixes() if fix.label is not None}
    assert proposed == {
        "stripes/swapped-3.jpg": "dots",
        "stripes/swapped-17.jpg": "dots",
        "dots/swapped-8.jpg": "stripes",
    }


def test_labels_are_not_checked_if_a_class_has_one_photo(tmp_path: Path) -> None:
    for name, draw in (("stripes", _stripes), ("dots", _dots)):
        for i in range(3 if name == "dots" else 1):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(draw(np.random.default_rng(i))).save(tmp_path / name / f"{i}.jpg")
    findings = check(tmp_path)
    assert findings.as_json()["label_errors"] is None
    assert (
        "labels were not checked: class 'stripes' has 1 different photo to train on; at least 2 are needed"
        in describe_findings(findings)
    )


def test_the_threshold_of_likely_errors_follows_from_the_photos_and_is_at_least_nine_tenths() -> None:
    labels = np.array([0] * 10 + [1] * 10)
    second = np.full(20, 0.02)
    second[10:] = 0.98
    second[0], second[1], second[10] = 0.99, 0.7, 0.03
    errors_found = find_label_errors(np.stack([1 - second, second], axis=1), labels)
    assert errors_found.rows.tolist() == [0, 10, 1]
    assert errors_found.suggested.tolist() == [1, 0, 1]
    np.testing.assert_allclose(errors_found.wrong, [0.99, 0.97, 0.7])
    assert errors_found.likely.tolist() == [True, True, False]
    assert errors_found.only_likely().rows.tolist() == [0, 10]
    # Among photos that are hard to classify, no error is likely.
    hard = 0.5 + 0.3 * (second - 0.5)
    assert not find_label_errors(np.stack([1 - hard, hard], axis=1), labels).likely.any()


def test_a_photo_unlike_all_others_is_an_outlier_even_beside_its_duplicate() -> None:
    generator = np.random.default_rng(0)
    usual = 1 + 0.1 * generator.normal(size=(200, 64))
    outlier = np.zeros(64)
    outlier[:4] = 8
    roots = np.vstack([usual, outlier, outlier]).astype(np.float32)
    groups = np.array([*range(200), 200, 200])
    together = _dissimilarity(roots, groups)
    assert together[200:].min() > 10
    assert np.abs(together[:200]).max() < 5
    apart = _dissimilarity(roots, np.arange(202))
    assert apart[200] < together[200], "if they were not duplicates, they would be each other's neighbours"
