"""People of a gallery: enroll, read, rename, describe, merge and remove them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from visavis.gallery.acting import acting_as
from visavis.gallery.check_input import make_details
from visavis.gallery.check_text import NAME_LENGTH
from visavis.gallery.person_listing import find_matching_ids
from visavis.gallery.person_records import change_person as store_changes
from visavis.gallery.types import Enrollment, Person
from visavis.server.photo_answers import hide_folders
from visavis.server.photo_input import PhotoInput, photo_body, photo_input
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import MIN_FACE, ChangeGallery, Enroller, FaceNumber, MinFace, ReadGallery
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.structured_text import parse_json

router = Router(prefix=f"{V1}/people", tags=["people"])

PersonId = Annotated[int, Path(ge=1, le=2**62)]
PersonNumber = Annotated[int, Field(ge=1, le=2**62)]
PAGE = 100


class People(BaseModel):
    """A page of people, by id; ``next`` is the ``after`` of the next page, null on the last one."""

    people: list[model_of(Person)]  # type: ignore[valid-type]
    next: int | None


class PersonChanges(BaseModel, extra="forbid"):
    """What changes of a person; what is left out stays. Null removes the consent, or its day."""

    name: str | None = Field(None, min_length=1, max_length=NAME_LENGTH)
    note: str | None = None
    consent: str | None = None
    consented: date | None = None
    metadata: dict[str, Any] | None = None


class PersonFields(BaseModel):
    """The fields of an enrollment beside the photos."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    note: str = ""
    consent: str | None = None
    consented: date | None = None
    metadata: dict[str, Any] | None = None


PhotosOfPerson = Annotated[
    PhotoInput, Depends(photo_input("photo", fields=PersonFields.model_fields), scope="function")
]


@router.get("", response_model=People, responses=responses(404))
def list_people(
    gallery: ReadGallery,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
    name: Annotated[str | None, Query(max_length=NAME_LENGTH)] = None,
    who: Annotated[list[str] | None, Query(description="Ids (3, #3) or names of single people.")] = None,
    search: Annotated[str | None, Query(max_length=NAME_LENGTH, description="Parts of a name, or an id (#3).")] = None,
) -> dict[str, Any]:
    """List people by id; with ``name``, those of this name or one written like it; with ``who``, just these people.

    With ``search``, list the people whose name has each word of it, whatever the case and the accents.
    """
    if who is not None:
        return {"people": hide_folders([person.to_dict() for person in gallery.people(*who)]), "next": None}
    if search is not None:
        ids = [person_id for person_id in find_matching_ids(gallery.opened, search) if person_id > after]
        people = gallery.people(*ids[: limit + 1]) if ids else []
    else:
        people = gallery.people() if name is None else gallery.similar_names(name, equal=True)
    page = [person for person in people if person.id > after][: limit + 1]
    return {
        "people": hide_folders([person.to_dict() for person in page[:limit]]),
        "next": page[limit - 1].id if len(page) > limit else None,
    }


@router.post(
    "",
    response_model=model_of(Enrollment),
    status_code=201,
    responses=responses(404, 409, 413, 415),
    openapi_extra=photo_body(
        many=["photo"],
        name={"type": "string"},
        note={"type": "string"},
        consent={"type": "string"},
        consented={"type": "string", "format": "date"},
        metadata={"description": "An object, in a form as text in JSON."},
    ),
)
def enroll(  # noqa: PLR0913 - those of the gallery
    photos: PhotosOfPerson,
    gallery: ChangeGallery,
    principal: Enroller,
    person_id: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    min_face: MinFace = MIN_FACE,
    min_quality: Annotated[float, Query(ge=0, le=1)] = 0.0,
    face: FaceNumber = None,
    *,
    new: bool = False,
    strict: bool = False,
) -> dict[str, Any]:
    """Enroll the largest face of each photo for the person ``name``, who is created where no person has the name.

    ``face`` chooses another face than the largest.
    """
    fields = _read_fields(photos.fields)
    with acting_as(principal.name):
        enrollment = gallery.enroll(
            fields.name, photos.all("photo"), person_id=person_id, new=new, note=fields.note, consent=fields.consent,
            consented=fields.consented, metadata=fields.metadata, min_face=min_face, min_quality=min_quality,
            strict=strict, face=face,
        )  # fmt: skip
    return enrollment.to_dict()


@router.get("/{person_id}", response_model=model_of(Person), responses=responses(404))
def read_person(gallery: ReadGallery, person_id: PersonId) -> dict[str, Any]:
    """Return a person with the templates."""
    return hide_folders(gallery.person(person_id).to_dict())


@router.patch("/{person_id}", response_model=model_of(Person), responses=responses(404, 409))
def change_person(
    gallery: ChangeGallery, principal: Enroller, person_id: PersonId, changes: PersonChanges
) -> dict[str, Any]:
    """Rename a person, or replace the note, the consent or the metadata; all that is asked is stored, or nothing.

    A ``consent`` or ``consented`` of null is removed.
    """
    details = make_details(**changes.model_dump(exclude={"name"}, exclude_none=True))
    given = changes.model_dump(exclude_unset=True)
    removed = [field for field in ("consent", "consented") if given.get(field, "") is None]
    if given:
        with acting_as(principal.name):
            store_changes(gallery.opened, person_id, details, name=changes.name, removed=removed)
    return hide_folders(gallery.person(person_id).to_dict())


@router.post("/{person_id}/merge", response_model=model_of(Person), responses=responses(404))
def merge_person(
    gallery: ChangeGallery, principal: Enroller, person_id: PersonId, into: Annotated[int, Query(ge=1, le=2**62)]
) -> dict[str, Any]:
    """Move all templates to the person ``into``, and remove this one."""
    with acting_as(principal.name):
        gallery.merge(person_id, into)
    return hide_folders(gallery.person(into).to_dict())


@router.delete("", status_code=204, responses=responses(404))
def remove_people(
    gallery: ChangeGallery, principal: Enroller, person_id: Annotated[list[PersonNumber], Query(min_length=1)]
) -> None:
    """Remove several people with all templates: all or none, without a trace."""
    with acting_as(principal.name):
        gallery.remove(*person_id)


@router.delete("/{person_id}", status_code=204, responses=responses(404))
def remove_person(gallery: ChangeGallery, principal: Enroller, person_id: PersonId) -> None:
    """Remove a person with all templates, without a trace."""
    with acting_as(principal.name):
        gallery.remove(person_id)


def _read_fields(fields: Mapping[str, Any]) -> PersonFields:
    """Return the fields of an enrollment; metadata of a form are text in JSON."""
    values = dict(fields)
    try:
        if isinstance(values.get("metadata"), str):
            values["metadata"] = parse_json(values["metadata"])
        return PersonFields.model_validate(values)
    except ValueError as error:
        faults = error.errors() if isinstance(error, ValidationError) else [{"loc": ("metadata",), "msg": "no JSON"}]
        raise RequestValidationError(faults) from error
