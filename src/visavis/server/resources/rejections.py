"""Rejections of a person: faces that are not the person although they look like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel

from visavis import defaults
from visavis.gallery.acting import acting_as
from visavis.gallery.feedback_types import Rejection, RejectionEffect
from visavis.server.photo_answers import hide_folders
from visavis.server.photo_input import OnePhoto, photo_body
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import MIN_FACE, ChangeGallery, Enroller, MinFace, ReadGallery
from visavis.server.resources.people import PersonId
from visavis.server.routes import Router
from visavis.server.schema import model_of

router = Router(prefix=V1, tags=["people"])
OF_PERSON = "/people/{person_id}/rejections"

RejectionId = Annotated[int, Path(ge=1, le=2**62)]
RetentionDays = Annotated[
    int, Query(ge=1, le=defaults.MOST_REJECTION_DAYS, description="Number of days until the rejection expires.")
]


class Rejections(BaseModel):
    """Rejections, by id."""

    rejections: list[model_of(Rejection)]  # type: ignore[valid-type]


@router.get("/rejections", response_model=Rejections, responses=responses(404))
def list_all_rejections(gallery: ReadGallery) -> dict[str, Any]:
    """List all faces that were rejected as a person."""
    return {"rejections": _show(gallery.rejections())}


@router.get(OF_PERSON, response_model=Rejections, responses=responses(404))
def list_rejections(gallery: ReadGallery, person_id: PersonId) -> dict[str, Any]:
    """List the faces that were rejected as this person."""
    return {"rejections": _show(gallery.rejections(person_id))}


@router.post(
    OF_PERSON,
    response_model=model_of(Rejection),
    status_code=201,
    responses=responses(404, 413, 415),
    openapi_extra=photo_body("photo"),
)
def reject(
    photos: OnePhoto,
    gallery: ChangeGallery,
    principal: Enroller,
    person_id: PersonId,
    days: RetentionDays = defaults.REJECTION_DAYS,
    min_face: MinFace = MIN_FACE,
) -> dict[str, Any]:
    """Store that the face of a photo that is nearest to the person is not that person."""
    with acting_as(principal.name):
        return gallery.reject(photos.only("photo"), person_id, days=days, min_face=min_face).to_dict()


@router.post(
    f"{OF_PERSON}/effect",
    response_model=model_of(RejectionEffect),
    responses=responses(404, 413, 415),
    openapi_extra=photo_body("photo"),
)
def show_effect(
    photos: OnePhoto, gallery: ReadGallery, person_id: PersonId, min_face: MinFace = MIN_FACE
) -> dict[str, Any]:
    """Return what a rejection would change, and store nothing."""
    return gallery.rejection_effect(photos.only("photo"), person_id, min_face=min_face).to_dict()


@router.delete("/rejections/{rejection_id}", response_model=model_of(Rejection), responses=responses(404))
def undo_rejection(gallery: ChangeGallery, principal: Enroller, rejection_id: RejectionId) -> dict[str, Any]:
    """Remove a rejection, so that faces like it are recognized again, and return it."""
    with acting_as(principal.name):
        return hide_folders(gallery.undo_rejection(rejection_id).to_dict())


def _show(rejections: Sequence[Rejection]) -> list[dict[str, Any]]:
    return hide_folders([rejection.to_dict() for rejection in rejections])
