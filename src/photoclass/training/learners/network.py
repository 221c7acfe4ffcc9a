"""What learners with a training loop share: the loop, its checkpoint, the export."""

import copy
import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from photoclass.errors import Interrupted, TrainingError
from photoclass.metrics.calibration import fit_temperature, to_probabilities
from photoclass.metrics.optimism import Optimism
from photoclass.model.folder import CURVES_FILE, LoopSummary, ModelInfo, TrainingSummary, save_history
from photoclass.model.novelty import KEPT_PHOTOS, NoveltyDetector, fit_novelty, photos_to_keep
from photoclass.model.runtime import Runtime
from photoclass.networks.scaling import UNIT_PIXELS, Scaling
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.decode import Pixels
from photoclass.photos.table import HELD_OUT, TRAIN, VALID
from photoclass.progress import Progress
from photoclass.results.pictures.curves import draw_curves
from photoclass.results.scores.evaluate import predict_cached
from photoclass.training.compute import Compute, keep_freed_memory, leave_threads_to_the_network
from photoclass.training.cross_fitting import estimate_optimism, kept_rows, selected_by_validation
from photoclass.training.finish import Outcome, TrainResult, finish, model_info
from photoclass.training.loop.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from photoclass.training.loop.examples import Examples, PhotoExamples, Rows
from photoclass.training.loop.loop import LoopJob, compute_all, fit, predict_logits
from photoclass.training.loop.optimizer import optimizer_for
from photoclass.training.recipes.loop_settings import LoopSettings
from photoclass.training.recipes.settings import LoopRecipeSettings, PixelRecipeSettings
from photoclass.training.run import Run, changes
from photoclass.training.stopping import best_epoch

# Time that a budget reserves after the loop for export and report; predictions come on top.
_FINISH_SECONDS = 15.0
# Drawing takes a third of a second: little next to an epoch of real photos, much next to one of a few drawings.
_DRAW_EVERY_SECONDS = 20.0
_EXPORT_PHOTOS = 64


class Learner(Protocol):
    """What a recipe adds to the training loop. `photos` are always some of the run's."""

    @property
    def settings(self) -> LoopRecipeSettings:
        """The settings of the recipe."""

    @property
    def name(self) -> str:
        """What is trained, for the output and the model card: `a residual network, from scratch`."""

    @property
    def from_scratch(self) -> bool:
        """Whether training starts from random weights, not from pretrained ones."""

    @property
    def credit(self) -> str:
        """A sentence on whose pretrained weights these are, for the model card; empty where there are none."""

    @property
    def network(self) -> nn.Module:
        """Maps images or feature maps to logits."""

    @property
    def scaling(self) -> Scaling:
        """How the bytes of its inputs are scaled."""

    @property
    def tolerance(self) -> float:
        """By how much, in probability, the exported file may differ from the trained network in full precision."""

    @property
    def views(self) -> int:
        """Views of each photo that the saved model averages over: 2 with its mirror image, else 1."""

    def examples(self, photos: Any) -> Examples:
        """Return photos as inputs of the network."""

    def training_examples(self, photos: Any) -> Examples:
        """Return photos as inputs of the network in training."""

    def start(self, train: Any, duplicates: NDArray[np.int64], compute: Compute) -> None:
        """Set the initial weights, where those that the network was made with are not the ones to start from.

        Args:
            train: The training photos.
            duplicates: Shape (N,), the same number for training photos that are near-duplicates of each other.
            compute: Device and precision.
        """

    def pixels(self, photos: Any) -> dict[int, Pixels]:
        """Return the saved model's inputs, by index of the photo; without files that have vanished."""

    def logits(self, photos: Any, compute: Compute) -> NDArray[np.float64]:
        """Compute the logits of photos by the network as it is now, shape (N, K)."""

    def features(self, photos: Any, compute: Compute) -> NDArray[np.float32]:
        """Compute the inputs of the last linear layer of the network as it is now, shape (N, D)."""

    def export(self, temperature: float) -> bytes:
        """Export the network as it is now to ONNX, from pixels to probabilities."""

    def scored(
        self, runtime: Runtime, photos: Any, trained: Callable[[], NDArray[np.float64]], progress: Progress
    ) -> NDArray[np.float32]:
        """Return the probabilities to score, shape (N, C): the saved model's, or else those of the trained network."""


