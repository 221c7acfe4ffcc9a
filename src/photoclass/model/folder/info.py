"""`model.json` and `model.onnx`: saved as one, checked when loaded."""

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photoclass import notebook
from photoclass.atomic import atomic_text, write_bytes
from photoclass.errors import ModelError
from photoclass.model.folder.files import INFO_FILE, NETWORK_FILE, RESUME_FOLDER, WAITING_NETWORK_FILE
from photoclass.model.folder.notebook import photo_table, score_table
from photoclass.model.folder.scores import StoredScore
from photoclass.model.folder.training_summary import TrainingSummary
from photoclass.model.folder.typed_json import JsonTypeError, read_fields
from photoclass.model.folder.version1 import upgrade
from photoclass.paths import AnyPath
from photoclass.photos.decode_settings import (
    MAX_IMAGE_SIZE,
    RESAMPLING,
    RESAMPLINGS,
    DecodeSettings,
    PictureRules,
    ResizeRule,
)
from photoclass.photos.formats.wide_grey import STEPS
from photoclass.text import listed

FORMAT_VERSION = 3
# Model folders that do not say it were trained when every wide grey was read as 16 bits.
_GREY_BITS_BEFORE = 16
# Formats 1 and 2 had one way of resampling.
_RESAMPLING_BEFORE, _FIRST_WITH_RESAMPLING = "area", 3
MAX_MODEL_BYTES = 2 << 30
_PICKLE_ENDINGS = frozenset({".pt", ".pth", ".pkl", ".pickle", ".h5", ".hdf5", ".keras", ".joblib", ".ckpt"})
# The key of ONNX's `external_data`, which nothing else in our files contains. Weights in other files could be any file
# on the disk, and a model is promised to be one file.
_EXTERNAL_DATA = b"location"


