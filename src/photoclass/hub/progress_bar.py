"""Progress of a download, from huggingface_hub's bars to ours."""

import contextlib
from collections.abc import Iterator
from typing import Any

from photoclass.progress import Progress, Task

_MEGABYTE = 1_000_000


@contextlib.contextmanager
def progress_bar(progress: Progress, name: str, size: int | None) -> Iterator[type]:
    """Yield a class that huggingface_hub takes for its bars, whose instances report to one task.

    Args:
        progress: Receives the reports, in megabytes.
        name: What is downloaded.
        size: In bytes; None where unknown.
    """
    with progress.task(name, max((size or 0) // _MEGABYTE, 1), unit="MB") as task:
        yield _bar_class(task)


def _bar_class(task: Task) -> type:
    reported = 0

    class Bar:
        """What huggingface_hub uses of tqdm's interface.

        It may open several bars for one file, of the bytes received and of those written: the one that is ahead counts.
        """

        def __init__(self, *args: Any, initial: int = 0, **options: Any) -> None:
            self.n = initial

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *error: object) -> None:
            self.close()

        def update(self, count: float | None = 1) -> None:
            nonlocal reported
            self.n += int(count or 0)
            megabytes = self.n // _MEGABYTE
            if megabytes > reported:
                task.advance(megabytes - reported)
                reported = megabytes

        def close(self) -> None:
            pass

        def set_postfix_str(self, text: str = "", refresh: bool = True) -> None:
            pass

        def refresh(self) -> None:
            pass

    return Bar
