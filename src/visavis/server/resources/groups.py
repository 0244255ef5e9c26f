"""Groups of faces to name: list and read them, move faces between them, name them, and put them aside."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field

from visavis.gallery import change_groups, face_groups
from visavis.gallery.acting import acting_as
from visavis.gallery.change_groups import NamedGroup
from visavis.gallery.check_text import NAME_LENGTH
from visavis.gallery.face_groups import GroupDetails, GroupOverview, NearGroup
from visavis.server.auth import ServicesOf
from visavis.server.photo_answers import hide_folders
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.faces import FaceId
from visavis.server.resources.options import ChangeGallery, Enroller, GalleryName, ReadGallery, SearchFpir
from visavis.server.resources.people import PersonNumber
from visavis.server.routes import Router
from visavis.server.schema import model_of

router = Router(prefix=f"{V1}/groups", tags=["faces"])
MOST_FACES = 10_000
"""Faces of a request."""

Number = Annotated[int, Path(ge=0, le=2**62)]


class NearGroups(BaseModel):
    """Groups, the nearest first."""

    groups: list[model_of(NearGroup)]  # type: ignore[valid-type]


class GroupNumber(BaseModel):
    """The number of a group."""

    number: int


class FacesOfGroup(BaseModel, extra="forbid"):
    """Faces of a group, by template id, as they were read."""

    template_ids: list[FaceId] = Field(min_length=1, max_length=MOST_FACES)


class FacesToGroup(FacesOfGroup):
    """Faces of a group, and the group that they go to: a number, or null for a new group.

    ``expected`` is the number of faces that this group has to have; null: any.
    """

    to: int | None = Field(None, ge=0, le=change_groups.GREATEST_NUMBER)
    expected: int | None = Field(None, ge=0, le=2**62)


class GroupName(FacesOfGroup):
    """Faces of a group, and the name of their person; ``new``: even if the gallery has that name.

    ``person_id`` chooses the person of this name, where several have it.
    """

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    person_id: PersonNumber | None = None
    new: bool = False


class FacesOfPerson(FacesOfGroup):
    """Templates of a person that were named as faces of a group."""

    person_id: PersonNumber


class Aside(BaseModel, extra="forbid"):
    """Whether a group is put aside."""

    aside: bool


@router.get("", response_model=model_of(GroupOverview), responses=responses(404))
def list_groups(
    gallery: ReadGallery, name: GalleryName, services: ServicesOf, *, aside: bool = False
) -> dict[str, Any]:
    """List the groups of unassigned faces, the largest first: those to name, or those that are put aside."""
    overview = face_groups.list_groups(
        gallery.opened,
        services.set_aside.read(name),
        aside=aside,
        is_readable=services.face_pictures.lies_below_root,
    )
    return overview.to_dict()


@router.get("/{number}", response_model=model_of(GroupDetails), responses=responses(404))
def read_group(gallery: ReadGallery, services: ServicesOf, number: Number, fpir: SearchFpir) -> dict[str, Any]:
    """Return the faces of a group, the doubtful ones first, and the people who it may show."""
    is_readable = services.face_pictures.lies_below_root
    return hide_folders(face_groups.read_group(gallery.opened, number, fpir=fpir, is_readable=is_readable).to_dict())


@router.get("/{number}/near", response_model=NearGroups, responses=responses(404))
def list_near_groups(
    gallery: ReadGallery,
    services: ServicesOf,
    number: Number,
    template_id: Annotated[list[FaceId] | None, Query(max_length=1000, description="Faces; default: all.")] = None,
    top: Annotated[int, Query(ge=1, le=100)] = face_groups.NEAR,
) -> dict[str, Any]:
    """List the groups nearest to a group, or to some faces of it, without those that have a face of the same photo."""
    is_readable = services.face_pictures.lies_below_root
    near = face_groups.find_near_groups(gallery.opened, number, template_id or (), top=top, is_readable=is_readable)
    return {"groups": [group.to_dict() for group in near]}


@router.post("/{number}/move", response_model=GroupNumber, responses=responses(404, 409))
def move_faces(
    gallery: ChangeGallery,
    _: Enroller,
    name: GalleryName,
    services: ServicesOf,
    number: Number,
    order: FacesToGroup,
) -> dict[str, int]:
    """Move faces of a group to another, or to a new one: all or none.

    A group whose faces all move is merged into the other. Faces that were put aside are so no more, unless the other
    group is, or a new one is made.
    """
    to = change_groups.move_faces(gallery.opened, number, order.template_ids, order.to, expected=order.expected)
    if order.to is not None:
        services.set_aside.remove(name, order.template_ids)
    return {"number": to}


@router.post("/{number}/name", response_model=model_of(NamedGroup), responses=responses(404, 409))
def name_group(
    gallery: ChangeGallery,
    principal: Enroller,
    name: GalleryName,
    services: ServicesOf,
    number: Number,
    order: GroupName,
) -> dict[str, Any]:
    """Assign faces of a group to the person of a name, who is created where no person has the name."""
    with acting_as(principal.name):
        named = change_groups.name_group(
            gallery.opened, number, order.template_ids, order.name, person_id=order.person_id, new=order.new
        )
    services.set_aside.remove(name, order.template_ids)
    return named.to_dict()


@router.post("/{number}/unname", status_code=204, responses=responses(404, 409))
def unname_faces(gallery: ChangeGallery, principal: Enroller, number: Number, order: FacesOfPerson) -> None:
    """Make templates of a person unassigned faces of a group again; a person without another template is removed."""
    with acting_as(principal.name):
        change_groups.unname_faces(gallery.opened, number, order.template_ids, order.person_id)


@router.put("/{number}/aside", status_code=204, responses=responses(404))
def put_aside(
    gallery: ChangeGallery, _: Enroller, name: GalleryName, services: ServicesOf, number: Number, order: Aside
) -> None:
    """Put a group aside, or bring it back."""
    faces = face_groups.list_group_faces(gallery.opened, number)
    if order.aside:
        services.set_aside.add(name, faces)
    else:
        services.set_aside.remove(name, faces)
