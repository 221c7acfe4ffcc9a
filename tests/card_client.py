"""The lines of Python in a model card that use the model without photoclass, and a process of their own for them."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from photoclass import predict

_SIZES = ((60, 61), (77, 300), (200, 200), (224, 224), (640, 480), (1026, 1100), (3000, 2200))
_PHOTO = '"photo.jpg"'
# The card's lines print one dict of class names and probabilities for each photo.
_EACH = """import json, sys
code, photos = json.load(sys.stdin)
for photo in photos:
    exec(compile(code.replace('"photo.jpg"', repr(photo)), "card", "exec"), {})
assert not any(name.partition(".")[0] in ("photoclass", "openvino", "cv2") for name in sys.modules)
"""


def client_of(card: str) -> str:
    """Return the code block of a card that imports ONNX Runtime."""
    lines = card.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("    import ") and "onnxruntime" in line)
    last = next(i for i in range(first, len(lines)) if lines[i] and not lines[i].startswith("    "))
    return "\n".join(line[4:] for line in lines[first:last])


def ask_client(model: Path, photos: Sequence[Path]) -> list[dict[str, float]]:
    """Return what the lines in the card of a model folder print for each photo, run without photoclass."""
    code = client_of((model / "README.md").read_text(encoding="utf-8"))
    assert code.count(_PHOTO) == 1
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, "-c", _EACH],
        input=json.dumps([code, [str(photo.absolute()) for photo in photos]]),
        cwd=model,
        env=bare,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line.replace("'", '"')) for line in result.stdout.splitlines()]


def assert_client_agrees(model: Path, photos: Path, folder: Path, most: float = 1e-4) -> None:
    """Check that the card's lines give what `predict` gives, for some photos in sizes from 60 to 3,000 pixels.

    Args:
        model: The model folder.
        photos: A folder of photos, with other folders in it.
        folder: Where the photos of other sizes are saved.
        most: By how much a probability may differ.
    """
    folder.mkdir()
    originals = sorted(photos.rglob("*.*"))
    for number, size in enumerate(_SIZES):
        with Image.open(originals[number * len(originals) // len(_SIZES)]) as photo:
            picture = photo.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        picture.save(folder / f"{number}.{('jpg', 'png')[number == 2]}")
    here = predict(folder, model)
    there = ask_client(model, [Path(file) for file in here.files])
    for row, said in zip(here.probabilities, there, strict=True):
        assert list(said) == list(here.class_names)
        np.testing.assert_allclose(row, list(said.values()), rtol=0, atol=most)
