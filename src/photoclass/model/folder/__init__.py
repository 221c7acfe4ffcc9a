"""The model folder: every file of it is written and read here.

    RUN/
    ├── model.onnx             uint8 RGB pixels (N, height, width, 3) in, probabilities (N, classes) out
    ├── model.json             class names, image size and resize rule, recipe and settings, scores, fingerprints
    ├── README.md              the same as a model card
    ├── photos.csv             the split and class of each photo, by content
    │   or photos.bin          the same without names, in the built-in model
    ├── fingerprints.bin       16x16 grey thumbnails of the training photos, to find near-duplicates of them
    ├── novelty.npz            features of up to 2,000 training photos, to detect out-of-distribution photos
    ├── valid_predictions.csv, held_out_predictions.csv
    ├── skipped.csv            files that could not be read
    ├── label_errors.csv       training photos that are probably mislabelled, as a fixes file to review
    ├── history.csv, curves.png
    ├── tensorboard/, mlruns/, wandb/ the same for trackers, on request
    ├── report.html            everything about the model on one page
    └── resume/                the checkpoint for --resume

Nothing in it can run code when it is loaded. `model.json` has a format version; formats 1 (photoclass 0.1) and 2 open,
too.
"""

from photoclass.model.folder.files import (
    CARD_FILE,
    CURVES_FILE,
    FILES,
    FINGERPRINTS_FILE,
    HASHES_FILE,
    HELD_OUT_PREDICTIONS_FILE,
    HISTORY_FILE,
    INFO_FILE,
    LABEL_ERRORS_FILE,
    NETWORK_FILE,
    NOVELTY_FILE,
    PHOTOS_FILE,
    REPORT_FILE,
    RESUME_FOLDER,
    SKIPPED_FILE,
    VALID_PREDICTIONS_FILE,
)
from photoclass.model.folder.history import Epoch, load_history, save_history
from photoclass.model.folder.info import (
    FORMAT_VERSION,
    MAX_MODEL_BYTES,
    ModelInfo,
    load_info,
    read_onnx,
    refers_to_files,
    save_model,
)
from photoclass.model.folder.novelty_file import load_novelty, save_novelty
from photoclass.model.folder.photos import (
    KnownPhoto,
    data_fingerprint,
    load_fingerprints,
    load_photo_splits,
    load_photos,
    load_skipped,
    save_fingerprints,
    save_label_errors,
    save_nameless_photos,
    save_photo_hashes,
    save_photos,
    save_skipped,
)
from photoclass.model.folder.predictions import (
    SplitPredictions,
    load_predictions,
    load_valid_predictions,
    save_nameless_predictions,
    save_predictions,
)
from photoclass.model.folder.scores import StoredClassScore, StoredScore
from photoclass.model.folder.training_summary import (
    GroupingSummary,
    HeadSummary,
    LoopSummary,
    MixedGroups,
    PackingSummary,
    TrainingSummary,
)

__all__ = [
    "CARD_FILE",
    "CURVES_FILE",
    "FILES",
    "FINGERPRINTS_FILE",
    "HASHES_FILE",
    "FORMAT_VERSION",
    "HELD_OUT_PREDICTIONS_FILE",
    "HISTORY_FILE",
    "INFO_FILE",
    "LABEL_ERRORS_FILE",
    "MAX_MODEL_BYTES",
    "NETWORK_FILE",
    "NOVELTY_FILE",
    "PHOTOS_FILE",
    "REPORT_FILE",
    "RESUME_FOLDER",
    "SKIPPED_FILE",
    "VALID_PREDICTIONS_FILE",
    "Epoch",
    "GroupingSummary",
    "HeadSummary",
    "KnownPhoto",
    "LoopSummary",
    "MixedGroups",
    "ModelInfo",
    "PackingSummary",
    "SplitPredictions",
    "StoredClassScore",
    "StoredScore",
    "TrainingSummary",
    "data_fingerprint",
    "load_fingerprints",
    "load_history",
    "load_info",
    "load_novelty",
    "load_photo_splits",
    "load_photos",
    "load_predictions",
    "load_skipped",
    "load_valid_predictions",
    "read_onnx",
    "refers_to_files",
    "save_fingerprints",
    "save_history",
    "save_label_errors",
    "save_model",
    "save_nameless_photos",
    "save_photo_hashes",
    "save_nameless_predictions",
    "save_novelty",
    "save_photos",
    "save_predictions",
    "save_skipped",
]
