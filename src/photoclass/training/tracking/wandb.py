"""Tracking in Weights & Biases: in RUN/wandb, offline, for `wandb sync`; or online where WANDB_MODE says so.

The library reports errors of its own to its makers, and describes the machine and its packages in every run, unless
this is switched off. `WandbLog` does so; nothing else here imports it.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photoclass.errors import OutputError
from photoclass.extras import load_extra
from photoclass.text import printable
from photoclass.training.tracking.base import FAILED, FINISHED, INTERRUPTED, Entry, figures_of
from photoclass.training.tracking.run_key import run_key

_PROJECT = "photoclass"
_OFFLINE = "offline"
_EXIT_CODES = {FINISHED: 0, INTERRUPTED: 130, FAILED: 1}


@dataclass
class WandbLog:
    """One run of Weights & Biases.

    Offline, a resumed training writes the record again from the epochs of the checkpoint, under the same id; online it
    continues after the last step that the server has.

    Attributes:
        out: The model folder.
        wandb: The library.
        run: Its run; None until there is something to write.
        recorded: The last recorded epoch.
        scores: The recorded scores.
    """

    out: Path
    wandb: Any
    run: Any = None
    recorded: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def open(cls, out: Path) -> "WandbLog":
        """Import the library.

        Raises:
            MissingPackageError: It is not installed.
        """
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        return cls(out, load_extra("wandb", "wandb", "--log wandb"))

    def write(self, entry: Entry) -> None:
        """Record what has not been recorded yet.

        Raises:
            OutputError: The folder cannot be written, or the server does not answer.
        """
        with self._one_line_errors():
            if self.run is None:
                self._begin(entry)
            for step, row in enumerate(entry.history[self.recorded :], self.recorded + 1):
                self.run.log(figures_of(row), step=step)
                self.recorded = step
            if entry.scores and entry.scores != self.scores:
                self.run.summary.update(dict(entry.scores))
                for path in entry.files:
                    self.run.save(str(path), base_path=str(path.parent), policy="now")
                self.scores = entry.scores

    def close(self, how: str) -> None:
        """Record how the run ended, and end the library's process.

        Raises:
            OutputError: The folder cannot be written, or the server does not answer.
        """
        if self.run is not None:
            with self._one_line_errors():
                self.run.finish(exit_code=_EXIT_CODES[how])
            self.run = None

    def _begin(self, entry: Entry) -> None:
        key = run_key(self.out, "wandb", resumable=bool(entry.history))
        mode = os.environ.get("WANDB_MODE", _OFFLINE)
        if mode == _OFFLINE:
            for old in (self.out / "wandb").glob(f"offline-run-*-{key}"):
                shutil.rmtree(old)
        settings = self.wandb.Settings(
            mode=mode,
            silent=True,
            console="off",
            save_code=False,
            disable_code=True,
            disable_git=True,
            x_disable_stats=True,
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
        )
        self.run = self.wandb.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            id=key,
            name=printable(self.out.resolve().name),
            dir=str(self.out),
            config=dict(entry.about),
            resume=None if mode == _OFFLINE else "allow",
            settings=settings,
        )
        self.recorded = max(0, self.run.step - 1)

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        """Turn errors of the library into an OutputError of one line."""
        try:
            yield
        except (self.wandb.Error, OSError) as error:
            raise OutputError(f"{self.out / 'wandb'}: {' '.join(str(error).split())[:500]}") from error
