"""JSON documents: every command writes one with `--json`, and it is what its schema says."""

import csv
import importlib.util
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

import photoclass
from fake_hub import FakeHub
from photoclass.cli.commands import COMMANDS
from photoclass.errors import SettingsError
from photoclass.schemas.documents import write_json
from photoclass.schemas.load import schema_names
from running import QUICK, run_command

ROOT = Path(__file__).parents[1]


def _tool() -> ModuleType:
    """Return tools/schemas.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("schemas_tool", ROOT / "tools" / "schemas.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def closed(schema: Any, *, open_here: bool = False) -> Any:
    """Return a schema that takes no other keys than those it names; the published ones let later versions add some.

    Args:
        schema: The schema, or a part of it.
        open_here: Whether this part stays open, because what uses it is closed.
    """
    if isinstance(schema, list):
        return [closed(value, open_here=open_here) for value in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value, open_here=key == "allOf") for key, value in schema.items()}
    for name, part in schema.get("$defs", {}).items():
        result["$defs"][name] = closed(part, open_here=True)
    if not open_here and ("required" in schema or "$ref" in schema):
        result["unevaluatedProperties"] = False
    return result


def validate(document: dict[str, Any]) -> None:
    """Check a document against its schema, without any key that the schema does not have."""
    jsonschema.Draft202012Validator(closed(photoclass.schema(document["schema"]))).validate(document)


@pytest.fixture(scope="module")
def photos(few_drawn_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn photos with one that is skipped, a text file, a copy in the other class, and two wrong labels."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    shutil.copytree(few_drawn_photos, folder)
    (folder / "cat" / "empty.jpg").touch()
    (folder / "cat" / "notes.txt").write_text("no photo")
    shutil.copy(folder / "cat" / "cat-0001.jpg", folder / "dog" / "copy.jpg")
    for name in ("dog-0002.jpg", "dog-0003.jpg"):
        (folder / "dog" / name).rename(folder / "cat" / name)
    return folder


def _words(command: str, photos: Path, model: Path, out: Path) -> list[object]:
    """Return a command that is done with these photos."""
    with_model = ["--model", model]
    words: dict[str, list[object]] = {
        "check": [photos, "--group-by", "/([^/]{3})[^/]*$"],
        "convert": [photos, "--to", "csv", "--out", out / "converted"],
        "train": [photos, "--out", out / "run", "--recipe", "small-cnn", "--epochs", 1, *QUICK, "--no-report"],
        "evaluate": [photos, *with_model, "--include-known", "--cost-fp", 1, "--cost-fn", 5],
        "predict": [photos, *with_model, "--abstain", "0.6", "--coverage", "0.5"],
        "submit": [photos, *with_model, "--out", out / "submission.csv"],
        "gallery": [photos, *with_model, "--out", out / "gallery.png", "--count", 5],
        "explain": [photos, *with_model, "--out", out / "heat.png", "--count", 2],
        "report": [model, "--out", out / "report.html"],
        "push": [model, "hf:me/cats"],
        "cache": [],
        "demo": ["--data", photos, "--out", out / "demo", "--epochs", 1],
    }
    return [command, *words[command]]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_writes_its_document_and_nothing_else_to_standard_output(
    command: str, photos: Path, model: Path, hub: FakeHub, tmp_path: Path
) -> None:
    result = run_command(*_words(command, photos, model, tmp_path), "--json", "-")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["schema"] == f"photoclass/{command}/1"
    validate(document)
    if command == "check":
        assert document["label_errors"] and document["duplicates"] and document["unreadable"] and document["groups"]
    assert result.stderr.strip(), "the text is on standard error"


@pytest.mark.parametrize("command", ["check", "evaluate", "predict", "cache"])
def test_a_file_has_what_standard_output_has(command: str, photos: Path, model: Path, tmp_path: Path) -> None:
    words = _words(command, photos, model, tmp_path)
    run_command(*words)  # what the cache holds is the same from now on
    to_file = run_command(*words, "--json", tmp_path / "a.json")
    to_output = run_command(*words, "--json", "-")
    written, printed = json.loads((tmp_path / "a.json").read_text()), json.loads(to_output.stdout)
    for document in (written, printed):
        document.pop("seconds", None)
    assert written == printed
    assert to_file.stdout and to_file.stdout in to_output.stderr, "the text of the command, on the other stream"


def test_two_models_are_compared_in_a_document_of_their_own(photos: Path, model: Path) -> None:
    models = ["--model", model, "--model", photoclass.builtin_model()]
    document = json.loads(run_command("evaluate", photos, *models, "--include-known", "--json", "-").stdout)
    assert document["schema"] == "photoclass/compare/1"
    validate(document)


@pytest.mark.parametrize(("cats", "dogs"), [(1, 0), (1, 1), (2, 1)])
def test_few_photos_have_documents_without_nan(
    cats: int, dogs: int, model: Path, few_drawn_photos: Path, tmp_path: Path
) -> None:
    for name, count in (("cat", cats), ("dog", dogs)):
        for photo in sorted((few_drawn_photos / name).iterdir())[:count]:
            (tmp_path / name).mkdir(exist_ok=True)
            shutil.copy(photo, tmp_path / name)
    costs, builtin = photoclass.Costs(fp=1, fn=5), photoclass.builtin_model()
    for result in (
        photoclass.evaluate(tmp_path, model, include_known=True, costs=costs),
        photoclass.compare(tmp_path, [model, builtin], include_known=True),
    ):
        stream = io.BytesIO()
        write_json(result.as_json(), stream)
        validate(json.loads(stream.getvalue()))


def test_skipped_photos_and_files_passed_over_are_in_the_document(photos: Path, model: Path, tmp_path: Path) -> None:
    result = run_command("predict", photos, "--model", model, "--json", "-", "--strict")
    assert result.returncode == 3, "the exit code stays"
    document = json.loads(result.stdout)
    validate(document)
    assert [item["reason"] for item in document["skipped"]] == ["file is empty (0 bytes)"]
    assert document["passed_over"] == {"text files (txt)": 1}
    (row,) = [row for row in document["predictions"] if row["status"] != "ok"]
    assert row["label"] is row["probability"] is row["prob_cat"] is None


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_cannot_be_written_is_refused_before_any_work(
    command: str, photos: Path, model: Path, hub: FakeHub, tmp_path: Path
) -> None:
    result = run_command(*_words(command, photos, model, tmp_path), "--json", tmp_path)
    assert result.returncode == 1 and result.stderr == f"photoclass: {tmp_path}: is a folder; give a file name\n"
    assert not list(tmp_path.iterdir()) and not result.stdout


def test_a_command_that_fails_writes_no_document(model: Path, tmp_path: Path) -> None:
    result = run_command("predict", tmp_path, "--model", model, "--json", "-")
    assert result.returncode == 1 and not result.stdout and "no photos found" in result.stderr


def test_standard_output_that_cannot_be_written_is_one_line() -> None:
    command = f"{sys.executable} -m photoclass cache --json -"
    for where, message in ((">&-", "standard output is closed"), ("> /dev/full", "No space left on device")):
        result = subprocess.run(f"{command} {where}", shell=True, capture_output=True, text=True)
        assert result.returncode == 1, where
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("photoclass: ")]
        assert message in line and "Traceback" not in result.stderr and "Exception" not in result.stderr


# Standard output for the predictions themselves


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_predictions_on_standard_output_are_those_of_the_file(
    form: str, photos: Path, model: Path, tmp_path: Path
) -> None:
    words = ("predict", photos, "--model", model)
    file = tmp_path / f"p.{form}"
    assert run_command(*words, "--out", file).returncode == 0
    result = run_command(*words, "--out", "-", *(["--format", form] if form != "csv" else []))
    written = file.read_text()
    if form == "json":
        documents = [json.loads(text) for text in (written, result.stdout)]
        for document in documents:
            validate(document)
            document.pop("seconds")
        assert documents[0] == documents[1]
    else:
        assert result.stdout == written
    assert "standard output: 50 rows" in result.stderr


def test_parquet_goes_through_a_pipe(photos: Path, model: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    words = ["predict", str(photos), "--model", str(model), "--out", "-", "--format", "parquet"]
    result = subprocess.run([sys.executable, "-m", "photoclass", *words], capture_output=True, check=True)
    (tmp_path / "p.parquet").write_bytes(result.stdout)
    run_command("predict", photos, "--model", model, "--out", tmp_path / "p.csv")
    with open(tmp_path / "p.csv", newline="") as stream:
        files = [row["file"] for row in csv.DictReader(stream)]
    assert pyarrow.parquet.read_table(tmp_path / "p.parquet")["file"].to_pylist() == files


def test_one_document_at_a_time_and_no_option_that_does_nothing(photos: Path) -> None:
    result = run_command("predict", photos, "--out", "-", "--json", "-")
    assert result.returncode == 1 and "both ask for standard output" in result.stderr and not result.stdout
    result = run_command("predict", photos, "--format", "csv")
    assert result.returncode == 1 and "--format csv is the format of --out" in result.stderr


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("check", ("--json", "--html")),
        ("check", ("--croissant", "--write-fixes")),
        *((command, ("--out", "--json")) for command in ("predict", "gallery", "explain", "submit")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_two_outputs_in_one_file_are_refused(
    command: str, options: tuple[str, str], photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "here").symlink_to(tmp_path)
    files = (tmp_path / "one.jpg", tmp_path / "here" / "one.jpg")
    result = run_command(command, photos, *(word for pair in zip(options, files, strict=True) for word in pair))
    assert result.returncode == 1 and f"both {options[0]} and {options[1]} would write it" in result.stderr
    assert not files[0].exists() and not result.stdout


# The schemas


def test_schemas_are_up_to_date() -> None:
    assert not _tool().stale(), "run: make reference"
    assert set(schema_names()) == {f"photoclass/{name}/1" for name in _tool().DOCUMENTS}


@pytest.mark.parametrize("name", schema_names())
def test_every_schema_is_valid_complete_and_described(name: str) -> None:
    schema = photoclass.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"] == name == schema["properties"]["schema"]["const"]

    def check(part: Any) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                assert part["$ref"].removeprefix("#/$defs/") in schema["$defs"], "complete in itself"
            for value in part.get("properties", {}).values():
                assert value.get("description") or "$ref" in value, value
            part = list(part.values())
        if isinstance(part, list):
            for value in part:
                check(value)

    check(schema)


def test_a_key_that_no_schema_has_and_a_wrong_type_are_found() -> None:
    document = {"schema": "photoclass/report/1", "file": "r.html", "bytes": 5, "seconds": 0.1, "note": None}
    validate(document)
    for wrong in (document | {"new": 1}, document | {"bytes": "5"}, {k: document[k] for k in list(document)[:-1]}):
        with pytest.raises(jsonschema.ValidationError):
            validate(wrong)
    jsonschema.validate(document | {"new": 1}, photoclass.schema("photoclass/report/1"))  # keys may be added


def test_an_unknown_schema_is_refused_with_the_names() -> None:
    with pytest.raises(SettingsError, match=r"photoclass/evaluate/9: unknown schema; choose from photoclass/cache/1, "):
        photoclass.schema("photoclass/evaluate/9")
