"""How much a score flatters, as values and in words."""

import json
from typing import Any

import pytest

from photoclass.errors import ModelError
from photoclass.metrics.optimism import Estimate, Optimism

HOW = "cross-fitting, 10 x 5 folds"
KNOWN = Optimism(("epoch", "temperature"), HOW, Estimate(0.00123, 0.0004), Estimate(0.001, 0.0021))
UNKNOWN = Optimism(("epoch",), "earlier epochs were judged by other photos (--force)")


@pytest.mark.parametrize("optimism", [KNOWN, UNKNOWN])
def test_it_comes_back_from_json_as_it_was(optimism: Optimism) -> None:
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
def test_what_cannot_be_right_is_refused_in_one_line(values: Any) -> None:
    with pytest.raises(ModelError, match=r"model\.json: its `optimism` is invalid") as refused:
        Optimism.from_json(values, "model.json")
    assert "\n" not in str(refused.value)


def test_the_words_say_what_was_chosen_by_how_much_it_flatters_and_how_that_is_known() -> None:
    assert KNOWN.as_text() == (
        "these photos also selected the epoch and the temperature, so this score is optimistic by about "
        "0.0012 ± 0.0004 in log loss and 0.10% ± 0.21% in accuracy (cross-fitting, 10 x 5 folds)"
    )


def test_no_figure_is_invented() -> None:
    assert UNKNOWN.as_text() == (
        "these photos also selected the epoch, so this score is optimistic, by an unknown amount: earlier epochs were "
        "judged by other photos (--force)"
    )


@pytest.mark.parametrize(
    ("loss", "right", "words"),
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
def test_little_or_nothing_is_said_to_be_so(loss: Estimate, right: Estimate, words: str) -> None:
    assert words in Optimism(("epoch",), HOW, loss, right).as_text()
