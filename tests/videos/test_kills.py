"""Runs that are killed, or interrupted, at random moments; see ``kill_video.py``."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from example_counts import rounds

from .test_publish import program

pytest.importorskip("av")
pytest.importorskip("scipy")
pytestmark = [pytest.mark.slow(seconds=25), pytest.mark.skipif(os.name != "posix", reason="forks and signals of POSIX")]

KILLS = rounds(40)


@pytest.mark.parametrize("kind", ["run", "interrupt", "find", "post", "mqtt"])
def test_what_a_run_has_reported_outlasts_its_end_at_any_moment(tmp_path: Path, kind: str) -> None:
    if kind == "mqtt":
        pytest.importorskip("paho.mqtt.client")
        program()
    seed = random.randrange(2**32)
    line = [sys.executable, "-m", "videos.kill_video", str(tmp_path), kind, str(KILLS), str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["problems"] == [], seed
    assert answer["kills"] >= KILLS
    assert answer["between"] >= 1, seed
    assert answer["twice"] <= answer["kills"]  # what was confirmed just before a kill, and not yet erased
