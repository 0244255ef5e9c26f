"""Replay shows the days that new rules change, and no others; explanations name punches and rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from visavis.attendance.days.compute import compute_days
from visavis.attendance.days.explain import DEDUCTIONS, NOTES, explain
from visavis.attendance.days.many import Recorded, compute_many, replay
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.types import Employee

from .clock import ANN, OFFICE, compute, leave, office, punches, rules

BEN = Employee("8", "Ben")
MONTH = date(2026, 3, 1), date(2026, 3, 31)


def test_replay_lists_the_days_that_change() -> None:
    """Ann arrives 8:12 on Monday and 8:05 on Tuesday; a grace of 10 minutes changes Tuesday alone."""
    recorded = Recorded((ANN, BEN), tuple(punches("08:12 17:00 +1 08:05 +1 17:00")))
    changes = list(replay(recorded, Planner(rules()), Planner(rules(office("grace_late = 10"))), *MONTH))
    assert [(change.employee, str(change.day), change.fields) for change in changes] == [("7", "2026-03-03", ("late",))]
    assert (changes[0].before.late, changes[0].after.late) == (5, 0)


def test_replay_with_the_same_rules_changes_nothing() -> None:
    recorded = Recorded((ANN, BEN), tuple(punches("08:12 17:00 +1 08:05")), (leave("sick"),))
    assert list(replay(recorded, Planner(rules()), Planner(rules()), *MONTH)) == []


def test_replay_of_another_shift_changes_each_workday() -> None:
    early = rules(OFFICE.replace('end = "17:00"', 'end = "16:00"'))
    changes = list(replay(Recorded((BEN,), ()), Planner(rules()), Planner(early), *MONTH))
    assert len(changes) == 22  # workdays of March 2026
    assert {change.fields for change in changes} == {("planned",)}  # absent under both; 8:00 and 7:00 are planned


def test_days_of_many_employees() -> None:
    recorded = Recorded((BEN, ANN), tuple(punches("08:00 17:00")))
    answers = list(compute_many(recorded, Planner(rules()), *MONTH))
    assert [answer.employee.number for answer in answers] == ["8", "7"]
    assert [len(answer.days) for answer in answers] == [31, 31]
    assert [sum(day.present for day in answer.days) for answer in answers] == [0, 1]


def test_an_explanation_has_the_punches_the_rule_and_the_sum() -> None:
    assert explain(compute("08:12 12:05 12:50 17:03 19:00", rules())) == [
        "2026-03-02 7: present 7:51 (workday, rules from 2020-01-01)",
        "office 08:00 to 17:00: 8:00 planned",
        "  08:12 (p0) to 12:05 (p1): 3:53",
        "  12:50 (p2) to 17:03 (p3): 4:13",
        "  worked in a fixed break: -0:15",
        "  worked: 7:51",
        "  late: 0:12",
        "outside of every shift: p4",
        "A punch is outside of the time of every shift.",
    ]


def test_an_explanation_of_leave_overtime_and_missing_punches() -> None:
    by = rules(office("auto_checkout = 0"), version="[versions.overtime.off]\nfactor = 2")
    assert explain(compute("", by, leaves=[leave("vacation")]))[2:] == ["the day is leave (vacation): 8:00 credited"]
    assert explain(compute("08:00", by))[2] == "  08:00 (p0) to 17:00 (automatic): 9:00"
    saturday = compute("08:00 12:00 13:00", by, day=date(2026, 3, 7))
    assert explain(saturday) == [
        "2026-03-07 7: off 4:00 (off, rules from 2020-01-01)",
        "  08:00 (p0) to 12:00 (p1): 4:00",
        "  worked: 4:00",
        "  without the other punch of its pair: p2",
        "overtime that counts: 4:00",
        "An arrival has no departure: a punch is missing.",
    ]


def test_each_note_and_deduction_has_words() -> None:
    from typing import get_args

    from visavis.attendance.days.types import DeductionReason, Note

    assert (set(NOTES), set(DEDUCTIONS)) == (set(get_args(Note)), set(get_args(DeductionReason)))


def test_days_of_many_are_those_of_each_alone() -> None:
    """Employees who join and leave near the days, and others of the same and of another department."""
    by = rules(more='[[assignments]]\nshifts = ["office"]\ndepartments = ["Plant"]')
    days = [None, *(date(2026, 3, day) for day in (1, 2, 3, 6, 9, 10, 11, 12))]
    employees = tuple(
        Employee(f"{number}/{department}", "Eve", department, joined=joined, left=left)
        for number, (joined, left) in enumerate((first, last) for first in days for last in (None, first, days[-2]))
        for department in ("Sales", "Plant")
    )
    made = [
        replace(punch, id=f"{employee.number} {punch.id}", employee=employee.number)
        for employee in employees
        for punch in punches("08:12 17:00 +1 08:05 +5 17:00 +1 08:00 12:00 13:00 17:00")
    ]
    first, last = date(2026, 3, 5), date(2026, 3, 9)
    for entry in compute_many(Recorded(employees, tuple(made)), Planner(by), first, last):
        alone = compute_days(entry.employee, first, last, made, Planner(by))
        assert entry.days == alone
        assert [day.kind == "not_employed" for day in alone] == [
            (entry.employee.joined or first) > day.day or (entry.employee.left or last) < day.day for day in alone
        ]
