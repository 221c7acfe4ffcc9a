"""The metadata of a model card: the YAML front matter that the Hugging Face Hub reads.

It follows https://huggingface.co/docs/hub/model-cards and `modelcard.md` in huggingface/hub-docs. The licence and the
name of the data set are unknown here; the owner can add them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from photoclass.metrics.intervals import Interval
from photoclass.model.folder import ModelInfo, StoredScore
from photoclass.text import SPLIT_NAMES

# Characters that YAML does not allow or reads as line ends, besides those that JSON escapes itself.
_TO_ESCAPE = re.compile("[\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_METRICS = {"accuracy": "Accuracy", "log_loss": "Log loss"}


def front_matter(info: ModelInfo) -> str:
    """Return the front matter, including its `---` lines."""
    values = {
        "library_name": "photoclass",
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "photoclass", "onnx", info.recipe],
        **_base_model(info),
        "metrics": list(_METRICS),
        "model-index": [
            {
                "name": " or ".join(info.class_names) if len(info.class_names) < 5 else info.data_fingerprint[:12],
                "results": [_result(info, split, score) for split, score in info.metrics.items()],
            }
        ],
    }
    return "\n".join(("---", *_mapping(values), "---", ""))


def _base_model(info: ModelInfo) -> dict[str, Any]:
    """Return the repository that the backbone is from, where it is from the hub: `hf:OWNER/REPO@COMMIT:FILE`."""
    backbone = info.settings.get("backbone")
    if not isinstance(backbone, str) or not backbone.startswith("hf:"):
        return {}
    return {"base_model": backbone.removeprefix("hf:").partition("@")[0]}


def _result(info: ModelInfo, split: str, score: StoredScore) -> dict[str, Any]:
    photos = f"{score.n:,} {SPLIT_NAMES.get(split, split)} photos"
    return {
        "task": {"type": "image-classification", "name": "Image classification"},
        "dataset": {
            # The Hub's type for labelled folders of pictures.
            "type": "imagefolder",
            "name": f"photos of {', '.join(info.class_names[:5])}{' and others' * (len(info.class_names) > 5)}",
            "split": split,
        },
        "metrics": [
            {
                "type": name,
                "value": round(figure.value, 6),
                "name": f"{title} on {photos}{_describe_interval(figure)}"
                f"{', which selected the model' * score.split_selected_model}",
            }
            for (name, title), figure in zip(_METRICS.items(), (score.accuracy, score.log_loss), strict=True)
        ],
    }


def _describe_interval(figure: Interval) -> str:
    """Return the interval as text; empty where there is none, as for a single photo."""
    return f", 95 % interval {figure.low:.4f} to {figure.high:.4f}" if figure.is_known else ""


def _mapping(values: dict[str, Any], indent: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield f"{indent}{name}:"
            yield from _mapping(value, f"{indent}  ")
        elif isinstance(value, list):
            yield f"{indent}{name}:"
            for item in value:
                lines = list(_mapping(item, f"{indent}  ")) if isinstance(item, dict) else [f"{indent}  {scalar(item)}"]
                yield f"{indent}- {lines[0].removeprefix(f'{indent}  ')}"
                yield from lines[1:]
        else:
            yield f"{indent}{name}: {scalar(value)}"


def scalar(value: str | float) -> str:
    """Write a string or a number so that YAML 1.1 and 1.2 read it back unchanged."""
    if isinstance(value, str):
        return _TO_ESCAPE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
    return f"{value:.6f}" if isinstance(value, float) else str(value)  # YAML 1.1 reads 1e-07 as a word
