"""The model folder: `model.onnx` and `model.json`, with what is needed to trust and to repeat it.

    RUN/
    ├── model.onnx             uint8 RGB pixels (N, height, width, 3) in, probabilities (N, classes) out
    ├── model.json             class names, image size and resize rule, recipe and settings, metrics, fingerprints
    ├── README.md              the same for a person: a model card
    ├── photos.csv             which photo was in which split, by content
    ├── fingerprints.bin       16x16 grey cells of each training photo, to know its near-duplicates by
    ├── novelty.npz               what the network makes of up to 2,000 of them, to know photos unlike all of them by
    ├── label_errors.csv    training photos whose label is surely wrong, as fixes to look at
    ├── valid_predictions.csv, held_out_predictions.csv  what the model says of the photos that it was scored on
    ├── history.csv, curves.png
    ├── tensorboard/, mlruns/  the same for others to read, where asked for
    ├── report.html            all of it as a page for a person
    └── resume/                the checkpoint for --resume

Nothing in it can run code when it is loaded.
"""

import csv
import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import atomic_path, atomic_text, write_bytes
from photoclass.errors import ModelError
from photoclass.photos.cache.store import Rows
from photoclass.photos.decode import DecodeSettings, Pixels
from photoclass.photos.duplicates.fingerprint import FINGERPRINT_SIDE, halved
from photoclass.photos.table import SPLITS, PhotoTable

FORMAT_VERSION = 1
_WAITING_ONNX = ".model.onnx.new"
FINGERPRINTS = "fingerprints.bin"
_FINGERPRINTS_AT_ONCE = 65_536
MAX_IMAGE_SIZE = 2048
MAX_MODEL_BYTES = 2 << 30
_PICKLE_ENDINGS = frozenset({".pt", ".pth", ".pkl", ".pickle", ".h5", ".hdf5", ".keras", ".joblib", ".ckpt"})
# The key of ONNX's `external_data`, which nothing else in our files contains. Weights in other files could be any file,
# and one file is the promise.
_EXTERNAL_DATA = b"location"

_KINDS: dict[type, tuple[str, ...]] = {
    str: ("recipe", "data_fingerprint", "photoclass_version", "onnx_sha256"),
    int: ("seed",),
    dict: ("settings", "photos", "metrics", "trained"),
}


