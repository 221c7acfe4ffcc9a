"""Work in a process that is killed at a chosen moment."""

import os
import sys
from collections.abc import Callable
from typing import Any


def run_killed_at(moment: int, work: Callable[[], object]) -> int:
    """Do work in a forked process that dies, without cleaning up, at its n-th operation on files; return its exit code.

    The code is 9 if it was killed, 0 if the work was done before that.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = moment

    def die(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in ("open", "os.rename", "os.remove", "os.mkdir"):
            left -= 1
            if left < 0:
                os._exit(9)

    try:
        sys.addaudithook(die)
        work()
        os._exit(0)
    finally:
        os._exit(1)