@dataclass(frozen=True)
class PixelLearner:
    """What learners share whose network is trained on pixels from the cache, from random weights.

    Attributes:
        settings: The settings of the recipe.
        network: Maps images to logits; its function `features` gives the inputs of its last layer.
    """

    settings: PixelRecipeSettings
    network: nn.Module
    from_scratch: ClassVar[bool] = True
    credit: ClassVar[str] = ""
    scaling: ClassVar[Scaling] = UNIT_PIXELS
    tolerance: ClassVar[float] = 1e-3

    @property
    def views(self) -> int:
        """Views of each photo that the saved model averages over."""
        return 1

    def examples(self, photos: CachedPhotos, mirrored: bool = False) -> PhotoExamples:
        """Return photos, or their mirror images; in training they are augmented."""
        return PhotoExamples(photos, self.settings.augment, mirrored)

    def training_examples(self, photos: CachedPhotos) -> PhotoExamples:
        """Return photos for training."""
        return self.examples(photos)

    def start(self, train: CachedPhotos, duplicates: NDArray[np.int64], compute: Compute) -> None:
        """Keep the random weights that the network was made with."""

    def pixels(self, photos: CachedPhotos) -> dict[int, Pixels]:
        """Return the photos' pixels from the cache."""
        return {i: np.asarray(photos.pixels[i], dtype=np.uint8) for i in range(len(photos))}

    def logits(self, photos: CachedPhotos, compute: Compute) -> NDArray[np.float64]:
        """Compute the logits of photos, shape (N, K): the mean over the views."""
        views = [
            predict_logits(self.network, self.examples(photos, mirrored), self.scaling, compute).double().numpy()
            for mirrored in (False, True)[: self.views]
        ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float64)

    def features(self, photos: CachedPhotos, compute: Compute) -> NDArray[np.float32]:
        """Compute the inputs of the last layer, shape (N, D): the mean over the views."""
        function: Callable[[Tensor], Tensor] = self.network.features  # type: ignore[assignment]
        views = [
            compute_all(function, self.examples(photos, mirrored), self.scaling, compute).numpy()
            for mirrored in (False, True)[: self.views]
        ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float32)

    def scored(
        self, runtime: Runtime, photos: CachedPhotos, trained: Callable[[], NDArray[np.float64]], progress: Progress
    ) -> NDArray[np.float32]:
        """Predict with the saved model."""
        return predict_cached(runtime, photos, progress)


def train_network(run: Run, learner: Learner) -> TrainResult:
    """Train a network and write the model folder, which the caller has locked.

    Args:
        run: The run.
        learner: What its recipe adds to the training loop.

    Raises:
        TrainingError: The run cannot be resumed, or the loss became NaN or infinite before the first epoch was done.
        Interrupted: A signal arrived; the checkpoint is kept.
    """
    request, loop = run.request, learner.settings.loop
    saved = request.saved
    changed = changes(saved, run.identity()) if saved else []
    if changed and not request.options.force:
        raise TrainingError(
            f"{request.out}: was started with different {', '.join(changed)}; give the same again, choose another "
            "--out to start again, or --force to continue anyway"
        )
    keep_freed_memory()
    leave_threads_to_the_network()
    if not saved:
        learner.start(run.part(TRAIN), run.groups[run.in_split(TRAIN)], run.compute)
    state = fresh_state(learner.network, loop, run.compute)
    if saved:
        load_checkpoint(request.out, state)
        if changed:
            # The part of the epoch that is done had other photos or other batches: the epoch starts again.
            state.start_epoch(state.epoch)
        if "data" in changed:
            state.valid_logits.clear()
        request.say(f"resumed at epoch {state.epoch + 1}, photo {state.seen:,}")
    kept = len(state.valid_logits[0]) if state.valid_logits else None
    photos = int(run.in_split(VALID).sum())
    rows = kept_rows(photos, len(run.class_names), loop.epochs, request.seed, kept)
    _run_loop(run, learner, state, rows)
    return finish(run, _outcome(run, learner, state, rows))


