"""One process that reads many files of Keras in turn, as ``visavis.weights.readers.h5`` starts one for each.

Starting one takes .3 seconds: too long for thousands of changed files. Run as a program it reads the files whose paths
come in, a line each. ``Child`` is the other end; it begins a new process where a file ended the old one. The system
ends a process that computes too long. No thread here does: tests trace their memory for each file, and CPython 3.11 may
crash where tracing begins or ends while a thread does (gh-128679).
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from visavis.errors import WeightsError
from visavis.weights.readers import h5

SECONDS = 1
"""Processor time of a file, and a second more: two hundred times what it takes. On some damaged heaps of names libhdf5
2.0 never ends."""

READY = b"ready\n"


class Child:
    """Reads files as ``h5.read`` does; ``ended`` lists the exit codes of processes that did not survive a file."""

    def __init__(self) -> None:
        self.ended: list[int] = []
        self._process = self._begin()

    def _begin(self) -> subprocess.Popen[bytes]:
        """Start a process, and wait until it reads: the time of a file is not that of a start on a busy machine."""
        process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )
        assert process.stdout is not None
        assert process.stdout.readline() == READY
        return process

    def read(self, path: Path) -> dict[str, np.ndarray]:
        """Return the arrays of a file; WeightsError where it is refused, ends the process or takes too long."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\n".encode())
        self._process.stdin.flush()
        try:
            return h5.receive(self._process.stdout)
        except (ValueError, TypeError) as error:
            self.close()
            self.ended.append(self._process.returncode)
            self._process = self._begin()
            raise WeightsError(f"{path} ended the process that reads it.") from error

    def peak(self) -> int:
        """Return the most memory that the process has had, in bytes (Linux)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])

    def close(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait()


def main() -> None:
    """Read files in turn, each with the limits that it would have in a process of its own."""
    from visavis.confined import limit
    from visavis.weights.readers import _h5_child

    limit("RLIMIT_CORE", 0)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    for line in sys.stdin:
        if sys.platform != "win32":
            import resource

            for kind in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE):
                hard = resource.getrlimit(kind)[1]
                resource.setrlimit(kind, (hard, hard))
            limit("RLIMIT_CPU", int(time.process_time()) + SECONDS + 1)
        _h5_child.main(Path(line.rstrip("\n")))


if __name__ == "__main__":
    main()
