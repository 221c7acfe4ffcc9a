"""Downloads report their megabytes to one task, whichever bars huggingface_hub opens for them.

A transfer by Xet needs a server of its own, so its reporter, a private class, is driven directly.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

from huggingface_hub.utils._xet_progress_reporting import XetDownloadProgressReporter

from photoclass.hub.progress_bar import progress_bar


@dataclass
class _Recorder:
    """Keeps what a task is told."""

    title: str = ""
    total: int = 0
    unit: str = ""
    counts: list[int] = field(default_factory=list)

    def say(self, line: str) -> None:
        raise AssertionError(line)

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> Iterator["_Recorder"]:
        self.title, self.total, self.unit = title, total, unit
        yield self

    def advance(self, count: int = 1, note: str = "") -> None:
        self.counts.append(count)


def test_bytes_of_one_bar_become_megabytes() -> None:
    recorder = _Recorder()
    with (
        progress_bar(recorder, "onnx/model.onnx", 3_600_000) as bar_class,
        bar_class(unit="B", unit_scale=True, total=3_600_000, initial=0, desc="model.onnx") as bar,
    ):
        for _ in range(36):
            bar.update(100_000)
    assert (recorder.title, recorder.total, recorder.unit) == ("onnx/model.onnx", 3, "MB")
    assert recorder.counts == [1, 1, 1]


def test_bytes_received_and_bytes_written_are_counted_once() -> None:
    recorder = _Recorder()
    with progress_bar(recorder, "model.onnx", None) as bar_class:
        reporter = XetDownloadProgressReporter(
            reconstruction_desc="written", transfer_desc="received", total=5_000_000, log_level=20, tqdm_class=bar_class
        )
        with reporter:
            for received, written in ((2_000_000, 0), (4_000_000, 1_000_000), (4_000_000, 5_000_000)):
                report = SimpleNamespace(
                    total_bytes_completed=written,
                    total_transfer_bytes_completed=received,
                    total_bytes_completion_rate=1.0,
                    total_transfer_bytes_completion_rate=1.0,
                    total_bytes=5_000_000,
                    total_transfer_bytes=4_000_000,
                )
                reporter.update_progress(report, {})
    assert sum(recorder.counts) == 5 and recorder.total == 1
