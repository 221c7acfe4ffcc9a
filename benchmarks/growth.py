"""How time and peak memory of training grow with the number of photos.

python benchmarks/growth.py DATA [--recipes small-cnn features resnet] [--counts 2500 5000 10000 20000] [--epochs 1]

Each training is one run of the command on a balanced set of that many photos: cold, with an empty cache; then warm, the
same command again with pixels or features in the cache. The figures include everything: start-up, decoding, one epoch,
scoring and the report. Memory is RssAnon + RssShmem (page cache excluded) of the process and its descendants, sampled
50 times a second. Recipes without epochs are trained as usual; `resnet` gets the largest images of its longest
trainings, which take the most memory and time.
"""

import argparse
import csv
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.charts import STYLES, draw_level, draw_line, new_figure, save_figure
from common.measuring import machine
from common.memory import Cost, cost_of

from photoclass.photos.sources.read import read_data
from photoclass.photos.table import PhotoTable
from photoclass.workspace import Workspace

_MOST_BYTES = 1.5e9
_WITHOUT_EPOCHS = ("features",)
_LARGEST_IMAGES = {"resnet": ["--set", "sides=112", "--set", "image_size=144"]}


@dataclass(frozen=True)
class Measurement:
    """One training, run twice.

    Attributes:
        recipe: What was trained.
        count: Photos, four fifths of which are training photos.
        cold: With an empty cache.
        warm: With everything in the cache.
        epoch_seconds: Of the last epoch of the warm run; None for recipes without epochs.
    """

    recipe: str
    count: int
    cold: Cost
    warm: Cost
    epoch_seconds: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipes", nargs="+", default=["small-cnn", "features", "resnet"])
    parser.add_argument("--counts", type=int, nargs="+", default=[2500, 5000, 10000, 20000])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--picture", type=Path, default=Path("docs/pictures/growth.png"))
    arguments = parser.parse_args()
    table = read_data(arguments.data, Workspace())
    found = []
    for count in arguments.counts:
        with tempfile.TemporaryDirectory() as scratch:
            photos = Path(scratch) / "photos"
            copy_photos(table, photos, count)
            for recipe in arguments.recipes:
                found.append(measure(recipe, photos, count, arguments.epochs, Path(scratch)))
                print(row_of(found[-1]), flush=True)
    found.sort(key=lambda measured: (arguments.recipes.index(measured.recipe), measured.count))
    print(f"\n{machine()}\none run each, {arguments.epochs} epoch{'s' if arguments.epochs > 1 else ''}\n")
    print("| recipe | photos | cold, seconds | warm, seconds | seconds per epoch | cold, peak MB | warm, peak MB |")
    print("| --- " * 7 + "|")
    print("\n".join(map(row_of, found)))
    draw(found, arguments.picture)


def copy_photos(table: PhotoTable, folder: Path, count: int) -> None:
    """Copy the first photos of each class into class folders, `count` in total.

    Raises:
        SystemExit: DATA has too few.
    """
    per_class = count // len(table.class_names)
    taken = dict.fromkeys(table.class_names, 0)
    for path, label in zip(table.paths, table.labels.tolist(), strict=True):
        name = table.class_names[label]
        if taken[name] < per_class:
            target = folder / name / f"{taken[name]}{Path(path).suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            taken[name] += 1
    if min(taken.values()) < per_class:
        raise SystemExit(f"there are not {per_class:,} photos of each class; leave out --counts {count}")


def measure(recipe: str, photos: Path, count: int, epochs: int, scratch: Path) -> Measurement:
    """Train with the command, cold and warm."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        command = [sys.executable, "-m", "photoclass", "train", str(photos), "--recipe", recipe]
        if recipe not in _WITHOUT_EPOCHS:
            command += ["--epochs", str(epochs)]
        command += _LARGEST_IMAGES.get(recipe, [])
        environment = {**os.environ, "PHOTOCLASS_CACHE": f"{folder}/cache"}
        cold, warm = (cost_of([*command, "--out", f"{folder}/{name}"], environment) for name in ("cold", "warm"))
        return Measurement(recipe, count, cold, warm, last_epoch_seconds(Path(folder) / "warm" / "history.csv"))


def last_epoch_seconds(history: Path) -> float | None:
    """Return the seconds of the last epoch, with its validation; None if there was none."""
    if not history.exists():
        return None
    with history.open(newline="") as stream:
        return float(list(csv.DictReader(stream))[-1]["seconds"])


def row_of(measured: Measurement) -> str:
    """Return a row of the table."""
    epoch = "–" if measured.epoch_seconds is None else f"{measured.epoch_seconds:,.1f}"
    seconds = f"{measured.cold.seconds:,.1f} | {measured.warm.seconds:,.1f} | {epoch}"
    memory = f"{measured.cold.peak_bytes / 1e6:,.0f} | {measured.warm.peak_bytes / 1e6:,.0f}"
    return f"| `{measured.recipe}` | {measured.count:,} | {seconds} | {memory} |"


def draw(found: Sequence[Measurement], path: Path) -> None:
    """Plot time and memory against the number of photos: solid lines for cold runs, dashed for warm ones."""
    figure, (time_axes, memory_axes) = new_figure(11, 4.4, columns=2)
    recipes = list(dict.fromkeys(measured.recipe for measured in found))
    draw_level(memory_axes, _MOST_BYTES / 1e9, "1.5 GB")
    for recipe, style in zip(recipes, STYLES, strict=False):
        of_recipe = [measured for measured in found if measured.recipe == recipe]
        for name, costs in (("", [m.cold for m in of_recipe]), (" again", [m.warm for m in of_recipe])):
            counts, dashed = [m.count for m in of_recipe], bool(name)
            minutes = [cost.seconds / 60 for cost in costs]
            gigabytes = [cost.peak_bytes / 1e9 for cost in costs]
            draw_line(time_axes, list(zip(counts, minutes, strict=True)), style, recipe + name, dashed)
            draw_line(memory_axes, list(zip(counts, gigabytes, strict=True)), style, recipe + name, dashed)
    counts = sorted({measured.count for measured in found})
    for axes, title in ((time_axes, "Minutes, whole process"), (memory_axes, "Peak memory beyond the page cache, GB")):
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
        axes.set_xlim(0, 1.4 * counts[-1])  # room for the names
        axes.set_ylim(bottom=0)
        axes.set_xlabel("photos")
        axes.set_title(title, loc="left", fontsize=11)
    save_figure(figure, path)


if __name__ == "__main__":
    main()
