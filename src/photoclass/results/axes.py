"""Axes of plots, with round ticks: for the SVG of pages and for curves.png."""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """One axis of a plot.

    Attributes:
        low, high: The values at its ends.
        title: What it measures.
        format_value: Writes the label of a tick.
        ticks: The values of the ticks.
    """

    low: float
    high: float
    title: str
    format_value: Callable[[float], str]
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Return the position of a value, from 0 to 1."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


def axis(low: float, high: float, title: str, format_value: Callable[[float], str], least_step: float = 0.0) -> Axis:
    """Return an axis over these values with three to six round ticks."""
    if not high > low:
        low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = max(next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough), least_step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(i * step for i in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], title, format_value, ticks)


def percent(value: float) -> str:
    """Write a share as a percentage, with as many digits as it needs."""
    return f"{100 * value:.6g} %"
