"""Trains in a process of its own, to be stopped, killed or starved by a test: python child.py '{"data": ..., ...}'."""

import contextlib
import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from photoclass.errors import PhotoclassError
from photoclass.progress import SILENT, Task
from photoclass.training.learners import network as train_module
from photoclass.training.loop import loop
from photoclass.training.run import TrainOptions
from photoclass.training.train import train
from photoclass.workspace import Workspace


class Heralding:
    """Says on stdout when all is ready; from the first epoch on, files may grow no larger than `file_bytes`."""

    def __init__(self, file_bytes: int | None) -> None:
        self.file_bytes = file_bytes

    def say(self, line: str) -> None:
        if " parameters, on " in line:
            print("ready", flush=True)

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> Iterator[Task]:
        if title.startswith("Epoch") and self.file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_bytes, resource.RLIM_INFINITY))
        with SILENT.task(title, total) as task:
            yield task


def main(given: dict[str, Any]) -> None:
    if given["save_every_step"]:
        loop._SAVE_EVERY_SECONDS = -1
        # Drawn at each save, it would take nearly all the time.
        train_module.draw_curves = lambda *arguments: None
    out = Path(given["out"])
    options = TrainOptions(
        precision=given["precision"],
        report=False,
        resume=(out / "resume" / "checkpoint.safetensors").exists(),
    )
    workspace = Workspace(Path(given["cache"]), 1, Heralding(given["file_bytes"]))
    try:
        train(Path(given["data"]), out, "small-cnn", given["settings"], options, None, workspace)
    except PhotoclassError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
