"""Find what in a gallery will cause wrong answers: each template is compared with all people, without itself.

The templates and the embeddings of all people are in memory, as in an exact search; their products are computed in
tiles of ``ROWS`` templates and ``COLUMNS`` people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from visavis import compare
from visavis.compare import Calibration, person_embedding
from visavis.gallery._leave_one_out import compute_distances_without_self
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.coach_types import CoachReport, ConfusedPair, HarmfulPhoto, SamePerson, ThinPerson
from visavis.gallery.index import Ids
from visavis.gallery.misplaced_photos import (
    Limits,
    PhotoDistances,
    compute_limits,
    find_same_person,
    judge_photo,
    make_members,
    read_people,
)
from visavis.gallery.sql import records
from visavis.types import Candidate, Doubles, Floats

ROWS, COLUMNS = 1024, 16_384
"""Templates and people in a tile of products: 64 MB."""
FEW = 3
"""Number of templates from which on a person has enough."""


class CoachedPerson(NamedTuple):
    """A person with the templates that are compared: ids, paths, median distances to the person's other templates.

    ``without_self (k,)`` are the distances of the templates to the person without each; ``spread`` is their mean
    distance to each other, None for one template.
    """

    person_id: int
    name: str
    template_ids: tuple[int, ...]
    photos: tuple[str, ...]
    own: tuple[float | None, ...]
    without_self: Doubles
    spread: float | None

    @property
    def size(self) -> int:
        """The number of templates."""
        return len(self.template_ids)


def coach_gallery(opened: OpenGallery, *, fpir: float) -> CoachReport:
    """Do as :meth:`visavis.gallery.Gallery.coach`."""
    compare.check_fpir(fpir)
    table = opened.calibration
    if table is None:
        raise compare.uncalibrated(opened.model, "so its distances cannot be judged")
    people, templates, centers = _read_gallery(opened, table)
    limits = compute_limits(table, len(people))
    threshold = table.search_threshold(fpir, len(people))
    owners = np.repeat(np.arange(len(people)), [person.size for person in people])
    nearest, distances = find_nearest_others(templates, owners, centers)
    candidates = [
        _list_candidates(people, part, nearest, distances) for part in _split(person.size for person in people)
    ]
    same = _find_same_people(people, candidates, limits)
    pairs = {frozenset((pair.person_id, pair.other_id)) for pair in same}
    return CoachReport(
        people=len(people),
        templates=len(templates),
        fpir=fpir,
        threshold=threshold,
        harmful=tuple(_find_harmful(people, candidates, limits, pairs)),
        confused=tuple(_find_confused(people, candidates, threshold, pairs)),
        thin=tuple(_find_thin(people, table.resolution)),
        same=tuple(same),
    )


def _read_gallery(opened: OpenGallery, table: Calibration) -> tuple[list[CoachedPerson], Floats, Floats]:
    """Return the people, their templates ``(n, d)``, person by person, and their embeddings ``(p, d)``."""
    with opened.database.read() as conn:
        ids, dimension = records.read_person_ids(conn), opened.require_model(conn).dimension or 0
    people: list[CoachedPerson] = []
    templates, centers = [np.empty((0, dimension), np.float32)], [np.empty((0, dimension), np.float32)]
    for rows, embeddings in read_people(opened, ids, table.usable):
        own = tuple(member.own for member in make_members(rows, embeddings))
        people.append(
            CoachedPerson(
                rows[0].person_id,
                rows[0].name,
                tuple(row.id for row in rows),
                tuple(row.photo for row in rows),
                own,
                compute_distances_without_self(embeddings),
                compute_spread(embeddings),
            )
        )
        templates.append(embeddings)
        centers.append(person_embedding(embeddings).astype(np.float32)[None])
    return people, np.concatenate(templates), np.concatenate(centers)


def compute_spread(embeddings: Floats) -> float | None:
    """Return the mean cosine distance between two rows of ``embeddings (k, d)`` of length 1; None for one row."""
    count = len(embeddings)
    if count < 2:
        return None
    total = embeddings.astype(np.float64).sum(axis=0)
    return float(np.clip(1 - (total @ total - count) / (count * (count - 1)), 0, 2))


def find_nearest_others(templates: Floats, owners: Ids, centers: Floats) -> tuple[Ids, Doubles]:
    """Return for each of ``templates (n, d)`` the nearest of the people ``centers (p, d)`` but its owner.

    ``owners (n,)`` are rows of ``centers``. Returns rows of ``centers (n,)`` and cosine distances ``(n,)``, infinite
    where there is no other person.
    """
    nearest, distances = np.zeros(len(templates), np.int64), np.full(len(templates), np.inf)
    for start in range(0, len(templates), ROWS):
        part = slice(start, min(start + ROWS, len(templates)))
        for first in range(0, len(centers), COLUMNS):
            apart = 1 - templates[part] @ centers[first : first + COLUMNS].T
            inside = np.flatnonzero((owners[part] >= first) & (owners[part] < first + COLUMNS))
            apart[inside, owners[part][inside] - first] = np.inf
            best = apart.argmin(axis=1)
            least = apart[np.arange(len(best)), best]
            rows = np.flatnonzero(least < distances[part]) + part.start
            nearest[rows], distances[rows] = best[rows - part.start] + first, least[rows - part.start]
    return nearest, np.maximum(distances, 0)


def _split(counts: Iterator[int]) -> Iterator[range]:
    """Yield the rows of each person."""
    start = 0
    for count in counts:
        yield range(start, start + count)
        start += count


def _list_candidates(
    people: Sequence[CoachedPerson], rows: range, nearest: Ids, distances: Doubles
) -> list[Candidate | None]:
    """Return the nearest other person of each row."""
    return [
        Candidate(people[nearest[row]].person_id, people[nearest[row]].name, float(distances[row]))
        if np.isfinite(distances[row])
        else None
        for row in rows
    ]


NearestOthers = Sequence[Sequence[Candidate | None]]
"""The nearest other person of each template of each person."""
PersonPairs = set[frozenset[int]]


def _find_same_people(people: Sequence[CoachedPerson], candidates: NearestOthers, limits: Limits) -> list[SamePerson]:
    """Return pairs of entries that seem to be one person, by the rule of new people at enrollment, nearest first."""
    pairs: dict[frozenset[int], SamePerson] = {}
    for person, others in zip(people, candidates, strict=True):
        other_id = find_same_person(person.own, others, limits)
        named = [other for other in others if other is not None and other.person_id == other_id]
        if other_id is not None and named:
            distance = float(np.mean([other.distance for other in named]))
            pair = SamePerson(person.person_id, person.name, other_id, named[0].name, distance)
            pairs.setdefault(frozenset((person.person_id, other_id)), pair)
    return sorted(pairs.values(), key=lambda pair: pair.distance)


def _find_harmful(
    people: Sequence[CoachedPerson], candidates: NearestOthers, limits: Limits, same: PersonPairs
) -> list[HarmfulPhoto]:
    """Return the doubtful templates, as ``gallery check`` finds them, but not those of one person under two names."""
    harmful = []
    for person, others in zip(people, candidates, strict=True):
        for number, (photo, own) in enumerate(zip(person.photos, person.own, strict=True)):
            other = others[number]
            if other is not None and frozenset((person.person_id, other.person_id)) in same:
                other = None
            doubt = judge_photo(PhotoDistances(photo, person.name, own, other), limits)
            if doubt:
                kind = "outlier" if doubt.person_id is None else "mislabeled"
                place = (person.template_ids[number], photo, person.person_id, person.name)
                nearer = (doubt.person_id, doubt.name, doubt.other_distance)
                harmful.append(HarmfulPhoto(*place, kind, doubt.message, doubt.distance, *nearer))
    return sorted(harmful, key=lambda item: (item.kind, -(item.distance or 0), item.template_id))


def _find_confused(
    people: Sequence[CoachedPerson], candidates: NearestOthers, threshold: float, same: PersonPairs
) -> list[ConfusedPair]:
    """Return pairs of people with templates that are near the other person, those with most errors first."""
    by_id = {person.person_id: person for person in people}
    counts: dict[frozenset[int], list[int]] = {}
    for person, others in zip(people, candidates, strict=True):
        for other, own in zip(others, person.without_self, strict=True):
            if other is not None and other.distance <= threshold:
                count = counts.setdefault(frozenset((person.person_id, other.person_id)), [0, 0])
                count[0] += other.distance < own
                count[1] += 1
    pairs = []
    for pair, (errors, near) in counts.items():
        first, second = (by_id[person_id] for person_id in sorted(pair))
        total = first.size + second.size
        if pair not in same:
            pairs.append(
                ConfusedPair(
                    first.person_id, first.name, second.person_id, second.name, errors / total, errors, near, total
                )
            )
    return sorted(pairs, key=lambda pair: (-pair.rate, -pair.near, pair.person_id, pair.other_id))


def _find_thin(people: Sequence[CoachedPerson], resolution: float) -> list[ThinPerson]:
    """Return the people with too few or too similar photos, those with fewest photos first.

    Photos are too similar if the mean distance between two of them is within ``resolution``: by the calibration of the
    model, each says as good as nothing that the others do not.
    """
    thin = []
    for person in people:
        is_similar = person.spread is not None and person.spread <= resolution
        if is_similar or person.size < FEW:
            kind = "similar" if is_similar else "few"
            thin.append(ThinPerson(person.person_id, person.name, kind, person.size, person.spread))
    return sorted(thin, key=lambda person: (person.templates, person.person_id))
