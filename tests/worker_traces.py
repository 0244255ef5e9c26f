"""Why a process of pytest-xdist crashed, of which xdist only says that it did: the signal, and faulthandler's trace.

A plugin: each process writes its trace to a file of its own, since the output that they share may be long or cut. The
process that began them prints what is in those files at the end.
"""

from __future__ import annotations

import faulthandler
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

FOLDER = pytest.StashKey[Path]()
ENDS = pytest.StashKey[dict[str, str]]()
MOST_LINES = 60
"""Of a trace that are printed, those of the thread that crashed first."""
END_SECONDS = 30
"""For a process that has closed its connection to end."""


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Name the folder of the traces to a process that begins."""
    if FOLDER not in node.config.stash:
        node.config.stash[FOLDER] = Path(tempfile.mkdtemp(prefix="visavis-traces-"))
        node.config.stash[ENDS] = {}
    node.workerinput["traces"] = str(node.config.stash[FOLDER])


def pytest_sessionstart(session: pytest.Session) -> None:
    """Write the trace of this process to its file, which stays open: pytest would write it to the output."""
    data = getattr(session.config, "workerinput", {})
    if "traces" in data:
        path = Path(data["traces"]) / data["workerid"]
        faulthandler.enable(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController, error: object) -> None:
    """Note how a process ended that did not say goodbye."""
    process = getattr(getattr(node.gateway, "_io", None), "popen", None)
    if error and process is not None:
        with suppress(subprocess.TimeoutExpired):
            node.config.stash[ENDS][node.gateway.id] = describe_end(process.wait(END_SECONDS))


def describe_end(code: int) -> str:
    """Return in words what ended a process."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how processes ended that crashed, and the traces."""
    config = terminalreporter.config
    if FOLDER not in config.stash:
        return
    folder, ends = config.stash[FOLDER], config.stash[ENDS]
    traces = {path.name: path.read_text(errors="replace") for path in folder.iterdir()}
    for name in sorted({*ends, *(name for name, trace in traces.items() if trace)}):
        terminalreporter.section(f"{name} {ends.get(name, 'wrote a trace')}", sep="-")
        for line in shorten_trace(traces.get(name, "")):
            terminalreporter.line(line[:200])
    shutil.rmtree(folder, ignore_errors=True)


def shorten_trace(trace: str) -> list[str]:
    """Return the lines to print: the error and the thread that crashed before the other threads."""
    parts = [part.strip("\n") for part in trace.split("\n\n")]
    crashed = [part for part in parts if "Current thread" in part or "Fatal Python error" in part]
    lines = "\n\n".join([*crashed, *(part for part in parts if part not in crashed)]).splitlines()
    return lines[:MOST_LINES]
