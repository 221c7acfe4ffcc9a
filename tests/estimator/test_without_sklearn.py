"""Without scikit-learn the names are there, and whoever uses them is told what to install; torch is not needed."""

import subprocess
import sys
from pathlib import Path

import pytest


def _run(code: str) -> str:
    hidden = f"import sys; sys.modules['sklearn'] = sys.modules['sklearn.base'] = None\n{code}"
    return subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=True).stdout


def test_all_names_can_be_imported() -> None:
    assert _run("from photoclass import *; print(PhotoClassifier.__name__)") == "PhotoClassifier\n"


@pytest.mark.parametrize("call", ["PhotoClassifier()", "PhotoFeatures('lite0')", "PhotoClassifier.load(model)"])
def test_an_estimator_says_what_installs_scikit_learn(call: str) -> None:
    code = f"""
import photoclass
from photoclass import PhotoClassifier, PhotoFeatures
model = photoclass.builtin_model()
try:
    {call}
except photoclass.PhotoclassError as error:
    print(error)
"""
    name = call.partition("(")[0].partition(".")[0]
    assert _run(code) == f"{name} needs sklearn; run: pip install 'photoclass[sklearn]'\n"


def test_an_estimator_needs_no_torch(tiny_backbone: str, tmp_path: Path) -> None:
    code = f"""
import sys
import numpy as np
from photoclass import PhotoClassifier
from numbers_estimators import tiny_settings
X = np.random.default_rng(0).integers(0, 200, (40, 32, 32, 3)).astype(np.uint8)
X[::2, :, :, 0] += 50
y = np.arange(40) % 2
classifier = PhotoClassifier(settings=tiny_settings({tiny_backbone!r})).fit(X, y)
classifier.save({str(tmp_path / "run")!r})
print(PhotoClassifier.load({str(tmp_path / "run")!r}).score(X, y), "torch" in sys.modules)
"""
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tests)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1.0 False\n"