@dataclass(frozen=True)
class ModelInfo:
    """The content of `model.json`.

    Attributes:
        class_names: In natural order; output i of the network is the probability of class i.
        image_size: Side of the network's square input, in pixels.
        resize: How a photo is resized to that square: `squash` or `crop`.
        recipe: Name of the recipe.
        settings: All its settings.
        seed: Decided the splits and all randomness.
        base_rates: Share of each class among the training photos.
        photos: Photos by split and class.
        data_fingerprint: SHA-256 over content, label and split of every photo.
        photoclass_version: The version that wrote it.
        onnx_sha256: Of `model.onnx`; filled in when both are saved.
        grey_bits: The bits that grey of more than 8 bits reaches in the training photos, where the files do not say it;
            None if there was none.
        resampling: How pixels are averaged or interpolated when a photo is resized: `bicubic` or `bilinear`, Pillow's
            filters of these names, or `area`, the rule of format 2 and older.
        metrics: Score by split.
        training: How the training went.
    """

    class_names: tuple[str, ...]
    image_size: int
    resize: str
    recipe: str
    settings: dict[str, Any]
    seed: int
    base_rates: tuple[float, ...]
    photos: dict[str, dict[str, int]]
    data_fingerprint: str
    photoclass_version: str
    onnx_sha256: str = ""
    grey_bits: int | None = None
    resampling: str = RESAMPLING
    metrics: dict[str, StoredScore] = field(default_factory=dict)
    training: TrainingSummary = field(default_factory=TrainingSummary)

    def decode_settings(self) -> DecodeSettings:
        """Return how photos are decoded for this model."""
        resize: ResizeRule = "crop" if self.resize == "crop" else "squash"
        resampling = next((known for known in RESAMPLINGS if known == self.resampling), RESAMPLING)
        return DecodeSettings(self.image_size, resize, PictureRules(self.grey_bits), resampling)

    def _repr_html_(self) -> str:
        return notebook.card(
            f"{listed(self.class_names, 'class', 'classes')}: recipe {self.recipe}",
            notebook.paragraph(self.training.description) if self.training.description else "",
            score_table(self.metrics),
            photo_table(self.photos),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        values = {name: getattr(self, name) for name in _FIELDS}
        metrics = {split: score.as_json() for split, score in self.metrics.items()}
        return {"format_version": FORMAT_VERSION, **values, "metrics": metrics, "training": self.training.as_json()}


_FIELDS = tuple(field.name for field in dataclasses.fields(ModelInfo))


def save_model(folder: Path, info: ModelInfo, onnx: bytes) -> None:
    """Write `model.onnx` and `model.json` as one: after a kill at any moment the old pair or the new one loads.

    Raises:
        OutputError: The folder cannot be written; what was there stays whole.
    """
    # The rename of model.json, which has the network's SHA-256, is what commits. Until the network has its final name,
    # `read_onnx` takes it from where it waits.
    write_bytes(folder / WAITING_NETWORK_FILE, onnx)
    _save_info(folder, dataclasses.replace(info, onnx_sha256=hashlib.sha256(onnx).hexdigest()))
    (folder / WAITING_NETWORK_FILE).replace(folder / NETWORK_FILE)


def _save_info(folder: Path, info: ModelInfo) -> None:
    with atomic_text(folder / INFO_FILE) as stream:
        json.dump(info.as_json(), stream, indent=2, ensure_ascii=True)
        stream.write("\n")


def load_info(folder: AnyPath) -> ModelInfo:
    """Read and check `model.json`, of this format version or an older one.

    Raises:
        ModelError: It is not a model folder, was written by a newer version, or holds a value that cannot be right.
    """
    folder = Path(folder)
    if folder.suffix.casefold() in _PICKLE_ENDINGS and not folder.is_dir():
        raise ModelError(
            f"{folder}: a {folder.suffix} file can run code when it is opened, so it is not opened; give a RUN folder"
        )
    if str(folder).startswith("hf:"):
        raise ModelError(
            f"{folder}: is a name on the hub; get its folder first, with photoclass.download_model({str(folder)!r})"
        )
    if re.match(r"https?:/", str(folder)):  # a Path has one slash of two
        raise ModelError(f"{folder}: is a web address; a model on the Hugging Face Hub is --model hf:OWNER/REPO")
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder; train one with: photoclass train DATA --out {folder}")
    path = folder / INFO_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        unfinished = (folder / RESUME_FOLDER).is_dir()
        advice = "its training is unfinished; continue it with --resume" if unfinished else "give a RUN folder"
        raise ModelError(f"{folder}: not a model folder ({INFO_FILE} is missing); {advice}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the folder again or train again") from error
    try:
        info = read_fields(ModelInfo, _to_current_format(content, path))
    except JsonTypeError as error:
        raise _cannot_be_right(path, str(error)) from error
    _check_info(info, path)
    return info


def _to_current_format(content: object, path: Path) -> dict[str, object]:
    """Return the fields of `ModelInfo` as this format has them, whatever format they were written in.

    Raises:
        ModelError: The format is unknown, or fields are missing or unknown.
    """
    version = content.get("format_version") if isinstance(content, dict) else None
    if isinstance(content, dict) and type(version) is int and version > FORMAT_VERSION:
        raise ModelError(
            f"{path}: has format version {version}, but this photoclass reads up to {FORMAT_VERSION}; it was written "
            f"by photoclass {str(content.get('photoclass_version'))[:40]!r}: install that version or a later one"
        )
    if isinstance(content, dict) and type(version) is int and version >= 1:
        fields = {name: value for name, value in content.items() if name != "format_version"}
        if version == 1:
            fields = upgrade(fields)
        fields.setdefault("grey_bits", _GREY_BITS_BEFORE)
        if version < _FIRST_WITH_RESAMPLING:
            fields.setdefault("resampling", _RESAMPLING_BEFORE)
        if set(fields) == set(_FIELDS):
            return fields
    raise ModelError(
        f"{path}: not written by photoclass, or incomplete (formats 1 to {FORMAT_VERSION} can be read); train again"
    )


def _check_info(info: ModelInfo, path: Path) -> None:
    names, rates = info.class_names, info.base_rates
    faults = {
        "class_names": len(names) < 2 or not all(names) or len(set(names)) < len(names),
        "image_size": not 8 <= info.image_size <= MAX_IMAGE_SIZE,
        "grey_bits": info.grey_bits not in (None, *STEPS),
        "resize": info.resize not in ("squash", "crop"),
        "resampling": info.resampling not in RESAMPLINGS,
        "base_rates": len(rates) != len(names) or not all(0 <= rate <= 1 for rate in rates),
    }
    wrong = [name for name, is_wrong in faults.items() if is_wrong]
    if wrong:
        raise _cannot_be_right(path, ", ".join(wrong))


def _cannot_be_right(path: Path, names: str) -> ModelError:
    return ModelError(f"{path}: {names} cannot be right; copy the folder again or train again")


def read_onnx(folder: Path, info: ModelInfo) -> bytes:
    """Read `model.onnx` and check that it is the file that was saved.

    Raises:
        ModelError: It is missing, damaged, replaced, or refers to other files.
    """
    for path in (folder / NETWORK_FILE, folder / WAITING_NETWORK_FILE):
        try:
            if path.stat().st_size > MAX_MODEL_BYTES:
                raise ModelError(f"{path}: larger than {MAX_MODEL_BYTES:,} bytes; not a model of photoclass")
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror}); copy the folder again") from error
        if refers_to_files(content):
            raise ModelError(f"{path}: keeps weights in other files, which is not allowed; export it as one file")
        if hashlib.sha256(content).hexdigest() == info.onnx_sha256:
            return content
    raise ModelError(
        f"{folder / NETWORK_FILE}: missing, damaged or replaced since it was saved ({INFO_FILE} has its SHA-256); "
        "copy the folder again"
    )


def refers_to_files(onnx: bytes) -> bool:
    """Return whether an ONNX file may keep weights in other files."""
    return _EXTERNAL_DATA in onnx
