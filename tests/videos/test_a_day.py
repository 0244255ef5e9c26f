"""A day of a camera: 24 hours by its clock in a minute, with visits whose truth is known; memory must not grow.

People are patterns whose middle has a color that says who it is; the detector looks up where they stand.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from example_counts import LONG
from visavis.align import square_crops
from visavis.compare import unit
from visavis.gallery import Gallery, Template
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face, Floats
from visavis.videos.events import EventFile
from visavis.videos.recognize import VideoOptions, VideoRecognizer
from visavis.videos.strangers import Strangers
from visavis.videos.types import Frame, SourceCounts

pytest.importorskip("scipy")

HOURS = 24
ENROLLED, STRANGERS = 30, 12
PAUSE_S, VISIT_S = (170.0 if LONG else 410.0), 10.0
"""Seconds without a face, and with one or two."""
RATE, IDLE_RATE = (10.0, 2.0) if LONG else (4.0, 0.25)
"""Frames a second while somebody is there, and else."""
SIDE, HEIGHT, WIDTH = 72, 120, 240
DIMENSION, THRESHOLD = 64, 0.4
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
OBJECTS, MEMORY = 2000, 8 << 20
"""Python objects, and bytes, by which memory may grow after the third hour: strangers' sightings, a few tracks."""


@dataclass(frozen=True)
class Visit:
    """Who stands on the left or the right of the picture from ``start`` on, in seconds of the day."""

    person: int
    start: float
    left: int


def plan_day() -> list[Visit]:
    """Return the visits of a day: each third one is of two people at once; the last people are strangers."""
    rng = np.random.default_rng(20)
    visits = []
    for number, start in enumerate(np.arange(30.0, HOURS * 3600 - 2 * VISIT_S, PAUSE_S + VISIT_S)):
        people = rng.choice(ENROLLED + STRANGERS, 2 if number % 3 == 0 else 1, replace=False)
        visits += [Visit(int(person), float(start), 20 + 120 * place) for place, person in enumerate(people)]
    return visits


def direction(person: int) -> Floats:
    return unit(np.random.default_rng(1000 + person).normal(size=(1, DIMENSION)).astype(np.float32))[0]


def draw_person(person: int) -> RGB:
    """Return a pattern ``(SIDE, SIDE, 3)`` that is as sharp as a good photo; its middle says who it is."""
    coarse = np.random.default_rng(person).integers(40, 216, (SIDE // 6, SIDE // 6, 1), np.uint8)
    picture = np.repeat(np.kron(coarse[:, :, 0], np.ones((6, 6), np.uint8))[:, :, None], 3, axis=2)
    picture[24:48, 24:48] = (person * 5, 255 - person * 5, 128)
    return picture


class Camera:
    """A live source of the day; ``standing`` are the visits in the last frame that was sent."""

    name, live, rate, duration = "door", True, None, None

    def __init__(self, visits: Sequence[Visit]) -> None:
        self.visits = visits
        self.standing: list[Visit] = []
        self.pictures = {visit.person: draw_person(visit.person) for visit in visits}
        self.sent = 0

    def __iter__(self) -> Iterator[Frame]:
        coming = list(self.visits)
        seconds = 0.0
        while seconds < HOURS * 3600:
            while coming and coming[0].start <= seconds:
                self.standing.append(coming.pop(0))
            self.standing = [visit for visit in self.standing if seconds < visit.start + VISIT_S]
            yield Frame(self._draw(), seconds, self.sent, self.name, MIDNIGHT + timedelta(seconds=seconds))
            self.sent += 1
            step = 1 / RATE if self.standing else 1 / IDLE_RATE
            seconds = min(seconds + step, coming[0].start) if coming else seconds + step

    def _draw(self) -> RGB:
        picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        for visit in self.standing:
            picture[24 : 24 + SIDE, visit.left : visit.left + SIDE] = self.pictures[visit.person]
        return picture

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        """Be the detector of one's own frames."""
        places = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
        faces = []
        for visit in self.standing:
            box = np.array([visit.left, 24, visit.left + SIDE, 24 + SIDE], np.float32)
            faces.append(Face(box, 0.99, box[:2] + SIDE * places))
        return [faces for _ in pictures]

    def counts(self) -> SourceCounts:
        return SourceCounts(self.sent)

    def close(self) -> None:
        pass


class Embedder:
    """Reads who it is from the middle of a face; each embedding has noise of its own."""

    name, dimension = "test-patterns", DIMENSION

    def __init__(self) -> None:
        self._rng = np.random.default_rng(7)
        self.embedded = 0

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        return square_crops(picture, faces, size=8, margin=-0.8)

    def embed(self, crops: RGB) -> Floats:
        self.embedded += len(crops)
        people = np.rint(crops[:, 4, 4, 0] / 5).astype(int)
        noise = self._rng.normal(scale=0.03, size=(len(crops), DIMENSION)).astype(np.float32)
        return unit(np.stack([direction(person) for person in people]) + noise)


@pytest.mark.slow(seconds=66)
def test_a_day_of_a_camera_names_all_who_came_in_bounded_memory(tmp_path: Path) -> None:
    pytest.importorskip("scipy.optimize")  # loaded where pairs are first contested: its objects are no growth
    visits = plan_day()
    camera, embedder = Camera(visits), Embedder()
    recognizer = Recognizer(detector=camera, embedder=embedder)
    file = tmp_path / "events.jsonl"
    used: dict[int, tuple[int, int]] = {}
    with Gallery(tmp_path / "faces.db", recognizer=recognizer) as gallery, EventFile(file) as events:
        gallery.add_many([(f"person {n}", [Template(direction(n))]) for n in range(ENROLLED)])
        strangers = Strangers(gallery, days=30, fpir=0.01, threshold=THRESHOLD)
        options = VideoOptions(threshold=THRESHOLD)
        for result in VideoRecognizer(recognizer, gallery, options=options, strangers=strangers).run(camera):
            for event in result.events:
                events.write(event)
            if (hour := int(result.frame.seconds // 3600)) not in used:
                used[hour] = measure_memory()
    ended = [line for line in map(json.loads, file.read_text().splitlines()) if line["event"] == "ended"]
    assert len(ended) == len(visits)
    assert sorted(used) == [*range(HOURS)]
    assert used[HOURS - 1][0] - used[2][0] <= OBJECTS
    assert used[HOURS - 1][1] - used[2][1] <= MEMORY
    assert embedder.embedded <= 8 * len(visits)
    check_names(visits, ended)


def measure_memory() -> tuple[int, int]:
    """Return the number of Python's objects, and the bytes of this process."""
    gc.collect()
    return len(gc.get_objects()), psutil.Process().memory_info().rss


def check_names(visits: Sequence[Visit], ended: Sequence[dict[str, object]]) -> None:
    """Each visit ended with the right name or, for a stranger, with the number of that stranger alone."""
    enrolled = [visit for visit in visits if visit.person < ENROLLED]
    names = Counter(line["name"] for line in ended if line["name"] is not None)
    assert names == Counter(f"person {visit.person}" for visit in enrolled)
    numbers = Counter(line["stranger"] for line in ended if line["name"] is None)
    assert None not in numbers
    assert sorted(numbers.values()) == sorted(Counter(v.person for v in visits if v.person >= ENROLLED).values())
    starts = sorted(datetime.fromisoformat(str(line["from"])) for line in ended)
    assert starts == sorted(MIDNIGHT + timedelta(seconds=visit.start) for visit in visits)
