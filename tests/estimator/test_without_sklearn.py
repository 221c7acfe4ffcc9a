"""Without scikit-learn the names are there, and whoever uses them is told what to install."""

import subprocess
import sys

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
