"""Runs commands that start at once: each in a process forked from one that has already loaded the libraries.

A new interpreter spends half a second of processor time on loading the libraries of `predict`, more than four seconds
on those of `train`, and the test suite runs some hundred commands. A forked process still has its own memory, signals,
environment and exit code, and runs the same `main()`.
"""

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from quick_export import keep_operators

# Imported by the commands when they need them. Where one is not installed, the commands that need it say so.
_LIBRARIES = ("cv2", "matplotlib.figure", "matplotlib.backends.backend_agg", "jinja2", "rich.progress", "openvino")


class CommandServer:
    """A process that forks itself for each command. One command at a time; it ends when `close` is called."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], timeout_seconds: int
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end.

        Args:
            words: What follows `photoclass` on the command line.
            environment: All environment variables of the command.
            timeout_seconds: After this time it is killed by SIGALRM.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in ("stdout", "stderr")]
            request = {
                "words": list(words),
                "environment": dict(environment),
                "folder": os.getcwd(),
                "files": list(map(str, files)),
                "timeout_seconds": timeout_seconds,
            }
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, "the process that starts commands has ended"
            stdout, stderr = (file.read_text(errors="surrogateescape") for file in files)
        return subprocess.CompletedProcess(list(words), int(answer), stdout, stderr)

    def close(self) -> None:
        """End the server."""
        self._process.communicate()


def _load_libraries() -> None:
    """Import what the commands import when they need it.

    torch's exporter imports a thousand modules at its first use, so one tiny network is exported.
    """
    import torch

    from photoclass.networks.small_cnn import SmallCNN
    from photoclass.networks.small_cnn_architecture import SmallCnnArchitecture
    from photoclass.training.export import export_onnx

    keep_operators()
    for name in _LIBRARIES:
        importlib.import_module(name)
    export_onnx(SmallCNN(SmallCnnArchitecture((4,), 3, 4), 16, 2, torch.Generator().manual_seed(0)), 16)


def _serve() -> None:
    """Answer each request, a line on stdin, by the exit code of its command; in a forked process, return."""
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _become(request)
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    sys.exit()


def _become(request: dict[str, Any]) -> None:
    """Make this process what a newly started one would be."""
    signal.alarm(request["timeout_seconds"])
    for number, (file, flags) in enumerate(
        [(os.devnull, os.O_RDONLY), *((file, os.O_WRONLY | os.O_CREAT) for file in request["files"])]
    ):
        descriptor = os.open(file, flags)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["photoclass", *request["words"]]


def _run_main(main: Callable[[], None]) -> NoReturn:
    """Run a command and end as the interpreter would, without freeing what the libraries hold: that takes longest."""
    code: int | str | None = 1
    try:
        main()
        code = 0
    except SystemExit as error:
        code = error.code
    except BaseException:
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    from photoclass.cli import main as photoclass_main

    _load_libraries()
    gc.freeze()  # what a collection marks would be copied in each forked process
    _serve()
    _run_main(photoclass_main)
