"""Runs commands that start at once: each in a process forked from one that has already loaded the libraries.

A new interpreter spends half a second of processor time on loading the libraries of `predict`, more than four seconds
on those of `train`, and the test suite runs some hundred commands. A forked process still has its own memory, signals,
environment and exit code, and runs the same `main()`.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from quick_export import keep_operators

# Imported by the commands when they need them. Where one is not installed, the commands that need it say so.
_LIBRARIES = ("cv2", "jinja2", "rich.progress", "openvino")


class RunningCommand:
    """A command that was started, or a script.

    Attributes:
        pid: Its process.
    """

    def __init__(self, server: "subprocess.Popen[str]", request: dict[str, Any]) -> None:
        assert server.stdin is not None and server.stdout is not None
        self._folder = tempfile.TemporaryDirectory()
        self._stdout, self._stderr = (Path(self._folder.name) / name for name in ("stdout", "stderr"))
        self._request = {**request, "folder": os.getcwd(), "files": [str(self._stdout), str(self._stderr)]}
        server.stdin.write(json.dumps(self._request) + "\n")
        server.stdin.flush()
        self._answers = server.stdout
        self.pid = self._answer()

    def has_printed(self, text: str) -> bool:
        """Wait until this text is in its stdout or stderr; return False if it ends without."""
        while not any(file.exists() and text in file.read_text() for file in (self._stdout, self._stderr)):
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                return False
            time.sleep(0.01)
        return True

    def wait(self) -> subprocess.CompletedProcess[str]:
        """Wait until it has ended."""
        with self._folder:
            exit_code = self._answer()
            stdout, stderr = (file.read_text(errors="surrogateescape") for file in (self._stdout, self._stderr))
        return subprocess.CompletedProcess(self._request["words"], exit_code, stdout, stderr)

    def _answer(self) -> int:
        answer = self._answers.readline()
        assert answer, "the process that starts commands has ended"
        return int(answer)


class CommandServer:
    """A process that forks itself for each command. One command at a time; it ends when `close` is called."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        timeout_seconds: int,
        script: Path | None = None,
    ) -> RunningCommand:
        """Start a command; the next can be started when it has ended.

        Args:
            words: What follows `photoclass` on the command line.
            environment: All environment variables of the command.
            timeout_seconds: After this time it is killed by SIGALRM.
            script: A Python file that is run instead of the command.
        """
        request = {
            "words": list(words),
            "environment": dict(environment),
            "timeout_seconds": timeout_seconds,
            "script": script and str(script),
        }
        return RunningCommand(self._process, request)

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


def _serve() -> dict[str, Any]:
    """Answer each request, a line on stdin, by its process and exit code; in the forked process, return the request."""
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _become(request)
            return request
        print(child, flush=True)
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
    sys.argv = [request["script"] or "photoclass", *request["words"]]


def _run_main(main: Callable[[], object]) -> NoReturn:
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
    script = _serve()["script"]
    _run_main(functools.partial(runpy.run_path, script, run_name="__main__") if script else photoclass_main)
