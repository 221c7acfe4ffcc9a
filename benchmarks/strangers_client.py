"""How far a client that has ONNX Runtime and Pillow alone is from `predict`: the lines of each model card are run.

python benchmarks/strangers_client.py DATA [--train 2000] [--photos 200] [--minutes 1] [--models RUN...]

Every recipe is trained on some photos of DATA, for a short time: what is not sure of its answer shows differences best.
The photos that are predicted have 60 to 3,000 pixels a side, as JPEG, PNG and WebP, some rotated by EXIF, grey, CMYK or
transparent; they are made of photos that trained nothing.
"""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from common.measuring import machine
from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from card_client import ask_client
from photoclass import predict, train
from photoclass.model.builtin import builtin_model
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import PhotoTable
from photoclass.workspace import Workspace

_SIDES = (60, 3000)
_FORMS = ("JPEG", "JPEG", "JPEG", "PNG", "WEBP")
_ORIENTATION = 0x0112
_RECIPES = {
    "fast": ("features", {"backbone": "lite0"}),
    "good": ("features", {"backbone": "lite2"}),
    "best": ("finetune", {"backbone": "lite2", "epochs": "2"}),
    "resnet": ("resnet", {"epochs": "3"}),
    "small-cnn": ("small-cnn", {"epochs": "3"}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--train", type=int, default=2000, help="how many photos each recipe is trained on")
    parser.add_argument("--photos", type=int, default=200, help="how many photos are predicted")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="model folders to ask as well")
    parser.add_argument("--recipes", nargs="*", default=list(_RECIPES), choices=list(_RECIPES))
    arguments = parser.parse_args()
    print(machine())
    table = read_data(arguments.data, Workspace())
    order = np.random.default_rng(0).permutation(len(table))
    with tempfile.TemporaryDirectory() as folder:
        trained_on = _copied(table.select(np.sort(order[: arguments.train])), Path(folder) / "train")
        photos = _made(table.select(order[-arguments.photos :]), Path(folder) / "photos")
        models = {"built-in": builtin_model(), **{path.name: path for path in arguments.models}}
        for name in arguments.recipes:
            recipe, settings = _RECIPES[name]
            models[name] = Path(folder) / name
            train(trained_on, models[name], recipe, settings)
        print("\n| model | largest difference | mean | photos below 99 % confidence |\n| --- | --- | --- | --- |")
        for name, model in models.items():
            print(_row(name, model, photos), flush=True)


def _copied(table: PhotoTable, folder: Path) -> Path:
    for path, label in zip(table.paths, table.labels, strict=True):
        target = folder / table.class_names[label]
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


def _made(table: PhotoTable, folder: Path) -> list[Path]:
    """Save photos in other sizes, forms and modes."""
    draw = random.Random(0)
    folder.mkdir()
    made = []
    for number, path in enumerate(table.paths):
        with Image.open(path) as photo:
            width, height = (round(np.exp(draw.uniform(*np.log(_SIDES)))) for _ in range(2))
            picture = photo.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
        grain = np.random.default_rng(number).integers(-12, 13, (height, width, 3))
        picture = Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8))
        form = _FORMS[number % len(_FORMS)]
        if form == "JPEG":
            picture = picture.convert(draw.choice(["RGB", "RGB", "RGB", "L", "CMYK"]))
        elif draw.random() < 0.3:
            picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        exif = Image.Exif()
        exif[_ORIENTATION] = draw.choice([1, 1, 3, 6, 8])
        made.append(folder / f"{number}.{form.lower()}")
        picture.save(made[-1], form, exif=exif, quality=draw.choice([75, 90]))
    return made


def _row(name: str, model: Path, photos: list[Path]) -> str:
    here = predict(photos, model)
    said = dict(zip(photos, ask_client(model, photos), strict=True))
    there = np.array([[said[Path(file)][label] for label in here.class_names] for file in here.files])
    difference = np.abs(here.probabilities - there).max(axis=1)
    unsure = (here.probabilities.max(axis=1) < 0.99).mean()
    return f"| {name} | {difference.max():.6f} | {difference.mean():.6f} | {unsure:.0%} |"


if __name__ == "__main__":
    main()
