"""Small classes, requested shares and groups: what trains, what is refused before anything is computed, and why."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoclass.errors import DataError, TrainingError
from photoclass.metrics.bootstrap import bootstrap_metrics
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.model.folder import load_info, load_photos, load_predictions
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.split import SplitFractions
from photoclass.results.scores.compare import compare
from photoclass.results.scores.evaluate import evaluate
from photoclass.training.finish import TrainResult
from photoclass.training.run import TrainOptions
from photoclass.training.train import train
from photoclass.workspace import Workspace
from running import run_command
from tiny_runs import Tiny, Watch, stop_after

FAST = {"backbone": "lite0"}
BY_FOLDER = ReadOptions(group_by="folder")


def _draw(file: Path, seed: int, like: int | None = None) -> None:
    """Draw coarse colours; photos `like` the same number share half of them."""
    own, shared = (np.random.default_rng([number or 0, 7]).integers(0, 256, (8, 8, 3)) for number in (seed, like))
    cells = own if like is None else np.where(np.arange(8)[:, None, None] % 2, own, shared)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.kron(cells, np.ones((8, 8, 1))).astype(np.uint8)).save(file, quality=92)


def _classes(folder: Path, classes: int, photos: int) -> Path:
    for number in range(classes * photos):
        _draw(folder / f"class{number % classes:03d}" / f"{number}.jpg", number + 1)
    return folder


def _train(data: Path, out: Path, watch: Watch | None = None, **options: object) -> TrainResult:
    given = TrainOptions(**{"report": False, **options})  # type: ignore[arg-type]
    return train(data, out, "features", FAST, given, workspace=Workspace(progress=watch or Watch()))


def _splits(model: Path) -> dict[str, set[str]]:
    """Return the names of the photos in each split."""
    found: dict[str, set[str]] = {"train": set(), "valid": set(), "held_out": set()}
    for photo in load_photos(model):
        found[photo.split].add(photo.name)
    return found


@pytest.fixture(scope="module")
def animals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of twelve animals with four photos each, in folders of their own."""
    folder = tmp_path_factory.mktemp("animals") / "DATA"
    for number in range(96):
        animal = number // 4
        _draw(folder / ("cats", "dogs")[animal % 2] / f"animal{animal}" / f"{number}.jpg", 1000 + number, animal + 1)
    return folder


