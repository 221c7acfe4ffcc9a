"""Time and peak memory of a command with its child processes, page cache excluded; Linux only."""

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_EVERY_SECONDS = 0.02
_BEYOND_THE_PAGE_CACHE = re.compile(r"^(?:RssAnon|RssShmem):\s*(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """Time and memory of a command.

    Attributes:
        seconds: Of the whole process.
        peak_bytes: The largest sum of RssAnon and RssShmem over the process and its descendants at one moment: memory
            that the system cannot drop and read again, unlike pages of files. Sampled 50 times a second, so a shorter
            peak may be missed; pages shared after a fork are counted in each process.
    """

    seconds: float
    peak_bytes: int


def cost_of(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a command and watch its memory.

    Raises:
        CalledProcessError: It failed.
    """
    peak = 0
    started_at = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        while process.poll() is None:
            peak = max(peak, sum(_bytes_of(pid) for pid in _with_descendants(process.pid)))
            time.sleep(_SAMPLE_EVERY_SECONDS)
    seconds = time.perf_counter() - started_at
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return Cost(seconds, peak)


def _with_descendants(pid: int) -> Iterator[int]:
    yield pid
    # A process or thread may end meanwhile.
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                for child in (thread / "children").read_text().split():
                    yield from _with_descendants(int(child))


def _bytes_of(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return 1024 * sum(map(int, _BEYOND_THE_PAGE_CACHE.findall(status)))
