from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import TESTS

RUNS = 12


def kill(tmp_path: Path, kind: str, runs: int, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "attendance.integrations.kill_push", str(tmp_path / "site"), kind]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(
        [*command, str(runs), str(seed)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.slow(seconds=15)
@pytest.mark.parametrize("kind", ["frappe", "odoo", "webhook"])
def test_nothing_is_lost_or_sent_twice_after_kills_on_both_sides(tmp_path: Path, kind: str) -> None:
    result = kill(tmp_path, kind, RUNS, 1)
    assert result["pushes"] >= 3
    assert result["systems"] >= 1
    assert result["has"] == result["expected"]
    assert len(result["expected"]) >= 3
    report = result["report"]
    assert (report["created"], report["updated"], report["deleted"], report["waiting"]) == (0, 0, 0, 0)


@pytest.mark.slow(seconds=60)
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("kind", ["frappe", "odoo", "webhook"])
def test_many_kills(tmp_path: Path, kind: str, seed: int) -> None:
    result = kill(tmp_path, kind, 60, seed)
    assert result["pushes"] >= 15
    assert result["systems"] >= 5
    assert result["has"] == result["expected"]
