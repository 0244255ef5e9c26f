"""Strangers: unknown people before the cameras, with their numbers; naming one makes a person of the gallery."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field, model_validator

from visavis.gallery.acting import acting_as
from visavis.gallery.check_text import NAME_LENGTH
from visavis.gallery.near_people import NearPerson, find_people_near_faces
from visavis.gallery.types import Person
from visavis.server.auth import ServicesOf
from visavis.server.photo_answers import hide_folders
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import ChangeGallery, Enroller, ReadGallery, Top
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.seen_strangers import read_strangers
from visavis.server.types import SeenStranger
from visavis.videos.strangers import (
    find_stranger,
    forget_sightings_of_camera,
    forget_strangers,
    list_strangers,
    name_stranger,
)

router = Router(prefix=f"{V1}/strangers", tags=["strangers"])
TOP = 3
StrangerNumber = Annotated[int, Path(ge=1, le=2**62)]


class StrangerList(BaseModel):
    """Strangers, the latest first."""

    strangers: list[model_of(SeenStranger)]  # type: ignore[valid-type]


class StrangerName(BaseModel, extra="forbid"):
    """Who a stranger is: the ``name`` of a person, who is created where the gallery has none, or a ``person_id``.

    ``new``: another person, even if the gallery has that name.
    """

    name: str | None = Field(None, min_length=1, max_length=NAME_LENGTH)
    person_id: int | None = Field(None, ge=1, le=2**62)
    new: bool = False

    @model_validator(mode="after")
    def check(self) -> StrangerName:
        """Refuse an order with both or with neither."""
        if (self.name is None) == (self.person_id is None):
            raise ValueError("give either name or person_id")
        return self


class ForgottenStrangers(BaseModel):
    """The number of strangers of which all was removed, or what one camera saw."""

    forgotten: int


class PeopleNearStranger(BaseModel):
    """People, the nearest first."""

    people: list[model_of(NearPerson)]  # type: ignore[valid-type]


@router.get("", response_model=StrangerList, responses=responses(404))
def list_seen_strangers(
    services: ServicesOf, gallery: ReadGallery, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, Any]:
    """List the strangers of a gallery who have no name yet, the latest first."""
    return {"strangers": [stranger.to_dict() for stranger in read_strangers(services, gallery)[:limit]]}


@router.get("/{number}/near", response_model=PeopleNearStranger, responses=responses(404))
def list_people_near(gallery: ReadGallery, number: StrangerNumber, top: Top = TOP) -> dict[str, Any]:
    """List the people of the gallery who look most like a stranger."""
    stranger = find_stranger(gallery, number)
    return {
        "people": [near.to_dict() for near in find_people_near_faces(gallery.opened, stranger.template_ids, top=top)]
    }


@router.post("/{number}/name", response_model=model_of(Person), responses=responses(404, 409))
def name_seen_stranger(
    gallery: ChangeGallery, principal: Enroller, number: StrangerNumber, order: StrangerName
) -> dict[str, Any]:
    """Turn a stranger into a person, who is recognized from then on; undone by ``/faces/unassign``."""
    with acting_as(principal.name):
        if order.name is not None:
            person = name_stranger(gallery, number, order.name, new=order.new)
        else:
            person_id = order.person_id or 0
            gallery.move(find_stranger(gallery, number).template_ids, person_id)
            person = gallery.person(person_id)
    return hide_folders(person.to_dict())


@router.delete("/{number}", status_code=204, responses=responses(404))
def forget_stranger(gallery: ChangeGallery, principal: Enroller, number: StrangerNumber) -> None:
    """Remove all that is stored of a stranger, without a trace."""
    find_stranger(gallery, number)
    with acting_as(principal.name):
        forget_strangers(gallery, [number])


@router.delete("", response_model=ForgottenStrangers, responses=responses(404))
def forget_all_strangers(
    gallery: ChangeGallery,
    principal: Enroller,
    camera: Annotated[str | None, Query(max_length=200, description="What this camera saw alone.")] = None,
) -> dict[str, Any]:
    """Remove all that is stored of all strangers, or what one camera saw of them, without a trace."""
    before = {stranger.number: stranger.template_ids for stranger in list_strangers(gallery)}
    with acting_as(principal.name):
        if camera is None:
            forget_strangers(gallery, before)
        else:
            forget_sightings_of_camera(gallery, camera)
    after = {stranger.number: stranger.template_ids for stranger in list_strangers(gallery)}
    return {"forgotten": sum(after.get(number) != templates for number, templates in before.items())}
