"""A decoder that hangs ends the command with one sentence; it never ends a program that uses the library."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cli.fakes import RED, photo
from visavis import decoding_time, images

LIMIT = 120.0
"""Seconds; far more than the decoding of a small photo takes on any machine."""

HANGING = """
import sys, time
from visavis import decoding_time
from visavis.images import _decode
decode = _decode.decode
def hang(data, **options):
    time.sleep(300)
_decode.decode = hang
decoding_time.SECONDS = 0.5
from visavis.__main__ import main
main()
"""


def test_a_command_ends_where_a_decoder_hangs(tmp_path: Path) -> None:
    photo(tmp_path / "red.png", (RED, 40, 50, 60))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", HANGING, "detect", "red.png"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "visavis: 'red.png' was not decoded within 0.5 seconds: leave it out, or save it anew as JPEG.\n"
    )
    assert time.monotonic() - began < 200


@pytest.fixture
def limit_of_this_process() -> object:
    yield
    decoding_time.end_after(None)


def test_only_the_decoding_counts(
    tmp_path: Path, limit_of_this_process: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the time between two photos nor that after the last one: the limit of each ends with its decoding."""
    photo(tmp_path / "red.png", (RED, 40, 50, 60))
    limits: list[threading.Timer] = []

    def make_timer(seconds: float, *rest: Any) -> threading.Timer:
        limits.append(threading.Timer(seconds, *rest))
        return limits[-1]

    monkeypatch.setattr(decoding_time, "Timer", make_timer)
    decoding_time.end_after(LIMIT)
    for number in (1, 2):
        assert images.read(tmp_path / "red.png").width > 0
        assert [limit.interval for limit in limits] == [LIMIT] * number
        limits[-1].join(LIMIT / 2)
        assert not limits[-1].is_alive()


def test_the_library_has_no_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding_time, "_end", lambda *_: pytest.fail("ended"))
    with decoding_time.watched("red.png"):
        time.sleep(0.05)
