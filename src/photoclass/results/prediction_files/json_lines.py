"""Predictions as JSON Lines: one object a photo, null where a skipped photo has no value."""

import json
import math
from pathlib import Path

from photoclass.atomic import atomic_text
from photoclass.results.predictions import OK, Predictions


def write_json_lines(predictions: Predictions, out: Path) -> None:
    """Write predictions as JSON Lines, atomically."""
    with atomic_text(out) as stream:
        for i, file in enumerate(predictions.files):
            is_ok = predictions.statuses[i] == OK
            row: dict[str, object] = {
                "file": file,
                "status": predictions.statuses[i],
                "label": predictions.label(i) if is_ok else None,
                "probability": round(predictions.probability(i), 6) if is_ok else None,
            }
            for name, p in zip(predictions.class_names, predictions.probabilities[i], strict=True):
                row[f"prob_{name}"] = round(float(p), 6) if is_ok else None
            if predictions.abstain is not None:
                distance = predictions.distance(i)
                row["distance"] = None if math.isnan(distance) else round(distance, 6)
            stream.write(json.dumps(row) + "\n")
