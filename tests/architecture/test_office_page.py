"""The page of an office: every command, word for word and in order, in an empty folder with two photos."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import datetime
from pathlib import Path

import pytest

from server.running_server import RunningServer
from visavis.attendance.site import Site

from .documents import Block, blocks, run
from .source import ROOT

OFFICE = ROOT / "docs" / "attendance-office.md"
SERVE = "visavis serve --config server.toml\n"
MONTH = ("2026-03-02T07:58:00+00:00", "2026-03-02T16:40:00+00:00")
"""What a kiosk recorded of employee 17: 8:58 to 17:40 in Berlin. The first punch is the one that the page corrects."""


def record_month(folder: Path) -> None:
    with Site(folder / "office") as site:
        for name, at in zip(("morning", "evening"), MONTH, strict=True):
            site.punch(
                "17", actor="door", punch_id=name, at=datetime.fromisoformat(at), device="front door", method="pin"
            )


def serve(folder: Path) -> None:
    """Start the server of the page, and see that it has the kiosk."""
    server = RunningServer("--config", "server.toml", folder=folder)
    try:
        assert "/sign-in" in server.get("/kiosk", headers={"accept": "text/html"}).url
    finally:
        assert server.stop() == 0


def run_block(block: Block, folder: Path) -> str:
    if block.text == SERVE:
        serve(folder)
        return ""
    if "2026-03-01" in block.text:
        record_month(folder)
    return run(["bash", "-e", "-o", "pipefail", "-c", block.text], cwd=folder).stdout


@pytest.mark.enable_socket
@pytest.mark.slow(seconds=25)
@pytest.mark.skipif(sys.platform == "win32", reason="the page is for a shell of POSIX")
def test_the_office_from_nothing_to_the_export_and_the_backup(sample_photos: Path, tmp_path: Path) -> None:
    for name, sample in (("ann1.jpg", "obama.jpg"), ("ann2.jpg", "obama2.jpg")):
        shutil.copy(sample_photos / sample, tmp_path / name)
    shown = blocks(OFFICE, "sh")
    assert SERVE in [block.text for block in shown]
    printed = [run_block(block, tmp_path) for block in shown]
    csv = (tmp_path / "march.csv").read_text().splitlines()
    assert len(csv) == 3
    assert csv[1].startswith("17,")
    export = (tmp_path / "march-frappe.csv").read_text().splitlines()
    assert export[1:] == ["17,,2026-03-02 08:55:00,front door,0", "17,,2026-03-02 17:40:00,front door,0"]
    assert "the ledger is whole" in printed[-1]
    (backup,) = (tmp_path / "backup").iterdir()
    (person,) = [
        json.loads(line)
        for line in run(
            ["visavis", "gallery", "list", "--gallery", "faces.db", "--json"], cwd=tmp_path
        ).stdout.splitlines()
    ]
    assert person["name"] == "Ann Li"
    assert (backup / "faces").is_dir()
    assert (backup / "office" / "ledger.key").stat().st_mode & 0o077 == 0


def test_the_rates_are_those_of_the_shipped_thresholds(tmp_path: Path) -> None:
    (code,), (table, *_) = blocks(OFFICE, "python"), [each for each in blocks(OFFICE, "text") if "people" in each.text]
    assert run([sys.executable, "-c", code.text], cwd=tmp_path).stdout == table.text
