"""Tracking in Trackio, in its own local store: ~/.cache/huggingface/trackio, or where TRACKIO_DIR says.

It sends a run elsewhere only where the user's TRACKIO_SPACE_ID or TRACKIO_SERVER_URL names a place.
"""

import contextlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photoclass.errors import MissingPackageError, OutputError
from photoclass.extras import load_extra
from photoclass.text import printable
from photoclass.training.tracking.base import Entry, figures_of
from photoclass.training.tracking.run_key import run_key

_PROJECT = "photoclass"
_KEY_LENGTH = 8  # digits of the key in a run's name, which is what Trackio finds a run by


@dataclass
class TrackioLog:
    """One run of Trackio, which a resumed training finds by its name.

    Attributes:
        out: The model folder.
        trackio: The library.
        run: Its run; None until there is something to write.
        recorded: The last recorded epoch.
        scores: The recorded scores.
    """

    out: Path
    trackio: Any
    run: Any = None
    recorded: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def open(cls, out: Path) -> "TrackioLog":
        """Import Trackio.

        Raises:
            MissingPackageError: It is not installed.
        """
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        try:
            return cls(out, load_extra("trackio", "trackio", "--log trackio"))
        except MissingPackageError as error:
            # Its releases ask for Pillow below 13, which photoclass does not run with, and work with Pillow 13.
            raise MissingPackageError(f"{error} && pip install --no-deps trackio") from None

    def write(self, entry: Entry) -> None:
        """Record what has not been recorded yet.

        Raises:
            OutputError: The store cannot be written or reached.
        """
        with self._quietly():
            if self.run is None:
                self._begin(entry)
            for step, row in enumerate(entry.history[self.recorded :], self.recorded + 1):
                self.run.log(figures_of(row), step=step)
                self.recorded = step
            if entry.scores and entry.scores != self.scores:
                step = len(entry.history)
                self.run.log(dict(entry.scores), step=step)
                for path in entry.files:
                    if path.suffix == ".md":
                        self.run.log({"model card": self.trackio.Markdown(path.read_text(encoding="utf-8"))}, step=step)
                    elif path.suffix == ".png":
                        self.run.log({path.stem: self.trackio.Image(path)}, step=step)
                self.scores = entry.scores

    def close(self, how: str) -> None:
        """Wait until everything is in the store.

        Raises:
            OutputError: The store cannot be written or reached.
        """
        if self.run is not None:
            with self._quietly():
                self.run.log({"ended": how}, step=self.recorded)
                self.trackio.finish()  # of the module, or it would end the run again at exit, and print
            self.run = None

    def _begin(self, entry: Entry) -> None:
        key = run_key(self.out, "trackio", resumable=bool(entry.history))
        self.run = self.trackio.init(
            project=_PROJECT,
            name=f"{printable(self.out.resolve().name)}-{key[:_KEY_LENGTH]}",
            config=dict(entry.about),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        # The step after the last one of a run that is continued; Trackio has no public name for it.
        self.recorded = max(0, self.run._next_step - 1)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Keep Trackio's own lines off standard output, and turn its errors into an OutputError of one line."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except (OSError, ValueError, RuntimeError) as error:
            raise OutputError(f"the store of Trackio: {' '.join(str(error).split())[:500]}") from error
