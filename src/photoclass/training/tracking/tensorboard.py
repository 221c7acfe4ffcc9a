"""Tracking in TensorBoard: event files in RUN/tensorboard, written without TensorBoard itself."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

from photoclass.errors import OutputError
from photoclass.training.tracking.base import Entry, figures_of

_SUFFIX = ".photoclass"
_PNG_SIZE = slice(16, 24)  # width and height, in the header of every PNG
_RGBA = 4


@dataclass
class TensorBoardLog:
    """One event file, which TensorBoard can read while it grows.

    A resumed run writes the file again from the epochs of the checkpoint, so that no epoch is missing or there twice,
    whenever the run was killed.

    Attributes:
        folder: Folder of the file.
        writer: Writes the file; None until there is something to write. The library's own writer thread is not used,
            since it would wait forever after a full disk.
        epochs: Number of recorded epochs.
        scores: The recorded scores.
    """

    folder: Path
    writer: EventsWriter | None = None
    epochs: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)

    def write(self, entry: Entry) -> None:
        """Record what has not been recorded yet.

        Raises:
            OutputError: The folder cannot be written.
        """
        try:
            if self.writer is None:
                self.writer = self._begin(entry)
            for step, row in enumerate(entry.history[self.epochs :], self.epochs + 1):
                self._add(step, *(summary.scalar(name, value) for name, value in figures_of(row).items()))
                self.epochs = step
            if entry.scores and entry.scores != self.scores:
                self._add_end(entry)
                self.scores = entry.scores
            self.writer.flush()
        except OSError as error:
            raise _output_error(self.folder, error) from error

    def close(self, how: str) -> None:
        """Close the file.

        Raises:
            OutputError: The folder cannot be written.
        """
        if self.writer is None:
            return
        try:
            self._add(self.epochs, summary.text("ended", how))
            self.writer.close()
        except OSError as error:
            raise _output_error(self.folder, error) from error
        self.writer = None

    def _begin(self, entry: Entry) -> EventsWriter:
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob(f"events.out.tfevents.*{_SUFFIX}"):
            old.unlink()
        self.writer = EventsWriter(str(self.folder / "events"), _SUFFIX)
        rows = (f"| {name} | {_cell(value)} |" for name, value in entry.about.items())
        self._add(0, summary.text("settings", "\n".join(("| setting | value |", "| --- | --- |", *rows))))
        return self.writer

    def _add_end(self, entry: Entry) -> None:
        step = len(entry.history)
        self._add(step, *(summary.scalar(name, value) for name, value in entry.scores.items()))
        self._add(step, *summary.hparams(dict(entry.about), dict.fromkeys(entry.scores, 0.0)))
        for path in entry.files:
            if path.suffix == ".png":
                self._add(step, _image(path.stem, path.read_bytes()))
            elif path.suffix == ".md":
                self._add(step, summary.text("model card", path.read_text(encoding="utf-8", errors="replace")))

    def _add(self, step: int, *summaries: Summary) -> None:
        assert self.writer is not None
        for one in summaries:
            self.writer.write_event(Event(wall_time=time.time(), step=step, summary=one))


def _image(tag: str, png: bytes) -> Summary:
    width, height = (int.from_bytes(png[_PNG_SIZE][i : i + 4], "big") for i in (0, 4))
    image = Summary.Image(height=height, width=width, colorspace=_RGBA, encoded_image_string=png)
    return Summary(value=[Summary.Value(tag=tag, image=image)])


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")


def _output_error(folder: Path, error: OSError) -> OutputError:
    return OutputError(f"{folder}: cannot be written ({error.strerror or error}); free some space")
