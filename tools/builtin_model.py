"""Pack a RUN folder as the model that comes with photoclass, and print its score before and after.

python tools/builtin_model.py RUN [--data DATA] [--out FOLDER]
python tools/builtin_model.py --rewrite [--out FOLDER]
python tools/builtin_model.py --resampling NAME --data DATA [--out FOLDER]

`make builtin-model` trains such a RUN and then packs it. Of the photos, the folder keeps the start of the SHA-256,
split, class and the predictions for those that it was scored on: no name, no path, no picture. `--rewrite` brings a
packed folder to the current format without its photos: network and predictions stay as they are, byte by byte.
`--resampling` lets a packed folder resize photos by another rule, and measures its scores and predictions again.
"""

import argparse
import csv
import dataclasses
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from builtin_card import write_builtin_card

from photoclass.atomic import atomic_text
from photoclass.errors import DataError, ModelError, PhotoclassError
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.model.builtin import BUILTIN_MODEL
from photoclass.model.folder import (
    CURVES_FILE,
    HELD_OUT_PREDICTIONS_FILE,
    HISTORY_FILE,
    VALID_PREDICTIONS_FILE,
    ModelInfo,
    PackingSummary,
    StoredScore,
    load_info,
    load_novelty,
    load_photo_splits,
    load_photos,
    read_onnx,
    save_model,
    save_novelty,
    save_photo_hashes,
    save_predictions,
)
from photoclass.model.folder.hashes import DIGEST_BYTES
from photoclass.model.runtime import Runtime
from photoclass.networks.fp16_weights import with_fp16_weights
from photoclass.photos.cache.photo_set import hash_contents
from photoclass.photos.cache.pixels import CachedPhotos, cache_photos
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.decode_settings import RESAMPLINGS
from photoclass.photos.duplicates.near_duplicates import group_near_duplicates
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import HELD_OUT, SPLITS, VALID
from photoclass.results.scores.evaluate import known_splits, map_classes, predict_cached
from photoclass.results.scores.score import Score, score_predictions
from photoclass.terminal import terminal_progress
from photoclass.workspace import Workspace

MOST_BYTES = 4_000_000
# The largest increase of log loss accepted for fp16: a hundredth of the spread of log losses between trainings.
MOST_LOSS = 0.0005
_KEPT_FILES = (HISTORY_FILE, CURVES_FILE)


@dataclass(frozen=True)
class Scored:
    """A network with its predictions and scores on the validation and held-out splits."""

    onnx: bytes
    probabilities: dict[int, np.ndarray]
    scores: dict[int, Score]

    @property
    def loss(self) -> float:
        """Log loss on the held-out photos."""
        return self.scores[HELD_OUT].log_loss.value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", nargs="?")
    parser.add_argument("--rewrite", action="store_true", help="only bring FOLDER to the current format")
    parser.add_argument("--resampling", choices=RESAMPLINGS, help="only change FOLDER's rule of resizing, with --data")
    parser.add_argument("--data", type=Path, help="the photos (where they were at the training)")
    parser.add_argument("--out", type=Path, default=BUILTIN_MODEL, help="the folder to write (the one in the package)")
    arguments = parser.parse_args()
    if arguments.rewrite + (arguments.run is not None) + (arguments.resampling is not None) != 1:
        parser.error("give one of RUN, --rewrite and --resampling")
    if arguments.resampling and arguments.data is None:
        parser.error("--resampling needs --data")
    try:
        if arguments.rewrite:
            rewrite(arguments.out)
            return
        if arguments.resampling:
            for line in resample(arguments.out, arguments.resampling, arguments.data):
                print(line)
            return
        for line in pack(arguments.run, arguments.data, arguments.out):
            print(line)
    except PhotoclassError as error:
        sys.exit(f"builtin_model: {error}")


def pack(run: Path, data: Path | None, out: Path) -> list[str]:
    """Write the folder and return lines on the outcome.

    Raises:
        DataError: The photos are not those that the model was trained and scored on.
        ModelError: RUN cannot be used, or is too large for a model that comes with the package.
    """
    info = load_info(run)
    onnx = read_onnx(run, info)
    parts = _parts_of(run, info, data)
    full, half = (_score(run, info, network, parts) for network in (onnx, with_fp16_weights(onnx)))
    chosen = half if half.loss - full.loss < MOST_LOSS else full
    if len(chosen.onnx) > MOST_BYTES:
        raise ModelError(
            f"{run}: its network takes {len(chosen.onnx):,} bytes, more than {MOST_BYTES:,}, and fp16 costs "
            f"{half.loss - full.loss:.5f} of log loss; train a smaller one"
        )
    packing = PackingSummary("fp32" if chosen is full else "fp16", log_loss_with_fp32_weights=full.loss)
    _write(run, info, chosen, packing, parts, out)
    lines = [*_lines("fp32", full), *_lines("fp16", half)]
    size = sum(path.stat().st_size for path in out.iterdir())
    return [*lines, f"{out}: weights in {'fp16' if chosen is half else 'fp32'}, {size:,} bytes in all"]


