"""When training ends: early stopping, the time that was given, a signal."""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from photoclass.model.folder import Epoch


def best_epoch(history: Sequence[Epoch]) -> Epoch | None:
    """Return the first epoch with the lowest val_loss, if there is one at all that is a number."""
    scored = [row for row in history if math.isfinite(row.val_loss)]
    return min(scored, key=lambda row: row.val_loss, default=None)


def why_stop_early(history: Sequence[Epoch], patience: int) -> str:
    """Say why training should stop after these epochs, or return an empty string."""
    best = best_epoch(history)
    if best is None or history[-1].epoch - best.epoch < patience:
        return ""
    return f"early stopping: no lower val_loss in the {patience} epochs after epoch {best.epoch:g}"


@dataclass
class StopRequest:
    """Tells the loop that it should end: a signal came, or the time is up.

    Attributes:
        deadline: `time.monotonic()` by which all must be done, None for no limit.
        signal_number: The signal that came, 0 for none.
        listening: True while the loop runs, which then ends by itself in good order.
    """

    deadline: float | None = None
    signal_number: int = 0
    listening: bool = field(default=False, init=False)

    @classmethod
    def after_minutes(cls, minutes: float | None) -> "StopRequest":
        """Return a request that becomes due when `minutes` from now are over."""
        return cls(None if minutes is None else time.monotonic() + 60 * minutes)

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Mark the time during which the loop looks for the request."""
        self.listening = True
        try:
            yield
        finally:
            self.listening = False

    def seconds_left(self) -> float:
        """Return the time until all must be done; endless where there is no limit."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()

    def time_is_up(self, reserve_seconds: float) -> bool:
        """Tell whether no more than the reserve is left."""
        return self.seconds_left() <= reserve_seconds
