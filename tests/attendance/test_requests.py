"""What employees ask for is decided by a manager of the department, and done in the same transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from attendance.conftest import ANN, EVE, punch
from visavis.attendance.requests import read_requests, withdraw_request
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Leave, StaffRequest
from visavis.errors import UnknownNameError, UsageError

MORNING = punch(1, "2", "2026-03-02T08:00:00+01:00", "in")
LEAVE = {"kind": "vacation", "first": "2026-03-09", "last": "2026-03-11", "part": "whole"}
MISSING = {"at": "2026-03-02T16:00:00+00:00", "direction": "out"}


def approve(site: Site, request: StaffRequest, *, manager: str | None = "1", reason: str = "") -> StaffRequest:
    return site.decide(request.id, approve=True, actor="Ann", manager=manager, reason=reason)


def test_leave_counts_from_its_approval_on(site: Site) -> None:
    request = site.request("2", "leave", LEAVE, reason="a wedding", actor="Ben")
    assert (request.state, request.created_by, site.leaves()) == ("pending", "Ben", [])
    decided = approve(site, request, reason="enjoy it")
    assert (decided.state, decided.decided_by, decided.decision) == ("approved", "Ann", "enjoy it")
    (leave,) = site.leaves()
    assert leave == Leave(leave.id, "2", "vacation", date(2026, 3, 9), date(2026, 3, 11))
    days = [(8, 8, 0), (8, 9, 1), (10, 10, 1), (11, 12, 1), (12, 12, 0)]
    counts = [len(site.leaves(date(2026, 3, first), date(2026, 3, last))) for first, last, _ in days]
    assert counts == [count for *_, count in days]
    assert (len(site.leaves(employees=["2"])), site.leaves(employees=["1"])) == (1, [])
    with site.database.read() as conn:
        assert (read_requests(conn), read_requests(conn, pending=True)) == ([decided], [])
    assert site.verify() == []


def test_a_missing_punch_a_correction_and_a_void_punch(site: Site) -> None:
    site.ledger.add([MORNING, punch(2, "2", "2026-03-02T12:00:00+01:00")], actor="gate")
    for kind, content in (
        ("punch", MISSING),
        ("correction", {"punch_id": "p1", "at": "2026-03-02T06:30:00+00:00", "direction": None}),
        ("void", {"punch_id": "p2"}),
    ):
        approve(site, site.request("2", kind, content, reason=f"a {kind}", actor="Ben"))  # type: ignore[arg-type]
    corrected, added = site.punches()
    assert (corrected.id, corrected.at.isoformat(), corrected.direction) == ("p1", "2026-03-02T07:30:00+01:00", "in")
    assert (added.at.isoformat(), added.direction, added.method) == (
        "2026-03-02T17:00:00+01:00",
        "out",
        "administrator",
    )
    newest = [record for record in site.ledger.history(employee="2") if record.kind != "event"][-3:]
    assert [(record.kind, record.actor, record.reason.partition(": ")[2]) for record in newest] == [
        ("punch", "Ann", "a punch"), ("correction", "Ann", "a correction"), ("void", "Ann", "a void"),
    ]  # fmt: skip


def test_what_is_approved_gets_an_id_that_nothing_else_has(site: Site) -> None:
    """Neither a punch whose id a client chose, nor the same request at another site that sends to the same system."""
    asked = site.request("2", "punch", MISSING, reason="forgot", actor="Ben")
    leave = site.request("2", "leave", LEAVE, reason="a wedding", actor="Ben")
    other = replace(MORNING, id=f"request-{asked.id}")
    site.ledger.add([other], actor="gate")
    site.add_leave(Leave(f"request-{leave.id}", "3", "sick", date(2026, 3, 2), date(2026, 3, 2)), actor="desk")
    approve(site, asked)
    approve(site, leave)
    punches, leaves = site.punches(employees=["2"]), site.leaves()
    assert (len(punches), punches[0], punches[1].direction) == (2, other, "out")
    assert [(each.employee, each.kind) for each in leaves] == [("3", "sick"), ("2", "vacation")]
    guessable = {f"request-{asked.id}", f"request-{leave.id}"}
    assert not guessable & {punches[1].id, leaves[1].id}
    assert site.verify() == []


def test_what_is_declined_or_withdrawn_is_not_done(site: Site) -> None:
    declined = site.request("2", "leave", LEAVE, reason="a wedding", actor="Ben")
    assert site.decide(declined.id, approve=False, actor="Ann", manager="1", reason="fair week").state == "declined"
    withdrawn = site.request("2", "punch", MISSING, reason="forgot", actor="Ben")
    with site.ledger.write(actor="Ben") as writer:
        assert withdraw_request(writer, withdrawn.id).state == "withdrawn"
    assert (site.leaves(), site.punches()) == ([], [])
    for request, word in ((declined, "declined by Ann"), (withdrawn, "withdrawn by Ben")):
        with pytest.raises(UsageError, match=f"was {word} already"):
            approve(site, request)


def test_only_a_manager_of_the_department_decides(file_site: Site) -> None:
    own = file_site.request("1", "leave", LEAVE, reason="rest", actor="Ann")
    plant = file_site.request("3", "leave", LEAVE, reason="rest", actor="Eve")
    sales = file_site.request("2", "leave", LEAVE, reason="rest", actor="Ben")
    for request, manager, message in (
        (own, "1", "employees do not decide on their own requests"),
        (plant, "1", "'1' does not manage the department 'Plant'"),
        (sales, "3", "'3' does not manage the department 'Sales'"),
        (sales, "9", "there is no employee '9'"),
    ):
        with pytest.raises(UsageError, match=message):
            approve(file_site, request, manager=manager)
    assert file_site.leaves() == []
    with file_site.database.read() as conn:
        assert [each.id for each in read_requests(conn, manager="1")] == [sales.id]
        assert [each.id for each in read_requests(conn, employee="3")] == [plant.id]
    assert approve(file_site, plant, manager=None).state == "approved"  # an administrator


def test_no_manager_has_employees_without_a_department(file_site: Site) -> None:
    file_site.put_employees([Employee("4", "Zoe"), Employee("1", "Ann", "Sales", manages=("", "Sales"))], actor="x")
    request = file_site.request("4", "leave", LEAVE, reason="rest", actor="Zoe")
    with pytest.raises(UsageError, match="does not manage the department ''"):
        approve(file_site, request)


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("leave", {**LEAVE, "last": "2026-03-08"}, "leave ends on 2026-03-08, before it begins on 2026-03-09"),
        ("leave", {**LEAVE, "kind": " "}, "leave needs a kind"),
        ("leave", {**LEAVE, "part": "third"}, "the part of a day is one of"),
        ("punch", {**MISSING, "at": "2199-03-02T16:00:00+00:00"}, "is in the future"),
        ("punch", {**MISSING, "direction": "up"}, "a direction is one of"),
        ("correction", {"punch_id": "p3", "at": None, "direction": "out"}, "punch p3 is of another employee"),
        ("void", {"punch_id": "p9"}, "there is no punch 'p9'"),
    ],
)
def test_what_cannot_be_approved_cannot_be_asked_for(
    file_site: Site, kind: str, content: dict[str, object], message: str
) -> None:
    file_site.ledger.add([MORNING, punch(3, "1", "2026-03-02T08:00:00+01:00")], actor="gate")
    with pytest.raises(UsageError, match=message):
        file_site.request("2", kind, content, reason="please", actor="Ben")  # type: ignore[arg-type]
    with file_site.database.read() as conn:
        assert read_requests(conn) == []


def test_leave_does_not_overlap(file_site: Site) -> None:
    morning = {**LEAVE, "last": "2026-03-09", "part": "first_half"}
    approve(file_site, file_site.request("2", "leave", morning, reason="dentist", actor="Ben"))
    with pytest.raises(UsageError, match="has vacation from 2026-03-09 to 2026-03-09 already"):
        file_site.request("2", "leave", LEAVE, reason="a wedding", actor="Ben")
    afternoon = file_site.request("2", "leave", {**morning, "part": "second_half"}, reason="dentist", actor="Ben")
    again = file_site.request("2", "leave", {**morning, "part": "second_half"}, reason="dentist", actor="Ben")
    approve(file_site, afternoon)
    with pytest.raises(UsageError, match="already"):  # what was right when it was asked for
        approve(file_site, again)
    assert len(file_site.leaves()) == 2


def test_a_request_has_a_reason_and_an_employee(file_site: Site) -> None:
    with pytest.raises(UsageError, match="a request needs a reason"):
        file_site.request("2", "leave", LEAVE, reason=" ", actor="Ben")
    with pytest.raises(UnknownNameError, match="there is no employee '9'"):
        file_site.request("9", "leave", LEAVE, reason="rest", actor="Ben")
    with pytest.raises(UnknownNameError, match="there is no request 'x'"):
        file_site.decide("x", approve=True, actor="Ann")


def test_managers_and_days_of_employment_come_back(file_site: Site) -> None:
    full = Employee("5", "Ünal", "Sales", 7, date(2020, 2, 29), date(2026, 1, 31), ("Plant", "Sales"))
    assert file_site.put_employees([full, ANN, EVE], actor="x") == (1, 0, 2)
    assert file_site.employee("5") == full
    assert [each.number for each in file_site.employees()] == ["1", "2", "3", "5"]
    wrong = Employee("6", "Max", joined=date(2026, 2, 1), left=date(2026, 1, 1))
    with pytest.raises(UsageError, match="left on 2026-01-01, before joining on 2026-02-01"):
        file_site.put_employees([wrong], actor="x")
