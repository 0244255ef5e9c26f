"""The day bar and the reasons of figures, of days whose shifts and punches are written as short as a time sheet."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from attendance.days.clock import ANN, MONDAY, NIGHT, office, punches, rules
from visavis.attendance.days.compute import compute_days
from visavis.attendance.days.erased import mark_erased
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.rules.types import Rules
from visavis.server.pages.attendance_days import PersonDays
from visavis.server.pages.catalogs import LANGUAGES, read_catalog
from visavis.server.pages.day_bar import DayBar
from visavis.server.pages.day_reasons import explain_figures, explain_status

DAYS = timedelta(1)
LATER = datetime.fromisoformat("2030-01-01T00:00+00:00")
FORWARD, BACK = date(2026, 3, 29), date(2026, 10, 25)
"""Sundays on which the clocks of Berlin change."""


def read(text: str, by: Rules, day: date = MONDAY, now: datetime = LATER) -> PersonDays:
    own, planner = punches(text, day=day), Planner(by)
    days = compute_days(ANN, day - DAYS, day + DAYS, own, planner, now=now)
    return PersonDays(ANN, day, day, {each.day: each for each in days}, own, (), planner)


def bar(text: str, by: Rules, day: date = MONDAY, now: datetime = LATER) -> DayBar:
    return read(text, by, day, now).bar(day, now)


def spans(drawn: DayBar, kind: str) -> list[tuple[float, float, bool]]:
    return [(span.x, span.width, span.is_other_day) for span in drawn.spans if span.kind == kind]


def reasons(text: str, by: Rules, day: date = MONDAY) -> dict[str, list[str]]:
    """Return the English reasons of each figure, and of the status."""
    person, catalog = read(text, by, day), read_catalog("en")
    computed, plan = person.days[day], person.plan(day)
    listed = {figure.name: figure.reasons for figure in explain_figures(computed, plan, person.punches)}
    listed["status"] = tuple(explain_status(computed, plan))
    return {
        name: [catalog[f"attendance.{reason.key}"].format(**reason.values) for reason in listed_reasons]
        for name, listed_reasons in listed.items()
    }


def test_a_day_has_its_shift_break_and_work_in_percent_of_24_hours() -> None:
    drawn = bar("06:00 18:00", rules(office("grace_late = 72", "grace_early = 36", "window_before = 180")))
    assert (drawn.minutes, drawn.comes_from, drawn.goes_on, drawn.now) == (1440, False, False, None)
    assert spans(drawn, "shift") == [(33.33, 37.5, False)]  # 8 to 17 of 24
    assert spans(drawn, "grace") == [(33.33, 5.0, False), (68.33, 2.5, False)]
    assert spans(drawn, "break") == [(50.0, 4.17, False)]
    assert spans(drawn, "work") == [(25.0, 50.0, False)]
    assert [(mark.kind, mark.x, mark.at) for mark in drawn.marks] == [
        ("arrival", 25.0, "06:00"),
        ("departure", 75.0, "18:00"),
    ]
    assert drawn.hours == ((0.0, 0), (12.5, 3), (25.0, 6), (37.5, 9), (50.0, 12), (62.5, 15), (75.0, 18), (87.5, 21),
                           (100.0, 24))  # fmt: skip


def test_a_night_goes_on_in_the_bar_of_the_next_day() -> None:
    by = rules(NIGHT, assign='shifts = ["night"]')
    person = read("22:00 +1 06:00", by)
    first, second = person.bar(MONDAY, LATER), person.bar(MONDAY + DAYS, LATER)
    assert (first.comes_from, first.goes_on, second.comes_from, second.goes_on) == (True, True, True, True)
    assert spans(first, "shift") == [(0.0, 25.0, True), (91.67, 8.33, False)]
    assert spans(first, "work") == [(91.67, 8.33, False)]
    assert spans(second, "work") == [(0.0, 25.0, True)]
    assert [(mark.kind, mark.x) for mark in first.marks] == [("arrival", 91.67)]
    assert [(mark.kind, mark.x) for mark in second.marks] == [("departure", 25.0)]


@pytest.mark.parametrize(("day", "minutes", "six"), [(FORWARD, 1380, 21.74), (BACK, 1500, 28.0)])
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(day: date, minutes: int, six: float) -> None:
    """6:00 is 5 of 23 hours, and 7 of 25."""
    drawn = bar("06:00 12:00", rules(assign='shifts = ["office"]'), day)
    assert (drawn.minutes, {hour: x for x, hour in drawn.hours}[6], drawn.marks[0].x) == (minutes, six, six)
    assert (drawn.hours[0], drawn.hours[-1]) == ((0.0, 0), (100.0, 24))


def test_each_punch_shows_what_it_counts_as() -> None:
    by = rules(office("window_before = 60", "window_after = 60"), version="cooldown = 120")
    drawn = bar("03:00 08:00 08:01 12:00 13:00", by)
    kinds = {mark.at: mark.kind for mark in drawn.marks}
    assert kinds == {
        "03:00": "outside", "08:00": "arrival", "08:01": "double", "12:00": "departure", "13:00": "unpaired"
    }  # fmt: skip


def test_an_arrival_of_today_is_open_until_the_departure() -> None:
    now = datetime.fromisoformat("2026-03-02T12:00+01:00")
    drawn = bar("08:00", rules(), now=now)
    assert ([mark.kind for mark in drawn.marks], drawn.now) == (["open"], 50.0)


def test_the_reasons_of_an_office_day_name_punches_rule_and_sums() -> None:
    by = rules(
        office("grace_late = 5", 'half_day_below = "4:00"', 'absent_below = "1:00"'),
        version='[versions.overtime]\nworkday = { least = 15, most = "2:00", factor = 1.25 }',
    )
    explained = reasons("08:20 18:00", by)
    assert explained["worked"] == [
        "Rule: punches are arrival and departure in turn.",
        "08:20 to 18:00: 9:40",
        "Worked in a fixed break: -1:00",
        "Together: 8:40",
    ]
    assert explained["planned"] == ["Shift office from 08:00 to 17:00, less 1:00 of breaks: 8:00"]
    assert explained["late"] == [
        "Shift office: expected at 08:00, punched at 08:20: 0:20 late. Up to 0:05 is no lateness."
    ]
    assert explained["overtime"] == [
        "8:40 worked less 8:00 planned: 0:40",
        "Less than 0:15 would not count.",
        "At most 2:00 a day count.",
        "Payroll multiplies it by 1.25.",
    ]
    assert explained["status"] == [
        "Shift office: under 4:00 is half a day, under 1:00 is absent.",
        "The rules from 2020-01-01 apply.",
    ]


def test_the_reasons_of_leaving_early_and_of_a_day_off() -> None:
    assert reasons("08:00 16:00", rules())["early"] == [
        "Shift office: expected until 17:00, punched at 16:00: 1:00 early. Up to 0:00 is not early."
    ]
    free = reasons("", rules(), date(2026, 3, 1))
    assert free["status"][0] == "The rules have a day off."
    assert free["worked"] == ["No arrival with a departure: nothing is counted."]


def test_a_day_of_erased_punches_has_no_figures_and_says_why() -> None:
    person = read("08:00 17:00", rules())
    (erased,) = mark_erased([person.days[MONDAY]], LATER, person.planner.rules.zone)
    assert explain_figures(erased, person.plan(MONDAY), person.punches) == []
    assert [reason.key for reason in explain_status(erased, person.plan(MONDAY))] == ["note_erased", "why_rules"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_the_rules_has_a_text_in_each_language(language: str) -> None:
    from typing import get_args

    from visavis.attendance.days.types import CODES, DeductionReason, Note
    from visavis.attendance.reports.tables import DAY, PERSON, TOTALS
    from visavis.attendance.rules.types import DirectionRule

    catalog = read_catalog(language)
    keys = {f"note_{note}" for note in get_args(Note)} | {f"short_{note}" for note in get_args(Note)}
    keys |= {f"deduction_{reason}" for reason in get_args(DeductionReason)} | {f"status_{name}" for name in CODES}
    keys |= {f"why_{rule}" for rule in get_args(DirectionRule)} | {f"column_{name}" for name in TOTALS}
    keys |= {f"column_{column.key}" for column in (*PERSON, *DAY)}
    assert {key for key in keys if f"attendance.{key}" not in catalog} == set()
