"""Find photos of the wrong person: before they are enrolled, and among the stored ones.

The rules and their error rates: docs/gallery.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from visavis import compare
from visavis.compare import Calibration, person_embedding
from visavis.gallery import _resolve_person
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._search import search_people
from visavis.gallery.check_input import clean_name, match_stored_faces, prepare_templates
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import PEOPLE, TEMPLATES
from visavis.gallery.sql.values import decode_embeddings
from visavis.gallery.types import Doubt, Problem, Template
from visavis.types import Candidate, Floats

OWN_FAR = 0.03
"""A photo is far from a person's other photos above the threshold of this FAR."""
SAME_PERSON = 1.15
"""A new person is the same as a stored one if most photos are near the stored one, and their mean distance to the
stored one is at most this many times their mean distance to each other."""
OTHER_FPIR = 0.01
"""A photo is near another person if a search at this FPIR would name that person."""
COMPARED = 1000
"""The greatest number of photos of a person that a photo is compared with."""


class Limits(NamedTuple):
    """Cosine distances: above ``own`` a photo is far from its person, up to ``other`` it is near another person."""

    own: float
    other: float


class PhotoDistances(NamedTuple):
    """A photo with the distances that it is judged by.

    ``own`` is its distance to its person's other photos (None: there are none), ``other`` the nearest other person.
    ``is_same`` is whether the photos of a new person, as a whole, are as near to that other person as to each other.
    """

    photo: str
    name: str
    own: float | None
    other: Candidate | None
    is_same: bool = False


def compute_limits(table: Calibration, people: int) -> Limits:
    """Return the limits in a gallery of this number of people."""
    far = min(max(OWN_FAR, table.far[-1]), table.far[0])
    return Limits(table.threshold(far), table.search_threshold(OTHER_FPIR, people))


