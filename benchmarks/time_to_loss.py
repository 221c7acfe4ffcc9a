"""Wall-clock time until the validation log loss falls to two published values.

    python benchmarks/time_to_loss.py DATA --bench PYTHON [--only NAME] [--minutes 3 4 15 60] [--max-minutes 180]
    python benchmarks/time_to_loss.py --draw

The values are those of *Cat or Dog? Image Classification using Convolutional Neural Networks* ("the post") and of the
keras.io example "Image classification from scratch". Contenders: `keras`, the post's recipe in Keras; `small-cnn`, the
same recipe here; `resnet`, from scratch, whose schedule is planned for a time budget, so it runs once for each of
--minutes; and `features`. All get the same photos as folders of files, split into train and valid as `train` splits
DATA with seed 0 (held-out photos are left out). Early stopping is off, so that the post's recipe gets all its 50
epochs. Time counts from the start of the process, with an empty cache, and includes decoding and validation.

Each run is kept as a JSON file in --kept, since all of them together take hours; --draw prints the table of those kept,
writes their curves as CSV beside them, and draws the chart.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from common.charts import STYLES, draw_level, draw_line, log_axis, new_figure, save_figure
from common.measuring import machine

from photoclass.photos.table import SPLITS, TRAIN, VALID
from photoclass.training.prepare import split_photos
from photoclass.training.recipes.small_cnn import SmallCnnSettings
from photoclass.training.run import TrainRequest

# The post's best; and that of keras.io's example "Image classification from scratch" on these photos.
LEVELS = {0.2563: "the post", 0.11: "keras.io, from scratch"}
CONTENDERS = ("keras", "small-cnn", "resnet", "features")
_TITLES = {"keras": "the post's recipe in Keras"}
_EPOCHS = 50
_LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True)
class Point:
    """The state after an epoch, or at the end of a run without epochs.

    Attributes:
        seconds: Since the process started.
        training_seconds: Of all epochs so far, with their validation; time before the first epoch is not counted.
        val_loss: Validation log loss.
    """

    seconds: float
    training_seconds: float
    val_loss: float


@dataclass(frozen=True)
class Contest:
    """One run of one contender.

    Attributes:
        name: Of CONTENDERS.
        minutes: The time budget of its schedule, if it has one.
        command: What was run.
        machine: On which machine.
        photos: Numbers of training and of validation photos.
        end_seconds: When the process ended, with the model saved.
        points: One per epoch.
    """

    name: str
    minutes: float | None
    command: str
    machine: str
    photos: tuple[int, int]
    end_seconds: float
    points: tuple[Point, ...]

    @property
    def title(self) -> str:
        """A name for tables and charts."""
        planned = f", {self.minutes:g} min" if self.minutes else ""
        return f"{_TITLES.get(self.name, f'`{self.name}`')}{planned}"

    def reached(self, level: float) -> Point | None:
        """Return the first point at this loss or below."""
        return next((point for point in self.points if point.val_loss <= level), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--bench", type=Path, help="a Python in whose environment the extra bench is installed")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--minutes", type=float, nargs="+", default=[3, 4, 15, 60], help="of resnet")
    parser.add_argument("--max-minutes", type=float, default=180, help="of keras and small-cnn")
    parser.add_argument("--photos", type=int, help="at most this many of each class and split, for a trial")
    parser.add_argument("--kept", type=Path, default=Path("build/time-to-loss"))
    parser.add_argument("--picture", type=Path, default=Path("docs/pictures/time_to_loss.png"))
    parser.add_argument("--draw", action="store_true", help="run nothing; show the kept runs")
    arguments = parser.parse_args()
    if not arguments.draw:
        if arguments.data is None or ("keras" in arguments.only and arguments.bench is None):
            parser.error("give DATA, and for keras --bench PYTHON")
        run_all(arguments)
    contests = read_kept(arguments.kept)
    print_table(contests)
    write_curves(contests, arguments.kept / "curves.csv")
    draw(contests, arguments.picture)


def run_all(arguments: argparse.Namespace) -> None:
    """Run the contenders one after the other, and keep each as soon as it has ended."""
    arguments.kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch) / "photos"
        counts = lay_out(arguments.data, photos, arguments.photos)
        print(f"{counts[0]:,} training photos, {counts[1]:,} validation photos", flush=True)
        for name in arguments.only:
            for minutes in arguments.minutes if name == "resnet" else [None]:
                with tempfile.TemporaryDirectory() as folder:
                    command = command_of(name, minutes, photos, Path(folder), arguments)
                    points, end = run_timed(command, Path(folder))
                    if name == "features":
                        points = (end_point(Path(folder), command, end),)
                shown = " ".join(word.replace(folder, "OUT").replace(scratch, "FOLDER") for word in command)
                contest = Contest(name, minutes, shown, machine(), counts, end, points)
                kept = arguments.kept / f"{name}{f'-{minutes:g}' if minutes else ''}.json"
                kept.write_text(json.dumps(asdict(contest), indent=1) + "\n")
                lowest = min((point.val_loss for point in points), default=float("nan"))
                print(f"{contest.title}: {end:,.0f} s, lowest val_loss {lowest:.4f}; {kept}", flush=True)


def lay_out(data: Path, folder: Path, most: int | None) -> tuple[int, int]:
    """Copy training and validation photos into train/CLASS and valid/CLASS; return the number of each."""
    table = split_photos(TrainRequest(data, data, "small-cnn"), SmallCnnSettings())[0].table
    taken: dict[tuple[int, int], int] = {}
    for path, label, split in zip(table.paths, table.labels.tolist(), table.splits.tolist(), strict=True):
        number = taken.get((split, label), 0)
        if split not in (TRAIN, VALID) or (most and number >= most):
            continue
        taken[split, label] = number + 1
        target = folder / SPLITS[split] / table.class_names[label] / f"{number}{Path(path).suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    train, valid = (sum(n for (split, _), n in taken.items() if split == wanted) for wanted in (TRAIN, VALID))
    return train, valid


def command_of(
    name: str, minutes: float | None, photos: Path, folder: Path, arguments: argparse.Namespace
) -> list[str]:
    """Return the command of a contender, which writes its epochs to folder/run/history.csv."""
    if name == "keras":
        (folder / "run").mkdir()
        history, script = folder / "run" / "history.csv", Path(__file__).parent / "peers" / "time_to_loss_keras.py"
        limits = [str(min(LEVELS)), str(arguments.max_minutes), str(_EPOCHS)]
        return [str(arguments.bench), str(script), str(photos), str(history), *limits]
    command = [sys.executable, "-m", "photoclass", "train", str(photos), "--recipe", name, "--out", f"{folder}/run"]
    if name == "small-cnn":
        command += ["--epochs", str(_EPOCHS), "--set", f"patience={_EPOCHS}", "--minutes", str(arguments.max_minutes)]
    if minutes:
        command += ["--minutes", f"{minutes:g}"]
    return command


def run_timed(command: Sequence[str], folder: Path) -> tuple[tuple[Point, ...], float]:
    """Run a training with an empty cache; return its epochs, timed as each row appears, and the total time."""
    history = folder / "run" / "history.csv"
    points: list[Point] = []
    training_seconds = 0.0
    environment = {**os.environ, "PHOTOCLASS_CACHE": str(folder / "cache")}
    started_at = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        ended = False
        while not ended:
            ended = process.poll() is not None  # asked before reading, so that the last rows are not missed
            seconds = time.perf_counter() - started_at
            for row in read_rows(history)[len(points) :]:
                training_seconds += float(row["seconds"])
                points.append(Point(seconds, training_seconds, float(row["val_loss"])))
            time.sleep(0 if ended else _LOOK_EVERY_SECONDS)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode} of: {' '.join(command)}")
    return tuple(points), seconds


def read_rows(history: Path) -> list[dict[str, str]]:
    """Return the complete rows of a history.csv."""
    if not history.exists():
        return []
    text = history.read_text()
    return list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))


def end_point(folder: Path, command: Sequence[str], seconds: float) -> Point:
    """Return the only point of a run without epochs; its training time is that of a second run, with a full cache."""
    again = [f"{folder}/again" if word == f"{folder}/run" else word for word in command]
    environment = {**os.environ, "PHOTOCLASS_CACHE": str(folder / "cache")}
    started_at = time.perf_counter()
    subprocess.run(again, check=True, stdout=subprocess.DEVNULL, env=environment)
    warm = time.perf_counter() - started_at
    model = json.loads((folder / "run" / "model.json").read_text())
    return Point(seconds, warm, model["metrics"]["valid"]["log_loss"])


def read_kept(kept: Path) -> list[Contest]:
    """Return all kept runs in the order of CONTENDERS, smaller time budgets first."""
    contests = []
    for path in kept.glob("*.json"):
        fields = json.loads(path.read_text())
        fields["photos"] = tuple(fields["photos"])
        fields["points"] = tuple(Point(**point) for point in fields["points"])
        contests.append(Contest(**fields))
    if not contests:
        raise SystemExit(f"{kept}: holds no runs; run the contenders first")
    return sorted(contests, key=lambda contest: (CONTENDERS.index(contest.name), contest.minutes or 0))


def print_table(contests: Sequence[Contest]) -> None:
    """Print one row per run, then the speed-up over Keras of each contender's smallest budget that got there."""
    for where in sorted({contest.machine for contest in contests}):
        print(f"\n{where}")
    heads = [f"val loss {level:g} after (training only)" for level in LEVELS]
    print(f"\n| what | photos | {' | '.join(heads)} | epochs | lowest val loss | last | whole run |")
    print("| --- " * (len(heads) + 6) + "|")
    for contest in contests:
        cells = [describe(contest.reached(level)) for level in LEVELS]
        losses = [point.val_loss for point in contest.points]
        photos = f"{contest.photos[0]:,} + {contest.photos[1]:,}"
        ends = f"{len(losses)} | {min(losses):.4f} | {losses[-1]:.4f} | {contest.end_seconds:,.0f} s"
        print(f"| {contest.title} | {photos} | {' | '.join(cells)} | {ends} |")
    for level in LEVELS:
        compare(contests, level)


