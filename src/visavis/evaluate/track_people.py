"""Which person each face of a track shows, by a truth with boxes or by one that states times alone.

With boxes, a face of a frame shows the person whose box it overlaps by ``OVERLAP`` or more; the pairs of greatest
overlap come first, and each face and each person is in one pair at most. A face without a pair is a false face.

Without boxes the times decide. The tracks of most faces come first. Each gets the person who is on at most of its
faces, at times at which no earlier track has that person: one person has one track at a time. Of persons who are on
equally often the person counts as which the track was named, so that two people who are on for the same time are not
counted as confused: that cannot be seen from times. Where the person of a track is not on, its face shows a person who
is on and that no other track shows then; if there is none, it is a false face.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from visavis.boxes import overlaps
from visavis.evaluate.data.video_truth import FaceBox, Presence

OVERLAP = 0.3
"""Least intersection over union of a face and the box of the truth. Detectors differ by that much in what they count as
a face: with or without the forehead, square or not; two faces side by side do not overlap at all."""


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face that was detected in the frame at ``seconds`` and that ``track`` (its number) was continued with."""

    track: int
    seconds: float
    box: FaceBox


@dataclass(frozen=True, slots=True)
class JudgedFace:
    """A face of a track with the ``person`` that it shows by the truth; None: a false face, or a person not listed."""

    track: int
    seconds: float
    person: str | None


def judge_faces(
    faces: Iterable[SeenFace], truth: Sequence[Presence], names: Mapping[int, str] | None = None
) -> list[JudgedFace]:
    """Return the person of each face, in order of time; ``names`` are the final answers of tracks, where they have one.

    The rows of ``truth`` all have boxes, or none has one: see the module for the two ways of judging.
    """
    ordered = sorted(faces, key=lambda face: (face.seconds, face.track))
    if any(row.box is not None for row in truth):
        return list(_judge_by_boxes(ordered, truth))
    return _judge_by_times(ordered, truth, names or {})


def _by_frame(faces: Iterable[SeenFace]) -> Iterator[tuple[float, list[SeenFace]]]:
    frames: dict[float, list[SeenFace]] = defaultdict(list)
    for face in faces:
        frames[face.seconds].append(face)
    yield from frames.items()


def _judge_by_boxes(faces: Sequence[SeenFace], truth: Sequence[Presence]) -> Iterator[JudgedFace]:
    frames = list(_by_frame(faces))
    rows = rows_at([seconds for seconds, _ in frames], truth)
    for (seconds, in_frame), present in zip(frames, rows, strict=True):
        people = _pair(in_frame, present)
        for number, face in enumerate(in_frame):
            yield JudgedFace(face.track, seconds, people.get(number))


def _pair(faces: Sequence[SeenFace], present: Sequence[Presence]) -> dict[int, str]:
    """Return the person of each face (by its place in ``faces``) that has a pair."""
    if not present:
        return {}
    boxes = [np.array([item.box for item in items], np.float32).reshape(-1, 4) for items in (faces, present)]
    shared = overlaps(boxes[0], boxes[1])
    people: dict[int, str] = {}
    for place in np.argsort(-shared, axis=None, kind="stable"):
        face, row = divmod(int(place), len(present))
        if shared[face, row] < OVERLAP:
            break
        if face not in people and present[row].person not in people.values():
            people[face] = present[row].person
    return people


def _judge_by_times(faces: Sequence[SeenFace], truth: Sequence[Presence], names: Mapping[int, str]) -> list[JudgedFace]:
    frames = list(_by_frame(faces))
    present = people_at([seconds for seconds, _ in frames], truth)
    person_of_track = _choose_people(faces, present, names)
    judged = []
    for seconds, in_frame in frames:
        tracks = [face.track for face in in_frame]
        people = _name_frame(tracks, present[seconds], person_of_track)
        judged += [JudgedFace(face.track, seconds, people.get(face.track)) for face in in_frame]
    return judged


def people_at(times: Sequence[float], truth: Sequence[Presence]) -> dict[float, list[str]]:
    """Return who is on at each of the ascending times, in the order of the rows."""
    rows = rows_at(times, truth)
    return {
        seconds: list(dict.fromkeys(row.person for row in present))
        for seconds, present in zip(times, rows, strict=True)
    }


def rows_at(times: Iterable[float], truth: Sequence[Presence]) -> Iterator[list[Presence]]:
    """Yield the rows that include each of the ascending times, in their order."""
    places = sorted(range(len(truth)), key=lambda place: truth[place].start)
    begun = 0
    active: list[int] = []
    for seconds in times:
        while begun < len(places) and truth[places[begun]].start <= seconds:
            active.append(places[begun])
            begun += 1
        active = [place for place in active if truth[place].end >= seconds]
        yield [truth[place] for place in sorted(active)]


def _choose_people(
    faces: Sequence[SeenFace], present: Mapping[float, Sequence[str]], names: Mapping[int, str]
) -> dict[int, str]:
    """Return the person of each track; a track has none where no person is on who is not taken by another track."""
    times: dict[int, list[float]] = defaultdict(list)
    for face in faces:
        times[face.track].append(face.seconds)
    shown: set[tuple[str, float]] = set()
    chosen: dict[int, str] = {}
    for track in sorted(times, key=lambda track: (-len(times[track]), track)):
        counts: dict[str, int] = defaultdict(int)
        for seconds in times[track]:
            for person in present[seconds]:
                counts[person] += (person, seconds) not in shown
        best = max(counts, key=lambda person: (counts[person], person == names.get(track)), default=None)
        if best is not None and counts[best]:
            chosen[track] = best
            shown |= {(best, seconds) for seconds in times[track] if best in present[seconds]}
    return chosen


def _name_frame(tracks: Sequence[int], present: Sequence[str], person_of_track: Mapping[int, str]) -> dict[int, str]:
    """Return the person of each track of a frame: its own if on, else one of the people that no track shows."""
    people: dict[int, str] = {}
    for track in tracks:
        person = person_of_track.get(track)
        if person in present and person not in people.values() and person is not None:
            people[track] = person
    for track in tracks:
        left = [person for person in present if person not in people.values()]
        if track not in people and left:
            people[track] = left[0]
    return people