@dataclass(frozen=True)
class ModelInfo:
    """What `model.json` says.

    Attributes:
        class_names: Sorted; output i of the network is the probability of class i.
        image_size: Side of the square that the network sees, in pixels.
        resize: How a photo becomes that square.
        recipe: Name of the recipe.
        settings: All its numbers.
        seed: What decided the randomness.
        base_rates: Share of each class among the training photos.
        photos: Photos by split and class.
        data_fingerprint: SHA-256 over content, label and split of every photo.
        metrics: By split: n, log_loss, accuracy, their 95 % intervals, whether the split chose the model, and by how
            much that flatters.
        photoclass_version: What wrote it.
        onnx_sha256: Of `model.onnx`; filled in when both are saved.
        trained: How the training went: epochs, best epoch, seconds, device, precision, why it stopped.
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
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    trained: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def decode_settings(self) -> DecodeSettings:
        """Return how photos are decoded for this model."""
        return DecodeSettings(self.image_size, "crop" if self.resize == "crop" else "squash")


@dataclass(frozen=True)
class KnownPhoto:
    """One row of `photos.csv`: SHA-256 of a photo's file, its split and class, and its name at the time.

    A folder may keep no names, as the built-in model's does; a photo's name is its SHA-256 then.
    """

    content: bytes
    split: str
    label: str
    name: str


@dataclass(frozen=True)
class SplitPredictions:
    """What the model says of the photos of a split.

    Attributes:
        names: As `photos.csv` has them.
        labels: Shape (N,), the truth.
        probabilities: Shape (N, C).
    """

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)


def save_model(folder: Path, info: ModelInfo, onnx: bytes) -> None:
    """Write `model.onnx` and `model.json` as one: after a kill at any moment the old pair or the new one loads.

    Raises:
        OutputError: The folder cannot be written; what was there stays whole.
    """
    # The rename of model.json, in which the network's SHA-256 stands, is what decides. Until the network has its
    # name too, `read_onnx` takes it from where it waits.
    write_bytes(folder / _WAITING_ONNX, onnx)
    _save_info(folder, dataclasses.replace(info, onnx_sha256=hashlib.sha256(onnx).hexdigest()))
    (folder / _WAITING_ONNX).replace(folder / "model.onnx")


def _save_info(folder: Path, info: ModelInfo) -> None:
    with atomic_text(folder / "model.json") as stream:
        json.dump(dataclasses.asdict(info), stream, indent=2, ensure_ascii=True)
        stream.write("\n")


def load_info(folder: Path) -> ModelInfo:
    """Read and check `model.json`.

    Raises:
        ModelError: It is no model folder, or what it says cannot be.
    """
    if folder.suffix.casefold() in _PICKLE_ENDINGS and not folder.is_dir():
        raise ModelError(
            f"{folder}: a {folder.suffix} file can run code when it is opened, so it is not; give a RUN folder"
        )
    if not folder.is_dir():
        raise ModelError(
            f"{folder}: there is no such model folder; train one with: photoclass train DATA --out {folder}"
        )
    path = folder / "model.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        unfinished = (folder / "resume").is_dir()
        advice = (
            "its training is unfinished; go on with --resume" if unfinished else "give the RUN folder of a training"
        )
        raise ModelError(f"{folder}: no model folder (model.json is missing); {advice}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the folder again or train again") from error
    known = {f.name for f in dataclasses.fields(ModelInfo)}
    if not isinstance(content, dict) or content.get("format_version") != FORMAT_VERSION or set(content) != known:
        raise ModelError(f"{path}: not written by this version of photoclass (format {FORMAT_VERSION}); train again")
    info = ModelInfo(
        **{**content, "class_names": _as_tuple(content["class_names"]), "base_rates": _as_tuple(content["base_rates"])}
    )
    _check_info(info, path)
    return info


def read_onnx(folder: Path, info: ModelInfo) -> bytes:
    """Read `model.onnx` and see that it is the file that was saved.

    Raises:
        ModelError: It is missing, damaged, exchanged, or refers to other files.
    """
    for path in (folder / "model.onnx", folder / _WAITING_ONNX):
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
        f"{folder}/model.onnx: missing, damaged or exchanged since it was saved (model.json has its SHA-256); "
        "copy the folder again"
    )


def refers_to_files(onnx: bytes) -> bool:
    """Tell whether an ONNX file may keep weights in other files."""
    return _EXTERNAL_DATA in onnx


def _as_tuple(value: object) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else ()


def _check_info(info: ModelInfo, path: Path) -> None:
    names = info.class_names
    rates = info.base_rates
    faults = {
        "class_names": len(names) < 2
        or not all(isinstance(n, str) and n for n in names)
        or list(names) != sorted(set(names)),
        "image_size": type(info.image_size) is not int or not 8 <= info.image_size <= MAX_IMAGE_SIZE,
        "resize": info.resize not in ("squash", "crop"),
        "base_rates": len(rates) != len(names)
        or not all(isinstance(r, float | int) and math.isfinite(r) and 0 <= r <= 1 for r in rates),
    }
    for kind, fields in _KINDS.items():
        faults |= {name: not isinstance(getattr(info, name), kind) for name in fields}
    wrong = [name for name, is_wrong in faults.items() if is_wrong]
    if wrong:
        raise ModelError(f"{path}: {', '.join(wrong)} cannot be right; copy the folder again or train again")


def data_fingerprint(contents: tuple[bytes, ...], table: PhotoTable) -> str:
    """Return the SHA-256 over content, class and split of all photos, whatever their names and order."""
    rows = sorted(
        content + table.class_names[label].encode(errors="surrogateescape") + SPLITS[split].encode()
        for content, label, split in zip(contents, table.labels, table.splits, strict=True)
    )
    return hashlib.sha256(b"\n".join(rows)).hexdigest()


def save_photos(folder: Path, contents: tuple[bytes, ...], table: PhotoTable) -> None:
    """Write `photos.csv`: every photo that was used, by content, with its class and split."""
    with atomic_text(folder / "photos.csv") as stream:
        writer = csv.writer(stream)
        writer.writerow(["sha256", "split", "label", "file"])
        for i, content in enumerate(contents):
            split, label = SPLITS[table.splits[i]], table.class_names[table.labels[i]]
            writer.writerow([content.hex(), split, label, table.names[i]])


def load_photo_splits(folder: Path) -> dict[bytes, str]:
    """Read which photos, by content, were in which split when the model was trained.

    A photo that the user gave to several splits counts for the one that knows it best: train, then valid.

    Raises:
        ModelError: `photos.csv` is missing or damaged.
    """
    path = folder / "photos.csv"
    splits: dict[bytes, str] = {}
    try:
        for photo in load_photos(folder):
            splits[photo.content] = min(photo.split, splits.get(photo.content, photo.split), key=SPLITS.index)
    except ValueError as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error
    return splits


def save_fingerprints(folder: Path, fingerprints: Rows) -> None:
    """Write `fingerprints.bin`: of each photo 16 x 16 grey cells, a byte each, and nothing else."""
    with atomic_path(folder / FINGERPRINTS) as part, open(part, "wb") as stream:
        for start in range(0, len(fingerprints), _FINGERPRINTS_AT_ONCE):
            rows = np.arange(start, min(start + _FINGERPRINTS_AT_ONCE, len(fingerprints)))
            stream.write(halved(fingerprints.take(rows)).tobytes())


def load_fingerprints(folder: Path) -> Pixels | None:
    """Read the fingerprints of the training photos, shape (N, 16, 16); None where an older version kept none.

    Raises:
        ModelError: The file is damaged.
    """
    path = folder / FINGERPRINTS
    half = FINGERPRINT_SIDE // 2
    try:
        return np.frombuffer(path.read_bytes(), dtype=np.uint8).reshape(-1, half, half)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error


def load_photos(folder: Path) -> list[KnownPhoto]:
    """Read `photos.csv`: every photo that trained, chose or scored the model.

    Raises:
        ModelError: It is missing or damaged.
    """
    path = folder / "photos.csv"
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return [
                KnownPhoto(bytes.fromhex(row["sha256"]), row["split"], row["label"], row.get("file", row["sha256"]))
                for row in csv.DictReader(stream)
            ]
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error


def save_predictions(folder: Path, split: str, table: PhotoTable, probabilities: NDArray[np.float32]) -> None:
    """Write `valid_predictions.csv` or `held_out_predictions.csv`: what the model says of the photos of a split."""
    with atomic_text(_predictions_path(folder, split)) as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "truth", *(f"prob_{name}" for name in table.class_names)])
        for name, label, row in zip(table.names, table.labels, probabilities, strict=True):
            writer.writerow([name, table.class_names[label], *(f"{p:.7f}" for p in row)])


def load_predictions(folder: Path, info: ModelInfo, split: str) -> SplitPredictions | None:
    """Read what the model says of the photos of a split; None where an older version kept it not.

    Raises:
        ModelError: The file is damaged.
    """
    path = _predictions_path(folder, split)
    index = {name: i for i, name in enumerate(info.class_names)}
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            rows = list(csv.DictReader(stream))
        probabilities = np.array([[float(row[f"prob_{n}"]) for n in info.class_names] for row in rows])
        labels = np.array([index[row["truth"]] for row in rows], dtype=np.int64)
        return SplitPredictions(tuple(row["file"] for row in rows), labels, probabilities)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error


def load_valid_predictions(folder: Path, info: ModelInfo) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read probabilities, shape (N, C), and labels, shape (N,), of the validation split.

    Raises:
        ModelError: The file is missing or damaged.
    """
    loaded = load_predictions(folder, info, "valid")
    if loaded is None:
        raise ModelError(f"{_predictions_path(folder, 'valid')}: cannot be read (missing); copy the model folder again")
    return loaded.probabilities, loaded.labels


def _predictions_path(folder: Path, split: str) -> Path:
    return folder / f"{split}_predictions.csv"
