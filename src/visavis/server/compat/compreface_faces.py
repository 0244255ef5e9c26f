"""CompreFace: the faces of subjects, each by an image id."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from visavis.errors import UnknownNameError
from visavis.gallery.acting import acting_as
from visavis.gallery.gallery import Gallery
from visavis.gallery.template_listing import TemplateEmbedding, find_template, list_templates
from visavis.gallery.types import Enrollment, Template
from visavis.server.auth import ServicesOf
from visavis.server.compat import compreface_errors as errors
from visavis.server.compat.compreface_options import (
    PREFIX,
    ChangeCollection,
    Collection,
    FaceOptions,
    FaceOptionsOf,
    LeastScore,
    PhotoFile,
    ReadCollection,
    Subject,
    add_versions,
    describe_face,
    require_faces,
    require_part,
)
from visavis.server.compat.compreface_subjects import remove_all, require_name
from visavis.server.compat.image_ids import make_image_id, parse_image_id
from visavis.server.compat.people import find_by_name, store_templates
from visavis.server.compat.similarity import compare_faces
from visavis.server.resources.options import Enroller, Reader
from visavis.server.routes import Router

router = Router(prefix=f"{PREFIX}/recognition/faces", include_in_schema=False)

PAGE = 20
"""Faces of a page that a request does not bound."""


@router.post("", status_code=201)
def add_face(
    principal: Enroller,
    collection: ChangeCollection,
    photos: PhotoFile,
    subject: Annotated[str, Query()],
    det_prob_threshold: LeastScore = 0.0,
) -> dict[str, str]:
    """Store the only face of a photo for a subject, created where there is no such name."""
    name = collection.empty.find(require_name(subject)) or subject
    options = FaceOptions(limit=2, min_score=det_prob_threshold, plugins=frozenset(), status=False)
    selected = require_faces(collection.gallery, require_part(photos, "file"), options)
    if len(selected.answer.faces) > 1:
        raise errors.several_faces()
    template = selected.template(0, keep_crop=collection.gallery.keeps_crops)
    with acting_as(principal.name):
        enrollment = store_templates(collection.gallery, name, [template])
    collection.empty.remove(name)
    return {"image_id": make_image_id(_stored_id(collection.gallery, enrollment)), "subject": subject}


def _stored_id(gallery: Gallery, enrollment: Enrollment) -> int:
    """Return the id of the template that was added, or of the same face, stored before."""
    if enrollment.added:
        return enrollment.added[0]
    (duplicate,) = enrollment.duplicates
    if duplicate.person_id != enrollment.person_id:
        raise errors.CompreFaceError(
            400, errors.INVALID_VALUE, "This face is stored for another subject already: delete it there first"
        )
    templates = gallery.person(duplicate.person_id).templates
    return next(template.id for template in templates if template.photo_sha256 == duplicate.photo_sha256)


@router.get("")
def list_faces(
    _: Reader,
    collection: ReadCollection,
    page: Annotated[int, Query(ge=0, le=2**31)] = 0,
    size: Annotated[int, Query(ge=1, le=2000)] = PAGE,
    subject: Subject = None,
) -> dict[str, Any]:
    """Return a page of all faces, or of those of a subject, in the order in which they were stored."""
    gallery = collection.gallery
    people = None
    if subject:
        person = find_by_name(gallery, subject)
        people = [] if person is None else [person.id]
    listed = list_templates(gallery.opened, people=people, offset=page * size, limit=size)
    return {
        "faces": [{"image_id": make_image_id(face.id), "subject": face.name} for face in listed.templates],
        "page_number": page,
        "page_size": size,
        "total_pages": -(-listed.total // size),
        "total_elements": listed.total,
    }


@router.delete("")
def delete_faces(principal: Enroller, collection: ChangeCollection, subject: Subject = None) -> dict[str, int]:
    """Remove a subject with all faces, or without ``subject`` all of them; return the number of faces."""
    gallery = collection.gallery
    with acting_as(principal.name):
        if subject is None:
            faces = list_templates(gallery.opened, limit=0).total
            remove_all(collection)
            return {"deleted": faces}
        person = find_by_name(gallery, require_name(subject))
        if person is not None:
            gallery.remove(person.id)
    collection.empty.remove(subject)
    return {"deleted": 0 if person is None else len(person.templates)}


@router.delete("/{image_id}")
def delete_face(principal: Enroller, collection: ChangeCollection, image_id: UUID) -> dict[str, str]:
    """Remove a face; the subject stays, even without another face."""
    with acting_as(principal.name):
        return _remove_face(collection, image_id)


@router.post("/delete")
def delete_several(principal: Enroller, collection: ChangeCollection, image_ids: list[UUID]) -> list[dict[str, str]]:
    """Remove faces; return those that there were."""
    removed = []
    with acting_as(principal.name):
        for image_id in dict.fromkeys(image_ids):
            try:
                removed.append(_remove_face(collection, image_id))
            except (errors.CompreFaceError, UnknownNameError):  # also one that another request has just removed
                continue
    return removed


def _remove_face(collection: Collection, image_id: UUID) -> dict[str, str]:
    template, _, _ = _require_face(collection.gallery, image_id)
    collection.gallery.remove_template(template.id, with_person=True)
    if find_by_name(collection.gallery, template.name) is None:
        collection.empty.add(template.name)
    return {"image_id": str(image_id), "subject": template.name}


def _require_face(gallery: Gallery, image_id: UUID) -> TemplateEmbedding:
    template_id = parse_image_id(image_id)
    stored = None if template_id is None else find_template(gallery.opened, template_id)
    if stored is None:
        raise errors.image_not_found(image_id)
    return stored


@router.get("/{image_id}/img")
def download_picture(_: Reader, __: ReadCollection, image_id: UUID) -> Response:
    """Answer without bytes, as CompreFace does where it does not store pictures: none are stored here."""
    del image_id
    return Response(media_type="application/octet-stream")


@router.post("/{image_id}/verify")
def verify_face(
    _: Reader,
    collection: ReadCollection,
    services: ServicesOf,
    image_id: UUID,
    photos: PhotoFile,
    options: FaceOptionsOf,
) -> dict[str, Any]:
    """Compare the faces of a photo with a stored one; from a similarity of .5 on it is the same person."""
    gallery = collection.gallery
    stored = _require_face(gallery, image_id)
    selected = require_faces(gallery, require_part(photos, "file"), options)
    reference, far = Template(stored.embedding, quality=stored.quality), services.config.compat.far
    similarities = compare_faces(gallery.model, gallery.calibration, reference, selected.templates(), far=far)
    faces = [
        {**describe_face(selected, index, options), "subject": stored.template.name, "similarity": similarity}
        for index, similarity in enumerate(similarities)
    ]
    return add_versions({"result": faces}, gallery, options)
