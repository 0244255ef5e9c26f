"""Reject a face as not being a person; show the effect before, undo it, list what was rejected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from visavis import defaults
from visavis._checks import check_whole
from visavis.errors import UnknownNameError, UsageError
from visavis.gallery import _resolve_person
from visavis.gallery._leave_one_out import compute_distances_without_self
from visavis.gallery._negatives import find_nearest_negative
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._resolve_person import Who
from visavis.gallery._search import compute_threshold, search_people
from visavis.gallery.check_input import make_path_absolute, match_stored_faces, prepare_templates
from visavis.gallery.feedback_types import Rejection, RejectionEffect
from visavis.gallery.kept_crops import make_crop
from visavis.gallery.sql import crops, records, rejections
from visavis.gallery.types import Template
from visavis.images import Source, not_a_folder
from visavis.verification import require_faces


class _RejectedFace(NamedTuple):
    """The face of a photo that is nearest to a person, and its cosine distance to the person."""

    person_id: int
    name: str
    template: Template
    box: tuple[float, float, float, float]
    distance: float


def reject_face(opened: OpenGallery, photo: Source, who: Who, *, days: int, min_face: float) -> Rejection:
    """Do as :meth:`visavis.gallery.Gallery.reject`."""
    check_whole(days, "days is a whole number", least=1, most=defaults.MOST_REJECTION_DAYS)
    face = _find_nearest_face(opened, photo, who, min_face)
    with opened.database.write() as conn:
        _resolve_person.name_of_id(conn, face.person_id)
        _refuse_enrolled(conn, opened.model, face)
        expires = datetime.now(UTC) + timedelta(days=days)
        stored_id = rejections.store_rejection(conn, face.person_id, face.template, expires)
        opened.log(conn, "reject", face.person_id, f"rejection {stored_id}, {days} days")
        (stored,) = rejections.read_rejections(conn, only=stored_id)
    return stored


def measure_effect(opened: OpenGallery, photo: Source, who: Who, *, min_face: float) -> RejectionEffect:
    """Do as :meth:`visavis.gallery.Gallery.rejection_effect`."""
    face = _find_nearest_face(opened, photo, who, min_face)
    with opened.database.read() as conn:
        _refuse_enrolled(conn, opened.model, face)
        ids = records.read_template_ids(conn, face.person_id)
        embeddings, _ = records.read_embeddings(conn, face.person_id, len(face.template.embedding))
        stored = rejections.read_negatives(conn, [face.person_id], embeddings.shape[1]).get(face.person_id)
    own = compute_distances_without_self(embeddings)
    lost = []
    if len(ids) > 1:
        result = search_people(opened, embeddings, 2)
        limit = 2.0
        if result.table is not None:
            limit = compute_threshold(result.table, defaults.FPIR, result.people, model=opened.model).distance
        to_face = 1 - embeddings.astype(np.float64) @ face.template.embedding.astype(np.float64)
        for row, hits in enumerate(result.hits):
            other = min((hit.distance for hit in hits if hit.person_id != face.person_id), default=np.inf)
            before = find_nearest_negative(stored, embeddings[row])
            is_named = own[row] <= min(limit, other) and (before is None or before.distance >= own[row])
            if is_named and to_face[row] < own[row]:
                lost.append(ids[row])
    return RejectionEffect(
        person_id=face.person_id,
        name=face.name,
        photo=face.template.photo,
        box=face.box,
        distance=face.distance,
        compared=len(ids) if len(ids) > 1 else 0,
        lost=tuple(lost),
    )


def list_rejections(opened: OpenGallery, who: Who | None) -> list[Rejection]:
    """Do as :meth:`visavis.gallery.Gallery.rejections`."""
    with opened.database.read() as conn:
        person_id = None if who is None else _resolve_person.find_person(conn, who)
        return rejections.read_rejections(conn, person_id=person_id)


def undo_rejection(opened: OpenGallery, rejection_id: int) -> Rejection:
    """Do as :meth:`visavis.gallery.Gallery.undo_rejection`."""
    number = check_whole(rejection_id, "the id of a rejection is a whole number", least=1)
    with opened.database.erasing() as conn:
        stored = rejections.read_rejections(conn, only=number) if number < 2**63 else []
        if not stored:
            raise UnknownNameError(f"there is no rejection {number} in this gallery.")
        rejections.remove_rejections(conn, [number])
        opened.log(conn, "undo rejection", stored[0].person_id, f"rejection {number}")
    return stored[0]


def _find_nearest_face(opened: OpenGallery, photo: Source, who: Who, min_face: float) -> _RejectedFace:
    """Return the face of a photo that is nearest to a person; NoFaceError or another ImageError without a face."""
    source = not_a_folder(photo)
    with opened.database.read() as conn:
        person_id = _resolve_person.find_person(conn, who)
        name = _resolve_person.name_of_id(conn, person_id)
        keep = crops.keeps_crops(conn)
    (read,) = opened.recognizer.represent([source], min_face=min_face)
    pixels = require_faces(read).photo
    embeddings = np.empty((0, 0), np.float32) if read.embeddings is None else read.embeddings
    result = search_people(opened, embeddings, 1, [person_id])
    distances = [hits[0].distance if hits else np.inf for hits in result.hits]
    nearest = int(np.argmin(distances))
    template = Template(
        result.probes[nearest],
        photo_sha256=None if pixels is None else pixels.sha256,
        photo=make_path_absolute(read.name),
        box=read.faces[nearest].box,
        crop=make_crop(pixels, read.faces[nearest]) if keep and pixels is not None else None,
    )
    (prepared,) = prepare_templates([template])
    x1, y1, x2, y2 = read.faces[nearest].box.tolist()
    return _RejectedFace(person_id, name, prepared, (x1, y1, x2, y2), float(distances[nearest]))


def _refuse_enrolled(conn: Connection, model: str, face: _RejectedFace) -> None:
    """Raise UsageError if the face is a template of the person: then it is moved, not rejected."""
    records.require_model(conn, model)
    photos = [] if face.template.photo_sha256 is None else [face.template.photo_sha256]
    (owner,) = match_stored_faces([face.template], records.read_owners(conn, model, photos))
    if owner is not None and owner.person_id == face.person_id:
        raise UsageError(
            f"this face is enrolled as template {owner.template_id} of {face.name}: move it to the right person, or "
            "remove it."
        )
