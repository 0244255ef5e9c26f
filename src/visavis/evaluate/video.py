"""Error rates of tracks in a video: how pure they are, how often they switch, and whether they are named rightly.

- **purity**: the share of the faces of tracks that show the person their track shows most often; false faces are left
  out. Its interval is by tracks.
- **coverage**: the share of the faces that the truth states, in frames that were searched for faces, that a track has.
- **switches**: how often a person goes on with another track (ID switches of CLEAR MOT: K. Bernardin, R. Stiefelhagen,
  Evaluating multiple object tracking performance, 2008) during one stay. Rows of a person that are at most
  ``OCCLUSION`` seconds apart are one stay, so that a track that ends behind a pillar counts as a switch, and one that
  ends when its person leaves does not. Two people who exchange their tracks are two switches. ``mixed`` counts the
  tracks that show two people or more.
- **identified**: the share of the tracks of people of the gallery that have their name in the end. **misnamed**: that
  had the name of someone else at any time.
- **false alarms**: the share of the tracks of strangers that had a name at any time, also per 1,000 tracks. A stranger
  is a person of the truth who is not in the gallery. A track of false faces alone is no person's track, and is counted
  apart.

The intervals of rates by track are by people, since the tracks of one person succeed and fail together; that of the
number of switches is the exact one of Poisson counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from visavis.evaluate.data.video_truth import Presence
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.intervals import poisson, wilson_of_people
from visavis.evaluate.track_people import JudgedFace, people_at
from visavis.plain import Plain

OCCLUSION = 1.0
"""Seconds that a person may be hidden within one stay."""
TOLERANCE = 1e-3
"""Seconds by which times may be rounded."""
PER = 1000
"""Tracks that false alarms are stated for."""


@dataclass(frozen=True, slots=True)
class TrackNames:
    """The name of a track in the end (None: unknown), and all names that it had at any time."""

    last: str | None = None
    ever: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CountedRate(Plain):
    """``part`` of ``whole``, counted; ``interval`` is that of 95 % for other tracks or people (None without any)."""

    part: int
    whole: int
    interval: Interval | None

    @property
    def rate(self) -> float | None:
        """Part / whole; None where ``whole`` is 0."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class PersonResult(Plain):
    """A person of the truth: how many ``tracks`` show them, and how many of these were ``named``, under any name."""

    person: str
    enrolled: bool
    tracks: int
    identified: int
    named: int
    coverage: float | None


@dataclass(frozen=True, slots=True)
class VideoResult(Plain):
    """Error rates of one video or several: see the module. ``frames`` are those that were searched for faces.

    ``tracks`` counts all tracks, ``false_tracks`` those of false faces alone, ``false_tracks_named`` those of them that
    had a name.
    """

    frames: int
    tracks: int
    false_tracks: int
    false_tracks_named: int
    purity: CountedRate
    coverage: CountedRate
    switches: int
    switches_interval: Interval
    mixed: int
    identified: CountedRate
    misnamed: CountedRate
    false_alarms: CountedRate
    people: tuple[PersonResult, ...]

    @property
    def false_alarms_per_1000(self) -> float | None:
        """False alarms for 1,000 tracks of strangers; None without such a track."""
        return None if self.false_alarms.rate is None else PER * self.false_alarms.rate


