"""`train --config`: a TOML file or an earlier run gives the options that the command line does not."""

import json
from pathlib import Path

import pytest

import photoclass
from photoclass.cli.commands import load_command
from running import done, run_command


@pytest.fixture(scope="module")
def config(drawn_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a config beside its photos, which it names by a relative path."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "photos").symlink_to(drawn_photos)
    file = folder / "run.toml"
    file.write_text(
        'data = "photos"\nquality = "fast"\nseed = 3\nsplit = "60/20/20"\nno-report = true\njson = "run.json"\n'
        "[settings]\nbalance = true\n"
    )
    return file


@pytest.fixture(scope="module")
def run(config: Path) -> Path:
    """Return the model folder that the config makes, run from another folder."""
    done("train", "--config", config, "--out", config.parent / "run")
    return config.parent / "run"


def _info(run: Path) -> photoclass.ModelInfo:
    return photoclass.load_info(run)


def _refused(config: Path, text: str) -> str:
    file = config.with_name("wrong.toml")
    file.write_text(text)
    result = run_command("train", "--config", file, "--out", config.with_name("never"))
    assert result.returncode == 1, result.stderr
    assert not config.with_name("never").exists()
    return result.stderr.strip()


def test_a_file_gives_every_option(run: Path) -> None:
    info = _info(run)
    assert (info.recipe, info.settings["backbone"], info.settings["balance"], info.seed) == (
        "features",
        "lite0",
        True,
        3,
    )
    assert info.training.split == "60/20/20"
    assert not (run / "report.html").exists()
    assert json.loads((run.parent / "run.json").read_text())["model"] == str(run)


def test_the_command_line_wins(config: Path) -> None:
    out = config.with_name("changed")
    done("train", "--config", config, "--out", out, "--seed", 4, "--set", "balance=false")
    assert (_info(out).seed, _info(out).settings["balance"]) == (4, False)


def test_another_recipe_on_the_command_line_leaves_the_files_hyperparameters(config: Path) -> None:
    out = config.with_name("small")
    words = ("--recipe", "small-cnn", "--epochs", 1, "--set", "image_size=32")
    done("train", "--config", config, "--out", out, *words)
    assert _info(out).recipe == "small-cnn" and _info(out).seed == 3


def test_a_backbones_file_is_looked_for_beside_the_config(config: Path) -> None:
    line = _refused(config, "data = 'photos'\nbackbone = 'net.onnx'\n")
    assert line.endswith(f"{config.with_name('net.onnx')}: there is no such file; give an ONNX file as --backbone")


@pytest.mark.parametrize("name", ["folder", "model.json"])
def test_an_earlier_run_is_done_again_by_one_word(run: Path, name: str, tmp_path: Path) -> None:
    given = run if name == "folder" else run / "model.json"
    done("train", "--config", given, "--out", tmp_path / "again", "--no-report")
    assert (tmp_path / "again" / "model.onnx").read_bytes() == (run / "model.onnx").read_bytes()
    old, new = (json.loads((folder / "model.json").read_text()) for folder in (run, tmp_path / "again"))
    assert old["data_fingerprint"] == new["data_fingerprint"] and old["metrics"] == new["metrics"]


def test_the_library_does_an_earlier_run_again(run: Path, tmp_path: Path) -> None:
    again = photoclass.run_settings(run)
    assert again.data is not None
    photoclass.train(again.data, tmp_path / "again", again.recipe, again.settings, again.options)
    assert (tmp_path / "again" / "model.onnx").read_bytes() == (run / "model.onnx").read_bytes()


def test_a_run_of_an_older_version_is_done_again_though_it_lacks_later_settings(run: Path, tmp_path: Path) -> None:
    values = json.loads((run / "model.json").read_text())
    del values["settings"]["backbone_output"]
    (tmp_path / "model.json").write_text(json.dumps(values))
    assert photoclass.run_settings(tmp_path) == photoclass.run_settings(run)


def test_a_run_of_an_unknown_recipe_cannot_be_done_again(run: Path, tmp_path: Path) -> None:
    values = json.loads((run / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**values, "recipe": "later"}))
    with pytest.raises(
        photoclass.ModelError, match=r"model\.json: its run cannot be done again .*unknown recipe 'later'"
    ):
        photoclass.run_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("backbon = 'lite0'", "unknown option 'backbon'; did you mean backbone?"),
        ("xyz = 1", "unknown option 'xyz'; choose from"),
        ("resume = true", "unknown option 'resume'"),
        ("epochs = 'many'", "epochs: 'many' is not a valid int"),
        ("epochs = 1.5", "epochs: '1.5' is not a valid int"),
        ("epochs = [1]", "epochs = [1]: must be one value"),
        ("balance = 'yes'", "balance = 'yes': must be true or false"),
        ("seed = true", "seed = True: must be text or a number"),
        ("log = [1, {}]", "log = [1, {}]: must be text or a number or a list of these"),
        ("fixes = ''", "fixes is empty; give a value, or leave it out"),
        ("data = ['']", "data is empty"),
        ("backbone = ''", "backbone is empty"),
        ("settings = 3", "settings must be a table of hyperparameters"),
        ("data = photos", "is not TOML"),
    ],
    ids=lambda value: value.partition(" ")[0] if "=" in value else "",
)
def test_a_wrong_file_is_refused_in_one_line(config: Path, text: str, message: str) -> None:
    line = _refused(config, text)
    assert line.startswith("photoclass: ") and "wrong.toml: " in line and message in line
    assert len(line.splitlines()) == 1


def test_every_option_of_train_can_stand_in_a_file(config: Path) -> None:
    not_in_a_file = {"--help", "--config", "--resume", "--force", "--set"}
    names = {
        option for parameter in load_command("train").params for option in parameter.opts if option.startswith("--")
    }
    line = _refused(config, "xyz = 1")
    for name in names - not_in_a_file:
        assert name.removeprefix("--").replace("-", "_") in line


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run.yaml", "run.yaml: is neither a TOML file (NAME.toml) nor a model folder"),
        ("nothing", "nothing: no such file or folder; --config takes a TOML file (NAME.toml) or a model folder"),
        ("nothing/model.json", "model.json: no such file or folder; --config takes a TOML file (NAME.toml) or a model"),
        ("nothing.toml", "nothing.toml: cannot be read (No such file or directory)"),
    ],
    ids=["another file", "absent", "absent run", "absent file"],
)
def test_what_is_no_config_is_refused_by_name(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("seed: 3\n")
    result = run_command("train", "--config", tmp_path / name, "--out", tmp_path / "never")
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1) and message in result.stderr
