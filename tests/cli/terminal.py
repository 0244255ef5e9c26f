"""Run a command in a pseudo-terminal of a given width, and look at what stands on its screen afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def run_in_terminal(
    folder: Path, *arguments: object, columns: int, program: str, env: dict[str, str], timeout: float = 300
) -> tuple[int, str]:
    """Return the exit code, and what the program of ``python -c`` wrote to a terminal ``columns`` wide.

    Standard input and output are the terminal; standard error is not, so that no progress bar is among the answers.
    """
    if os.name != "posix":
        pytest.skip("pseudo-terminals of POSIX")
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=folder,
        env={**{name: value for name, value in env.items() if name != "COLUMNS"}, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ) as running:
        os.close(theirs)
        shown = b""
        while chunk := read_terminal(ours):
            shown += chunk
        os.close(ours)
        code = running.wait(timeout=timeout)
    return code, SEQUENCE.sub("", shown.decode("utf-8", "replace").replace("\r\n", "\n"))


def read_terminal(descriptor: int) -> bytes:
    """Read what a program wrote; nothing at the end, which Linux tells by an error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