def measure_video(
    faces: Sequence[JudgedFace],
    truth: Sequence[Presence],
    *,
    names: Mapping[int, TrackNames],
    enrolled: Collection[str],
    times: Sequence[float],
) -> VideoResult:
    """Measure the tracks of a video by its judged faces.

    ``names`` are those of the tracks (without an entry: never named), ``enrolled`` the names of the people in the
    gallery, ``times`` the ascending seconds of the frames that were searched for faces.
    """
    counts = _count_people(faces)
    mains = {track: max(people, key=lambda person: people[person]) for track, people in counts.items() if people}
    missing = TrackNames()
    of_gallery = {track: person for track, person in mains.items() if person in enrolled}
    strangers = {track: person for track, person in mains.items() if person not in enrolled}
    answers = {track: names.get(track, missing) for track in counts}
    right = {track for track, person in of_gallery.items() if answers[track].last == person}
    wrong = {track for track, person in of_gallery.items() if answers[track].ever - {person}}
    alarms = {track for track in strangers if answers[track].ever}
    switches = _count_switches(faces, truth)
    covered = _measure_coverage(faces, truth, times)
    empty = counts.keys() - mains.keys()
    return VideoResult(
        frames=len(times),
        tracks=len(counts),
        false_tracks=len(empty),
        false_tracks_named=sum(bool(answers[track].ever) for track in empty),
        purity=_rate(
            [(max(people.values()), people.total()) for people in counts.values() if people],
        ),
        coverage=_rate(covered.values()),
        switches=switches,
        switches_interval=poisson(switches),
        mixed=sum(len(people) > 1 for people in counts.values()),
        identified=_rate_by_person(of_gallery, right),
        misnamed=_rate_by_person(of_gallery, wrong),
        false_alarms=_rate_by_person(strangers, alarms),
        people=tuple(
            PersonResult(
                person,
                person in enrolled,
                tracks=sum(main == person for main in mains.values()),
                identified=sum(mains[track] == person for track in right),
                named=sum(main == person and bool(answers[track].ever) for track, main in mains.items()),
                coverage=covered[person][0] / covered[person][1] if covered[person][1] else None,
            )
            for person in covered
        ),
    )


def _count_people(faces: Iterable[JudgedFace]) -> dict[int, Counter[str]]:
    """Count the faces of each track by person; false faces are not counted."""
    counts: dict[int, Counter[str]] = {}
    for face in faces:
        people = counts.setdefault(face.track, Counter())
        if face.person is not None:
            people[face.person] += 1
    return counts


def _rate(counts: Iterable[tuple[int, int]]) -> CountedRate:
    """Return the rate of (part, whole) of tracks or people, with an interval by these."""
    parts = np.array([*counts], np.int64).reshape(-1, 2)
    part, whole = (int(total) for total in parts.sum(axis=0))
    return CountedRate(part, whole, wilson_of_people(parts[:, 0], parts[:, 1]) if whole else None)


def _rate_by_person(person_of_track: Mapping[int, str], chosen: Collection[int]) -> CountedRate:
    tracks: dict[str, list[int]] = defaultdict(list)
    for track, person in person_of_track.items():
        tracks[person].append(track)
    return _rate((sum(track in chosen for track in of_person), len(of_person)) for of_person in tracks.values())


def _measure_coverage(
    faces: Iterable[JudgedFace], truth: Sequence[Presence], times: Sequence[float]
) -> dict[str, tuple[int, int]]:
    """Return by person in how many of the frames a track shows them, and in how many they are on."""
    shown = Counter(person for _, person in {(face.seconds, face.person) for face in faces})
    on = Counter(person for people in people_at(times, truth).values() for person in people)
    return {row.person: (shown[row.person], on[row.person]) for row in truth}


def _count_switches(faces: Iterable[JudgedFace], truth: Sequence[Presence]) -> int:
    """Count how often a person goes on with another track within a stay."""
    by_person: dict[str, list[JudgedFace]] = defaultdict(list)
    for face in faces:
        if face.person is not None:
            by_person[face.person].append(face)
    stays = _join_rows(truth)
    return sum(
        first.track != second.track
        and any(start <= first.seconds and second.seconds <= end for start, end in stays[person])
        for person, shown in by_person.items()
        for first, second in pairwise(sorted(shown, key=lambda face: face.seconds))
    )


def _join_rows(truth: Sequence[Presence]) -> dict[str, list[tuple[float, float]]]:
    """Return the stays of each person: rows at most ``OCCLUSION`` seconds apart are joined."""
    stays: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in sorted(truth, key=lambda row: row.start):
        of_person = stays[row.person]
        if of_person and row.start <= of_person[-1][1] + OCCLUSION + TOLERANCE:
            of_person[-1] = of_person[-1][0], max(of_person[-1][1], row.end)
        else:
            of_person.append((row.start, row.end))
    return stays
