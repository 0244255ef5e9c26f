"""Attempts that each device refused on a day, what is settled, and what retention removes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from sqlalchemy import insert, select

from visavis.attendance.kiosk.refusals import RefusalKind, record_refusal
from visavis.attendance.kiosk.refused_days import UNKNOWN, find_newest, list_refused, remove_refusals, settle_refused
from visavis.attendance.site import Site
from visavis.attendance.tables import KIOSK_REFUSALS, SETTLED_REFUSALS
from visavis.errors import UnknownNameError
from visavis.server.pages.catalogs import read_catalog
from visavis.sql_database import write_time

MONDAY = date(2024, 3, 4)


def at(clock: str) -> datetime:
    """Return a time of Monday in Berlin, where it is 1:00 later than in UTC."""
    return datetime.fromisoformat(f"{MONDAY} {clock}+01:00")


def refuse(site: Site, *rows: tuple[str, str, datetime]) -> None:
    with site.database.write() as conn:
        for number, (device, kind, time) in enumerate(rows):
            values = {"attempt": f"{number} {time}", "kind": kind, "kiosk": device, "number_mark": None}
            conn.execute(insert(KIOSK_REFUSALS).values(at=write_time(time.astimezone(UTC)), **values))


def test_refusals_are_counted_by_device_on_the_day_of_the_place(site: Site) -> None:
    refuse(
        site,
        ("door", "stranger", at("00:30")),  # 23:30 of Sunday in UTC
        ("door", "stranger", at("09:00")),
        ("door", "attack", at("09:01")),
        ("gate", "wrong_pin", at("23:30")),
        ("door", "stranger", at("23:59") + timedelta(minutes=2)),
    )
    door, gate = list_refused(site, MONDAY)
    assert (door.device, door.counts, door.unknown) == ("door", {"attack": 1, "stranger": 2}, 2)
    assert (f"{door.first:%H:%M}", f"{door.last:%H:%M}") == ("00:30", "09:01")
    assert (gate.device, gate.counts, gate.unknown) == ("gate", {"wrong_pin": 1}, 0)
    assert [each.counts for each in list_refused(site, MONDAY + timedelta(1))] == [{"stranger": 1}]


def test_what_comes_after_the_settled_time_is_open(site: Site) -> None:
    refuse(
        site, ("door", "stranger", at("09:00")), ("door", "stranger", at("10:00")), ("gate", "stranger", at("09:00"))
    )
    settled = settle_refused(site, MONDAY, "door", until=at("09:30"), actor="ann")
    assert (settled.counts, settled.open_counts, settled.settled_by) == ({"stranger": 2}, {"stranger": 1}, "ann")
    settled = settle_refused(site, MONDAY, "door", until=at("23:00"), actor="bob")
    assert (settled.unknown, settled.settled_by) == (0, "bob")
    again = settle_refused(site, MONDAY, "door", until=at("09:30"), actor="cid")  # an older page: nothing is open again
    assert (again.unknown, again.settled_by) == (0, "bob")
    assert [each.unknown for each in list_refused(site, MONDAY)] == [0, 1]


def test_a_refusal_that_comes_late_is_not_settled(site: Site) -> None:
    """A camera, or frames that waited, while the page showed a later one."""
    refuse(site, *(("door", "stranger", at(clock)) for clock in ("08:00", "09:00")), ("gate", "stranger", at("09:00")))
    for device in ("door", "gate"):
        settle_refused(site, MONDAY, device, until=at("09:00"), actor="ann")
    for _ in range(2):
        record_refusal(site, "late", "stranger", kiosk="door", at=at("08:30").astimezone(UTC))
    assert [each.unknown for each in list_refused(site, MONDAY)] == [2, 0]
    settle_refused(site, MONDAY, "door", until=at("09:00"), actor="ann")
    record_refusal(site, "late", "stranger", kiosk="door", at=at("08:30").astimezone(UTC))  # sent again
    assert [each.unknown for each in list_refused(site, MONDAY)] == [0, 0]


def test_each_kind_of_refusal_has_its_words_on_the_page() -> None:
    kinds = get_args(RefusalKind)
    assert UNKNOWN in kinds
    assert {f"attendance_today.refused_{kind}" for kind in kinds} <= read_catalog("en").keys()


def test_nothing_can_be_settled_where_nothing_was_refused(site: Site) -> None:
    refuse(site, ("door", "stranger", at("09:00")))
    for device, until in (("gate", at("23:00")), ("door", at("08:59"))):
        with pytest.raises(UnknownNameError, match="has refused no attempt on 2024-03-04"):
            settle_refused(site, MONDAY, device, until=until, actor="ann")


def test_the_newest_changes_with_each_refusal_and_settlement(site: Site) -> None:
    states = []
    for change in (
        lambda: None,
        lambda: refuse(site, ("door", "stranger", at("09:00"))),
        lambda: settle_refused(site, MONDAY, "door", until=at("09:00"), actor="ann"),
    ):
        change()
        with site.database.read() as conn:
            states.append(find_newest(conn))
    assert len({*states}) == 3
    assert states[0] == ("", "")


def test_retention_removes_refusals_with_what_settles_them(site: Site) -> None:
    refuse(site, ("door", "stranger", at("09:00")), ("door", "stranger", at("12:00")))
    settle_refused(site, MONDAY, "door", until=at("09:00"), actor="ann")
    with site.database.write() as conn:
        remove_refusals(conn, at("10:00"))
        assert conn.execute(select(SETTLED_REFUSALS)).all() == []
    (day,) = list_refused(site, MONDAY)
    assert (day.counts, day.settled_by) == ({"stranger": 1}, "")
