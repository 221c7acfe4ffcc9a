"""By how much a score flatters when its photos also chose the model: as values and in words."""

import math
from dataclasses import dataclass
from typing import Any

from photoclass.errors import ModelError

EPOCH, TEMPERATURE = "epoch", "temperature"


@dataclass(frozen=True)
class Estimate:
    """A figure with its standard error; above 0 it flatters."""

    value: float
    error: float


@dataclass(frozen=True)
class Optimism:
    """What photos chose, and by how much a score on these very photos tends to flatter.

    Attributes:
        chose: What they chose: `epoch`, `temperature`, or both; never nothing.
        how: How that was estimated, or why it could not be.
        log_loss: By how much such a score's log loss is too low; None where that is not known.
        accuracy: By how much its accuracy is too high; None where that is not known.
    """

    chose: tuple[str, ...]
    how: str
    log_loss: Estimate | None = None
    accuracy: Estimate | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "chose": list(self.chose),
            "log_loss": self.log_loss.value if self.log_loss else None,
            "log_loss_se": self.log_loss.error if self.log_loss else None,
            "accuracy": self.accuracy.value if self.accuracy else None,
            "accuracy_se": self.accuracy.error if self.accuracy else None,
            "how": self.how,
        }

    @classmethod
    def from_json(cls, values: Any, where: str) -> "Optimism | None":
        """Read back what `as_json` gave; None where the photos chose nothing.

        Args:
            values: As they stand in `model.json`.
            where: Names that file in errors.

        Raises:
            ModelError: They cannot be right.
        """
        if values is None:
            return None
        try:
            chose, how = tuple(values["chose"]), values["how"]
            estimates = [_estimate(values[name], values[f"{name}_se"]) for name in ("log_loss", "accuracy")]
            if not chose or not set(chose) <= {EPOCH, TEMPERATURE} or not isinstance(how, str):
                raise ValueError("chose and how")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{where}: what it says of `flatters` cannot be right ({error}); copy the folder again or train again"
            ) from error
        return cls(chose, how, *estimates)

    def as_text(self) -> str:
        """Return one sentence for a person, without a full stop."""
        what = " and ".join(f"the {name}" for name in self.chose)
        start = f"these photos also chose {what}; such a score tends to flatter"
        if self.log_loss is None or self.accuracy is None:
            return f"{start}, by how much is not known: {self.how}"
        loss, right = self.log_loss, self.accuracy
        if not any((loss.value, loss.error, right.value, right.error)):
            return f"{start}, here not at all: any part of them would have chosen the same ({self.how})"
        if max(loss.value, right.value) <= 0:
            return (
                f"{start}, here by too little to show: {loss.value:+.4f} ± {loss.error:.4f} in log loss, "
                f"{right.value:+.2%} ± {right.error:.2%} in accuracy ({self.how})"
            )
        return (
            f"{start}, here by about {loss.value:.4f} ± {loss.error:.4f} in log loss and "
            f"{right.value:.2%} ± {right.error:.2%} in accuracy ({self.how})"
        )


def _estimate(value: Any, error: Any) -> Estimate | None:
    if value is None and error is None:
        return None
    if not math.isfinite(value) or not error >= 0:
        raise ValueError(f"{value} ± {error}")
    return Estimate(float(value), float(error))
