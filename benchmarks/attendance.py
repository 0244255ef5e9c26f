"""What the ledger of attendance costs: 500 employees with four punches a day in three years.

    python benchmarks/attendance.py [--employees 500] [--years 3] [--database URL] [--site DIR] [--json FILE]

The punches are made up and written by the ledger's own writer, once: with ``--site`` they are kept for the next run.
``--database`` is a database of PostgreSQL without tables; SQLite in the folder by default. Each question is asked by a
process of its own, on one thread.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from _rounds import environment, options, report, table
from _search_gallery import memory

from visavis.attendance.days import many
from visavis.attendance.ledger.ledger import correct_punch, new_punch_id, void_punch
from visavis.attendance.ledger.records import PUNCH, RESTORE, describe_punch
from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.local_time import begin_day
from visavis.attendance.presence import LOOK_BACK, find_present
from visavis.attendance.punch_file import import_punches
from visavis.attendance.reports.source import compute_site_days, read_records
from visavis.attendance.reports.tables import day_report, month_report
from visavis.attendance.rules.read import parse_rules
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.rules.starter import STARTER
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Direction, Employee, Punch

ZONE = "Asia/Ho_Chi_Minh"
OFFSET = timezone(timedelta(hours=7))
LAST = date(2026, 10, 31)
MONTH = date(2026, 10, 1), LAST
DAY = date(2026, 10, 14)
YEAR = date(2025, 11, 1), LAST
NIGHT_SHIFT = """
[versions.shifts.night]
start = "21:00"
end = "06:00"
grace_late = 5
half_day_below = "4:00"
absent_below = "1:00"
breaks = [{ start = "01:00", end = "01:30" }]
"""
RULES = STARTER.replace("[[assignments]]", NIGHT_SHIFT + "\n[[assignments]]", 1) + (
    '\n[[assignments]]\nshifts = ["night"]\ndepartments = ["Plant"]\nweekly_off = ["saturday", "sunday"]\n'
)
PLANNED: tuple[tuple[int, Direction], ...] = ((0, "in"), (210, "out"), (240, "in"), (510, "out"))
"""Minutes after the start of a shift."""
CORRECTED_EVERY, VOID_EVERY, RESTORED_EVERY = 100, 400, 2000
DAYS_A_TRANSACTION = 7
IMPORTED = 50_000
Row = tuple[object, ...]


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__ or "")
    parser.add_argument("--employees", type=int, default=500)
    parser.add_argument("--years", type=int, default=3)
    parser.add_argument("--database", default="sqlite:///attendance.db", metavar="URL")
    parser.add_argument("--site", type=Path, metavar="DIR", help="folder of the site, kept for the next run")
    parser.add_argument("--ask", choices=[*QUESTIONS], help="ask the site one question, and print what that took")
    chosen = parser.parse_args()
    if chosen.ask:
        print(json.dumps(ask(chosen.site, QUESTIONS[chosen.ask])))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(chosen, chosen.site or Path(folder) / "site")


def measure(chosen: Namespace, place: Path) -> None:
    """Build the site where it is missing, and ask all questions."""
    built = [] if (place / "site.toml").exists() else [build(place, chosen)]
    asked = []
    for name in QUESTIONS:
        command = [sys.executable, __file__, "--ask", name, "--site", str(place)]
        results = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(3)]
        counts, seconds, cpu, peak = zip(*results, strict=True)
        asked.append((name, counts[0], min(seconds), min(cpu), max(peak)))
    with Site(place) as site:
        facts = environment(records=f"{site.ledger.newest():,}", database=site.database.place, threads=1)
    tables = [table("Questions", ("question", "rows", "seconds", "CPU s", "peak MB"), asked)]
    if built:
        tables.insert(0, table("Ledger written", ("records", "", "seconds", "CPU s", "CPU us/record"), built))
    report(tables, facts, chosen.json, {"questions": asked, "written": built})


def build(place: Path, chosen: Namespace) -> Row:
    """Make the site; return how long its punches took."""
    people = [
        Employee(str(number), f"Employee {number}", "Plant" if number % 5 == 0 else f"Office {number % 7}")
        for number in range(1, chosen.employees + 1)
    ]
    first = LAST.replace(year=LAST.year - chosen.years) + timedelta(1)
    days = [first + timedelta(number) for number in range((LAST - first).days + 1)]
    draw = random.Random(1)
    with Site.create(place, SiteSettings("Benchmark", ZONE, database=chosen.database)) as site:
        site.rules_path.write_text(RULES)
        site.put_employees(people, actor="benchmark")
        start, cpu = time.perf_counter(), time.process_time()
        for begin in range(0, len(days), DAYS_A_TRANSACTION):
            with site.ledger.write(actor="benchmark") as writer:
                for day in days[begin : begin + DAYS_A_TRANSACTION]:
                    punches = sorted(make_punches(people, day, draw), key=lambda punch: punch.at)
                    writer.append_all(PUNCH, map(describe_punch, punches))
                    change_some(writer, punches)
        records = site.ledger.newest()
    took = time.perf_counter() - start, time.process_time() - cpu
    return f"{records:,}", "", *took, 1e6 * took[1] / records


def make_punches(people: list[Employee], day: date, draw: random.Random) -> Iterator[Punch]:
    """Yield the punches of a day, each within ten minutes of the plan."""
    midnight = begin_day(day, ZONE).astimezone(OFFSET)
    for employee in people:
        start = 21 * 60 if employee.department == "Plant" else 9 * 60
        for minutes, direction in PLANNED:
            at = midnight + timedelta(minutes=start + minutes, seconds=draw.randint(-600, 600))
            yield Punch(
                new_punch_id(), employee.number, at, ZONE, direction, "door", "face",
                round(draw.uniform(0.1, 0.5), 3), 0.999, 0.9,
            )  # fmt: skip


def change_some(writer: LedgerWriter, punches: list[Punch]) -> None:
    """Correct some punches, make some void, and restore some of these."""
    for punch in punches[7::CORRECTED_EVERY]:
        correct_punch(writer, punch.id, reason="clock", changes={"at": punch.at + timedelta(minutes=1)})
    for punch in punches[11::VOID_EVERY]:
        void_punch(writer, punch.id, reason="visitor")
    for punch in punches[11::RESTORED_EVERY]:
        writer.append(RESTORE, describe_punch(punch), reason="no visitor")


def ask(place: Path, question: Callable[[Site], int]) -> list[object]:
    """Return the rows of an answer, seconds, processor seconds, and MB of memory at the peak."""
    with Site(place) as site:
        site.employees()  # opens the connection
        start, cpu = time.perf_counter(), time.process_time()
        rows = question(site)
        return [rows, time.perf_counter() - start, time.process_time() - cpu, memory("VmHWM") / 2**20]


def read_month(site: Site) -> int:
    """Read the punches of a month."""
    return len(site.punches(*MONTH))


def report_month(site: Site) -> int:
    """Make the report of a month."""
    planner = make_planner(site)
    people = compute_site_days(site, planner, *MONTH)
    return len(month_report(people, planner.rules, {}).rows)


def report_day(site: Site) -> int:
    """Make the report of a day."""
    return len(day_report(compute_site_days(site, make_planner(site), DAY, DAY), DAY).rows)


def replay_year(site: Site) -> int:
    """Return how many days of a year other rules would change."""
    old, new = make_planner(site), Planner(parse_rules(RULES.replace("grace_late = 5", "grace_late = 2"), zone=ZONE))
    records = read_records(site, [old, new], *YEAR, now=datetime.now(UTC))
    return sum(1 for recorded in records for _ in many.replay(recorded, old, new, *YEAR))


def list_present(site: Site) -> int:
    """Return how many are in."""
    moment = begin_day(DAY, ZONE) + timedelta(hours=10)
    return len(find_present(site.employees(), site.ledger.punches(moment - LOOK_BACK, moment), moment))


def follow(site: Site) -> int:
    """Read the newest thousand changes."""
    return len(site.ledger.changes(site.ledger.newest() - 1200, 1000))


def verify(site: Site) -> int:
    """Verify all; return the number of records."""
    faults = site.verify()
    assert not faults, faults
    return site.ledger.newest()


def import_file(site: Site) -> int:
    """Import a file of punches, in the order of time, that are in the ledger already (return how many)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "punches.csv"
        lines = (f"{each.employee},{each.at.isoformat()},{each.direction}" for each in site.punches(*MONTH)[:IMPORTED])
        file.write_text("\n".join(["employee,time,direction", *lines]) + "\n")
        return import_punches(site, file, actor="benchmark").present


def make_planner(site: Site) -> Planner:
    """Return the plans by the rules of the site."""
    return Planner(parse_rules(site.rules_path.read_text(), zone=site.zone))


QUESTIONS: dict[str, Callable[[Site], int]] = {
    "punches of a month": read_month,
    "report of a month": report_month,
    "report of a day": report_day,
    "replay of a year": replay_year,
    "who is in": list_present,
    "changes": follow,
    "verify": verify,
    "import of what is there": import_file,
}

if __name__ == "__main__":
    main()
