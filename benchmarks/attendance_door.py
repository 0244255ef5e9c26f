"""A morning at two kiosks and two cameras: employees of LFW come, and the server may be killed meanwhile.

    python benchmarks/attendance_door.py [--employees 500] [--minutes 10] [--strangers 50] [--cameras 0] [--kills 0]

Each employee is enrolled with one photo of LFW, and another one comes to a kiosk: a client that speaks
``/v1/kiosk`` as the page does, a frame every quarter of a second, then three at once, the first of which it is. Frames
show the middle of a photo, shifted by some pixels, and a little lighter or darker, in a picture of 800 x 600. Liveness
is off, since photos come. Who is not recognized within four answers takes the badge. Strangers are people of LFW who
are not enrolled. Both kiosks receive a visitor at the same moment.

A tenth of the people pass each of ``--cameras`` cameras instead: made-up video of 640 x 480, five pictures a second, in
which they walk from one side to the other within three seconds. They take no badge.

Printed is what became of each person, how many were taken for somebody else beside the rate that was asked for, the
seconds from the face to the name, and whether the ledger has each punch that was answered once. With ``--kills``
the server and its workers are killed (SIGKILL) so many times at random moments and started again, and clients go on.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import threading
import time
from argparse import Namespace
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from _door_cameras import LAST_SECONDS, DoorCamera, EventWatch, read_passages
from _door_client import Answered, KioskClient, Visitor
from _door_server import DoorServer, make_site
from _rounds import data_folder, environment, options, report, table
from rich.table import Table

from visavis.attendance.site import Site
from visavis.evaluate.stats.intervals import wilson
from visavis.images.photo_files import photos_in

KIOSKS = ("north", "south")
FPIR = 0.01
"""That of a gallery whose rate nobody has changed."""
PASS_EVERY = 10
"""Of as many visitors one passes each camera."""
CAMERA_START = 5.0
"""Seconds that the server has to open its cameras."""
KILL_SECONDS = (3.0, 30.0)
"""Least and greatest time between a start and the next kill."""


@dataclass
class Morning:
    """What became of a morning: an answer for each visitor, and how often the server was killed.

    ``processor`` is the processor time of the server in seconds, with its start.
    """

    answers: list[Answered] = field(default_factory=list)
    kills: int = 0
    processor: float = 0.0


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__ or "")
    parser.add_argument("--employees", type=int, default=500)
    parser.add_argument("--strangers", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--cameras", type=int, default=0)
    parser.add_argument("--kills", type=int, default=0, help="kill the server so many times")
    parser.add_argument("--seed", type=int, default=19)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tables, results = measure(Path(folder), chosen)
    report(
        tables,
        environment(liveness="off", **{name: getattr(chosen, name) for name in ("minutes", "cameras", "kills")}),
        chosen.json,
        results,
    )
    if results["faults"]:
        sys.exit(1)


def measure(folder: Path, chosen: Namespace) -> tuple[list[Table], dict[str, object]]:
    """Let the people come; return the tables, and the figures with a list of ``faults``."""
    visitors = draw_visitors(chosen.employees, chosen.strangers, random.Random(chosen.seed))
    cameras = [DoorCamera(f"camera {number}") for number in range(1, chosen.cameras + 1)]
    make_site(folder, [each for each in visitors if each.is_employee], cameras)
    server = DoorServer(folder)
    try:
        server.start()
        watch = EventWatch(server.url, server.key)
        morning = run_morning(server, visitors, cameras, chosen.minutes * 60, kills=chosen.kills, seed=chosen.seed)
        watch.stop()
    finally:
        server.stop()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    morning.processor = used.ru_utime + used.ru_stime
    with Site(folder / "site") as site:
        morning.answers += read_passages(site, cameras, watch)
        faults = find_faults(site, morning.answers)
    return [tabulate(morning, faults)], {
        "answers": [*map(describe, morning.answers)],
        "kills": morning.kills,
        "processor": morning.processor,
        "faults": faults,
    }


def describe(answer: Answered) -> dict[str, object]:
    """Return what became of a visitor as JSON."""
    return {**asdict(answer), "visitor": answer.visitor.name, "number": answer.visitor.number}


def draw_visitors(employees: int, strangers: int, chance: random.Random) -> list[Visitor]:
    """Draw people of LFW with two photos or more as employees, and others as strangers, in the order of coming."""
    folders = (data_folder() / "lfw" / "images").iterdir()
    photos = {folder.name: [Path(photo) for photo in photos_in(folder)] for folder in folders}
    several = sorted(name for name, of_person in photos.items() if len(of_person) > 1)
    chosen = chance.sample(several, min(employees, len(several)))
    others = chance.sample(sorted({*photos} - {*chosen}), strangers)
    visitors = [Visitor(str(n), name, photos[name][0], photos[name][1]) for n, name in enumerate(chosen, 1)]
    visitors += [Visitor("", name, None, photos[name][0]) for name in others]
    chance.shuffle(visitors)
    return visitors


def run_morning(
    server: DoorServer,
    visitors: list[Visitor],
    cameras: list[DoorCamera],
    seconds: float,
    *,
    kills: int,
    seed: int,
) -> Morning:
    """Let visitors come evenly within a time; return what became of those who came to the kiosks."""
    morning = Morning()
    passing = len(visitors) // PASS_EVERY
    for camera in cameras:
        mine, visitors = visitors[:passing], visitors[passing:]
        camera.plan(mine, datetime.now(UTC) + timedelta(seconds=CAMERA_START), seconds / max(1, passing))
    clients = [KioskClient(server.url, server.make_kiosk_key(name), seed=f"{seed} {name}") for name in KIOSKS]
    killer = threading.Thread(target=_kill_often, args=(server, morning, kills, random.Random(seed)))
    killer.start()
    begin = time.monotonic()
    try:
        with ThreadPoolExecutor(len(KIOSKS)) as pool:
            queues = [visitors[row :: len(KIOSKS)] for row in range(len(KIOSKS))]
            running = [
                pool.submit(client.receive, queue, begin, seconds / len(queue))
                for client, queue in zip(clients, queues, strict=True)
            ]
            morning.answers = [answer for each in running for answer in each.result()]
        ends = [each.end for camera in cameras for each in camera.passes]
        if ends:
            time.sleep(max(0.0, (max(ends) - datetime.now(UTC)).total_seconds() + LAST_SECONDS))
    finally:
        killer.join()
    return morning


def _kill_often(server: DoorServer, morning: Morning, kills: int, chance: random.Random) -> None:
    for _ in range(kills):
        time.sleep(chance.uniform(*KILL_SECONDS))
        server.kill()
        morning.kills += 1
        server.start()


def find_faults(site: Site, answers: list[Answered]) -> list[str]:
    """Return what is wrong: punches that were answered and are not in the ledger, and people with two."""
    faults = [f"the chain of the ledger: {fault.message}" for fault in site.verify()]
    recorded = {punch.id: punch for punch in site.punches()}
    for answer in answers:
        if answer.punch_id and answer.punch_id not in recorded:
            faults.append(f"{answer.visitor.name}: punch {answer.punch_id} was answered, and is not in the ledger")
    counts = Counter(punch.employee for punch in recorded.values())
    mistaken = Counter(answer.employee for answer in answers if answer.employee != answer.visitor.number)
    for answer in answers:
        number = answer.visitor.number
        if number and not answer.employee and answer.method != "camera":
            faults.append(f"{answer.visitor.name} has no punch")
        if counts[number] > 1 + mistaken[number]:
            faults.append(f"{answer.visitor.name} has {counts[number]} punches")
    return faults


def tabulate(morning: Morning, faults: list[str]) -> Table:
    """Return the table of a morning."""
    employees = [answer for answer in morning.answers if answer.visitor.is_employee]
    strangers = [answer for answer in morning.answers if not answer.visitor.is_employee]
    own = [answer for answer in employees if answer.employee == answer.visitor.number]
    others = sum(answer.employee not in ("", answer.visitor.number) for answer in employees)
    named = sum(bool(answer.employee) for answer in strangers)
    passed = [answer for answer in employees if answer.method == "camera"]
    advice = Counter(answer.last_advice for answer in own if answer.method == "badge")
    rows = [
        ("employees", "", len(employees)),
        ("", "by face", sum(answer.method == "face" for answer in own)),
        ("", f"by a camera, of {len(passed)} who passed one", sum(answer.method == "camera" for answer in own)),
        ("", f"by badge after {dict(advice)}", sum(advice.values())),
        ("", "as another employee", others),
        ("", f"95 % interval of that, beside a rate of {FPIR:g}", _show(others, len(employees))),
        ("strangers", "", len(strangers)),
        ("", "as an employee", named),
        ("", f"95 % interval of that, beside a rate of {FPIR:g}", _show(named, len(strangers))),
        *_show_seconds("at a kiosk", [answer.seconds for answer in own if answer.method == "face"]),
        *_show_seconds("at a camera", [answer.seconds for answer in passed if answer.seconds]),
        ("server", "processor time, s for each person", f"{morning.processor / max(1, len(morning.answers)):.2f}"),
        ("", "killed", morning.kills),
        ("", "requests that a client sent again", sum(answer.retries for answer in morning.answers)),
        ("ledger", "answered punches that are lost, people with two, other faults", len(faults)),
    ]
    return table("a morning at a door", ("what", "", "number"), [*rows, *(("", fault, "") for fault in faults)])


def _show_seconds(place: str, seconds: list[float]) -> list[tuple[str, str, str]]:
    if not seconds:
        return []
    p50, p95 = np.percentile(seconds, [50, 95])
    return [("from face to name", f"{place}: median, p95, longest, s", f"{p50:.2f} {p95:.2f} {max(seconds):.2f}")]


def _show(count: int, of: int) -> str:
    low, high = wilson(count, of)
    return f"{low:.4f} to {high:.4f}"


if __name__ == "__main__":
    main()
