"""How a training went: what `model.json` keeps under `training`."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from photoclass.photos.data_paths import DataPaths
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions


@dataclass(frozen=True)
class HeadSummary:
    """How a linear head on frozen features was fitted.

    Attributes:
        strength: Regularisation strength, chosen by cross-validation on the training photos.
        cross_validated_log_loss: Log loss there, in nats.
        features_computed: Photos whose features were computed; those of the others were cached.
        label_errors: Training photos that are probably mislabelled.
        label_errors_dropped: Whether they were left out of the training.
    """

    strength: float
    cross_validated_log_loss: float
    features_computed: int = 0
    label_errors: int = 0
    label_errors_dropped: bool = False


@dataclass(frozen=True)
class LoopSummary:
    """How a network was trained epoch by epoch.

    Attributes:
        epochs: Epochs done; a fraction where the time ran out within one.
        best_epoch: The epoch whose weights were kept; None where no epoch was scored.
        torch: Version of PyTorch.
    """

    epochs: float
    best_epoch: float | None
    torch: str = ""


@dataclass(frozen=True)
class PackingSummary:
    """What `tools/builtin_model.py` did to the network.

    Attributes:
        weights: Their type in `model.onnx`: `fp16` or `fp32`.
        log_loss_with_fp32_weights: Held-out log loss before the weights were rounded.
    """

    weights: str
    log_loss_with_fp32_weights: float


@dataclass(frozen=True)
class MixedGroups:
    """What the score would be if photos of one group could be on both sides of a split.

    Both are out-of-fold scores of a linear head on the same training photos: with all photos of a group in one fold,
    and with near-duplicates alone in one fold.

    Attributes:
        photos: Training photos.
        log_loss: In nats, with groups kept together.
        log_loss_mixed: With groups mixed.
        accuracy: With groups kept together.
        accuracy_mixed: With groups mixed.
        accuracy_gain_ci95: 95 % confidence interval of their difference, groups drawn together; empty where it cannot
            be computed.
    """

    photos: int
    log_loss: float
    log_loss_mixed: float
    accuracy: float
    accuracy_mixed: float
    accuracy_gain_ci95: tuple[float, ...] = ()

    def as_text(self) -> str:
        """Return one sentence without a full stop."""
        gain = self.accuracy_mixed - self.accuracy
        of = f"cross-validated accuracy on the {self.photos:,} training photos"
        both = f"{of} {self.accuracy:.2%} with each group on one side, {self.accuracy_mixed:.2%} with groups mixed"
        low, high = self.accuracy_gain_ci95 or (gain, gain)
        if low <= 0:
            return f"{both}: mixing groups makes no difference that these photos can show"
        interval = f" (95 % confidence interval {100 * low:.1f} to {100 * high:.1f})" if low < high else ""
        return f"{both}: without --group-by the score would look better by {100 * gain:.1f} points{interval}"


@dataclass(frozen=True)
class GroupingSummary:
    """The user's groups of photos, which stayed in one split.

    Attributes:
        group_by: The column, `folder` or pattern that they were made by.
        groups: How many there are.
        largest: Photos of the largest.
        across_splits: Groups that lie in several splits that DATA gives.
        mixed: What the score would be without them; None where the recipe does not measure it.
    """

    group_by: str
    groups: int
    largest: int
    across_splits: int = 0
    mixed: MixedGroups | None = None

    def as_text(self) -> str:
        """Return one sentence without a full stop."""
        if self.mixed is not None:
            return self.mixed.as_text()
        return (
            "what the score would be without --group-by was not measured, since this recipe would have to train twice; "
            "--recipe features measures it"
        )


@dataclass(frozen=True)
class TrainingSummary:
    """How a training went. Exactly one of `head` and `loop` is there, by the kind of recipe.

    Attributes:
        description: What was trained and how, in a few plain sentences, by the recipe.
        from_scratch: Whether no pretrained weights were used.
        finished_at: When it ended, in UTC, as ISO 8601; empty where unknown.
        data: Absolute path of DATA, or a list of the paths of its parts; None where the folder does not keep it.
        fixes: Absolute path of the fixes file; None where there was none.
        reading: How DATA was read where its names leave a choice.
        split: Percentages of train, valid and held-out that were requested; None for the usual 80/10/10, or where DATA
            gives the splits.
        grouping: The user's groups of photos; None where there were none.
        changed_settings: Settings that differ from the recipe's defaults, as `--set` takes them.
        photos_with_duplicates: Photos with at least one near-duplicate in DATA; None where unknown.
        duplicates_across_splits: Near-duplicates on both sides of a split that DATA gives; None where unknown.
        seconds: Duration.
        device: `cpu`, `cuda` or `mps`; empty where unknown.
        precision: Precision of the training, or of the frozen backbone; empty where unknown.
        stop_reason: Why the training ended.
        temperature: Of the calibration; None where unknown.
        onnx_difference: By precision of the runtime, the largest difference in probability between `model.onnx` and
            what was trained.
        valid_selected_model: Whether the validation photos selected the epoch or the temperature.
        head: What recipes with a linear head record.
        loop: What recipes with a training loop record.
        packing: What packing for distribution changed; None for a model as it was trained.
        label_type: What the class names were as labels of a scikit-learn estimator: `str`, `int`, `float` or `bool`.
    """

    description: str = ""
    from_scratch: bool = False
    finished_at: str = ""
    data: DataPaths | None = None
    fixes: str | None = None
    reading: ReadOptions = AS_IT_IS
    split: str | None = None
    grouping: GroupingSummary | None = None
    changed_settings: dict[str, str] = field(default_factory=dict)
    photos_with_duplicates: int | None = None
    duplicates_across_splits: int | None = None
    seconds: float = 0.0
    device: str = ""
    precision: str = ""
    stop_reason: str = ""
    temperature: float | None = None
    onnx_difference: dict[str, float] = field(default_factory=dict)
    valid_selected_model: bool = True
    head: HeadSummary | None = None
    loop: LoopSummary | None = None
    packing: PackingSummary | None = None
    label_type: str = "str"

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {**dataclasses.asdict(self), "data": self.data.as_json() if self.data else None}
