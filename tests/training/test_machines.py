"""Other machines than the one at hand: with one processor, or with instructions of long ago."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest

from running import QUICK
from tiny_runs import Tiny

_RECIPES = {
    "small-cnn": ["--set", "filters=4,4,8", "--set", "dense_units=8", "--set", "learning_rate=0.01", *QUICK],
    "resnet": ["--set", "widths=6,8", "--set", "blocks=1,1", "--set", "sides=24,32", "--set", "image_size=48"],
}
# What x86 processors had in 2003; the libraries look at these names before they look at the processor.
_OF_LONG_AGO = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OPENCV_CPU_DISABLE": "AVX2,AVX"}


def _train(tiny: Tiny, out: Path, recipe: str, variables: dict[str, str], prepare: Callable[[], None]) -> str:
    """Train in a process of its own, with as many threads as it chooses; return what it said."""
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    words = ["train", tiny.data, "--recipe", recipe, "--epochs", "2", "--out", out, "--no-report", *_RECIPES[recipe]]
    result = subprocess.run(
        [sys.executable, "-m", "photoclass.cli", *map(str, words), "--workers", "1"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**inherited, "PHOTOCLASS_CACHE": str(tiny.cache), **variables},
        preexec_fn=prepare,
    )
    assert result.returncode == 0, result.stderr
    return result.stderr


def _losses(out: Path) -> list[float]:
    with open(out / "history.csv", newline="") as stream:
        return [float(row["val_loss"]) for row in csv.DictReader(stream)]


def _nothing() -> None:
    pass


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not let processors be chosen")
@pytest.mark.parametrize(
    ("recipe", "name"), [("small-cnn", "one processor"), ("small-cnn", "of long ago"), ("resnet", "one processor")]
)
def test_one_processor_or_old_instructions_give_the_same_within_tolerance(
    on_this_machine: Callable[[str], list[float]], tiny: Tiny, tmp_path: Path, recipe: str, name: str
) -> None:
    variables = _OF_LONG_AGO if name == "of long ago" else {}
    one = {next(iter(os.sched_getaffinity(0)))}
    prepare = partial(os.sched_setaffinity, 0, one) if name == "one processor" else _nothing
    said = _train(tiny, tmp_path / "run", recipe, variables, prepare)
    assert re.search(r"on cpu in (fp32|bf16) \(the processor has (no )?bf16 arithmetic\)", said), (
        "it says what it chose"
    )
    assert _losses(tmp_path / "run") == pytest.approx(on_this_machine(recipe), abs=0.02)


@pytest.fixture(scope="module")
def on_this_machine(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[float]]:
    """Return the losses of a recipe's training with all that this machine has."""

    @cache
    def losses(recipe: str) -> list[float]:
        out = tmp_path_factory.mktemp("this") / "run"
        _train(tiny, out, recipe, {}, _nothing)
        return _losses(out)

    return losses