def compute_own_distances(embeddings: Floats, others: Floats) -> list[float | None]:
    """Return for each row of ``embeddings (n, d)`` its distance to the other rows and ``others (m, d)``.

    This is the lower median of the distances, which a minority of wrong photos does not move; None without others.
    """
    photos = np.concatenate([embeddings, others]).astype(np.float64)
    if len(photos) < 2:
        return [None] * len(embeddings)
    chosen = np.linspace(0, len(photos) - 1, min(len(photos), COMPARED)).astype(int)
    distances = np.clip(1 - embeddings.astype(np.float64) @ photos[chosen].T, 0, 2)
    distances[np.arange(len(embeddings))[:, None] == chosen[None]] = np.inf  # a photo is not compared with itself
    ordered = np.sort(distances, axis=1)
    counts = np.isfinite(distances).sum(axis=1)
    return [float(row[(count - 1) // 2]) for row, count in zip(ordered, counts, strict=True)]


def judge_photo(photo: PhotoDistances, limits: Limits) -> Doubt | None:
    """Return the doubt that a photo is of its person; None if there is no doubt."""
    own, other = photo.own, photo.other
    far = own is not None and own > limits.own
    nearer = other is not None and (photo.is_same or own is None or other.distance < own)
    near_other = other if other is not None and nearer and other.distance <= (limits[0 if far else 1]) else None
    if not far and near_other is None:
        return None
    return Doubt(
        photo=photo.photo,
        message=_make_message(photo, near_other, limits),
        distance=own,
        person_id=None if near_other is None else near_other.person_id,
        name=None if near_other is None else near_other.name,
        other_distance=None if near_other is None else near_other.distance,
    )


def _make_message(photo: PhotoDistances, other: Candidate | None, limits: Limits) -> str:
    if other is None:
        return (
            f"is far from the other photos of {photo.name} (distance {photo.own:.4f}, usual is up to "
            f"{limits.own:.4f}): it may show another person."
        )
    person = f"{other.name} (id {other.person_id}, distance {other.distance:.4f})"
    if photo.own is None or other.distance >= photo.own:
        return f"looks like {person}, who is in the gallery already."
    return f"looks more like {person} than like {photo.name} ({photo.own:.4f})."


def find_same_person(own: Sequence[float | None], others: Sequence[Candidate | None], limits: Limits) -> int | None:
    """Return the id of the stored person that a new person seems to be; None if there is none.

    ``own`` are the distances of the new person's photos to each other, ``others`` their nearest stored people.
    """
    near = [(mine, other) for mine, other in zip(own, others, strict=True) if other and other.distance <= limits.other]
    counts = Counter(other.person_id for _, other in near)
    person, count = counts.most_common(1)[0] if counts else (None, 0)
    if 2 * count <= len(others):
        return None
    to_person = sum(other.distance for _, other in near if other.person_id == person)
    to_own = sum(mine or 0 for mine, other in near if other.person_id == person)
    return person if len(others) == 1 or to_person <= SAME_PERSON * to_own else None


SEARCHED = 100_000
"""Number of templates, evenly spread, that :meth:`Gallery.check` compares with the other people at most."""
BATCH_VALUES = 1 << 23
"""Values of embeddings in memory at a time: 32 MB."""
TILE = 1024
"""Templates compared with people at a time."""


class Member(NamedTuple):
    """A template of a person, and its distance to the person's other templates (None: there is no other)."""

    template_id: int
    person_id: int
    name: str
    photo: str
    embedding: Floats
    own: float | None


Usable = Callable[[Floats, Sequence[float | None]], NDArray[np.bool_]]
"""Selects the templates to use ``(n,)`` by their embeddings ``(n, d)`` and their quality scores."""


def find_doubts(
    opened: OpenGallery, name: str, templates: Sequence[Template], *, person_id: int | None, new: bool
) -> dict[int, Doubt]:
    """Return :meth:`visavis.gallery.Gallery.doubts` by the position of the template."""
    table = opened.calibration
    if table is None or not templates:
        return {}
    name, prepared = clean_name(name), prepare_templates(templates)
    with opened.database.read() as conn:
        person = _resolve_person.find_to_enroll(conn, name, person_id=person_id, new=new)
        photos = {template.photo_sha256 for template in prepared if template.photo_sha256 is not None}
        owners = match_stored_faces(prepared, records.read_owners(conn, opened.model, photos))
        dimension = opened.require_model(conn).dimension or prepared[0].embedding.size
        stored, scores = records.read_embeddings(conn, person or UNASSIGNED, dimension)
        stored = stored[table.usable(stored, scores)]
        limits = compute_limits(table, records.count_people(conn))
    new_places = [
        place
        for place, owner in enumerate(owners)
        if (owner is None or _is_unassigned(owner)) and _is_usable(table, prepared[place])
    ]
    if not new_places:
        return {}
    embeddings = np.stack([prepared[place].embedding for place in new_places])
    own = compute_own_distances(embeddings, stored)
    doubts: dict[int, Doubt] = {}
    others = _find_nearest_others(opened, embeddings, person)
    same_person = None if person is not None else find_same_person(own, others, limits)
    for place, distance, other in zip(new_places, own, others, strict=True):
        is_same = other is not None and other.person_id == same_person
        distances = PhotoDistances(prepared[place].photo, name, distance, other, is_same)
        if doubt := judge_photo(distances, limits):
            doubts[place] = doubt
    return doubts


def _find_nearest_others(opened: OpenGallery, embeddings: Floats, person: int | None) -> list[Candidate | None]:
    """Return for each row the nearest person, without ``person`` and people with photos too poor for any answer."""
    result, nearest = search_people(opened, embeddings, 2), list[Candidate | None]()
    for hits in result.hits:
        others = (hit for hit in hits if hit.person_id in result.names and hit.person_id != person)
        hit = next((hit for hit in others if result.shares.get(hit.person_id, 1.0) is not None), None)
        nearest.append(None if hit is None else Candidate(hit.person_id, result.names[hit.person_id], hit.distance))
    return nearest


def find_doubtful_templates(opened: OpenGallery) -> Iterator[Problem]:
    """Yield a problem for each stored template that seems to show another person; none if the model is uncalibrated."""
    table = opened.calibration
    if table is None:
        return
    with opened.database.read() as conn:
        people, templates = records.read_person_ids(conn), records.count_records(conn).templates
    limits, step = compute_limits(table, len(people)), -(-templates // SEARCHED) or 1

    def is_selected(member: Member) -> bool:
        return member.template_id % step == 0 or (member.own or 0) > limits.own

    for members in _read_members(opened, people, is_selected, table.usable):
        searched = [member for member in members if member.template_id % step == 0]
        others = _find_others_within(opened, searched, people, max(limits), table.usable)
        for member in members:
            distances = PhotoDistances(member.photo, member.name, member.own, others.get(member.template_id))
            if doubt := judge_photo(distances, limits):
                yield Problem("doubtful", f"template {member.template_id} ({member.photo}) {doubt.message}")


def _find_others_within(
    opened: OpenGallery,
    members: Sequence[Member],
    people: Sequence[int],
    limit: float,
    usable: Usable,
) -> dict[int, Candidate]:
    """Return the nearest other person by template id, for templates with another person within ``limit``."""
    nearest = _find_nearest_to(opened, people, members, usable)
    near = [(member.template_id, *other) for member, other in zip(members, nearest, strict=True) if other[1] <= limit]
    with opened.database.read() as conn:
        names = records.read_names(conn, {person_id for _, person_id, _ in near})
    return {
        template_id: Candidate(person_id, names[person_id], distance)
        for template_id, person_id, distance in near
        if person_id in names
    }


def _is_usable(table: Calibration, template: Template) -> bool:
    """Return whether a face is good enough for its distances to mean something."""
    return table.threshold_share(template.embedding, template.quality) is not None


def _is_unassigned(owner: records.Owner) -> bool:
    return owner.person_id == UNASSIGNED and bool(owner.template_id)


# Distances of all templates, in blocks


def _read_members(
    opened: OpenGallery, people: Sequence[int], is_selected: Callable[[Member], bool], usable: Usable
) -> Iterator[list[Member]]:
    """Yield the selected templates of these people, person by person, in batches of about ``BATCH_VALUES``."""
    batch: list[Member] = []
    for rows, embeddings in read_people(opened, people, usable):
        batch += filter(is_selected, make_members(rows, embeddings))
        if len(batch) * embeddings.shape[1] >= BATCH_VALUES:
            yield batch
            batch = []
    yield batch


def _find_nearest_to(
    opened: OpenGallery, people: Sequence[int], members: Sequence[Member], usable: Usable
) -> list[tuple[int, float]]:
    """Return for each template the nearest of these people, without its own, and the cosine distance.

    0 and inf if there is no other person.
    """
    if not members:
        return []
    embeddings = np.stack([member.embedding for member in members])
    owners = np.array([member.person_id for member in members])
    nearest, distance = np.zeros(len(members), np.int64), np.full(len(members), np.inf)
    for part_ids in records.split_list(people):
        part_people = [
            (rows[0].person_id, person_embedding(templates))
            for rows, templates in read_people(opened, part_ids, usable)
        ]
        if part_people:
            ids, person_embeddings = (np.array(column) for column in zip(*part_people, strict=True))
            for start in range(0, len(members), TILE):
                part = slice(start, start + TILE)
                _update_nearest(embeddings[part], owners[part], ids, person_embeddings, nearest[part], distance[part])
    return [*zip(nearest.tolist(), distance.tolist(), strict=True)]


def _update_nearest(
    embeddings: Any, owners: Any, ids: Any, person_embeddings: Any, nearest: Any, distance: Any
) -> None:
    """Replace ``nearest`` and ``distance``, in place, where one of these people is nearer.

    The people are ``ids (p,)``, ascending, with ``person_embeddings (p, d)``.
    """
    scores = embeddings @ person_embeddings.astype(np.float32).T
    column = np.minimum(np.searchsorted(ids, owners), len(ids) - 1)
    own = np.flatnonzero(ids[column] == owners)
    scores[own, column[own]] = -np.inf
    best = (scores >= scores.max(axis=1, keepdims=True) - compare.TIE).argmax(axis=1)
    rows = np.flatnonzero(1 - scores[np.arange(len(best)), best] < distance - compare.TIE)
    products = (embeddings[rows].astype(np.float64) * person_embeddings[best[rows]]).sum(axis=1)
    nearest[rows], distance[rows] = ids[best[rows]], np.clip(1 - products, 0, 2)


def read_people(opened: OpenGallery, people: Sequence[int], usable: Usable) -> Iterator[tuple[list[Any], Floats]]:
    """Yield rows and embeddings ``(k, d)`` of each person, read in short views, so that no writer waits."""
    columns = (getattr(TEMPLATES.c, name) for name in ("id", "person_id", "photo", "embedding", "quality"))
    query = select(PEOPLE.c.name, *columns).join(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    for part_ids in records.split_list(people):
        with opened.database.read() as conn:
            dimension = opened.require_model(conn).dimension or 0
            selected = query.where(TEMPLATES.c.person_id.in_(part_ids))
            rows = [*conn.execute(selected.order_by(TEMPLATES.c.person_id, TEMPLATES.c.id))]
        embeddings = decode_embeddings([row.embedding for row in rows], dimension, [row.id for row in rows])
        usable_places = np.flatnonzero(usable(embeddings, [row.quality for row in rows]))
        for _, group in groupby(usable_places, key=lambda place: rows[place].person_id):
            places = [*group]
            yield [rows[place] for place in places], embeddings[places]


def make_members(rows: Sequence[Any], embeddings: Floats) -> Iterator[Member]:
    """Yield the templates of a person with their distances to the person's other templates."""
    for start in range(0, len(rows), COMPARED):
        part = slice(start, start + COMPARED)
        own = compute_own_distances(
            embeddings[part], np.concatenate([embeddings[: part.start], embeddings[part.stop :]])
        )
        for row, embedding, distance in zip(rows[part], embeddings[part], own, strict=True):
            yield Member(row.id, row.person_id, row.name, row.photo, embedding.copy(), distance)