def resample(folder: Path, resampling: str, data: Path) -> list[str]:
    """Let a packed folder resize photos by another rule, score it again, and return lines on the outcome.

    Raises:
        DataError: The photos are not those that the model was trained and scored on.
        ModelError: It cannot be used, or is not a packed folder.
    """
    info = dataclasses.replace(load_info(folder), resampling=resampling)
    packing = info.training.packing
    if packing is None:
        raise ModelError(f"{folder}: not a packed folder; pack it first")
    parts = _parts_of(folder, info, data)
    scored = _score(folder, info, read_onnx(folder, info), parts)
    # What rounding the weights changed was measured when it was packed, and is kept.
    rounding = info.metrics[SPLITS[HELD_OUT]].log_loss.value - packing.log_loss_with_fp32_weights
    packing = dataclasses.replace(packing, log_loss_with_fp32_weights=scored.loss - rounding)
    _write(folder, info, scored, packing, parts, folder)
    return _lines(resampling, scored)


def _lines(name: str, scored: Scored) -> list[str]:
    return [
        f"{name}: {len(scored.onnx):,} bytes, {SPLITS[split]} log loss {scored.scores[split].log_loss.value:.6f}, "
        f"accuracy {scored.scores[split].accuracy.value:.2%} of {scored.scores[split].n:,}"
        for split in (VALID, HELD_OUT)
    ]


def _parts_of(run: Path, info: ModelInfo, data: Path | None) -> dict[int, CachedPhotos]:
    photos = _photos_of(run, info, data)
    splits = known_splits(photos, run)
    parts = {split: photos.select(splits == split) for split in (VALID, HELD_OUT)}
    for split, part in parts.items():
        stored = info.metrics.get(SPLITS[split])
        if stored is None or len(part) != stored.n:
            raise DataError(f"{run}: not all its {SPLITS[split]} photos are in DATA; give what it was trained on")
    return parts


def _photos_of(run: Path, info: ModelInfo, data: Path | None) -> CachedPhotos:
    where = DataPaths.of(data) if data else info.training.data or DataPaths()
    fixes = info.training.fixes
    workspace = Workspace(progress=terminal_progress())
    table = read_data(where, workspace, Path(fixes) if fixes else None, info.training.reading)
    table = map_classes(table, info.class_names, str(where))
    table, contents = hash_contents(table, workspace.progress)
    splits = load_photo_splits(run)
    table = table.select(np.array([splits.get(content) in (SPLITS[VALID], SPLITS[HELD_OUT]) for content in contents]))
    return cache_photos(table, info.decode_settings(), workspace)


def _score(run: Path, info: ModelInfo, onnx: bytes, parts: dict[int, CachedPhotos]) -> Scored:
    runtime = Runtime(info, onnx, run)
    probabilities, scores = {}, {}
    for split, part in parts.items():
        name = SPLITS[split]
        measured = info.metrics[name]
        probabilities[split] = predict_cached(runtime, part, terminal_progress())
        scores[split] = score_predictions(
            LabelledProbabilities(
                probabilities[split], part.table.labels, info.class_names, group_near_duplicates(part.fingerprints)
            ),
            name,
            measured.split_selected_model,
            measured.optimism,
        )
    return Scored(onnx, probabilities, scores)


def _write(
    run: Path, info: ModelInfo, chosen: Scored, packing: PackingSummary, parts: dict[int, CachedPhotos], out: Path
) -> None:
    """Write the folder beside its destination, then move it there."""
    new = out.with_name(f".{out.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    training = dataclasses.replace(info.training, data=None, fixes=None, packing=packing)
    metrics = {
        SPLITS[split]: StoredScore.from_json(score.as_json(), SPLITS[split]) for split, score in chosen.scores.items()
    }
    info = dataclasses.replace(info, metrics=metrics, training=training)
    save_model(new, info, chosen.onnx)
    write_builtin_card(new, info)
    save_photo_hashes(new, load_photos(run))
    for split, part in parts.items():
        nameless = dataclasses.replace(part.table, names=tuple(_name(content) for content in part.contents))
        groups = group_near_duplicates(part.fingerprints)
        save_predictions(new, SPLITS[split], nameless, chosen.probabilities[split], groups)
    # The detector keeps features in steps of 1/127; rounding the weights changes them much less.
    _finish(run, new, chosen.onnx, _KEPT_FILES, out)


def rewrite(folder: Path) -> None:
    """Rewrite a packed folder in the current format, with a card in the current wording.

    Raises:
        ModelError: It cannot be used.
    """
    info = load_info(folder)
    onnx = read_onnx(folder, info)
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    save_model(new, info, onnx)
    write_builtin_card(new, info)
    save_photo_hashes(new, load_photos(folder))
    for name in (VALID_PREDICTIONS_FILE, HELD_OUT_PREDICTIONS_FILE):
        with open(folder / name, newline="") as before, atomic_text(new / name) as after:
            writer = csv.writer(after)
            header, *rows = csv.reader(before)
            writer.writerow(header)
            writer.writerows([_name(bytes.fromhex(row[0])), *row[1:]] for row in rows)
    _finish(folder, new, onnx, _KEPT_FILES, folder)


def _name(content: bytes) -> str:
    """Return the name of a photo, given the SHA-256 of its file or the start of it."""
    return content[:DIGEST_BYTES].hex()


def _finish(source: Path, new: Path, onnx: bytes, copied: tuple[str, ...], out: Path) -> None:
    """Add the novelty detector and the unchanged files, then move the folder to its destination."""
    detector = load_novelty(source, load_info(source).onnx_sha256)
    if detector is not None:
        save_novelty(new, detector, onnx)
    for name in copied:
        if (source / name).is_file():
            shutil.copyfile(source / name, new / name)
    shutil.rmtree(out, ignore_errors=True)
    new.rename(out)


if __name__ == "__main__":
    main()
