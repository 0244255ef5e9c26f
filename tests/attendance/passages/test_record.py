"""Passages in a site: punches once, counts of strangers and tail-gaters, and outages of cameras."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.attendance.consents import give_consent, link_person
from visavis.attendance.kiosk.punches import KioskOrder, record_punch, undo_punch
from visavis.attendance.kiosk.refusals import count_refusals
from visavis.attendance.kiosk.refused_days import list_refused
from visavis.attendance.passages.outages import DoorState, follow_door, make_outage_id
from visavis.attendance.passages.record import record_passage, record_tailgaters
from visavis.attendance.passages.tailgaters import PassageResult, find_tailgaters
from visavis.attendance.passages.types import Passage, PassageOutcome
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Outage

MOMENT = datetime(2026, 3, 2, 7, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return MOMENT + timedelta(seconds=seconds)


def passage(number: int, person: int | None, seconds: float, direction: str = "in", camera: str = "gate") -> Passage:
    return Passage(f"{number:032x}", camera, later(seconds), direction, person, 0.3, 0.99, 0.9)  # type: ignore[arg-type]


def count_by_device(site: Site, day: date) -> dict[str, dict[str, int]]:
    return {refused.device: refused.counts for refused in list_refused(site, day)}


def set_up(site: Site) -> Site:
    """Let Ann (1) and Ben (2) be people 1 and 2 of the gallery; only Ann has given consent."""
    with site.ledger.write(actor="test") as writer:
        give_consent(writer, "1", text_version="2026-01", given=date(2026, 1, 2))
        link_person(writer, "1", 1)
    site.put_employees([replace(site.employee("2"), person_id=2)], actor="test")
    return site


@pytest.fixture
def door(file_site: Site) -> Site:
    return set_up(file_site)


@pytest.fixture
def any_door(site: Site) -> Site:
    """A site in each kind of database."""
    return set_up(site)


def test_a_passage_is_one_punch_at_the_time_of_its_frame(door: Site) -> None:
    first = passage(1, 1, 0)
    assert [record_passage(door, first) for _ in range(2)] == ["recorded", "already"]
    (punch,) = door.punches()
    assert (punch.id, punch.employee, punch.method, punch.device) == (first.id, "1", "face", "gate")
    assert (punch.at, punch.direction) == (MOMENT, "in")
    assert (punch.distance, punch.probability, punch.liveness) == (0.3, 0.99, 0.9)
    assert record_passage(door, passage(2, 1, 30)) == "already"  # the rest of a broken track
    assert record_passage(door, passage(3, 1, 40, "out")) == "recorded"  # she has gone again
    assert record_passage(door, passage(4, 1, 101, "out")) == "recorded"
    assert [each.direction for each in door.punches()] == ["in", "out", "out"]
    assert door.verify() == []


@pytest.mark.parametrize("camera_first", [True, False])
def test_kiosk_and_camera_within_the_cooldown_are_one_punch(any_door: Site, camera_first: bool) -> None:
    order = KioskOrder("k1", later(20), "pin")
    if camera_first:
        assert record_passage(any_door, passage(1, 1, 0)) == "recorded"
        assert record_punch(any_door, "1", order, kiosk="tablet").is_repeat
    else:
        assert not record_punch(any_door, "1", order, kiosk="tablet").is_repeat
        assert record_passage(any_door, passage(1, 1, 0)) == "already"
    assert len(any_door.punches()) == 1


def test_two_cameras_and_two_servers_at_once_give_one_punch(any_door: Site) -> None:
    with Site(any_door.folder) as other, ThreadPoolExecutor(4) as pool:
        outcomes = pool.map(
            lambda server, camera, second: record_passage(server, passage(second, 1, second, camera=camera)),
            (any_door, other, other, any_door), ("gate", "gate", "hall", "hall"), range(4),
        )  # fmt: skip
    assert sorted(outcomes) == ["already", "already", "already", "recorded"]
    assert len(any_door.punches()) == 1


def test_who_may_not_punch_is_counted_by_camera_and_day(door: Site) -> None:
    assert record_passage(door, passage(1, 2, 0)) == "no_consent"
    assert [record_passage(door, passage(2, None, 0)) for _ in range(2)] == ["stranger", "stranger"]
    assert record_passage(door, passage(3, 99, 0, camera="hall")) == "stranger"  # of the gallery, and no employee
    night = replace(passage(4, None, 0), at=datetime(2026, 3, 2, 23, 30, tzinfo=UTC))  # 00:30 in Berlin
    record_passage(door, night)
    door.put_employees([replace(door.employee("1"), left=date(2026, 3, 1))], actor="test")
    assert record_passage(door, passage(5, 1, 0)) == "not_employed"
    day = date(2026, 3, 2)
    assert count_by_device(door, day) == {
        "gate": {"no_consent": 1, "not_employed": 1, "stranger": 1},
        "hall": {"stranger": 1},
    }
    assert count_refusals(door, day) == {"no_consent": 1, "not_employed": 1, "stranger": 2}
    assert count_by_device(door, day + timedelta(1)) == {"gate": {"stranger": 1}}
    assert door.punches() == []


def test_two_employees_who_are_one_person_do_not_punch(door: Site) -> None:
    door.put_employees([Employee("9", "Twin", person_id=1)], actor="test")
    assert record_passage(door, passage(1, 1, 0)) == "stranger"


def test_a_punch_that_was_made_void_stays_void_when_the_passage_is_sent_again(door: Site) -> None:
    record_passage(door, passage(1, 1, 0))
    undo_punch(door, passage(1, 1, 0).id, kiosk="gate")
    assert record_passage(door, passage(1, 1, 0)) == "already"
    assert door.punches() == []


def test_an_id_of_another_punch_is_refused(door: Site) -> None:
    record_punch(door, "2", KioskOrder(passage(1, 1, 0).id, MOMENT, "pin"), kiosk="tablet")
    assert record_passage(door, passage(1, 1, 0)) == "refused"


# ---------------------------------------------------------------------------------------------------------- tail-gaters


def result(name: str, seconds: float, outcome: PassageOutcome, direction: str = "in") -> PassageResult:
    return PassageResult(name, later(seconds), direction, outcome)  # type: ignore[arg-type]


def test_strangers_who_pass_with_an_employee_are_tail_gaters() -> None:
    passages = [
        result("long before", 6.9, "stranger"),
        result("before", 7, "stranger"),
        result("Ann", 10, "recorded"),
        result("Ben", 10.5, "no_consent"),
        result("behind", 13, "stranger"),
        result("other way", 11, "stranger", "out"),
        result("later", 13.1, "stranger"),
    ]
    assert find_tailgaters(passages) == ["before", "behind"]
    assert find_tailgaters(passages, 3.1) == ["long before", "before", "behind", "later"]
    assert find_tailgaters(passages[3:]) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.sampled_from(["recorded", "already", "stranger", "refused"])), max_size=8
    ),
    st.randoms(),
    st.integers(-500, 500),
)
def test_order_and_hour_do_not_make_tail_gaters(
    times: Sequence[tuple[int, PassageOutcome]], random: object, shift: int
) -> None:
    passages = [result(str(number), seconds, outcome) for number, (seconds, outcome) in enumerate(times)]
    moved = [replace(each, at=each.at + timedelta(minutes=shift)) for each in passages]
    random.shuffle(moved)  # type: ignore[attr-defined]
    assert find_tailgaters(moved) == find_tailgaters(passages)


def test_a_tail_gater_is_counted_once_beside_being_a_stranger(file_site: Site) -> None:
    record_passage(file_site, passage(7, None, 1))
    results = [result("Ann", 0, "already"), PassageResult(f"{7:032x}", later(1), "in", "stranger")]
    for _ in range(2):
        record_tailgaters(file_site, "gate", results, 3)
    assert count_refusals(file_site, date(2026, 3, 2)) == {"stranger": 1, "tailgater": 1}


# -------------------------------------------------------------------------------------------------------------- outages

PATIENCE = timedelta(minutes=5)


def follow(minutes: Sequence[tuple[float, bool]]) -> tuple[DoorState, dict[str, Outage]]:
    """What is recorded of a camera that sends frames, or does not, when it is looked at; by the id of the outage."""
    state, outages = None, {}
    for minute, sends in minutes:
        state, outage = follow_door("gate", state, later(60 * minute), sends=sends, patience=PATIENCE)
        if outage is not None:
            outages[make_outage_id(outage)] = outage
    assert state is not None
    return state, outages


def spans(outages: dict[str, Outage]) -> list[tuple[float, float]]:
    return [
        ((each.start - MOMENT) / timedelta(minutes=1), (each.end - MOMENT) / timedelta(minutes=1))
        for each in outages.values()
    ]


def test_an_outage_lasts_from_the_last_frame_to_the_next() -> None:
    assert follow([(0, True), (1, False), (4, False), (5, True)])[1] == {}
    assert spans(follow([(0, True), (5.1, False)])[1]) == [(0, 65.1)]  # until its end is known
    assert spans(follow([(0, True), (5.1, False), (6, False), (51, False)])[1]) == [(0, 111)]
    state, outages = follow([(0, True), (5.1, False), (51, False), (60, True), (61, True), (70, False), (75, True)])
    assert spans(outages) == [(0, 60), (61, 75)]
    assert state == DoorState(later(60 * 75))


def test_a_server_that_did_not_run_is_an_outage_too() -> None:
    assert spans(follow([(0, True), (600, True)])[1]) == [(0, 600)]
    assert spans(follow([(0, True), (600, False), (601, True)])[1]) == [(0, 601)]
    assert follow([(0, False), (4, True)])[1] == {}


def test_a_camera_that_is_put_back_after_weeks_has_had_no_outage() -> None:
    day = 24 * 60
    assert spans(follow([(0, True), (7 * day, True)])[1]) == [(0, 7 * day)]
    for sends in (True, False):
        state, outages = follow([(0, True), (7 * day + 1, sends)])
        assert (state, outages) == (DoorState(later(60 * (7 * day + 1))), {})
    failed = [(0, True), (6, False), (52, False), (30 * day, True), (30 * day + 9, True)]
    assert spans(follow(failed)[1]) == [(0, 112), (30 * day, 30 * day + 9)]  # it had failed when it was taken away
    long = [(0, True), *((minute, False) for minute in range(6, 8 * day, 40)), (8 * day, True)]
    assert spans(follow(long)[1]) == [(0, 8 * day)]  # watched all the time


def test_a_clock_that_is_set_back_ends_an_outage_and_begins_the_next() -> None:
    for back in (0, -1, -300):
        state, outages = follow([(0, True), (6, False), (52, False), (back, True)])
        assert (state, spans(outages)) == (DoorState(later(60 * back)), [(0, 52)])
    assert spans(follow([(0, True), (6, False), (-60, False), (-54, False), (-50, True)])[1]) == [(0, 6), (-60, -50)]
    assert follow([(0, True), (-60, False), (-56, True)])[1] == {}
    assert spans(follow([(0, True), (-60, True), (-54, False)])[1]) == [(-60, 6)]
    assert spans(follow([(0, True), (52, False), (20, False), (21, True)])[1]) == [(0, 21)]  # not before its start


def test_outages_of_one_start_replace_each_other_in_the_site(site: Site) -> None:
    for end in (65, 60):
        outage = Outage("gate", MOMENT, later(60 * end), "no frames")
        site.add_outage(outage, actor="cameras", outage_id=make_outage_id(outage))
    assert site.outages() == [Outage("gate", MOMENT, later(3600), "no frames")]
    assert site.verify() == []
