"""The names of the files in a model folder, and one line on what each holds: the only list of them."""

from pathlib import Path

NETWORK_FILE = "model.onnx"
INFO_FILE = "model.json"
CARD_FILE = "README.md"
PHOTOS_FILE = "photos.csv"
HASHES_FILE = "photos.bin"
FINGERPRINTS_FILE = "fingerprints.bin"
NOVELTY_FILE = "novelty.npz"
VALID_PREDICTIONS_FILE = "valid_predictions.csv"
HELD_OUT_PREDICTIONS_FILE = "held_out_predictions.csv"
SKIPPED_FILE = "skipped.csv"
LABEL_ERRORS_FILE = "label_errors.csv"
HISTORY_FILE = "history.csv"
CURVES_FILE = "curves.png"
REPORT_FILE = "report.html"
RESUME_FOLDER = "resume"
# The network on its way: it gets its name once `model.json`, which has its SHA-256, is in place.
WAITING_NETWORK_FILE = f".{NETWORK_FILE}.new"

FILES = {
    NETWORK_FILE: "the network, from uint8 RGB pixels (N, height, width, 3) to probabilities (N, classes)",
    INFO_FILE: "class names, image size, settings, scores, and the SHA-256 of `model.onnx`",
    PHOTOS_FILE: "the split and class of each photo, by content (SHA-256)",
    HASHES_FILE: "the split and class of each photo, by the start of its SHA-256: `photos.csv` of the built-in model",
    VALID_PREDICTIONS_FILE: "predictions for the validation photos, with their groups, to calibrate prediction sets",
    HELD_OUT_PREDICTIONS_FILE: "predictions for the held-out photos, with their groups",
    NOVELTY_FILE: "features of up to 2,000 training photos, to detect out-of-distribution photos",
    FINGERPRINTS_FILE: "16x16 grey thumbnails of the training photos, with which `evaluate` finds near-duplicates; may "
    "be deleted before the model is shared",
    SKIPPED_FILE: "files that could not be read, with the reason",
    LABEL_ERRORS_FILE: "training photos that are probably mislabelled, as a fixes file to review",
    HISTORY_FILE: "loss and accuracy of each epoch",
    CURVES_FILE: "the same as a picture",
    REPORT_FILE: "everything about the model on one page, with photos; absent after `--no-report`",
    f"{RESUME_FOLDER}/": "the checkpoint for `--resume`; not needed to use the model",
}

# Names in format 1. A folder of that format keeps them, since its files are never renamed.
_VERSION_1_NAMES = {
    NOVELTY_FILE: "seen.npz",
    SKIPPED_FILE: "set_aside.csv",
    LABEL_ERRORS_FILE: "doubtful_labels.csv",
}


def existing_file(folder: Path, name: str) -> Path:
    """Return the path of a file to read, under its name in format 1 where the folder has only that."""
    path = folder / name
    if name in _VERSION_1_NAMES and not path.exists():
        older = folder / _VERSION_1_NAMES[name]
        return older if older.exists() else path
    return path
