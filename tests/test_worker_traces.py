"""A process of the tests that crashes: the run says which, by what signal, and where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from worker_traces import MOST_LINES, describe_end, shorten_trace

pytest.importorskip("xdist", reason="pytest-xdist is not installed")

CRASHES = """
import os, signal, threading

def crash_here():
    os.kill(os.getpid(), signal.SIGSEGV)

def test_that_crashes():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    crash_here()

def test_that_passes():
    pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_process_that_crashes_is_explained(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["worker_traces"]\n')
    (tmp_path / "test_inner.py").write_text(CRASHES)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-n", "1", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**environment, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    _, head, trace = done.stdout.partition("gw0 was ended by SIGSEGV")
    assert head
    lines = [line.strip() for line in trace.splitlines()[1:]]
    assert lines[0] == "Fatal Python error: Segmentation fault"
    assert lines[2].startswith("Current thread 0x")
    assert lines[3].endswith('test_inner.py", line 5 in crash_here')
    assert lines[4].endswith('test_inner.py", line 9 in test_that_crashes')
    assert not list(tmp_path.glob("visavis-traces-*"))


def test_what_ended_a_process() -> None:
    assert describe_end(-signal.SIGKILL) == "was ended by SIGKILL"
    assert describe_end(-99) == "was ended by signal 99"
    assert describe_end(70) == "ended with code 70"


def test_the_thread_that_crashed_comes_first() -> None:
    other = "Thread 0x1 (most recent call first):\n" + "  File a\n" * MOST_LINES
    trace = f"Fatal Python error: Aborted\n\n{other}\nCurrent thread 0x2 (most recent call first):\n  File b\n"
    lines = shorten_trace(trace)
    head = ["Fatal Python error: Aborted", "", "Current thread 0x2 (most recent call first):", "  File b", ""]
    assert lines[:5] == head
    assert (lines[5], len(lines)) == ("Thread 0x1 (most recent call first):", MOST_LINES)
    assert shorten_trace("") == []