def fresh_state(network: nn.Module, settings: LoopSettings, compute: Compute) -> TrainingState:
    """Return the state of a training that has not begun."""
    network.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = copy.deepcopy(network) if settings.ema_decay else None
    start = {n: v.detach().clone() for n, v in network.state_dict().items()} if settings.initial_weights_share else {}
    return TrainingState(network, optimizer_for(network, settings), ema, start)


def _run_loop(run: Run, learner: Learner, state: TrainingState, rows: Rows) -> None:
    request, compute, loop = run.request, run.compute, learner.settings.loop
    parameters = sum(p.numel() for p in state.network.parameters() if p.requires_grad)
    request.say(
        f"{learner.name}: {parameters:,} parameters, on {compute.device} in {compute.precision} ({compute.reason}), "
        f"batch {loop.batch_size}, seed {request.seed}"
    )
    stop = request.stop
    parts = {split: run.part(split) for split in (TRAIN, VALID, HELD_OUT)}
    passes = len(parts[HELD_OUT]) + (2 if loop.calibrate else 1) * len(parts[VALID])
    passes += min(len(parts[TRAIN]), KEPT_PHOTOS) + min(len(parts[VALID]), KEPT_PHOTOS)
    job = LoopJob(
        train=learner.training_examples(parts[TRAIN]),
        valid=learner.examples(parts[VALID]),
        settings=loop,
        scaling=learner.scaling,
        compute=compute,
        seed=request.seed,
        finish_seconds=_FINISH_SECONDS,
        finish_passes=learner.views * passes,
        kept_rows=rows,
    )
    identity = run.identity()
    drawn_at = -math.inf

    def keep(state: TrainingState) -> None:
        nonlocal drawn_at
        save_checkpoint(request.out, state, identity)
        save_history(request.out, state.history)
        ends = bool(state.stopped or stop.signal_number)
        if state.history and (ends or time.monotonic() - drawn_at > _DRAW_EVERY_SECONDS):
            draw_curves(state.history, request.out / CURVES_FILE, f"{request.recipe} · {request.out.name}")
            drawn_at = time.monotonic()
        request.records.epochs(run.parameters(), state.history)

    with stop.listen():
        fit(job, state, stop, keep, request.workspace.progress)
    if stop.signal_number:
        raise Interrupted(
            f"stopped in epoch {state.epoch + 1}, photo {state.seen:,}; the checkpoint is kept. "
            f"Continue with the same command and --resume",
            128 + stop.signal_number,
        )
    request.say(f"training ended: {state.stopped}")


def _outcome(run: Run, learner: Learner, state: TrainingState, rows: Rows) -> Outcome:
    """Export the best weights, check the file against them, and predict what is scored.

    Raises:
        TrainingError: The exported file and the trained network disagree.
    """
    request = run.request
    learner.network.load_state_dict(state.best_weights)
    parts = {split: part for split in (VALID, HELD_OUT) if len(part := run.part(split))}
    logits: dict[int, NDArray[np.float64]] = {}
    temperature = 1.0
    if learner.settings.loop.calibrate:
        logits[VALID] = learner.logits(parts[VALID], run.compute)
        temperature = fit_temperature(logits[VALID], parts[VALID].table.labels)

    def trained(split: int) -> NDArray[np.float64]:
        values = logits[split] if split in logits else learner.logits(parts[split], run.compute)
        return to_probabilities(values / temperature)

    best = best_epoch(state.history)
    info = model_info(
        run,
        TrainingSummary(
            description=_describe_training(run, learner, state),
            from_scratch=learner.from_scratch,
            seconds=round(state.elapsed_seconds, 1),
            device=run.compute.device,
            precision=run.compute.precision,
            stop_reason=state.stopped,
            temperature=temperature,
            loop=LoopSummary(
                epochs=state.history[-1].epoch,
                best_epoch=best.epoch if best else None,
                torch=str(torch.__version__),
            ),
        ),
    )
    onnx = learner.export(temperature)
    difference = _check_export(run, learner, info, onnx, temperature)
    runtime = Runtime(info, onnx, request.out)
    scored = {
        split: learner.scored(runtime, part, partial(trained, split), request.workspace.progress)
        for split, part in parts.items()
    }
    optimism, novelty = _optimism(run, learner, state, rows), _novelty(run, learner)
    return Outcome(info, onnx, scored, difference, optimism, novelty, tuple(state.history))


