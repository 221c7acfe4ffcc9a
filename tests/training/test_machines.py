"""Other machines than the one at hand: with one processor, or with the instructions of 2003."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pytest

from running import QUICK
from tiny_runs import Tiny

_RECIPES = {
    "small-cnn": ["--set", "filters=4,4,8", "--set", "dense_units=8", "--set", "learning_rate=0.01", *QUICK],
    "resnet": ["--set", "widths=6,8", "--set", "blocks=1,1", "--set", "sides=24,32", "--set", "image_size=48"],
}
# What x86 processors had in 2003; the libraries obey these variables, whatever the processor has.
_OLD_INSTRUCTIONS = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OPENCV_CPU_DISABLE": "AVX2,AVX"}
# Runs one command after another in one process: most of a command's time goes into loading torch.
_RUN_ALL = """
import json, sys
from photoclass.cli import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as ended:
        if ended.code:
            raise
"""
_CHOICE = r"on cpu in (fp32|bf16) \(([^)]+)\)"


@dataclass(frozen=True)
class _Trained:
    """What a training gave.

    Attributes:
        val_losses: Validation loss of each epoch.
        precision: Chosen by the program, and read from its output.
    """

    val_losses: list[float]
    precision: str


def _train(tiny: Tiny, folder: Path, runs: Sequence[str], machine: str) -> dict[str, _Trained]:
    """Train in a new process, with as many threads as it chooses.

    Args:
        runs: Names of recipes; ` in fp32` behind one asks for that precision.
    """
    commands = []
    for run in runs:
        recipe, _, precision = run.partition(" in ")
        commands.append(["train", str(tiny.data), "--out", str(folder / run), "--recipe", recipe, *_RECIPES[recipe]])
        commands[-1] += ["--epochs", "2", "--no-report", "--workers", "1", "--precision", precision or "auto"]
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    variables = _OLD_INSTRUCTIONS if machine == "old instructions" else {}
    one = {next(iter(os.sched_getaffinity(0)))}
    result = subprocess.run(
        [sys.executable, "-c", _RUN_ALL, json.dumps(commands)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**inherited, "PHOTOCLASS_CACHE": str(tiny.cache), **variables},
        preexec_fn=partial(os.sched_setaffinity, 0, one) if machine == "one processor" else None,
    )
    assert result.returncode == 0, result.stderr
    chosen = re.findall(_CHOICE, result.stderr)
    assert len(chosen) == len(runs), f"it says which precision it chose, and why: {result.stderr}"
    assert all("bf16 arithmetic" in reason for run, (_, reason) in zip(runs, chosen, strict=True) if " in " not in run)
    return {run: _Trained(_val_losses(folder / run), value) for run, (value, _) in zip(runs, chosen, strict=True)}


def _val_losses(out: Path) -> list[float]:
    with open(out / "history.csv", newline="") as stream:
        return [float(row["val_loss"]) for row in csv.DictReader(stream)]


@pytest.fixture(scope="module")
def trained_on(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, _Trained]]:
    """Return what trainings gave on a machine; each machine trains once."""
    runs = {
        "this one": ("small-cnn", "resnet", "small-cnn in fp32"),
        "one processor": ("small-cnn", "resnet"),
        "old instructions": ("small-cnn",),
    }

    @cache
    def trained(machine: str) -> dict[str, _Trained]:
        return _train(tiny, tmp_path_factory.mktemp(machine.replace(" ", "-")), runs[machine], machine)

    return trained


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not let processors be chosen")
@pytest.mark.parametrize(
    ("recipe", "machine"),
    [("small-cnn", "one processor"), ("resnet", "one processor"), ("small-cnn", "old instructions")],
)
def test_one_processor_or_old_instructions_give_the_same_within_tolerance(
    trained_on: Callable[[str], dict[str, _Trained]], recipe: str, machine: str
) -> None:
    trained = trained_on(machine)[recipe]
    # Old instructions have no bf16 arithmetic. Where this machine has it, the same precision has to be asked for.
    expected = trained_on("this one")[f"{recipe} in fp32" if machine == "old instructions" else recipe]
    assert trained.precision == expected.precision
    assert trained.val_losses == pytest.approx(expected.val_losses, abs=0.02)
