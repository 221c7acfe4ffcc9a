"""`Optimism`: by how much a score on the photos that selected the model overstates how good the model is.

This is the selection bias of a validation score; `training/cross_fitting.py` estimates it.
"""

import math
from dataclasses import dataclass
from typing import Any

from photoclass.errors import ModelError

EPOCH, TEMPERATURE = "epoch", "temperature"


@dataclass(frozen=True)
class Estimate:
    """An estimate of the optimism with its standard error; positive if the score is too good."""

    value: float
    error: float


@dataclass(frozen=True)
class Optimism:
    """What photos selected, and by how much a score on these very photos is too good.

    Attributes:
        selected: What they selected: `epoch`, `temperature`, or both; never empty.
        method: How the optimism was estimated, or why it could not be.
        log_loss: By how much the log loss is too low; None if unknown.
        accuracy: By how much the accuracy is too high; None if unknown.
    """

    selected: tuple[str, ...]
    method: str
    log_loss: Estimate | None = None
    accuracy: Estimate | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "selected": list(self.selected),
            "log_loss": self.log_loss.value if self.log_loss else None,
            "log_loss_se": self.log_loss.error if self.log_loss else None,
            "accuracy": self.accuracy.value if self.accuracy else None,
            "accuracy_se": self.accuracy.error if self.accuracy else None,
            "method": self.method,
        }

    @classmethod
    def from_json(cls, values: Any, where: str) -> "Optimism | None":
        """Read what `as_json` returned; None if the photos selected nothing.

        Args:
            values: As stored in `model.json`.
            where: The name of that file, for error messages.

        Raises:
            ModelError: The values are invalid.
        """
        if values is None:
            return None
        try:
            selected, method = tuple(values["selected"]), values["method"]
            estimates = [_estimate(values[name], values[f"{name}_se"]) for name in ("log_loss", "accuracy")]
            if not selected or not set(selected) <= {EPOCH, TEMPERATURE} or not isinstance(method, str):
                raise ValueError("selected and method")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{where}: its `optimism` is invalid ({error}); copy the folder again or train again"
            ) from error
        return cls(selected, method, *estimates)

    def as_text(self) -> str:
        """Return one sentence without a full stop."""
        start = f"these photos also selected {' and '.join(f'the {name}' for name in self.selected)}"
        if self.log_loss is None or self.accuracy is None:
            return f"{start}, so this score is optimistic, by an unknown amount: {self.method}"
        loss, accuracy = self.log_loss, self.accuracy
        if not any((loss.value, loss.error, accuracy.value, accuracy.error)):
            return f"{start}, but the score is not optimistic: any subset of them selects the same ({self.method})"
        if max(loss.value, accuracy.value) <= 0:
            return (
                f"{start}, but the optimism is too small to measure: {loss.value:+.4f} ± {loss.error:.4f} in log loss, "
                f"{accuracy.value:+.2%} ± {accuracy.error:.2%} in accuracy ({self.method})"
            )
        return (
            f"{start}, so this score is optimistic by about {loss.value:.4f} ± {loss.error:.4f} in log loss and "
            f"{accuracy.value:.2%} ± {accuracy.error:.2%} in accuracy ({self.method})"
        )


def _estimate(value: Any, error: Any) -> Estimate | None:
    if value is None and error is None:
        return None
    if not math.isfinite(value) or not error >= 0:
        raise ValueError(f"{value} ± {error}")
    return Estimate(float(value), float(error))
