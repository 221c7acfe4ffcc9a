"""When training ends: early stopping, the time budget, a signal."""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from photoclass.model.folder import Epoch


def best_epoch(history: Sequence[Epoch]) -> Epoch | None:
    """Return the first epoch with the lowest val_loss; None if every one is NaN or infinite."""
    scored = [row for row in history if math.isfinite(row.val_loss)]
    return min(scored, key=lambda row: row.val_loss, default=None)


def why_stop_early(history: Sequence[Epoch], patience: int) -> str:
    """Return why training should stop after these epochs; an empty string if it should continue."""
    best = best_epoch(history)
    if best is None or history[-1].epoch - best.epoch < patience:
        return ""
    return f"early stopping: no lower val_loss in the {patience} epochs after epoch {best.epoch:g}"


@dataclass
class StopRequest:
    """Asks the training loop to end: a signal arrived, or the time is up.

    Attributes:
        deadline: `time.monotonic()` by which everything must be done, None for no limit.
        signal_number: The signal that arrived, 0 for none.
        listening: True while the loop runs, which then ends after the current step and saves a checkpoint.
    """

    deadline: float | None = None
    signal_number: int = 0
    listening: bool = field(default=False, init=False)

    @classmethod
    def after_minutes(cls, minutes: float | None) -> "StopRequest":
        """Return a request with a deadline `minutes` from now."""
        return cls(None if minutes is None else time.monotonic() + 60 * minutes)

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """Mark the time during which the loop obeys the request."""
        self.listening = True
        try:
            yield
        finally:
            self.listening = False

    def seconds_left(self) -> float:
        """Return the time until everything must be done; infinity without a limit."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()

    def time_is_up(self, reserve_seconds: float) -> bool:
        """Return whether no more than the reserve is left."""
        return self.seconds_left() <= reserve_seconds
