"""The scripts in benchmarks/: each starts, answers --help, and is named in the index there."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
# One process for all scripts: most of the time goes into importing torch, OpenVINO and Matplotlib, once.
_HELP_OF_ALL = """
import contextlib, io, runpy, sys
sys.path.insert(0, sys.argv[1])
for script in sys.argv[2:]:
    sys.argv = [script, "--help"]
    try:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        print(script, ended.code, "usage:" in printed.getvalue())
"""


def _scripts() -> list[Path]:
    return sorted(BENCHMARKS.glob("*.py"))


def test_every_script_answers_help() -> None:
    scripts = [str(path) for path in (*_scripts(), BENCHMARKS / "peers" / "training_speed_torch.py")]
    command = [sys.executable, "-W", "ignore", "-c", _HELP_OF_ALL, str(BENCHMARKS), *scripts]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [f"{script} 0 True" for script in scripts]


@pytest.mark.parametrize("path", sorted((BENCHMARKS / "peers").glob("*_keras.py")), ids=lambda path: path.name)
def test_scripts_for_keras_find_their_neighbours(path: Path) -> None:
    """Keras is not installed here, so their imports are read, not run."""
    imported = {
        node.module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    }
    assert not any((name or "").startswith("photoclass") for name in imported), "peers know nothing of photoclass"
    neighbours = {name for name in imported if name and name.endswith("_keras")}
    assert all((path.parent / f"{name}.py").is_file() for name in neighbours)


@pytest.mark.parametrize("caller", ["training_speed.py", "prediction_speed.py", "time_to_loss.py"])
def test_scripts_of_peers_are_where_their_callers_look(caller: str) -> None:
    text = (BENCHMARKS / caller).read_text(encoding="utf-8")
    named = [path for path in (BENCHMARKS / "peers").glob("*.py") if f'"{path.name}"' in text]
    assert named, "each of them runs at least one"


def test_the_index_names_every_file() -> None:
    index = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    for path in BENCHMARKS.rglob("*.py"):
        assert f"`{path.relative_to(BENCHMARKS)}`" in index, f"benchmarks/README.md does not name {path.name}"
