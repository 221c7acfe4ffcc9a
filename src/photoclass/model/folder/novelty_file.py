"""`novelty.npz`: the novelty detector of one network, checked when loaded."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import atomic_path
from photoclass.errors import ModelError
from photoclass.model.folder.files import NOVELTY_FILE, existing_file
from photoclass.model.novelty import KEPT_PHOTOS, MOST_QUANTILES, NoveltyDetector

_MOST_BYTES = 64 << 20  # 2,000 photos of 32,000 features


def save_novelty(folder: Path, detector: NoveltyDetector, onnx: bytes) -> None:
    """Write `novelty.npz` atomically, bound to this network by its SHA-256."""
    digest = np.frombuffer(hashlib.sha256(onnx).digest(), dtype=np.uint8)
    with atomic_path(folder / NOVELTY_FILE) as part, open(part, "wb") as stream:
        np.savez_compressed(stream, rows=detector.rows, calibration=detector.calibration, onnx_sha256=digest)


def load_novelty(folder: Path, onnx_sha256: str) -> NoveltyDetector | None:
    """Read `novelty.npz`; None where the folder has none.

    Raises:
        ModelError: It is damaged, or belongs to another network.
    """
    path = existing_file(folder, NOVELTY_FILE)
    advice = "copy the model folder again, or delete this file to do without distances"
    try:
        with zipfile.ZipFile(path) as archive:  # its unpacked size is known before it is unpacked
            if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
                raise ModelError(f"{path}: holds more than {_MOST_BYTES:,} bytes; {advice}")
        with np.load(path, allow_pickle=False) as arrays:
            rows, calibration, digest = (arrays[name] for name in ("rows", "calibration", "onnx_sha256"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); {advice}") from error
    if not _is_valid(rows, calibration):
        raise ModelError(f"{path}: its content cannot be right; {advice}")
    if digest.tobytes().hex() != onnx_sha256:
        raise ModelError(f"{path}: belongs to another network than model.onnx; {advice}")
    return NoveltyDetector(rows, calibration)


def _is_valid(rows: NDArray[np.generic], calibration: NDArray[np.generic]) -> bool:
    return bool(
        rows.dtype == np.int8
        and rows.ndim == 2
        and 0 < len(rows) <= KEPT_PHOTOS
        and calibration.dtype == np.float32
        and calibration.ndim == 1
        and 0 < len(calibration) <= MOST_QUANTILES
        and np.isfinite(calibration).all()
        and (np.diff(calibration.astype(np.float64)) >= 0).all()
    )
