"""Who a track is: kept faces, searches, votes, and each person once among simultaneous tracks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from visavis.gallery import Gallery, Template
from visavis.types import Candidate, Face, Floats, Identification, Quality
from visavis.videos import motion
from visavis.videos.answers import keep_or_replace, name_each_person_once, search_fpir, search_person
from visavis.videos.person import KeptFace, TrackedPerson, merge_views
from visavis.videos.strangers import Strangers, list_strangers, name_stranger
from visavis.videos.track import DetectedFace, Track
from visavis.videos.types import FaceView

BOX = np.array([0, 0, 50, 50], np.float32)
FACE = Face(BOX, 0.9, np.full((5, 2), 25, np.float32))
AXES = np.eye(128, dtype=np.float32)


def kept(seconds: float, quality: float, embedding: Floats | None = None) -> KeptFace:
    view = FaceView(seconds, FACE, quality, np.zeros((2, 2, 3), np.uint8), embedding)
    return KeptFace(view, Quality(quality, *[0.99] * 10), None)


def between(first: int, second: int, share: float) -> Floats:
    mixed = (1 - share) * AXES[first] + share * AXES[second]
    return (mixed / np.linalg.norm(mixed)).astype(np.float32)


def answer(person: int | None, distance: float = 0.2, *others: tuple[int, float]) -> Identification:
    near = [(person or 9, distance), *others]
    candidates = tuple(Candidate(number, f"P{number}", apart) for number, apart in near)
    return Identification(f"P{person}" if person else None, person, distance, 0.5, None, candidates)


def track(number: int, *together: int) -> Track:
    face = DetectedFace(FACE, Quality(*[0.9] * 11), np.ones(1, np.float32))
    return Track(number, motion.start(BOX, 0), face, 0, 0, detections=9, together=set(together))


def test_the_best_faces_are_kept_with_time_between_them() -> None:
    person = TrackedPerson()
    for step in range(40):
        person.keep(kept(step / 10, 0.5 + (step % 7) / 20))
    assert len(person.kept) == 5
    times = [view.seconds for view in person.views]
    assert times == sorted(times)
    assert min(np.diff(times)) >= 0.4
    assert person.best is not None
    assert person.best.view.quality == pytest.approx(0.8)


def test_a_person_is_searched_once_and_again_when_its_faces_are_clearly_better() -> None:
    person = TrackedPerson()
    assert not person.due(5)
    person.keep(kept(0, 0.5, AXES[0]))
    assert not person.due(0.1)
    assert person.due(0.4)
    person.merge()
    assert not person.due(3)
    person.keep(kept(0.1, 0.55, AXES[0]))
    assert not person.due(3)
    person.keep(kept(1, 0.6, AXES[0]))
    assert person.due(3)  # 1.15 in all, more than twice .5
    for _ in range(4):
        person.merge()
    person.keep(kept(2, 1.0, AXES[0]))
    assert not person.due(9)  # four searches are all


def test_a_template_is_the_mean_weighted_by_quality() -> None:
    merged = merge_views([kept(0, 0.9, AXES[0]).view, kept(1, 0.3, AXES[1]).view])
    assert merged[:2] == pytest.approx(np.array([3, 1]) / np.sqrt(10))


def test_the_fpir_of_a_search_makes_that_of_the_track_the_one_asked_for() -> None:
    assert [search_fpir(0.01, quality) for quality in (0.1, 0.6, 0.75, 0.925, 0.98, 1.0)] == pytest.approx(
        [0.05, 0.05, 0.04, 0.019, 0.012, 0.012]
    )
    assert search_fpir(0.2, 0.5) == 0.5
    assert search_fpir(0.7, 0.5) == 0.7


def test_a_track_has_the_best_faces_of_its_rest() -> None:
    person, rest = TrackedPerson(end=1.0, given_away={1}), TrackedPerson(start=2.0, end=3.0, given_away={2})
    for seconds, quality in ((0, 0.5), (0.6, 0.6)):
        person.keep(kept(seconds, quality))
    for seconds, quality in ((2, 0.7), (2.6, 0.9), (3.2, 0.4), (3.8, 0.3)):
        rest.keep(kept(seconds, quality))
    person.absorb(rest)
    assert [view.quality for view in person.views] == [0.5, 0.6, 0.7, 0.9, 0.4]
    assert person.best is not None
    assert (person.best.view.quality, person.start, person.end, person.given_away) == (0.9, 0.0, 3.0, {1, 2})


def test_unknown_does_not_outvote_a_name_unless_it_contradicts_it() -> None:
    named = answer(1)
    assert keep_or_replace(None, named) is named
    assert keep_or_replace(named, answer(2)).person_id == 2
    assert keep_or_replace(named, answer(None, 0.52, (1, 0.55))) is named  # little beyond .5
    assert keep_or_replace(named, answer(None, 0.52, (1, 0.70))).person_id is None
    assert keep_or_replace(named, answer(None, 0.52)).person_id is None  # far from all candidates


def test_two_tracks_of_one_time_are_two_people() -> None:
    people = {number: TrackedPerson(answer=answer(1, 0.1 * number)) for number in (1, 2, 3)}
    names = name_each_person_once([track(3), track(1, 2), track(2, 1)], people)
    assert {number: names[number].person_id for number in names} == {1: 1, 2: None, 3: 1}
    assert "nearer to another face" in names[2].notes[0]
    people[1].given_away.add(1)  # of a track that has ended
    assert name_each_person_once([track(1)], people)[1].person_id is None


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    store = Gallery(tmp_path / "faces.db", model="sface")
    store.add("Ann", [Template(AXES[0])])
    store.add("Ben", [Template(AXES[1])])
    return store


def test_the_template_is_searched_and_its_faces_vote(gallery: Gallery) -> None:
    person = TrackedPerson(kept=[kept(0, 0.9, between(0, 5, 0.3)), kept(1, 0.9, between(0, 6, 0.3))])
    nearest = search_person(gallery, person, person.merge(), fpir=0.01)
    assert (nearest.name, nearest.distance) == ("Ann", pytest.approx(1 - 0.7 / np.sqrt(0.49 + 0.045), abs=1e-5))
    split = TrackedPerson(kept=[kept(0, 0.5, between(0, 5, 0.2)), kept(1, 0.5, between(1, 5, 0.2))])
    unknown = search_person(gallery, split, split.merge(), fpir=0.01, threshold=0.5)
    assert unknown.person_id is None
    assert unknown.notes[-1] == "the faces of this track look like two people."


def test_a_gallery_without_people_knows_nobody(tmp_path: Path) -> None:
    person = TrackedPerson(kept=[kept(0, 0.9, AXES[0])])
    assert search_person(Gallery(tmp_path / "e.db"), person, person.merge(), fpir=0.01).person_id is None


def remember(strangers: Strangers, embedding: Floats, seconds: float, at: datetime, quality: float = 0.9) -> int | None:
    parts = Quality(quality, *[0.99] * 10)
    number = strangers.find(embedding, parts)
    return strangers.remember(embedding, parts, number=number, camera="door", seconds=seconds, at=at)


def test_a_stranger_has_one_number_and_is_forgotten_after_the_days(gallery: Gallery) -> None:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    strangers = Strangers(gallery, days=30, fpir=0.01, threshold=0.4)
    first = remember(strangers, AXES[7], 0, now)
    assert remember(strangers, between(7, 8, 0.2), 30, now) == first  # the same visit
    assert remember(strangers, AXES[9], 40, now + timedelta(days=20)) not in {first, None}
    again = Strangers(gallery, days=30, fpir=0.01, threshold=0.4)
    again._expired_on = datetime.now(UTC)
    assert remember(again, between(7, 8, 0.2), 0, now + timedelta(days=1)) == first
    second, stranger = list_strangers(gallery)
    assert (stranger.number, stranger.sightings, stranger.cameras) == (first, 2, ("door",))
    assert stranger.last == now + timedelta(days=1)
    again._expired_on = None
    assert again.forget_old(now + timedelta(days=40)) == 1
    assert [item.number for item in list_strangers(gallery)] == [second.number]
    assert name_stranger(gallery, second.number, "Cid").name == "Cid"
    assert list_strangers(gallery) == []


def test_strangers_are_bounded_and_so_are_their_sightings(gallery: Gallery) -> None:
    now = datetime.now(UTC)
    strangers = Strangers(gallery, days=30, fpir=0.01, threshold=0.4, most=2)
    numbers = [remember(strangers, AXES[10 + n], 0, now + timedelta(minutes=n)) for n in range(4)]
    assert strangers.forget_old(now + timedelta(hours=2)) == 2
    assert {item.number for item in list_strangers(gallery)} == {*numbers[2:]}
    for visit in range(1, 12):
        remember(strangers, AXES[13], 100.0 * visit, now + timedelta(hours=visit))
    latest = list_strangers(gallery)[0]
    assert (latest.number, latest.sightings, len(latest.template_ids)) == (numbers[3], 12, 8)
    assert latest.first == (now + timedelta(minutes=3)).replace(microsecond=0)


def test_poor_faces_and_people_in_sight_are_no_known_strangers(gallery: Gallery) -> None:
    now, good = datetime.now(UTC), Quality(0.9, *[0.99] * 10)
    strangers = Strangers(gallery, days=30, fpir=0.01)
    assert remember(strangers, AXES[20], 0, now, quality=0.2) is None
    number = remember(strangers, AXES[20], 0, now)
    assert number is not None
    assert strangers.find(AXES[20], good) == number
    assert strangers.find(AXES[20], good, excluded={number}) is None
