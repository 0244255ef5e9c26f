"""Ends pushes by SIGKILL at random moments, and the systems that they send to, and compares what is left.

``python -m attendance.integrations.kill_push FOLDER frappe|odoo|webhook RUNS SEED`` punches, corrects and makes void at
random between the runs. It prints, as JSON, how many pushes were killed and systems died, what the system has in the
end, and what it should have.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attendance.peers.frappe import Frappe
from attendance.peers.frappe_shift import Employee as HrEmployee
from attendance.peers.http_peer import Fault, Peer
from attendance.peers.odoo import Odoo
from attendance.peers.webhook import Webhook
from visavis.attendance.integrations.connection import TargetAnswer, TargetConnection
from visavis.attendance.integrations.pairs import pair_punches
from visavis.attendance.integrations.push import push
from visavis.attendance.integrations.webhook import make_id
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Punch
from visavis.sql_database import SqlDatabase

from .conftest import ODOO_KEY, SECRET, ZONE, configure, target

SECRETS = {"frappe": "key:secret", "odoo": ODOO_KEY, "webhook": SECRET}
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=3)
MOST_STEPS = 12


def start_peer(kind: str) -> Peer:
    """Start the system, with two employees."""
    if kind == "frappe":
        return Frappe(HrEmployee("HR-EMP-7", "7"), HrEmployee("HR-EMP-8", "8"))
    if kind == "webhook":
        return Webhook(b"a secret of thirty-two characters")
    odoo = Odoo(key=ODOO_KEY)
    odoo.add_employee("Ann", barcode="7")
    odoo.add_employee("Bo", barcode="8")
    return odoo


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


def read_system(peer: Peer) -> list[Any]:
    """What the system has."""
    if isinstance(peer, Frappe):
        return sorted([checkin.employee, str(checkin.time)] for checkin in peer.checkins)
    if isinstance(peer, Odoo):
        names = {number: row["name"] for number, row in peer.records.rows["hr.employee"].items()}
        rows = [[names[row["employee_id"]], row["check_in"], row["check_out"] or None] for row in peer.attendances]
        return sorted(rows, key=lambda row: row[0])
    assert isinstance(peer, Webhook)
    return list(peer.events)


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


def prepare(folder: Path, kind: str, peer: Peer) -> None:
    with Site.create(folder, SiteSettings("Plant", ZONE)) as site:
        site.put_employees([Employee("7", "Ann Li"), Employee("8", "Bo Ek")], actor="test")
    options = {"database": "acme"} if kind == "odoo" else {}
    configure(folder, target(kind, peer.url, **options), **{kind: SECRETS[kind]})


def main(folder: Path, kind: str, runs: int, seed: int) -> None:
    chance = random.Random(seed)
    killed = deaths = 0
    with start_peer(kind) as peer:
        prepare(folder, kind, peer)
        for _ in range(runs):
            death = chance.choice((Fault.DEATH_BEFORE, Fault.DEATH_AFTER))
            peer.faults.extend([None] * chance.randint(0, 9) + [death])
            with Site(folder) as site:
                change(site, chance)
            killed += push_until(folder, kind, chance.randint(1, MOST_STEPS))
            deaths += peer.dead
            peer.revive()
            peer.faults.clear()
        with Site(folder) as site:
            for _ in range(2):  # the second has nothing to do
                report = push(site, kind, pauses=())
            expected = read_expected(kind, site)
        result = {"has": read_system(peer), "expected": expected, "report": report.to_dict()}
    sys.stdout.write(json.dumps({"pushes": killed, "systems": deaths, **result}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
