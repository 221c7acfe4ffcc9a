"""When training ends: the best epoch, patience as Keras counts it, deadlines and signals."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.model.folder import Epoch
from photoclass.training.stopping import StopRequest, best_epoch, why_stop_early


def _history(*val_losses: float) -> list[Epoch]:
    return [Epoch(i, 0.5, 0.5, loss, 0.5, 1.0, 100.0) for i, loss in enumerate(val_losses, start=1)]


def _keras_stops_after(val_losses: list[float], patience: int) -> int | None:
    """Count as Keras's EarlyStopping does, and return after how many epochs it stops."""
    best, waited = math.inf, 0
    for epoch, loss in enumerate(val_losses, start=1):
        waited += 1
        if loss < best:
            best, waited = loss, 0
        if waited >= patience:
            return epoch
    return None


def test_the_best_epoch_is_the_first_with_the_lowest_val_loss() -> None:
    history = _history(0.7, 0.5, 0.6, 0.5)
    assert best_epoch(history) is history[1]
    assert best_epoch([]) is None


@pytest.mark.parametrize("not_finite", [math.nan, math.inf])
def test_a_val_loss_of_nan_or_infinity_is_never_the_best(not_finite: float) -> None:
    assert best_epoch(_history(not_finite)) is None
    history = _history(not_finite, 9.0, not_finite)
    assert best_epoch(history) is history[1]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=20), st.integers(1, 6))
def test_training_stops_after_the_same_epoch_as_with_keras(val_losses: list[float], patience: int) -> None:
    history = _history(*val_losses)
    ours = next((n for n in range(1, len(history) + 1) if why_stop_early(history[:n], patience)), None)
    assert ours == _keras_stops_after(val_losses, patience)


def test_the_reason_names_the_patience_and_the_best_epoch() -> None:
    assert why_stop_early(_history(0.7, 0.5, 0.6, 0.6), 3) == ""
    reason = why_stop_early(_history(0.7, 0.5, 0.6, 0.6, 0.6), 3)
    assert reason == "early stopping: no lower val_loss in the 3 epochs after epoch 2"


def test_without_a_finite_val_loss_there_is_no_early_stopping() -> None:
    assert why_stop_early(_history(math.nan, math.nan, math.nan), 1) == ""


def test_time_is_up_when_no_more_than_the_reserve_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    stop = StopRequest.after_minutes(2)
    assert stop.deadline == 220.0
    assert not stop.time_is_up(119.0)
    assert stop.time_is_up(120.0)
    assert not StopRequest.after_minutes(None).time_is_up(1e9)


def test_a_request_is_obeyed_only_while_the_loop_runs() -> None:
    stop = StopRequest()
    assert not stop.listening
    with pytest.raises(RuntimeError), stop.listen():
        assert stop.listening
        raise RuntimeError
    assert not stop.listening
