"""What a site keeps no longer is removed, and its days are not taken for days without punches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from attendance.conftest import ANN, ZONE, punch
from visavis.attendance.reports.source import compute_site_days
from visavis.attendance.reports.tables import REPORTS, day_report
from visavis.attendance.rights import apply_retention
from visavis.attendance.rules.read import read_rules
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.settings import FILE, SiteSettings
from visavis.attendance.site import Site
from visavis.errors import GalleryError
from visavis.gallery import Gallery, Template
from visavis.gallery.person_records import list_kept_crops
from visavis.gallery.types import FaceCrop
from visavis.server import retention
from visavis.server.config import ServerConfig
from visavis.types import Quality
from visavis.videos.strangers import Strangers, list_strangers

RULES = """
[[versions]]
from = 2020-01-01
shifts.day = { start = "08:00", end = "16:00", half_day_below = "4:00" }
[[assignments]]
shifts = ["day"]
"""
TODAY = datetime.now(UTC).date()
EMBEDDING = np.eye(128, dtype=np.float32)
GOOD = Quality(0.9, *[0.99] * 10)


def limit(folder: Path, **days: int) -> None:
    """Set days of [retention] in site.toml."""
    path = folder / FILE
    text = path.read_text(encoding="utf-8")
    for name, value in days.items():
        lines = [f"{name}_days = {value}" if line.startswith(f"{name}_days") else line for line in text.splitlines()]
        text = "\n".join(lines) + "\n"
    path.write_text(text, encoding="utf-8")


def days_of(folder: Path, first: date, last: date) -> list[str]:
    with Site(folder) as site:
        planner = Planner(read_rules(site.rules_path, zone=site.zone))
        (entry,) = compute_site_days(site, planner, first, last, employees=["1"])
    return [day.status for day in entry.days]


def at(days_ago: int, hour: int) -> str:
    return f"{TODAY - timedelta(days_ago)}T{hour:02}:00:00+00:00"


def test_a_day_of_erased_punches_is_not_absence(file_site: Site) -> None:
    """Ann was there 120 and 50 days ago; what is older than 100 days is erased, and then the limit is raised."""
    folder = file_site.folder
    file_site.rules_path.write_text(RULES, encoding="utf-8")
    numbered = enumerate([(120, 8), (120, 15), (50, 8), (50, 15)])
    file_site.ledger.add([punch(number, "1", at(*time)) for number, time in numbered], actor="gate")
    old, recent = TODAY - timedelta(120), TODAY - timedelta(50)
    assert (days_of(folder, old, old), days_of(folder, recent, recent)) == (["present"], ["present"])
    for kept in (100, 300, 0):
        limit(folder, punches=kept)
        with Site(folder) as site:
            assert apply_retention(site, actor="job").records == (2 if kept == 100 else 0)
            assert site.verify() == []
        assert days_of(folder, old, old + timedelta(1)) == ["erased", "erased"]
        with Site(folder) as site:
            before = site.erased_before()
        assert before is not None
        edge = before.astimezone(ZoneInfo(ZONE)).date()  # at night not that of UTC
        assert edge - (TODAY - timedelta(100)) <= timedelta(1)
        assert days_of(folder, edge - timedelta(2), edge + timedelta(3))[0] == "erased"
        assert days_of(folder, edge + timedelta(2), edge + timedelta(3)) == ["absent", "absent"]
        assert days_of(folder, recent, recent) == ["present"]


def test_where_nothing_was_erased_a_day_without_punches_is_absence(file_site: Site) -> None:
    file_site.rules_path.write_text(RULES, encoding="utf-8")
    limit(file_site.folder, punches=100)
    with Site(file_site.folder) as site:
        assert (apply_retention(site, actor="job").records, site.erased_before()) == (0, None)
    old = TODAY - timedelta(120)
    assert days_of(file_site.folder, old, old) == ["absent"]


def test_a_time_that_was_changed_by_hand_is_found(file_site: Site) -> None:
    file_site.ledger.add([punch(1, "1", at(120, 8))], actor="gate")
    limit(file_site.folder, punches=100)
    with Site(file_site.folder) as site:
        apply_retention(site, actor="job")
        with site.database.write() as conn:
            conn.exec_driver_sql("UPDATE attendance_erased SET before = '2020-01-01T00:00:00.000000+00:00'")
        assert [fault.message for fault in site.verify()] == [
            "row 'punches' of attendance_erased was changed by another program than visavis."
        ]


def test_reports_show_no_totals_of_erased_days(file_site: Site) -> None:
    file_site.rules_path.write_text(RULES, encoding="utf-8")
    file_site.ledger.add([punch(hour, "1", at(120, hour)) for hour in (8, 15)], actor="gate")
    limit(file_site.folder, punches=100)
    first = (TODAY - timedelta(120)).replace(day=1)
    last = TODAY - timedelta(110)
    with Site(file_site.folder) as site:
        apply_retention(site, actor="job")
        rules = read_rules(site.rules_path, zone=site.zone)
        people = compute_site_days(site, Planner(rules), first, last)
        day = compute_site_days(site, Planner(rules), last, last)
    month = REPORTS["month"](people, rules, {})
    ann = month.records()[0]
    assert (ann[f"{first}"], ann["present"], ann["absent"], ann["worked"]) == ("E", None, None, None)
    assert "E erased" in month.legend[1]
    assert {row["absent"] for row in REPORTS["departments"](people, rules, {}).records()} == {None}
    assert {row["overtime"] for row in REPORTS["overtime"](people, rules, {}).records()} == {None}
    row = day_report(day, last).records()[0]
    assert (row["status"], row["code"], row["notes"]) == ("erased", "E", "erased")


@pytest.fixture
def with_gallery(tmp_path: Path) -> Site:
    """A site whose gallery keeps crops: one of Ann, one of a stranger."""
    site = Site.create(tmp_path / "site", SiteSettings("Berlin", ZONE, gallery="sqlite:///faces.db"))
    site.put_employees([replace(ANN, person_id=1)], actor="tester")
    crop = FaceCrop(b"a picture", np.zeros(4, np.float32), np.zeros((5, 2), np.float32))
    with Gallery(site.folder / "faces.db", model="sface") as gallery:
        gallery.keep_crops(True)
        gallery.add("Ann", [Template(EMBEDDING[0], crop=crop)])
        strangers = Strangers(gallery, days=36_500, fpir=0.01, threshold=0.4)
        month_ago = datetime.now(UTC) - timedelta(days=31)
        strangers.remember(EMBEDDING[1], GOOD, number=None, camera="door", seconds=0, at=month_ago)
    return site


def make_older(site: Site, days: int) -> None:
    """Let all faces of the gallery have been added some days ago."""
    created = (datetime.now(UTC) - timedelta(days)).isoformat(timespec="seconds")
    with Gallery(site.folder / "faces.db", create=False) as gallery, gallery.opened.database.write() as conn:
        conn.exec_driver_sql(f"UPDATE templates SET created = '{created}'")


def test_pictures_and_strangers_are_removed(with_gallery: Site) -> None:
    make_older(with_gallery, 40)
    removed = apply_retention(with_gallery, actor="job")
    assert (removed.pictures, removed.strangers) == (None, None)  # no limit is set
    limit(with_gallery.folder, pictures=41, strangers=32)
    with Site(with_gallery.folder) as site:
        removed = apply_retention(site, actor="job")
        assert (removed.pictures, removed.strangers) == (0, 0)
    limit(with_gallery.folder, pictures=39, strangers=30)
    with Site(with_gallery.folder) as site:
        removed = apply_retention(site, actor="job")
    assert (removed.pictures, removed.strangers) == (1, 1)
    with Gallery(with_gallery.folder / "faces.db", create=False) as gallery:
        assert (list_strangers(gallery), list_kept_crops(gallery.opened, 1)) == ([], set())
        (match,) = gallery.identify_embeddings(EMBEDDING[:1], threshold=0.4)
        assert match.name == "Ann"  # the template stays
        entry = gallery.audit()[-1]
        assert (entry.action, entry.actor, "1 crops from before" in entry.detail) == ("keep crops", "job", True)
    stored = (with_gallery.folder / "faces.db").read_bytes()
    assert b"a picture" not in stored


def test_punches_are_erased_although_the_gallery_is_away(with_gallery: Site) -> None:
    with_gallery.ledger.add([punch(1, "1", at(120, 8))], actor="gate")
    limit(with_gallery.folder, punches=100, pictures=1)
    (with_gallery.folder / "faces.db").rename(with_gallery.folder / "away.db")
    with Site(with_gallery.folder) as site:
        with pytest.raises(GalleryError):
            apply_retention(site, actor="job")
        assert site.punches() == []


def test_the_server_removes_it_too(
    new_site: Callable[[str], Site], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = new_site("sqlite:///attendance.db")
    site.ledger.add([punch(1, "1", at(120, 8))], actor="gate")
    limit(site.folder, punches=100)
    state = f"sqlite:///{tmp_path / 'server.db'}"
    config = ServerConfig(state=state, attendance_site=site.folder)
    stopping = threading.Event()
    thread = threading.Thread(target=retention.tidy_events, args=(config, stopping))
    with caplog.at_level(logging.INFO, "visavis.server"):
        thread.start()
        try:
            deadline = monotonic() + 60
            while "attendance site" not in caplog.text and monotonic() < deadline:
                sleep(0.02)
        finally:
            stopping.set()
            thread.join(60)
    assert "attendance site: 1 records removed" in caplog.text
    assert site.punches() == []
    assert site.ledger.history()[-1].actor == "retention"
