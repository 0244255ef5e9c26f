"""Late arrivals that are accepted: kept with the reason, in the ledger, and erased with the employee."""

from __future__ import annotations

from datetime import date

import pytest

from visavis.attendance.excuses import excuse_late, read_excuses
from visavis.attendance.rights import erase
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Excuse
from visavis.errors import UnknownNameError, UsageError

MONDAY = date(2024, 3, 4)
ANN = Employee("1", "Ann", "Office")


def accept(site: Site, number: str = "1", *, minutes: int = 12, reason: str = "snow") -> Excuse:
    with site.ledger.write(actor="boss") as writer:
        return excuse_late(writer, number, MONDAY, minutes=minutes, reason=reason)


def read(site: Site, day: date = MONDAY) -> dict[str, Excuse]:
    with site.database.read() as conn:
        return read_excuses(conn, day)


def test_an_excuse_is_kept_with_its_reason_in_the_ledger(site: Site) -> None:
    site.put_employees([ANN], actor="test")
    accept(site)
    assert read(site) == {"1": Excuse("1", MONDAY, 12, "snow", "boss")}
    assert read(site, date(2024, 3, 5)) == {}
    newest = site.ledger.history(employee="1")[-1]
    assert (newest.actor, newest.reason) == ("boss", "snow")
    assert newest.detail is not None
    assert newest.detail["action"] == "excuse late arrival"
    accept(site, minutes=20, reason="snow and ice")
    assert [(each.minutes, each.reason) for each in read(site).values()] == [(20, "snow and ice")]
    assert site.verify() == []


def test_an_excuse_needs_a_late_arrival_and_a_reason(site: Site) -> None:
    site.put_employees([ANN], actor="test")
    with pytest.raises(UsageError, match="was not late on 2024-03-04"):
        accept(site, minutes=0)
    with pytest.raises(UsageError, match="needs a reason"):
        accept(site, reason=" ")
    with pytest.raises(UnknownNameError):
        accept(site, "99")
    assert read(site) == {}


def test_excuses_are_erased_with_the_employee(file_site: Site) -> None:
    file_site.put_employees([ANN], actor="test")
    accept(file_site)
    erase(file_site, "1", actor="test", reason="asked for")
    assert read(file_site) == {}
    assert file_site.verify() == []


def test_an_excuse_that_was_changed_by_hand_is_found(file_site: Site) -> None:
    file_site.put_employees([ANN], actor="test")
    accept(file_site)
    with file_site.database.write() as conn:
        conn.exec_driver_sql("UPDATE attendance_excuses SET minutes = 500")
    assert "was changed by another program" in str(file_site.verify())
