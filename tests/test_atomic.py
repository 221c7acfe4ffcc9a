"""Atomic writes: what is no ordinary file is written to, and never replaced by one."""

import os
import stat
from pathlib import Path
from threading import Thread

from photoclass.atomic import check_writable, write_bytes


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    """The same holds for devices: `--json /dev/null` must not leave a file there."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    check_writable(pipe)
    write_bytes(pipe, b"content")
    reader.join(10)
    assert read == [b"content"] and stat.S_ISFIFO(os.stat(pipe).st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for content in (b"old", b"new"):
        write_bytes(file, content)
        assert file.read_bytes() == content
    assert os.listdir(tmp_path) == ["file"]
