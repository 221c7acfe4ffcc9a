"""Format 1 of `model.json`, written by photoclass 0.1: its keys mapped to those of format 2."""

from collections.abc import Mapping
from typing import Any

_SETTINGS = {
    "kernel_rate": "muon_rate",
    "kernel_momentum": "muon_momentum",
    "average": "ema_decay",
    "start_share": "initial_weights_share",
    "varied_share": "augmented_share",
    "drop_doubtful": "drop_label_errors",
}
_SCORE = {
    "pictures": "distinct_photos",
    "cannot": "missing",
    "split_chose_model": "split_selected_model",
    "flatters": "optimism",
}
_SAME_IN_SCORE = (
    "n",
    *(f"{name}{ending}" for name in ("log_loss", "accuracy", "ece", "brier") for ending in ("", "_ci95")),
    *(f"{name}{ending}" for name in ("balanced_accuracy", "roc_auc", "average_precision") for ending in ("", "_ci95")),
    *("per_class", "confusion", "class_names", "split"),
)
_SAME_IN_OPTIMISM = ("log_loss", "log_loss_se", "accuracy", "accuracy_se")
_TRAINING = {
    "on": "finished_at",
    "photos_with_twins": "photos_with_duplicates",
    "twins_across_splits": "duplicates_across_splits",
    "stopped": "stop_reason",
    "valid_chose_model": "valid_selected_model",
}
_SAME_IN_TRAINING = ("data", "fixes", "seconds", "device", "precision", "temperature")
_HEAD = {"doubtful_labels": "label_errors", "doubtful_dropped": "label_errors_dropped"}
_SAME_IN_HEAD = ("strength", "cross_validated_log_loss", "features_computed")
_SAME_IN_LOOP = ("epochs", "best_epoch", "torch")
_SAME_IN_PACKING = ("weights", "log_loss_with_fp32_weights")
_CREDIT = "Its pretrained weights are EfficientNet-Lite's, trained on ImageNet, under the Apache License 2.0."
_ONNX_DIFFERENCE = "onnx_differs_by"


def upgrade(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `model.json` under their names in format 2. What is malformed is left for the reader."""
    upgraded = {name: value for name, value in fields.items() if name != "trained"}
    if "trained" in fields:
        upgraded["training"] = _training(fields["trained"], fields.get("recipe"), fields.get("settings"))
    if isinstance(fields.get("settings"), dict):
        upgraded["settings"] = _rename_settings(fields["settings"])
    if isinstance(fields.get("metrics"), dict):
        upgraded["metrics"] = {split: _score(values) for split, values in fields["metrics"].items()}
    return upgraded


def _rename_settings(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        _SETTINGS.get(name, name): _rename_settings(value) if isinstance(value, dict) else value
        for name, value in settings.items()
    }


def _score(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    score = _pick(values, _SCORE, _SAME_IN_SCORE)
    if isinstance(score.get("optimism"), dict):
        score["optimism"] = _pick(score["optimism"], {"chose": "selected", "how": "method"}, _SAME_IN_OPTIMISM)
    if isinstance(score.get("missing"), list):
        score["missing"] = [_pick(item, {"why": "reason"}, ("figure",)) for item in score["missing"]]
    score.setdefault("split_selected_model", True)
    return score


def _training(values: Any, recipe: Any, settings: Any) -> Any:
    if not isinstance(values, dict):
        return values
    training = _pick(values, _TRAINING, _SAME_IN_TRAINING)
    training["description"] = _describe(values, settings if isinstance(settings, dict) else {})
    training["from_scratch"] = recipe in ("small-cnn", "resnet")
    if isinstance(values.get("set"), dict):
        training["changed_settings"] = _rename_settings(values["set"])
    differences = {name: value for name, value in values.items() if name.startswith(_ONNX_DIFFERENCE)}
    # The head was compared in the precision of its backbone, and the key did not say so.
    training["onnx_difference"] = {
        name.removeprefix(_ONNX_DIFFERENCE).removeprefix("_") or str(values.get("precision", "f32")): value
        for name, value in differences.items()
    }
    if "strength" in values:
        training["head"] = _pick(values, _HEAD, _SAME_IN_HEAD)
    elif "epochs" in values:
        training["loop"] = {"best_epoch": None, **_pick(values, {}, _SAME_IN_LOOP)}
    if "weights" in values:
        training["packing"] = _pick(values, {}, _SAME_IN_PACKING)
    return training


def _describe(values: dict[str, Any], settings: dict[str, Any]) -> str:
    """Describe the training, which format 1 left to whoever wrote the model card."""
    where = f"on {values.get('device', 'unknown')} in {values.get('precision', 'unknown')}"
    backbone = settings.get("backbone")
    credit = f" {_CREDIT}" if isinstance(backbone, str) and set(backbone.split("+")) <= {"lite0", "lite2"} else ""
    if "strength" in values:
        return f"A linear head on the features of the frozen pretrained backbone {backbone}, fitted {where}.{credit}"
    network = str(values.get("learnt", "a network")).replace("from nothing", "from scratch")
    return (
        f"{network[:1].upper()}{network[1:]}: {_number(values.get('epochs'))} epochs {where}; epoch "
        f"{_number(values.get('best_epoch'))} was kept. Training ended: {values.get('stopped', 'unknown')}.{credit}"
    )


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "unknown"


def _pick(values: Any, renamed: Mapping[str, str], same: tuple[str, ...]) -> dict[str, Any]:
    """Take known keys under their new names; format 1 was an open dictionary, so others are dropped."""
    if not isinstance(values, dict):
        return {}
    names = {**{name: name for name in same}, **renamed}
    return {names[name]: value for name, value in values.items() if name in names}
