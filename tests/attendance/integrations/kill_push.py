"""Ends pushes, and the systems that they send to, by SIGKILL at random moments, and compares what is left.

``python -m attendance.integrations.kill_push FOLDER frappe|odoo|webhook RUNS SEED`` punches, corrects and makes void at
random between the runs. It prints, as JSON, how many pushes and systems were killed, what the system has in the end,
and what it should have.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from free_port import free_port
from visavis.attendance.integrations.connection import TargetAnswer, TargetConnection
from visavis.attendance.integrations.pairs import pair_punches
from visavis.attendance.integrations.push import push
from visavis.attendance.integrations.webhook import make_id
from visavis.attendance.settings import FILE, SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Punch
from visavis.sql_database import SqlDatabase

from .conftest import ZONE, configure, target
from .frappe_server import Frappe
from .odoo_server import KEY, Odoo
from .webhook_receiver import SECRET, Receiver

SECRETS = {"frappe": "key-1:secret-1", "odoo": KEY, "webhook": SECRET}
SERVERS = {"frappe": "frappe_server", "odoo": "odoo_server", "webhook": "webhook_receiver"}
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=3)
MOST_STEPS = 12


class System:
    """The system as a process, started again at its port whenever it is dead; its last start is for ever."""

    def __init__(self, kind: str, file: Path) -> None:
        self.kind, self.file, self.port, self.killed = kind, file, free_port(), 0
        self._process: subprocess.Popen[str] | None = None

    def ensure(self, moment: str) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.killed += self._process is not None
        module = f"attendance.integrations.{SERVERS[self.kind]}"
        command = [sys.executable, "-m", module, str(self.file), "--port", str(self.port), "--kill", moment]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == f"{self.port}\n"

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def push_until(folder: Path, kind: str, steps: int) -> bool:
    """Push in a process of its own that ends itself after some requests and transactions; return whether it did."""
    child = os.fork()
    if child == 0:
        with count_steps(steps), Site(folder) as site:
            push(site, kind, pauses=())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@contextmanager
def count_steps(steps: int) -> Iterator[None]:
    """Count the beginnings and ends of requests and transactions, and end the process at the last of the steps."""
    left = steps
    send, write = TargetConnection._try, SqlDatabase.write

    def step() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def send_counted(self: TargetConnection, method: str, path: str, options: Any) -> TargetAnswer:
        step()
        answer = send(self, method, path, options)
        step()
        return answer

    @contextmanager
    def write_counted(self: SqlDatabase) -> Iterator[Any]:
        with write(self) as conn:
            yield conn
            step()
        step()

    TargetConnection._try = send_counted  # type: ignore[method-assign]
    SqlDatabase.write = write_counted  # type: ignore[method-assign]
    yield


def change(site: Site, chance: random.Random) -> None:
    """Punch, correct, make void or restore at random; an employee has one punch in a quarter of an hour."""
    for _ in range(chance.randint(1, 3)):
        punches, action = site.punches(), chance.random()
        if action < 0.6 or not punches:
            number = chance.choice("78")
            last = max((punch.at for punch in site.punches(employees=[number])), default=START)
            direction = chance.choice(("in", "out", "unspecified"))
            at = last + timedelta(minutes=15 * chance.randint(1, 8))
            site.punch(number, actor="test", direction=direction, at=at)  # type: ignore[arg-type]
        elif action < 0.8:
            punch = chance.choice(punches)
            site.ledger.correct(punch.id, at=punch.at + timedelta(minutes=1), reason="clock", actor="test")
        else:
            punch = chance.choice(punches)
            site.ledger.void(punch.id, reason="test", actor="test")
            if action > 0.9:
                site.ledger.restore(punch.id, reason="test", actor="test")


def read_system(kind: str, file: Path) -> list[Any]:
    """What the system has."""
    if kind == "frappe":
        return [list(row[:2]) for row in Frappe(file).checkins()]
    if kind == "odoo":
        return [list(row) for row in Odoo(file).rows()]
    return [row["id"] for row in Receiver(file).store.run("SELECT id FROM events ORDER BY number")]


def read_expected(kind: str, site: Site) -> list[Any]:
    """What it should have."""
    punches = site.punches()
    if kind == "frappe":
        return sorted([f"HR-EMP-{punch.employee}", local(punch)] for punch in punches)
    if kind == "webhook":
        return [make_id(item) for item in site.ledger.changes(0, 10_000)]
    rows = []
    for number, name in (("7", "Ann"), ("8", "Bo")):
        own = [punch for punch in punches if punch.employee == number]
        pairing = pair_punches(own, longest=timedelta(hours=16), now=datetime.now(UTC))
        rows += [[name, utc(pair.check_in), pair.check_out and utc(pair.check_out)] for pair in pairing.pairs]
    return rows


def local(punch: Punch) -> str:
    return f"{punch.at:%Y-%m-%d %H:%M:%S}"


def utc(punch: Punch) -> str:
    return f"{punch.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def prepare(folder: Path, kind: str, system: System) -> None:
    with Site.create(folder, SiteSettings("Plant", ZONE)) as site:
        site.put_employees([Employee("7", "Ann Li"), Employee("8", "Bo Ek")], actor="test")
    configure(folder, target(kind, f"http://127.0.0.1:{system.port}"), **{kind: SECRETS[kind]})
    if kind == "frappe":
        frappe = Frappe(system.file)
        frappe.employ("HR-EMP-7", "7")
        frappe.employ("HR-EMP-8", "8")
    elif kind == "odoo":
        odoo = Odoo(system.file)
        odoo.employ(70, "Ann", "7")
        odoo.employ(80, "Bo", "8")


def main(folder: Path, kind: str, runs: int, seed: int) -> None:
    chance = random.Random(seed)
    system = System(kind, folder.with_name(f"{kind}.db"))
    prepare(folder, kind, system)
    assert (folder / FILE).exists()
    killed = 0
    try:
        for _ in range(runs):
            system.ensure(f"{chance.choice(('before', 'after'))}:{chance.randint(1, 10)}")
            with Site(folder) as site:
                change(site, chance)
            killed += push_until(folder, kind, chance.randint(1, MOST_STEPS))
        system.stop()
        system.ensure("")
        with Site(folder) as site:
            for _ in range(2):  # the second has nothing to do
                report = push(site, kind, pauses=())
            expected = read_expected(kind, site)
        result = {"has": read_system(kind, system.file), "expected": expected, "report": report.to_dict()}
    finally:
        system.stop()
    sys.stdout.write(json.dumps({"pushes": killed, "systems": system.killed, **result}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