def _describe_training(run: Run, learner: Learner, state: TrainingState) -> str:
    """Describe the training for the model card and the report, in plain text."""
    name, best = learner.name, best_epoch(state.history)
    kept = f"; epoch {best.epoch:g}, which has the lowest validation loss, was kept" if best else ""
    text = (
        f"{name[0].upper()}{name[1:]}: {state.history[-1].epoch:g} epochs on "
        f"{run.compute.device} in {run.compute.precision}, seed {run.request.seed}{kept}. "
        f"Training ended: {state.stopped}."
    )
    return f"{text} {learner.credit}".rstrip()


def _optimism(run: Run, learner: Learner, state: TrainingState, rows: Rows) -> Optimism | None:
    """Estimate the optimism of the validation score; None where the validation photos selected nothing.

    Epochs were compared without the mirror images of the photos; where the saved model averages over them, that is
    not in the estimate.
    """
    calibrate = learner.settings.loop.calibrate
    if len(state.valid_logits) < len(state.history):
        chose = selected_by_validation(sum(math.isfinite(row.val_loss) for row in state.history), calibrate)
        return Optimism(chose, "earlier epochs were compared on different photos (--force)") if chose else None
    of_valid = np.flatnonzero(run.in_split(VALID))
    labels, groups = (values[of_valid[rows]] for values in (run.photos.table.labels, run.groups))
    logits = [epoch.numpy() for epoch in state.valid_logits]
    return estimate_optimism(logits, labels, groups, calibrate, run.request.seed, len(of_valid))


def _novelty(run: Run, learner: Learner) -> NoveltyDetector:
    """Fit the novelty detector on a sample of the training photos, against a sample of the validation photos."""
    train, valid = run.part(TRAIN), run.part(VALID)
    kept, compared = (photos_to_keep(part.table.labels, run.request.seed) for part in (train, valid))
    features = (learner.features(part.select(rows), run.compute) for part, rows in ((train, kept), (valid, compared)))
    return fit_novelty(*features)


def _check_export(run: Run, learner: Learner, info: ModelInfo, onnx: bytes, temperature: float) -> dict[str, float]:
    """Compare the exported file with the trained network on the first validation photos.

    Returns:
        The largest difference in probability, by the precision of the runtime.

    Raises:
        TrainingError: They disagree.
    """
    valid = run.part(VALID)
    photos = valid.select(np.arange(min(_EXPORT_PHOTOS, len(valid))))
    pixels = learner.pixels(photos)
    logits = learner.logits(photos, dataclasses.replace(run.compute, precision="fp32"))
    wanted = to_probabilities(logits / temperature)[list(pixels)]
    runtime = Runtime(info, onnx, run.request.out)
    difference = float(abs(runtime.probabilities(pixels.values()) - wanted).max(initial=0))
    if not difference <= learner.tolerance:
        raise TrainingError(
            f"the exported model differs from the trained network by {difference:.5f}; it was not saved, the "
            "checkpoint is kept. Please report this"
        )
    return {runtime.precision: round(difference, 7)}
