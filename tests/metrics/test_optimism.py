"""Optimism of a score: JSON, errors and text."""

import json
from typing import Any

import pytest

from photoclass.errors import ModelError
from photoclass.metrics.optimism import Estimate, Optimism

METHOD = "cross-fitting, 10 x 5 folds"
KNOWN = Optimism(("epoch", "temperature"), METHOD, Estimate(0.00123, 0.0004), Estimate(0.001, 0.0021))
UNKNOWN = Optimism(("epoch",), "earlier epochs were judged by other photos (--force)")


@pytest.mark.parametrize("optimism", [KNOWN, UNKNOWN])
def test_it_survives_the_round_trip_through_json(optimism: Optimism) -> None:
    assert Optimism.from_json(json.loads(json.dumps(optimism.as_json())), "model.json") == optimism
    assert Optimism.from_json(None, "model.json") is None


@pytest.mark.parametrize(
    "values",
    [
        [],
        "a little",
        {},
        {**KNOWN.as_json(), "selected": []},
        {**KNOWN.as_json(), "selected": ["everything"]},
        {**KNOWN.as_json(), "selected": 3},
        {**KNOWN.as_json(), "method": None},
        {**KNOWN.as_json(), "log_loss": "much"},
        {**KNOWN.as_json(), "log_loss": float("nan")},
        {**KNOWN.as_json(), "accuracy_se": -1},
        {**KNOWN.as_json(), "accuracy_se": None},
    ],
    ids=str,
)
def test_invalid_values_are_rejected_in_one_line(values: Any) -> None:
    with pytest.raises(ModelError, match=r"model\.json: its `optimism` is invalid") as raised:
        Optimism.from_json(values, "model.json")
    assert "\n" not in str(raised.value)


def test_the_text_has_what_was_selected_the_optimism_and_the_method() -> None:
    assert KNOWN.as_text() == (
        "these photos also selected the epoch and the temperature, so this score is optimistic by about "
        "0.0012 ± 0.0004 in log loss and 0.10% ± 0.21% in accuracy (cross-fitting, 10 x 5 folds)"
    )


def test_an_unknown_optimism_has_no_number() -> None:
    assert UNKNOWN.as_text() == (
        "these photos also selected the epoch, so this score is optimistic, by an unknown amount: earlier epochs were "
        "judged by other photos (--force)"
    )


@pytest.mark.parametrize(
    ("loss", "accuracy", "text"),
    [
        (
            Estimate(-0.0002, 0.0003),
            Estimate(0.0, 0.001),
            "the optimism is too small to measure: -0.0002 ± 0.0003 in log loss, +0.00%",
        ),
        (Estimate(0.0, 0.0), Estimate(0.0, 0.0), "the score is not optimistic: any subset of them selects the same"),
        (Estimate(-0.0002, 0.0003), Estimate(0.002, 0.001), "by about -0.0002 ± 0.0003 in log loss and 0.20% ± 0.10%"),
    ],
)
def test_little_or_no_optimism_is_described_as_such(loss: Estimate, accuracy: Estimate, text: str) -> None:
    assert text in Optimism(("epoch",), METHOD, loss, accuracy).as_text()
