"""Templates of people and unassigned faces of a gallery: list, move, name, cluster and remove them."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import Path, Query
from pydantic import BaseModel, Field

from visavis.errors import UnknownNameError
from visavis.gallery import unassigned_faces
from visavis.gallery.acting import acting_as
from visavis.gallery.check_text import NAME_LENGTH
from visavis.gallery.gallery import Gallery
from visavis.gallery.types import Person, StoredFaces
from visavis.plain import plain
from visavis.server.photo_answers import hide_folders
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import ChangeGallery, Enroller, ReadGallery
from visavis.server.resources.people import PersonId
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.types import FaceCluster, StoredFace

router = Router(prefix=V1, tags=["faces"])
PAGE = 100
FaceId = Annotated[int, Field(ge=1, le=2**62)]


class FacesOfGallery(BaseModel):
    """A page of faces, by id; ``next`` is the ``after`` of the next page, null on the last one."""

    faces: list[model_of(StoredFace)]  # type: ignore[valid-type]
    next: int | None


class FaceClusters(BaseModel):
    """The clusters of a gallery, the largest first."""

    clusters: list[model_of(FaceCluster)]  # type: ignore[valid-type]


class FacesToMove(BaseModel, extra="forbid"):
    """Templates by id."""

    template_ids: list[FaceId] = Field(min_length=1, max_length=10_000)


class FacesToUnassign(FacesToMove):
    """Faces by id; ``with_person``: people who have no other template are removed."""

    with_person: bool = False


class RemovedPeople(BaseModel):
    """The ids of the people who were removed."""

    removed: list[int]


class FacesToName(FacesToMove):
    """Faces by id, and the name of their person; ``new``: even if the gallery has that name."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    new: bool = False


class ClusterName(BaseModel, extra="forbid"):
    """The name of the person that a cluster shows; ``new``: even if the gallery has that name."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    new: bool = False


@router.get("/faces", response_model=FacesOfGallery, responses=responses(404))
def list_faces(
    gallery: ReadGallery,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
    *,
    unassigned: bool = False,
) -> dict[str, Any]:
    """List the faces of a gallery by id, or only the unassigned ones."""
    faces = gallery.faces(unassigned=unassigned)
    rows = np.flatnonzero(faces.ids > after)[: limit + 1].tolist()
    lines = [_make_line(faces, row) for row in rows[:limit]]
    return {"faces": hide_folders(lines), "next": lines[-1]["template_id"] if len(rows) > limit else None}


@router.post("/faces/name", response_model=model_of(Person), responses=responses(404, 409))
def name_faces(gallery: ChangeGallery, principal: Enroller, order: FacesToName) -> dict[str, Any]:
    """Assign faces to the person of a name, who is created where no person has the name.

    The faces are unassigned, or of people who keep another template.
    """
    return _name(gallery, principal.name, order.name, order.template_ids, new=order.new)


@router.post("/faces/unassign", response_model=RemovedPeople, responses=responses(404))
def unassign_faces(gallery: ChangeGallery, principal: Enroller, order: FacesToUnassign) -> dict[str, Any]:
    """Take faces from their people, so that they are unassigned again: all or none."""
    with acting_as(principal.name):
        removed = unassigned_faces.unassign_faces(gallery.opened, order.template_ids, with_person=order.with_person)
    return {"removed": removed}


@router.delete("/faces/{template_id}", status_code=204, responses=responses(404))
def remove_face(gallery: ChangeGallery, principal: Enroller, template_id: Annotated[int, Path(ge=1, le=2**62)]) -> None:
    """Remove a template, or an unassigned face, without a trace; the last template of a person stays."""
    with acting_as(principal.name):
        gallery.remove_template(template_id)


@router.post("/people/{person_id}/faces", response_model=model_of(Person), responses=responses(404))
def move_faces(gallery: ChangeGallery, principal: Enroller, person_id: PersonId, order: FacesToMove) -> dict[str, Any]:
    """Move templates of other people, and unassigned faces, to a person: all or none."""
    with acting_as(principal.name):
        gallery.move(order.template_ids, person_id)
    return _show(gallery.person(person_id))


@router.get("/clusters", response_model=FaceClusters, responses=responses(404))
def list_clusters(gallery: ReadGallery, limit: Annotated[int, Query(ge=1, le=1000)] = PAGE) -> dict[str, Any]:
    """List the clusters that were last stored, the largest first."""
    return {"clusters": _list_clusters(gallery.faces())[:limit]}


@router.post("/clusters", response_model=FaceClusters, responses=responses(404))
def cluster(
    gallery: ChangeGallery,
    far: Annotated[float | None, Query(gt=0, lt=1, description="False accept rate of a pair of faces.")] = None,
    threshold: Annotated[float | None, Query(ge=0, le=2, description="Greatest cosine distance instead.")] = None,
    min_quality: Annotated[float, Query(ge=0, le=1)] = 0.0,
    limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
) -> dict[str, Any]:
    """Cluster all faces by person, and store the clusters; faces that were clustered before keep theirs."""
    gallery.cluster(far=far, threshold=threshold, min_quality=min_quality)
    return {"clusters": _list_clusters(gallery.faces())[:limit]}


@router.post("/clusters/{number}/name", response_model=model_of(Person), responses=responses(404, 409))
def name_cluster(
    gallery: ChangeGallery, principal: Enroller, number: Annotated[int, Path(ge=0, le=2**62)], order: ClusterName
) -> dict[str, Any]:
    """Assign the unassigned faces of a cluster to the person of a name, who is created where no person has the name."""
    faces = gallery.faces(unassigned=True)
    ids = faces.ids[faces.clusters == number].tolist()
    if not ids:
        raise UnknownNameError(f"there is no cluster {number} with an unassigned face in this gallery.")
    return _name(gallery, principal.name, order.name, ids, new=order.new)


def _name(gallery: Gallery, actor: str, name: str, ids: list[int], *, new: bool) -> dict[str, Any]:
    with acting_as(actor):
        return _show(gallery.name_faces(name, ids, new=new))


def _show(person: Person) -> dict[str, Any]:
    return hide_folders(person.to_dict())


def _make_line(faces: StoredFaces, row: int) -> dict[str, Any]:
    quality, box = float(faces.quality[row]), faces.boxes[row]
    return {
        "template_id": int(faces.ids[row]),
        "person_id": int(faces.people[row]) or None,
        "cluster": None if faces.clusters[row] < 0 else int(faces.clusters[row]),
        "photo": faces.photos[row],
        "sha256": faces.sha256[row],
        "box": plain(box) if np.isfinite(box).all() else None,
        "quality": quality if np.isfinite(quality) else None,
    }


def _list_clusters(faces: StoredFaces) -> list[dict[str, Any]]:
    lines = []
    for number in np.unique(faces.clusters[faces.clusters >= 0]).tolist():
        members = faces.clusters == number
        people = faces.people[members]
        lines.append(
            {
                "cluster": number,
                "size": int(members.sum()),
                "unassigned": int((people == 0).sum()),
                "people": sorted({*people.tolist()} - {0}),
                "template_ids": faces.ids[members].tolist(),
            }
        )
    return sorted(lines, key=lambda line: (-line["size"], line["cluster"]))
