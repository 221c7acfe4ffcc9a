"""Where a command runs: paths with spaces and other scripts, consoles without UTF-8, places that cannot be written."""

import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from running import done, run_command, run_in_new_interpreter

ODD_NAME = "my pets [2024] & co's #1 100%"


def _draw(folder: Path, classes: tuple[str, ...] = ("cats", "dogs"), per_class: int = 14) -> Path:
    """Draw class folders of small pictures, each of a colour of its own."""
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(per_class):
            colour = (90 * number + 20, 10 * i + 30, 200 - 9 * i)
            picture = Image.new("RGB", (64, 48), colour)
            picture.paste((255 - 12 * i, 40, 12 * i), (3 * i, 2 * i, 3 * i + 12, 2 * i + 14))
            picture.save(folder / name / f"{name[0]} {i}.png")
    return folder


def _environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "COLUMNS": "120", **variables}


def _run(*words: object, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "photoclass", *map(str, words)],
        capture_output=True,
        timeout=120,
        env=_environment(**variables),
    )


def test_inputs_32_the_lines_after_next_can_be_pasted(tmp_path: Path) -> None:
    photos = _draw(tmp_path / ODD_NAME)
    lines = done("check", photos, "--quick").stdout.splitlines()
    commands = [shlex.split(line.removeprefix("next: ")) for line in lines if line.startswith("next: ")]
    assert ["photoclass", "train", str(photos), "--out", "my-model"] in commands
    assert all(command[:1] == ["photoclass"] and command[2] == str(photos) for command in commands)


def test_a_path_that_begins_with_a_dash_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _draw(tmp_path / "-dash")
    monkeypatch.chdir(tmp_path)
    assert "next: photoclass train ./-dash --out my-model" in done("check", "./-dash", "--quick").stdout


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_inputs_32_a_console_without_utf8_gets_the_work_done(encoding: str, tmp_path: Path) -> None:
    photos = _draw(tmp_path / "names", ("Кошка", "Собака"))
    result = _run("check", photos, "--quick", PYTHONUTF8="0", PYTHONIOENCODING=encoding)
    assert result.returncode == 0, result.stderr
    assert rb"\u041a\u043e\u0448\u043a\u0430" in result.stdout


def test_fault_73_in_an_ascii_locale_class_names_are_what_they_are_elsewhere(tmp_path: Path) -> None:
    _draw(tmp_path / "names", ("Кошка", "Собака"))
    table = tmp_path / "labels.csv"
    rows = [f"names/{name}/{name[0]} {i}.png,{name}" for name in ("Кошка", "Собака") for i in range(14)]
    table.write_text("\n".join(["image,label", *rows]) + "\n", encoding="utf-8")
    ascii_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for data in (tmp_path / "names", table):
        out = tmp_path / "found.json"
        result = _run("check", data, "--quick", "--json", out, **ascii_locale)
        assert result.returncode == 0, result.stderr
        assert json.loads(out.read_text(encoding="utf-8"))["counts"] == {"all": {"Кошка": 14, "Собака": 14}}


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["check", ""], "after check"),
        (["check", "photos", "--json", ""], "after --json"),
        (["predict", "photo.jpg", "--model="], "of --model"),
    ],
)
def test_fault_71_an_empty_argument_is_refused_and_not_taken_for_the_current_folder(
    words: list[str], where: str
) -> None:
    result = run_command(*words)
    assert result.returncode == 2
    assert result.stderr == f"photoclass: the argument {where} is empty; give a value (is a shell variable unset?)\n"


def test_fault_73_a_home_that_cannot_be_written_names_the_variable_that_helps(tmp_path: Path) -> None:
    photos = _draw(tmp_path / "photos", per_class=3)
    nowhere = {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": "", "PHOTOCLASS_CACHE": ""}
    result = _run("check", photos, "--quick", **nowhere)
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.decode().splitlines() if line.startswith("photoclass: ")]
    assert "the cache cannot be written (No such file or directory); set PHOTOCLASS_CACHE to a folder" in line
    shutil.make_archive(str(tmp_path / "zipped"), "zip", photos)
    refused = _run("check", tmp_path / "zipped.zip", "--quick", **nowhere)
    assert refused.returncode == 1 and b"set PHOTOCLASS_CACHE to a folder" in refused.stderr
    picture = next(photos.rglob("*.png"))
    assert _run("predict", picture, **nowhere).returncode == 0  # needs no cache
    drawn = _run("gallery", photos, "--out", tmp_path / "gallery.png", **nowhere)
    assert drawn.returncode == 0
    assert b"atplotlib" not in drawn.stderr


def test_fault_73_a_daemon_process_decodes_by_itself(tmp_path: Path) -> None:
    photos = _draw(tmp_path / "photos", per_class=150)
    script = tmp_path / "in_a_daemon.py"
    script.write_text(
        "import multiprocessing, sys\n"
        "from pathlib import Path\n"
        "def work():\n"
        "    import photoclass\n"
        "    print(len(photoclass.check(Path(sys.argv[1]), labels=False).photos))\n"
        "if __name__ == '__main__':\n"
        "    process = multiprocessing.get_context('spawn').Process(target=work, daemon=True)\n"
        "    process.start(); process.join(); sys.exit(process.exitcode)\n"
    )
    variables = _environment(PHOTOCLASS_CACHE=str(tmp_path / "cache"))
    result = subprocess.run([sys.executable, script, photos], capture_output=True, timeout=120, env=variables)
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, b"300", b"")


def test_fault_72_a_disk_that_fills_up_at_the_end_of_a_training_leaves_no_folder_in_the_way(tmp_path: Path) -> None:
    photos = _draw(tmp_path / "photos")
    train = ["train", photos, "--out", tmp_path / "run", "--quality", "fast", "--no-report"]
    done(*train[:3], tmp_path / "first", *train[4:])  # now the cache has all that a training needs

    def fill_the_disk() -> None:
        limit = 1_500_000  # less than the network
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    result = run_in_new_interpreter(*train, preexec_fn=fill_the_disk)
    assert result.returncode == 1
    assert "model.onnx" in result.stderr and "free some space" in result.stderr
    assert not (tmp_path / "run").exists()
    done(*train)
