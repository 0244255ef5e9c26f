"""Processes that are killed while they punch: what they said was recorded is there, and the chain is whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from visavis.attendance.site import Site

if TYPE_CHECKING:
    from servers import Postgres

PROGRAM = """
import sys
from visavis.attendance.site import Site
with Site(sys.argv[1]) as site:
    while True:
        print(site.punch(sys.argv[2], actor="gate", direction="in").id, flush=True)
"""


def start(site: Site, employee: str, output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as file:
        return subprocess.Popen([sys.executable, "-c", PROGRAM, str(site.folder), employee], stdout=file)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_nothing_that_was_acknowledged_is_lost(site: Site, tmp_path: Path) -> None:
    outputs = [tmp_path / f"{number}.txt" for number in range(3)]
    processes = [start(site, str(number + 1), output) for number, output in enumerate(outputs)]
    try:
        end = time.monotonic() + 60
        while min(output.read_bytes().count(b"\n") for output in outputs) < 5 and time.monotonic() < end:
            time.sleep(0.02)
    finally:
        for process in processes:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    acknowledged = [line for output in outputs for line in output.read_text("ascii").split("\n")[:-1]]
    assert min(output.read_bytes().count(b"\n") for output in outputs) >= 5
    recorded = {punch.id for punch in site.punches()}
    assert {*acknowledged} - recorded == set()
    assert len(recorded - {*acknowledged}) <= len(processes)  # stored, and killed before it said so
    assert site.verify() == []
    head = site.ledger.head_file.read()
    assert head is not None
    assert 0 <= site.ledger.newest() - head.number <= len(processes)
    site.punch("1", actor="gate")
    assert (site.ledger.head_file.read().number, site.verify()) == (site.ledger.newest(), [])  # type: ignore[union-attr]


def test_writers_follow_each_other_where_the_database_isolates_more(
    postgres: Postgres, new_site: Callable[[str], Site]
) -> None:
    url = postgres.new()
    name = url.partition("@/")[2].partition("?")[0]
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_isolation TO 'repeatable read'")
    site = new_site(url)
    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(site.punch, "1", actor="gate") for _ in range(20)]
        assert len({each.result().id for each in done}) == 20
    assert (site.ledger.newest(), site.verify()) == (23, [])


def test_two_machines_share_a_database(postgres: Postgres, new_site: Callable[[str], Site], tmp_path: Path) -> None:
    """Each has a copy of the folder, and a head of its own."""
    first = new_site(postgres.new())
    shutil.copytree(first.folder, tmp_path / "copy")
    with Site(tmp_path / "copy") as second, ThreadPoolExecutor(4) as threads:
        sites = [first, second] * 10
        done = [threads.submit(site.punch, "1", actor="gate") for site in sites]
        ids = {each.result().id for each in done}
        assert {punch.id for punch in first.punches()} == ids
        assert (len(ids), second.ledger.newest()) == (20, 23)
        assert (first.verify(), second.verify()) == ([], [])
        with first.database.write() as conn:
            conn.execute(text("DELETE FROM attendance_records WHERE number > 22"))
        assert [fault.message for site in (first, second) for fault in site.verify()] == [
            "record 23 is missing: the newest of the ledger."
        ]  # of the one that has written it
