"""Train, stop, resume with `--log trackio`, and compare Trackio's store with the history. Run by test_tracking.py."""

import contextlib
import json
import sqlite3
import sys
from pathlib import Path

from photoclass.errors import Interrupted
from tiny_runs import Tiny, stop_after

STEPS_OF_AN_EPOCH = 5


def main(photos: Path, out: Path) -> None:
    """Print one line if each epoch is in the store once."""
    tiny = Tiny(photos, out.parent / "cache")
    stop, watch = stop_after(2 * STEPS_OF_AN_EPOCH + 2)
    with contextlib.suppress(Interrupted):
        tiny.train(out, log=("trackio",), stop=stop, progress=watch)
    trained = tiny.train(out, log=("trackio",), resume=True, settings={})
    rows = _rows(out.parent / "store" / "photoclass.db")
    losses = {step: values["val_loss"] for step, values in rows if "val_loss" in values}
    assert len([values for _, values in rows if "val_loss" in values]) == len(losses), "an epoch stands twice"
    assert losses == {step: row.val_loss for step, row in enumerate(trained.history, 1)}
    scores = [values for _, values in rows if "held_out/log_loss" in values]
    assert [values["held_out/log_loss"] for values in scores] == [trained.scores[1].log_loss.value]
    print("each epoch once")


def _rows(store: Path) -> list[tuple[int, dict[str, float]]]:
    with sqlite3.connect(store) as database:
        found = database.execute("select step, metrics from metrics order by id").fetchall()
    return [(step, json.loads(metrics)) for step, metrics in found]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