@pytest.fixture(scope="module")
def grouped(animals: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return _train(animals, tmp_path_factory.mktemp("grouped") / "run", reading=BY_FOLDER, report=True)


@pytest.mark.parametrize(("classes", "photos"), [(2, 3), (20, 4)])
def test_fault_70_small_classes_train_with_two_photos_each(classes: int, photos: int, tmp_path: Path) -> None:
    trained = _train(_classes(tmp_path / "DATA", classes, photos), tmp_path / "run")
    assert min(trained.info.photos["train"].values()) >= 2
    assert sum(trained.info.photos["valid"].values()) >= 1
    assert trained.scores[0].n >= 1


@pytest.mark.parametrize(
    ("counts", "complaint"),
    [
        ((3, 3, 1), "class 'class002' has 1 photo; at least 2 different photos of each class are needed"),
        ((2, 2, 2), "no class has more than 2 different photos"),
    ],
)
def test_fault_70_too_few_photos_are_refused_before_any_is_decoded(
    counts: tuple[int, ...], complaint: str, tmp_path: Path
) -> None:
    for label, count in enumerate(counts):
        for number in range(count):
            _draw(tmp_path / f"DATA/class{label:03d}/{number}.jpg", 10 * label + number + 1)
    with pytest.raises(DataError, match=complaint):
        train(tmp_path / "DATA", tmp_path / "run", "features", FAST, workspace=Workspace(tmp_path / "cache"))
    assert not (tmp_path / "cache" / "features").exists()
    assert not list((tmp_path / "cache").glob("fingerprints*"))


def test_fault_70_a_class_of_one_picture_is_refused_before_any_feature_is_computed(tmp_path: Path) -> None:
    _classes(tmp_path / "DATA", 2, 30)
    _draw(tmp_path / "DATA/owls/0.jpg", 999)
    for number in range(1, 40):
        shutil.copy(tmp_path / "DATA/owls/0.jpg", tmp_path / f"DATA/owls/{number}.jpg")
    watch = Watch()
    with pytest.raises(DataError, match="class 'owls' has 40 photos, all of one picture; at least 2 different"):
        _train(tmp_path / "DATA", tmp_path / "run", watch)
    assert not [line for line in watch.lines if "from the cache" in line]


def test_fault_70_what_cannot_be_read_does_not_count(tmp_path: Path) -> None:
    _classes(tmp_path / "DATA", 2, 3)
    _draw(tmp_path / "DATA/owls/0.jpg", 999)
    for number in range(1, 4):
        (tmp_path / f"DATA/owls/{number}.jpg").write_bytes(b"\xff\xd8\xff not a photo")
    with pytest.raises(DataError, match="class 'owls' has 1 readable photo; at least 2 different"):
        _train(tmp_path / "DATA", tmp_path / "run")


def test_requested_shares_are_kept_and_recorded(tmp_path: Path) -> None:
    data = _classes(tmp_path / "DATA", 2, 60)
    trained = _train(data, tmp_path / "run", split=SplitFractions.parse("50/50/0"))
    counts = {split: sum(by_class.values()) for split, by_class in trained.info.photos.items()}
    assert counts["held_out"] == 0 and 40 <= counts["train"] <= 80
    assert load_info(tmp_path / "run").training.split == "50/50/0"
    assert _train(data, tmp_path / "usual").info.training.split is None


def test_shares_are_refused_where_data_gives_splits(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        _classes(tmp_path / "DATA" / split, 2, 3)
    with pytest.raises(DataError, match=r"--split 70/20/10 divides DATA that gives no splits, but .*6 train, 6 valid"):
        _train(tmp_path / "DATA", tmp_path / "run", split=SplitFractions.parse("70/20/10"))


def test_a_resumed_run_keeps_its_shares_and_refuses_others(tiny: Tiny, tmp_path: Path) -> None:
    shares = SplitFractions.parse("60/20/20")
    stop, watch = stop_after(4)
    with pytest.raises(BaseException, match="--resume"):
        tiny.train(tmp_path / "run", stop=stop, progress=watch, split=shares)
    with pytest.raises(TrainingError, match="different data, split"):
        tiny.train(tmp_path / "run", resume=True, split=SplitFractions.parse("70/20/10"))
    resumed = tiny.train(tmp_path / "run", resume=True)
    assert resumed.info.training.split == "60/20/20"
    assert 4 <= sum(resumed.info.photos["held_out"].values()) <= 16


def test_no_group_is_on_two_sides(grouped: TrainResult) -> None:
    of_split = {split: {Path(name).parent.name for name in names} for split, names in _splits(grouped.folder).items()}
    assert all(of_split.values())
    assert not of_split["train"] & of_split["valid"] and not of_split["train"] & of_split["held_out"]
    assert not of_split["valid"] & of_split["held_out"]


def test_the_effect_of_grouping_is_measured_on_the_same_photos_and_reported(grouped: TrainResult) -> None:
    grouping = grouped.info.training.grouping
    assert grouping is not None and grouping.mixed is not None
    assert (grouping.group_by, grouping.groups, grouping.largest, grouping.across_splits) == ("folder", 24, 4, 0)
    mixed = grouping.mixed
    assert mixed.photos == sum(grouped.info.photos["train"].values())
    # Half of each photo is its animal's and says nothing of the class: mixed folds recognise the animal.
    assert mixed.accuracy_mixed > mixed.accuracy + 0.1
    assert "without --group-by the score would look better by" in grouping.as_text()
    report = (grouped.folder / "report.html").read_text(encoding="utf-8")
    assert "without --group-by the score would look better by" in report
    card = (grouped.folder / "README.md").read_text(encoding="utf-8")
    assert "24 groups, by folder" in card and "the score would look better by" in card
    assert "24 groups (--group-by folder)" in report and "--group-by folder" in report


def test_intervals_draw_groups_together(grouped: TrainResult) -> None:
    predictions = load_predictions(grouped.folder, grouped.info, "held_out")
    assert predictions is not None
    score = grouped.info.metrics["held_out"]
    groups = np.unique([Path(name).parent.name for name in predictions.names], return_inverse=True)[1]
    assert (score.distinct_photos, score.grouped_by) == (len(np.unique(groups)), "folder")
    labels = np.array([grouped.info.class_names.index(Path(name).parents[1].name) for name in predictions.names])
    photos = LabelledProbabilities(predictions.probabilities, labels, grouped.info.class_names, groups)
    drawn = bootstrap_metrics(photos).log_loss
    if score.log_loss.is_known:
        assert np.percentile(drawn, [2.5, 97.5]) == pytest.approx([score.log_loss.low, score.log_loss.high], abs=1e-6)


def test_evaluate_finds_groups_that_trained_a_model(grouped: TrainResult, animals: Path, tmp_path: Path) -> None:
    own = evaluate(animals, grouped.folder, reading=BY_FOLDER)
    assert own.leaked_groups == 0 and own.score.grouped_by == "folder"
    watch = Watch()
    assert evaluate(animals, grouped.folder, workspace=Workspace(progress=watch)).leaked_groups is None
    assert any(line.startswith("the model was trained with --group-by folder:") for line in watch.lines)
    alone = _train(animals, tmp_path / "ungrouped")
    leaky = evaluate(animals, alone.folder, reading=BY_FOLDER)
    assert leaky.leaked_groups
    assert (
        f"{leaky.leaked_groups} photo" in leaky.as_text()
        and "of which other photos trained the model" in leaky.as_text()
    )
    assert leaky.as_json()["leaked_groups"] == leaky.leaked_groups
    both = compare(animals, [grouped.folder, alone.folder], include_known=True, reading=BY_FOLDER)
    assert both.scores[0].distinct_photos == 24 and both.as_json()["grouped_by"] == "folder"


def test_other_recipes_say_that_they_do_not_measure_it(tiny: Tiny, tmp_path: Path) -> None:
    trained = tiny.train(tmp_path / "run", reading=ReadOptions(group_by=r"(\d)\.jpg$"))
    assert trained.info.training.grouping is not None and trained.info.training.grouping.mixed is None
    assert "--recipe features measures it" in trained.info.training.grouping.as_text()


def test_a_class_of_one_group_is_refused(animals: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"class 'cats' has 48 photos, all of one group .*at least 2 groups"):
        _train(animals, tmp_path / "run", reading=ReadOptions(group_by="(cats|dogs)"))


def test_a_column_of_a_label_table_groups_photos(animals: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    with open(table, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "label", "patient"])
        for photo in sorted(animals.rglob("*.jpg")):
            writer.writerow([photo, photo.parents[1].name, f"p{int(photo.parent.name[6:]) // 2}"])
    trained = _train(table, tmp_path / "run", reading=ReadOptions(group_by="patient"))
    grouping = trained.info.training.grouping
    assert grouping is not None and (grouping.groups, grouping.largest) == (12, 8)


def test_the_commands_take_the_options(animals: Path, tmp_path: Path) -> None:
    checked = run_command("check", animals, "--quick", "--group-by", "folder")
    assert "  groups    24 by folder, of 4 to 4 photos" in checked.stdout
    assert checked.stdout.splitlines()[-1].endswith("--group-by folder")
    lone = _classes(tmp_path / "DATA", 2, 2)
    refused = run_command("check", lone, "--quick")
    assert refused.returncode == 0 and "next: photoclass train" not in refused.stdout
    assert "train will refuse this as it is: no class has more than 2" in refused.stdout
    wrong = run_command("train", animals, "--out", tmp_path / "run", "--split", "80/20")
    assert wrong.returncode == 1 and "add up to 100: 80/10/10" in wrong.stderr
