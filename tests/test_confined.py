"""Functions in a process of their own: what a hostile file does there is one sentence here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from visavis import confined
from visavis.confined import ProcessLimits
from visavis.errors import MissingExtraError, UsageError, WeightsError

FILE = Path("own.onnx")
AMPLE = ProcessLimits(120, confined.GIGABYTE)


def write_arguments(path: str, *others: object) -> None:
    Path(path).write_text(repr(others), encoding="utf-8")


def refuse(message: str) -> None:
    raise UsageError(message)


def miss() -> None:
    raise MissingExtraError("a package is missing.")


def fail(message: str) -> None:
    raise KeyError(message)


def crash() -> None:
    os.abort()


def leave() -> None:
    os._exit(7)


def fill_memory(size: int) -> None:
    bytearray(size)


def loop() -> None:
    while True:
        pass


def print_text() -> None:
    os.write(1, b'["UsageError", "printed"]')
    os.write(2, b"printed")


def write_number_and_sleep(path: str) -> None:
    Path(path).write_text(str(os.getpid()), encoding="ascii")
    time.sleep(120)


def test_it_is_called_with_the_arguments_in_another_process(tmp_path: Path) -> None:
    confined.call(write_arguments, tmp_path / "said", 3, "ü 'x'", limits=AMPLE, file=FILE)
    assert (tmp_path / "said").read_text(encoding="utf-8") == repr((3, "ü 'x'"))


def test_errors_of_visavis_keep_their_kind_and_message() -> None:
    with pytest.raises(UsageError, match=r"^no such – thing\.$"):
        confined.call(refuse, "no such – thing.", limits=AMPLE, file=FILE)
    with pytest.raises(MissingExtraError, match=r"^a package is missing\.$"):
        confined.call(miss, limits=AMPLE, file=FILE)


@pytest.mark.parametrize(
    ("function", "arguments", "why"),
    [
        (fail, ("first\nsecond",), "'first\\nsecond'"),
        (crash, (), "the process that ran it ended with code -6"),
        (leave, (), "the process that ran it ended with code 7"),
    ],
)
def test_any_other_end_is_a_fault_of_the_file(function: object, arguments: tuple[str, ...], why: str) -> None:
    with pytest.raises(WeightsError) as caught:
        confined.call(function, *arguments, limits=AMPLE, file=FILE)  # type: ignore[arg-type]
    assert str(caught.value) == f"own.onnx is no network that can be run: {why}."


def test_it_is_stopped_when_its_time_is_over() -> None:
    start = time.monotonic()
    with pytest.raises(WeightsError, match=r"^own\.onnx is no network that can be run: it was stopped after 2 seconds"):
        confined.call(loop, limits=ProcessLimits(2, confined.GIGABYTE), file=FILE)
    assert time.monotonic() - start < 50  # it would never end


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_it_has_no_more_memory_than_its_limit() -> None:
    limits = ProcessLimits(120, confined.GIGABYTE // 2)
    confined.call(fill_memory, 2**28, limits=limits, file=FILE)
    with pytest.raises(WeightsError, match=r"it takes too much memory\.$"):
        confined.call(fill_memory, 2**30, limits=limits, file=FILE)


def test_what_it_prints_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    confined.call(print_text, limits=AMPLE, file=FILE)
    assert capfd.readouterr() == ("", "")


CALLER = """
import sys
from pathlib import Path
import test_confined
from visavis import confined
confined.call(test_confined.write_number_and_sleep, sys.argv[1], limits=test_confined.AMPLE, file=Path("own.onnx"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the processes are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_its_caller(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C and ``kill`` reach the caller alone here."""
    command = [sys.executable, "-c", CALLER, str(tmp_path / "process")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as caller:
        _wait_until(lambda: (tmp_path / "process").exists() and (tmp_path / "process").stat().st_size > 0)
        child = int((tmp_path / "process").read_text(encoding="ascii"))
        assert Path(f"/proc/{child}").exists()
        start = time.monotonic()
        caller.send_signal(number)
        assert caller.wait(60) == -number
        assert time.monotonic() - start < 30  # a fourth of what the child sleeps
        _wait_until(lambda: not _runs(child))


def _runs(process: int) -> bool:
    """Return whether a process is there, and has not ended already."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _wait_until(condition: object, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)
