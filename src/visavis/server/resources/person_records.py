"""What a gallery holds about one person: near people, history, export, consent; and the kept crops of faces."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from visavis import defaults
from visavis.errors import UnknownNameError
from visavis.gallery import person_records
from visavis.gallery.acting import acting_as
from visavis.gallery.kept_crops import make_thumbnail
from visavis.gallery.near_people import NearPerson, find_near_people
from visavis.gallery.person_records import PersonExport
from visavis.gallery.template_listing import find_face
from visavis.gallery.types import AuditEntry, Person
from visavis.plain import plain
from visavis.server.auth import ServicesOf
from visavis.server.photo_answers import hide_folders
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import ChangeGallery, Enroller, ReadGallery, Top
from visavis.server.resources.people import PersonId
from visavis.server.routes import Router
from visavis.server.schema import model_of

router = Router(prefix=V1, tags=["people"])
OF_PERSON = "/people/{person_id}"
PNG, JPEG = "image/png", "image/jpeg"
PICTURE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


class NearPeople(BaseModel):
    """People, the nearest first."""

    people: list[model_of(NearPerson)]  # type: ignore[valid-type]


class PersonHistory(BaseModel):
    """Changes of a person, the oldest first."""

    entries: list[model_of(AuditEntry)]  # type: ignore[valid-type]


@router.get(f"{OF_PERSON}/near", response_model=NearPeople, responses=responses(404))
def list_near_people(gallery: ReadGallery, person_id: PersonId, top: Top = defaults.TOP_NAMES) -> dict[str, Any]:
    """List the people of the gallery who look most like this person."""
    return {"people": [near.to_dict() for near in find_near_people(gallery.opened, person_id, top=top)]}


@router.get(f"{OF_PERSON}/history", response_model=PersonHistory, responses=responses(404))
def read_history(gallery: ChangeGallery, person_id: PersonId) -> dict[str, Any]:
    """List what was changed of this person, when, and with which key; needs the right to enroll."""
    return {"entries": plain(person_records.read_history(gallery.opened, person_id))}


@router.get(f"{OF_PERSON}/export", response_model=model_of(PersonExport), responses=responses(404))
def export_person(gallery: ChangeGallery, person_id: PersonId) -> JSONResponse:
    """Download all that the gallery holds about this person, with embeddings and kept crops (PNG in base64)."""
    export = person_records.export_person(gallery.opened, person_id)
    headers = {"Content-Disposition": f'attachment; filename="person-{person_id}.json"'}
    return JSONResponse(hide_folders(export.to_dict()), headers=headers)


@router.delete(f"{OF_PERSON}/consent", response_model=model_of(Person), responses=responses(404))
def withdraw_consent(gallery: ChangeGallery, principal: Enroller, person_id: PersonId) -> dict[str, Any]:
    """Remove the consent of this person and its day."""
    with acting_as(principal.name):
        person_records.withdraw_consent(gallery.opened, person_id)
    return hide_folders(gallery.person(person_id).to_dict())


@router.get(
    "/faces/{template_id}/crop",
    response_class=Response,
    responses={200: {"content": {PNG: PICTURE, JPEG: PICTURE}}, **responses(404)},
)
def read_crop(
    gallery: ReadGallery,
    services: ServicesOf,
    template_id: Annotated[int, Path(ge=1, le=2**62)],
    side: Annotated[int | None, Query(ge=16, le=512, description="Pixels of a JPEG of the face alone.")] = None,
) -> Response:
    """Return the kept crop of a face: the PNG that is stored, or a small JPEG of it.

    Where no crop is kept, the JPEG is cut out of the photo, if that lies below an index root of the server.
    """
    if side is None:
        return Response(person_records.read_kept_crop(gallery.opened, template_id).picture, media_type=PNG)
    try:
        crop = person_records.read_kept_crop(gallery.opened, template_id)
    except UnknownNameError:
        picture = services.face_pictures.cut(find_face(gallery.opened, template_id), side)
    else:
        picture = make_thumbnail(crop, template_id, side)
    return Response(picture, media_type=JPEG)
