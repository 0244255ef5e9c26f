"""How often tracks of strangers have a name, and the factor of the FPIR that the quality of a track calls for.

    python benchmarks/track_rates.py [--tracks 700] [--seconds 1.6] [--galleries 20] [--photos LFW] [--json FILE]

Strangers are people of LFW's DevTrain, those of most photos first, in made-up videos as in ``video_tracks.py``; each
is searched for among other people of DevTrain, which are drawn anew for each gallery, with one photo each. The videos
are read once: all searches of a track, with its template and its faces, are recorded and answered again for each
gallery, rate and factor, by the same rules. A track counts as named if any of its searches names it. The factor that a
quality needs is that at which tracks of this quality are named at the rate that is asked for; the constant
``QUALITY_FPIR`` of ``visavis.videos.answers`` holds rounded factors, and the rates say whether they hold.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from _rounds import data_folder, environment
from rich.console import Console
from rich.progress import track
from rich.table import Table
from video_tracks import SIDE_BY_SIDE, Faces, calibrate, encode, fill_gallery, load_faces, make_looks

from visavis import compare
from visavis.evaluate.data.made_up_video import CELL, make_side_by_side
from visavis.evaluate.stats.intervals import wilson_of_people
from visavis.gallery import Gallery
from visavis.pipeline import Recognizer
from visavis.types import Candidate, Doubles, Floats, Identification, Quality
from visavis.videos import answers
from visavis.videos.person import KeptFace, TrackedPerson
from visavis.videos.recognize import VideoRecognizer
from visavis.videos.source import open_source
from visavis.videos.types import FaceView

SIZE, RATE = 200, 0.01
"""People in the gallery, and rate asked for, by which factors are measured."""
OTHERS = ((20, 0.01), (1000, 0.01), (200, 0.002), (200, 0.03), (200, 0.1))
"""Other sizes of galleries and rates that are stated."""
QUALITIES = (0.0, 0.65, 0.75, 0.84, 0.905, 0.945, 1.0)
"""Ends of the groups of tracks, by the score of their best face."""
FACTORS = (0.5, 0.7, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.5, 8.0, 10.0)
"""Factors that are tried."""

COLUMNS = 4
"""Cells in a row of a video of people side by side."""

Factor = Callable[[float], float]
"""Returns the FPIR of a search by the score of the best face."""


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A search of a track: the template and the embeddings of its faces ``(1 + n, d)``, and the quality of each."""

    rows: Floats
    qualities: tuple[Quality, ...]

    def person(self) -> TrackedPerson:
        """Return the track's person at the time of the search, as far as the answer depends on it."""
        nothing = np.zeros((1, 1, 3), np.uint8)
        views = [FaceView(0.0, None, quality.score, nothing, row) for row, quality in self.faces()]  # type: ignore[arg-type]
        return TrackedPerson([KeptFace(view, of, None) for view, of in zip(views, self.qualities[1:], strict=True)])

    def faces(self) -> Iterator[tuple[Floats, Quality]]:
        """Yield embedding and quality of each face of the template."""
        return zip(self.rows[1:], self.qualities[1:], strict=True)


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The nearest person of a gallery to each row of a search, and the share of the threshold that applies to it."""

    people: Sequence[int]
    distances: Doubles
    shares: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredSearch:
    """A search in a gallery of ``size`` people; takes the gallery's place for the rules of tracks at any FPIR."""

    nearest: Nearest
    table: compare.Calibration
    size: int

    def identify_embeddings(self, rows: Floats, *, fpir: float, **options: object) -> list[Identification]:
        """Answer each row, named where it is near enough at this rate."""
        limit = self.table.search_threshold(fpir, self.size)
        near = self.nearest
        return [
            Identification(
                str(person) if distance <= limit * share else None,
                person if distance <= limit * share else None,
                float(distance),
                limit * share,
                None,
                (Candidate(person, str(person), float(distance)),),
            )
            for person, distance, share in zip(near.people, near.distances, near.shares, strict=True)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A stranger's track: its name and its searches, of which it has one or more."""

    name: str
    searches: tuple[Search, ...]

    @property
    def quality(self) -> float:
        """Score of the best face."""
        return self.searches[-1].person().quality().score

    @property
    def faces(self) -> int:
        """Faces in the last template."""
        return len(self.searches[-1].rows) - 1


def record_tracks(faces: Faces, recognizer: Recognizer, *, count: int, seconds: float) -> list[Track]:
    """Record the tracks of the ``count`` people with most photos, ``SIDE_BY_SIDE`` in a video."""
    names = sorted(faces.train, key=lambda name: (-len(faces.train[name]), name))[:count]
    starts = range(0, len(names), SIDE_BY_SIDE)
    tracks = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.mp4"
        for start in track(starts, "videos", console=Console(stderr=True)):
            people = {name: make_looks(faces, faces.train[name]) for name in names[start : start + SIDE_BY_SIDE]}
            encode(make_side_by_side(people, seed=start, seconds=seconds), path)
            tracks += record_video(path, sorted(people), recognizer, calibrate(faces))
    return tracks


def record_video(
    path: Path, names: Sequence[str], recognizer: Recognizer, table: compare.Calibration
) -> Iterator[Track]:
    """Yield the tracks of a video in which each stranger has a cell; the searches find no person."""
    recorded: dict[int, tuple[TrackedPerson, list[Search]]] = {}

    def record(_gallery: object, person: TrackedPerson, template: Floats, **options: object) -> Identification:
        rows = np.stack([template, *(face.view.embedding for face in person.kept if face.view.embedding is not None)])
        qualities = (person.quality(), *(face.quality for face in person.kept if face.view.embedding is not None))
        _, searches = recorded.setdefault(id(person), (person, []))
        if not searches or not np.array_equal(searches[-1].rows, rows):  # else the same search again
            searches.append(Search(rows, qualities))
        return Identification(None, None, None, 0.0, None)

    with patch.object(answers, "search_person", record):
        watching = VideoRecognizer(recognizer, SimpleNamespace(calibration=table))  # type: ignore[arg-type]
        for _ in watching.run(open_source(str(path))):
            pass
    for person, searches in recorded.values():
        x1, y1, x2, y2 = person.kept[0].view.face.box
        column, row = int((x1 + x2) / 2 // CELL[0]), int((y1 + y2) / 2 // CELL[1])
        if column + COLUMNS * row < len(names):
            yield Track(names[column + COLUMNS * row], tuple(searches))


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """A gallery, and the searches of the strangers that it does not hold: by number of the track."""

    answered: Mapping[int, Sequence[AnsweredSearch]]


def draw_galleries(faces: Faces, tracks: Sequence[Track], *, size: int, count: int) -> Iterator[Draw]:
    """Search for all tracks in galleries of people of DevTrain, drawn at random."""
    names, table = sorted(faces.train), calibrate(faces)
    rows = np.concatenate([search.rows for of in tracks for search in of.searches])
    qualities = [quality for of in tracks for search in of.searches for quality in search.qualities]
    for seed in range(count):
        enrolled = [str(name) for name in np.random.default_rng([3, size, seed]).permutation(names)[:size]]
        with (
            tempfile.TemporaryDirectory() as folder,
            Gallery(Path(folder) / "faces.db", model=faces.templates.model) as gallery,
        ):
            gallery.calibrate(table)
            fill_gallery(gallery, faces, enrolled)
            nearest = gallery.identify_embeddings(rows, fpir=RATE, top=1, qualities=qualities)
            limit = gallery.threshold(fpir=RATE).distance
        yield Draw(_take_apart(nearest, limit, tracks, set(enrolled), table, size))


def _take_apart(
    nearest: Sequence[Identification],
    limit: float,
    tracks: Sequence[Track],
    enrolled: set[str],
    table: compare.Calibration,
    size: int,
) -> dict[int, list[AnsweredSearch]]:
    answered: dict[int, list[AnsweredSearch]] = {}
    start = 0
    for number, of in enumerate(tracks):
        for search in of.searches:
            part = nearest[start : (start := start + len(search.rows))]
            near = Nearest(
                [answer.candidates[0].person_id for answer in part],
                np.array([answer.candidates[0].distance for answer in part]),
                np.array([answer.threshold / limit for answer in part]),
            )
            if of.name not in enrolled:
                answered.setdefault(number, []).append(AnsweredSearch(near, table, size))
    return answered


def is_named(of: Track, searches: Sequence[AnsweredSearch], factor: Factor) -> bool:
    """Return whether any search of a track names the stranger."""
    for search, answered in zip(of.searches, searches, strict=True):
        person = search.person()
        fpir = factor(person.quality().score)
        answer = answers.search_person(answered, person, search.rows[0], fpir=fpir)  # type: ignore[arg-type]
        if answer.person_id is not None:
            return True
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Of each track: in how many galleries it was ``named``, and in how many it was searched for."""

    named: Doubles
    searched: Doubles

    def rate(self, chosen: Sequence[int]) -> dict[str, float | int | list[float] | None]:
        """Return the rate among these tracks, with the interval (95 %) by strangers."""
        named, searched = self.named[list(chosen)], self.searched[list(chosen)]
        if not searched.sum():
            return {"tracks": 0, "rate": None, "interval": None}
        low, high = wilson_of_people(named.astype(np.int64), searched.astype(np.int64))
        return {"tracks": len(chosen), "rate": float(named.sum() / searched.sum()), "interval": [low, high]}


def count_named(draws: Sequence[Draw], tracks: Sequence[Track], factor: Factor) -> Counts:
    """Count the galleries that name each track."""
    named, searched = np.zeros(len(tracks)), np.zeros(len(tracks))
    for draw in draws:
        for number, searches in draw.answered.items():
            searched[number] += 1
            named[number] += is_named(tracks[number], searches, factor)
    return Counts(named, searched)


def shipped(rate: float) -> Factor:
    """Return the FPIR of searches as tracks have it, at a rate that is asked for."""
    return lambda quality: answers.search_fpir(rate, quality)


def fixed(rate: float, factor: float) -> Factor:
    """Return the FPIR of searches with one factor for all qualities."""
    return lambda quality: min(rate * factor, answers.HIGHEST_FPIR)


def find_factor(rates: Sequence[float | None]) -> float | None:
    """Return the factor at which the rate is ``RATE``, interpolated in the logarithm; None where it is out of reach."""
    measured = [(rate, factor) for rate, factor in zip(rates, FACTORS, strict=True) if rate is not None]
    for (low, first), (high, second) in pairwise(measured):
        if low <= RATE <= high and high > low:
            part = (RATE - low) / (high - low)
            return float(np.exp(np.log(first) + part * (np.log(second) - np.log(first))))
    return None


def measure_qualities(draws: Sequence[Draw], tracks: Sequence[Track]) -> list[dict[str, Any]]:
    """Measure the factor of each group of tracks by quality, and the rate with the shipped factors."""
    by_factor = [
        count_named(draws, tracks, fixed(RATE, factor))
        for factor in track(FACTORS, "factors", console=Console(stderr=True))
    ]
    with_shipped = count_named(draws, tracks, shipped(RATE))
    lines = []
    for low, high in pairwise(QUALITIES):
        chosen = [number for number, of in enumerate(tracks) if low <= of.quality < high]
        if chosen:
            quality = float(np.mean([tracks[number].quality for number in chosen]))
            rates = [counts.rate(chosen)["rate"] for counts in by_factor]
            lines.append(
                {
                    "quality": [low, high],
                    "mean": quality,
                    **with_shipped.rate(chosen),
                    "rate_without": rates[FACTORS.index(1.0)],
                    "factor": find_factor(rates),  # type: ignore[arg-type]
                    "shipped_factor": answers.search_fpir(RATE, quality) / RATE,
                }
            )
    return lines


def measure(faces: Faces, tracks: Sequence[Track], *, galleries: int) -> dict[str, Any]:
    """Measure all figures."""
    everyone = range(len(tracks))
    draws = list(draw_galleries(faces, tracks, size=SIZE, count=galleries))
    counts = count_named(draws, tracks, shipped(RATE))
    by_faces = {
        str(number): counts.rate([place for place in everyone if tracks[place].faces == number])
        for number in sorted({of.faces for of in tracks})
    }
    others = []
    for size, rate in OTHERS:
        drawn = draws if size == SIZE else list(draw_galleries(faces, tracks, size=size, count=galleries))
        others.append({"people": size, "asked": rate, **count_named(drawn, tracks, shipped(rate)).rate(everyone)})
    return {
        "all": counts.rate(everyone),
        "by_faces": by_faces,
        "by_quality": measure_qualities(draws, tracks),
        "others": others,
    }


def show(figures: Mapping[str, Any]) -> None:
    """Print the figures as tables."""

    def form(value: float | None) -> str:
        return "-" if value is None else f"{value:.4f}"

    def form_rate(line: Mapping[str, Any]) -> list[str]:
        ends = line["interval"]
        return [str(line["tracks"]), form(line["rate"]), "-" if ends is None else f"{ends[0]:.4f} to {ends[1]:.4f}"]

    rates = Table("strangers of DevTrain", "tracks", "rate", "95 %")
    rates.add_row(f"among {SIZE} people, asked for {RATE:g}", *form_rate(figures["all"]))
    for number, line in figures["by_faces"].items():
        rates.add_row(f"with {number} in the template", *form_rate(line))
    for line in figures["others"]:
        rates.add_row(f"among {line['people']} people, asked for {line['asked']:g}", *form_rate(line))
    factors = Table("best face", "mean", "tracks", "rate", "95 %", "rate at factor 1", "factor needed", "factor")
    for line in figures["by_quality"]:
        needed = "-" if line["factor"] is None else f"{line['factor']:.2f}"
        low, high = line["quality"]
        factors.add_row(
            f"{low:g} to {high:g}",
            f"{line['mean']:.3f}",
            *form_rate(line),
            form(line["rate_without"]),
            needed,
            f"{line['shipped_factor']:.2f}",
        )
    Console().print(rates, factors)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tracks", type=int, default=700, help="tracks of strangers (default 700)")
    parser.add_argument("--seconds", type=float, default=1.6, help="seconds of each track (default 1.6)")
    parser.add_argument("--galleries", type=int, default=20, help="galleries of each size (default 20)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the networks (default 2)")
    parser.add_argument("--photos", type=Path, help="folder of LFW's view 1 (default: that of the test data)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    chosen = parser.parse_args()
    recognizer = Recognizer(threads=chosen.threads)
    faces = load_faces(chosen.photos or data_folder() / "lfw", recognizer)
    tracks = record_tracks(faces, recognizer, count=chosen.tracks, seconds=chosen.seconds)
    figures = measure(faces, tracks, galleries=chosen.galleries)
    show(figures)
    if chosen.json:
        chosen.json.write_text(json.dumps({"environment": environment(), **figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
