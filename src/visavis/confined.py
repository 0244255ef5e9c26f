"""Run a function on a file of unknown origin in a process of its own, with limits on time and memory.

A network can abort ONNX Runtime, loop forever or take any amount of memory; here it ends the process alone. What that
process prints is dropped. Its result is whether the function ended, and the error if it did not.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from visavis import devices, errors
from visavis.errors import VisavisError, WeightsError

GIGABYTE = 2**30
DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""
MESSAGE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """Seconds, and bytes of memory beyond those of a process that has only started; memory is limited on Linux."""

    seconds: float
    memory: int


def call(function: Callable[..., object], *arguments: str | int | Path, limits: ProcessLimits, file: Path) -> None:
    """Call ``function(*arguments)`` in a process of its own; paths arrive as texts, results are dropped.

    Networks run on the processor there. Raises the function's VisavisError. Raises WeightsError, which names ``file``,
    for any other error, for a process that crashes, and for one that exceeds a limit.
    """
    place = f"{function.__module__}:{function.__qualname__}"
    given = [str(argument) if isinstance(argument, Path) else argument for argument in arguments]
    command = [sys.executable, "-P", "-m", __name__, place, str(limits.memory), json.dumps(given)]
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), devices.VARIABLE: "cpu",
    }  # fmt: skip
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
            timeout=limits.seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _refused(file, f"it was stopped after {limits.seconds:.0f} seconds") from None
    try:
        error = json.loads(done.stdout)
    except ValueError:
        raise _refused(file, f"the process that ran it ended with code {done.returncode}") from None
    if error is not None:
        _raise_error(file, *error)


def _refused(file: Path, why: str) -> WeightsError:
    return WeightsError(f"{file} is no network that can be run: {why}.")


def _raise_error(file: Path, kind: str, message: str) -> NoReturn:
    """Raise the error of the function: one of visavis under its own name, any other as a fault of the file."""
    error = getattr(errors, kind, None)
    if isinstance(error, type) and issubclass(error, VisavisError):
        raise error(message)
    raise _refused(file, message)


def main(place: str, memory: str, arguments: str) -> None:
    """Call the function ``module:name`` with the arguments, and write null or the error to standard output, as JSON."""
    answer = os.dup(1)

    def finish(error: tuple[str, str] | None) -> None:
        os.write(answer, json.dumps(error).encode())
        os._exit(0)  # without the destructors of libraries, which may crash

    # Libraries that read such files have errors of every kind.
    sys.excepthook = lambda kind, error, _trace: finish((kind.__name__, _describe(kind, error)))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    _confine(int(memory))
    module, _, name = place.partition(":")
    getattr(import_module(module), name)(*json.loads(arguments))
    finish(None)


def _describe(kind: type[BaseException], error: BaseException) -> str:
    """Return the message of an error of visavis, or the first line of that of another one."""
    if issubclass(kind, VisavisError):
        return str(error)
    if issubclass(kind, MemoryError):
        return "it takes too much memory"
    return next(iter(str(error).splitlines()), kind.__name__).strip().rstrip(".")[:MESSAGE_LENGTH]


def _confine(memory: int) -> None:
    """Limit the memory of this process, make no core file, and end with the parent."""
    limit("RLIMIT_CORE", 0)
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
        limit("RLIMIT_DATA", pages * os.sysconf("SC_PAGESIZE") + memory)
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)


def limit(kind: str, most: int) -> None:
    """Lower a limit of this process, where the system has limits."""
    if sys.platform != "win32":
        import resource

        number = getattr(resource, kind)
        hard = resource.getrlimit(number)[1]
        resource.setrlimit(number, (most if hard < 0 else min(most, hard), hard))


if __name__ == "__main__":
    main(*sys.argv[1:])
