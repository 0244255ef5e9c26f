"""Groups of faces to name: the unassigned faces of a cluster, what speaks against them, and who they may be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, func, select

from visavis import compare, defaults
from visavis.clustering.doubtful import choose_doubt_limit, find_doubtful
from visavis.errors import UnknownNameError
from visavis.gallery._identify import IdentifyOptions, identify_embeddings
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import CROPS, PEOPLE, TEMPLATES
from visavis.gallery.sql.values import decode_embeddings
from visavis.plain import Plain
from visavis.types import Floats

NEAR = 6
SUGGESTIONS = 3
IsReadable = Callable[[str], bool]
"""Returns whether a face can be cut out of the photo of a path."""


def is_never_readable(_: str) -> bool:
    """Return False: pictures are the kept crops alone."""
    return False


@dataclass(frozen=True, slots=True)
class FaceGroup(Plain):
    """A group: the ``number`` of its cluster, and how many ``faces`` of it have no person.

    ``cover`` is the best face that has a picture; None: no face of this group has one.
    """

    number: int
    faces: int
    cover: int | None


@dataclass(frozen=True, slots=True)
class GroupOverview(Plain):
    """The groups of a gallery, the largest first.

    ``aside`` is the number of groups that are put aside, ``ungrouped`` that of faces that were not clustered yet.
    """

    groups: tuple[FaceGroup, ...]
    aside: int
    ungrouped: int


@dataclass(frozen=True, slots=True)
class GroupFace(Plain):
    """A face of a group.

    ``has_picture`` is whether its crop is kept, or it can be cut out of its photo. ``doubtful`` is whether it may show
    another person than most of the group.
    """

    template_id: int
    photo: str
    quality: float | None
    has_picture: bool
    doubtful: bool


@dataclass(frozen=True, slots=True)
class PersonInGroup(Plain):
    """A person with ``templates`` in the cluster of a group."""

    person_id: int
    name: str
    templates: int


@dataclass(frozen=True, slots=True)
class PersonSuggestion(Plain):
    """A person who a group may show, at a cosine ``distance``.

    ``far`` is the rate at which two strangers are as near, or the lowest that was measured; None for larger distances
    than were measured, and for a model without a table of thresholds.
    """

    person_id: int
    name: str
    distance: float
    far: float | None


@dataclass(frozen=True, slots=True)
class GroupDetails(Plain):
    """A group with its ``faces``, the doubtful ones first, then by quality.

    ``people`` have templates in its cluster. ``suggestions`` are the people within the threshold of a search, the
    nearest first, as far from the faces that are not doubtful.
    """

    number: int
    faces: tuple[GroupFace, ...]
    people: tuple[PersonInGroup, ...]
    suggestions: tuple[PersonSuggestion, ...]


@dataclass(frozen=True, slots=True)
class NearGroup(Plain):
    """A group at a mean ``distance`` from faces; ``far`` is as in :class:`PersonSuggestion`."""

    number: int
    faces: int
    cover: int | None
    distance: float
    far: float | None


class _FaceRow(NamedTuple):
    """An unassigned face as it is stored; ``crop`` is its id where its crop is kept."""

    id: int
    cluster: int | None
    photo: str
    quality: float | None
    crop: int | None
    sha256: str | None = None
    embedding: bytes = b""


def list_groups(
    opened: OpenGallery,
    set_aside: Collection[int] = (),
    *,
    aside: bool = False,
    is_readable: IsReadable = is_never_readable,
) -> GroupOverview:
    """Return the groups that are not put aside, or those that are: groups with a face of ``set_aside`` (template ids).

    Groups of the same size are in the order of their numbers.
    """
    with opened.database.read() as conn:
        members = _read_members(conn)
    excluded = {number for number, faces in members.items() if any(face.id in set_aside for face in faces)}
    ungrouped = len(members.pop(None, ()))
    chosen = [(number, faces) for number, faces in members.items() if number is not None]
    groups = [
        FaceGroup(number, len(faces), _find_cover(faces, is_readable))
        for number, faces in chosen
        if (number in excluded) == aside
    ]
    groups.sort(key=lambda group: (-group.faces, group.number))
    return GroupOverview(tuple(groups), len(excluded - {None}), ungrouped)


def read_group(
    opened: OpenGallery, number: int, *, fpir: float = defaults.FPIR, is_readable: IsReadable = is_never_readable
) -> GroupDetails:
    """Return a group with its faces and suggestions; UnknownNameError where no face of the cluster is unassigned.

    People are suggested within the threshold of a search at the rate ``fpir``.
    """
    with opened.database.read() as conn:
        dimension = opened.require_model(conn).dimension or 0
        rows = _read_rows(conn, number)
        if not rows:
            raise _unknown(number)
        people = _read_people(conn, number)
        count = conn.execute(select(func.count()).select_from(TEMPLATES)).scalar_one()
    embeddings = decode_embeddings([row.embedding for row in rows], dimension, [row.id for row in rows])
    table = opened.calibration
    doubtful = np.zeros(len(rows), bool)
    if table is not None:
        doubtful = find_doubtful(embeddings, choose_doubt_limit(count, table))
    faces = [
        GroupFace(row.id, row.photo, row.quality, _has_picture(row, is_readable), bool(is_doubtful))
        for row, is_doubtful in zip(rows, doubtful, strict=True)
    ]
    faces.sort(key=lambda face: (not face.doubtful, -(face.quality or 0.0), face.template_id))
    qualities = [row.quality for row, is_doubtful in zip(rows, doubtful, strict=True) if not is_doubtful]
    suggestions = _suggest(opened, embeddings[~doubtful], qualities, table, fpir)
    return GroupDetails(number, tuple(faces), people, suggestions)


def find_near_groups(
    opened: OpenGallery,
    number: int,
    template_ids: Collection[int] = (),
    *,
    top: int = NEAR,
    is_readable: IsReadable = is_never_readable,
) -> list[NearGroup]:
    """Return the groups nearest to a group, or to these faces of it, the nearest first.

    Groups with a face of the same photo are left out: they show other people. UnknownNameError for faces that are not
    in the group.
    """
    with opened.database.read() as conn:
        dimension = opened.require_model(conn).dimension or 0
        rows = _read_rows(conn)
    own = [place for place, row in enumerate(rows) if row.cluster == number]
    chosen = [place for place in own if not template_ids or rows[place].id in template_ids]
    if not chosen or len(chosen) < len({*template_ids}):
        raise UnknownNameError(f"there is no group {number} with these faces in this gallery.")
    embeddings = decode_embeddings([row.embedding for row in rows], dimension, [row.id for row in rows])
    probe = embeddings[chosen].mean(axis=0, dtype=np.float64)
    photos = {rows[place].sha256 for place in chosen} - {None}
    members: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        if row.cluster is not None and row.cluster != number:
            members.setdefault(row.cluster, []).append(place)
    near = []
    for other, places in members.items():
        if photos.isdisjoint(rows[place].sha256 for place in places):
            distance = 1 - float(embeddings[places].mean(axis=0, dtype=np.float64) @ probe)
            near.append((min(max(distance, 0.0), 2.0), other, places))
    table = opened.calibration
    return [
        NearGroup(
            other,
            len(places),
            _find_cover([rows[place] for place in places], is_readable),
            distance,
            _find_rate(table, distance),
        )
        for distance, other, places in sorted(near)[:top]
    ]


def list_group_faces(opened: OpenGallery, number: int) -> list[int]:
    """Return the template ids of a group, ascending; UnknownNameError where no face of the cluster is unassigned."""
    query = select(TEMPLATES.c.id).where(TEMPLATES.c.cluster == number, TEMPLATES.c.person_id.is_(None))
    with opened.database.read() as conn:
        ids = [*conn.execute(query.order_by(TEMPLATES.c.id)).scalars()]
    if not ids:
        raise _unknown(number)
    return ids


def list_face_ids(opened: OpenGallery) -> set[int]:
    """Return the ids of all faces, assigned or not."""
    with opened.database.read() as conn:
        return {*conn.execute(select(TEMPLATES.c.id)).scalars()}


def _unknown(number: int) -> UnknownNameError:
    return UnknownNameError(f"there is no group {number} in this gallery.")


def _suggest(
    opened: OpenGallery,
    embeddings: Floats,
    qualities: Sequence[float | None],
    table: compare.Calibration | None,
    fpir: float,
) -> tuple[PersonSuggestion, ...]:
    """Return the people within the threshold of a search for these faces; none for a model without a table.

    A distance is that of the rule of :func:`visavis.compare.person_embedding` for both sides: where the faces of the
    group are far from each other, it is larger than that of their mean.
    """
    if table is None or not len(embeddings):
        return ()
    probe = compare.person_embedding(embeddings)
    length = min(float(np.linalg.norm(probe)), 1.0)
    measured = [quality for quality in qualities if quality is not None]
    quality = float(np.mean(measured)) if measured else None
    options = IdentifyOptions(fpir, None, 0.0, SUGGESTIONS)
    (answer,) = identify_embeddings(opened, probe[None], options, qualities=[quality])
    if answer.person_id is None:
        return ()
    distances = [1 - (1 - candidate.distance) * length for candidate in answer.candidates]
    return tuple(
        PersonSuggestion(candidate.person_id, candidate.name, distance, _find_rate(table, distance))
        for candidate, distance in zip(answer.candidates, distances, strict=True)
        if distance <= answer.threshold
    )


def _find_rate(table: compare.Calibration | None, distance: float) -> float | None:
    return None if table is None else table.far_at(max(distance, table.thresholds[-1]))


def _read_members(conn: Connection) -> dict[int | None, list[_FaceRow]]:
    """Return id, photo, quality and crop (None: not kept) of each unassigned face, by cluster."""
    joined = TEMPLATES.outerjoin(CROPS, CROPS.c.face_id == TEMPLATES.c.id)
    of_face = (TEMPLATES.c.id, TEMPLATES.c.cluster, TEMPLATES.c.photo, TEMPLATES.c.quality)
    columns = (*of_face, CROPS.c.face_id)
    members: dict[int | None, list[_FaceRow]] = {}
    for row in conn.execute(select(*columns).select_from(joined).where(TEMPLATES.c.person_id.is_(None))):
        members.setdefault(row.cluster, []).append(_FaceRow(*row))
    return members


def _read_rows(conn: Connection, number: int | None = None) -> list[_FaceRow]:
    """Return the unassigned faces of a cluster, or all, by id, with their embeddings."""
    joined = TEMPLATES.outerjoin(CROPS, CROPS.c.face_id == TEMPLATES.c.id)
    of_face = (TEMPLATES.c.id, TEMPLATES.c.cluster, TEMPLATES.c.photo, TEMPLATES.c.quality, CROPS.c.face_id)
    query = select(*of_face, TEMPLATES.c.photo_sha256, TEMPLATES.c.embedding).select_from(joined)
    query = query.where(TEMPLATES.c.person_id.is_(None)).order_by(TEMPLATES.c.id)
    rows = conn.execute(query if number is None else query.where(TEMPLATES.c.cluster == number))
    return [_FaceRow(*row) for row in rows]


def _read_people(conn: Connection, number: int) -> tuple[PersonInGroup, ...]:
    """Return the people with templates in a cluster, those with the most first."""
    joined = TEMPLATES.join(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    query = select(PEOPLE.c.id, func.count().label("templates")).select_from(joined)
    rows = [*conn.execute(query.where(TEMPLATES.c.cluster == number).group_by(PEOPLE.c.id))]
    names = records.read_names(conn, [row.id for row in rows])
    rows.sort(key=lambda row: (-row.templates, row.id))
    return tuple(PersonInGroup(row.id, names[row.id], row.templates) for row in rows)


def _has_picture(face: _FaceRow, is_readable: IsReadable) -> bool:
    return face.crop is not None or is_readable(face.photo)


def _find_cover(faces: Sequence[_FaceRow], is_readable: IsReadable) -> int | None:
    shown = [face for face in faces if _has_picture(face, is_readable)]
    return max(shown, key=lambda face: (face.quality or 0.0, -face.id)).id if shown else None
