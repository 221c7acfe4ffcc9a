"""What Ctrl-C and SIGTERM do: end a command with one line, or a training after its current step."""

import signal
import types
from typing import TYPE_CHECKING

from photoclass.errors import Interrupted

if TYPE_CHECKING:
    from photoclass.training.stopping import StopRequest


def end_on_signal() -> None:
    """Let Ctrl-C and SIGTERM end the process with one line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def stop_on_signal(stop: "StopRequest") -> None:
    """Let the first Ctrl-C or SIGTERM end the training loop after the current step, and a second one end at once."""

    def handle(number: int, frame: types.FrameType | None) -> None:
        if stop.listening and not stop.signal_number:
            stop.signal_number = number
            return
        _interrupt(number, frame)

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    raise Interrupted("interrupted", 128 + number)