def compare(contests: Sequence[Contest], level: float) -> None:
    """Print how many times sooner than Keras this loss was reached; a lower bound if Keras never reached it."""
    keras = next((contest for contest in contests if contest.name == "keras"), None)
    if keras is None:
        return
    theirs = keras.reached(level)
    for name in CONTENDERS[1:]:
        runs = [(run, point) for run in contests if run.name == name and (point := run.reached(level))]
        if runs:
            first, ours = min(runs, key=lambda pair: pair[0].minutes or 0)
            times = (theirs.seconds if theirs else keras.end_seconds) / ours.seconds
            print(f"\n{first.title}, to {level:g}: {'' if theirs else 'more than '}{times:.1f} times sooner than Keras")


def describe(point: Point | None) -> str:
    """Format when a loss was reached."""
    return f"{point.seconds:,.0f} s ({point.training_seconds:,.0f} s)" if point else "not reached"


def write_curves(contests: Sequence[Contest], path: Path) -> None:
    """Write all curves as one CSV."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["contender", "minutes", "seconds", "training_seconds", "val_loss"])
        for contest in contests:
            for point in contest.points:
                times = (round(point.seconds, 1), round(point.training_seconds, 1))
                writer.writerow([contest.name, contest.minutes or "", *times, point.val_loss])


def draw(contests: Sequence[Contest], path: Path) -> None:
    """Plot the lowest log loss so far against time, one line per run."""
    figure, (axes,) = new_figure(9, 5)
    for level, source in LEVELS.items():
        draw_level(axes, level, f"{level:g}: {source}")
    for contest in contests:
        lowest, points = float("inf"), []
        for point in contest.points:
            lowest = min(lowest, point.val_loss)
            points.append((point.seconds, lowest))
        style = STYLES[CONTENDERS.index(contest.name)]
        draw_line(axes, points, style, contest.title.replace("`", ""), falling=contest.name == "resnet")
    units = {10.0: "10 s", 60.0: "1 min", 300.0: "5 min", 900.0: "15 min", 3600.0: "1 h", 10800.0: "3 h"}
    log_axis(axes, "x", units)
    log_axis(axes, "y", {value: f"{value:g}" for value in (0.02, 0.05, 0.1, 0.2, 0.5)})
    seconds = [point.seconds for contest in contests for point in contest.points]
    first, last = min(seconds), max(seconds)
    axes.set_xlim(0.7 * first, 3.5 * last)  # room for the names
    axes.set_xlabel("time since the command was started")
    axes.set_title("Lowest validation log loss so far", loc="left", fontsize=11)
    save_figure(figure, path)


if __name__ == "__main__":
    main()
