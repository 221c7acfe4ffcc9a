"""What is done with odd photos by the commands that use a model: damaged, of 16 bits, too large."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoclass.progress import Silent
from photoclass.results.pictures.gallery import gallery
from photoclass.results.predict import predict
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put
from running import run_command


@dataclass
class Lines(Silent):
    """Keeps what is said."""

    said: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Keep a line."""
        self.said.append(line)


def _twelve_bits(seed: int) -> bytes:
    grey = np.asarray(noise_picture(seed).convert("L")).astype(np.uint16)
    return encode(Image.fromarray(grey * 16), "PNG")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A whole photo, one with half of its data and an end marker, and one of 12 bits in 16."""
    whole = encode(noise_picture(1), "JPEG")
    put(tmp_path / "photos" / "1.jpg", whole)
    put(tmp_path / "photos" / "2.jpg", whole[: len(whole) * 2 // 3].removesuffix(b"\xff") + b"\xff\xd9")
    put(tmp_path / "photos" / "3.png", _twelve_bits(2))
    put(tmp_path / "photos" / "4.png", encode(noise_picture(2).convert("L"), "PNG"))
    return tmp_path / "photos"


def test_fault_68_the_status_of_half_a_photo_says_that_it_is_damaged(model: Path, photos: Path, tmp_path: Path) -> None:
    predictions = predict([photos], model)
    assert predictions.statuses[0] == "ok"
    assert predictions.statuses[1].startswith("damaged: its data ends too early; ")
    drawn = gallery([photos], model, tmp_path / "gallery.png")
    assert [item.reason for item in drawn.skipped] == [predictions.statuses[1]]


@pytest.mark.parametrize("grey_bits", [None, 16, 12])
def test_fault_67_photos_of_12_bits_are_read_as_bright_ones_and_that_is_said(
    model: Path, photos: Path, tmp_path: Path, grey_bits: int | None
) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    info = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**info, "grey_bits": grey_bits}))
    lines = Lines()
    predictions = predict([photos], folder, workspace=Workspace(progress=lines))
    np.testing.assert_allclose(predictions.probabilities[2], predictions.probabilities[3], atol=0.02)
    (said,) = [line for line in lines.said if "16 bits" in line]
    assert said.startswith("1 photo of 16 bits without a declared range, ") and said.endswith("is read as 12-bit")


@pytest.mark.parametrize("command", ["predict", "gallery", "evaluate"])
def test_the_limit_of_pixels_is_an_option(model: Path, photos: Path, tmp_path: Path, command: str) -> None:
    for number, name in enumerate(("cat", "dog")):
        shutil.copytree(photos, tmp_path / "data" / name)
        put(tmp_path / "data" / name / "small.jpg", encode(noise_picture(9 + number, 60, 50), "JPEG"))
    out = [] if command == "evaluate" else ["--out", tmp_path / ("p.csv" if command == "predict" else "p.png")]
    words = [command, tmp_path / "data", "--model", model, *out, "--max-megapixels"]
    assert "see --max-megapixels" in run_command(*words, "0.005").stderr
    assert run_command(*words, "0").returncode == 2
