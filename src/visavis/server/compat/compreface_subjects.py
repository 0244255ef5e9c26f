"""CompreFace: subjects, which are people by their name, also without a face."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from visavis.gallery.acting import acting_as
from visavis.gallery.check_input import clean_name
from visavis.gallery.names import fold_name
from visavis.gallery.template_listing import list_names, list_person_ids
from visavis.server.compat import compreface_errors as errors
from visavis.server.compat.compreface_options import (
    PREFIX,
    ChangeCollection,
    Collection,
    ReadCollection,
)
from visavis.server.compat.people import find_by_name
from visavis.server.resources.options import Enroller, Reader
from visavis.server.routes import Router

router = Router(prefix=f"{PREFIX}/recognition/subjects", include_in_schema=False)


class SubjectBody(BaseModel):
    """The name of a subject."""

    subject: str = ""


def require_name(name: str) -> str:
    """Return the name of a subject; raises CompreFaceError where it is empty."""
    if not name.strip():
        raise errors.CompreFaceError(400, errors.INVALID_VALUE, "Subject name is empty")
    return name


@router.get("")
@router.get("/")
def list_subjects(_: Reader, collection: ReadCollection) -> dict[str, list[str]]:
    """Return the names of all subjects, also of those without a face."""
    return {"subjects": _list_names(collection)}


def _list_names(collection: Collection) -> list[str]:
    names = list_names(collection.gallery.opened)
    folded = {fold_name(name) for name in names}
    return sorted([*names, *(name for name in collection.empty.list() if fold_name(name) not in folded)])


@router.post("", status_code=201)
def add_subject(_: Enroller, collection: ChangeCollection, body: SubjectBody) -> dict[str, str]:
    """Create a subject without a face; the first face makes a person of it."""
    name = clean_name(require_name(body.subject))
    if find_by_name(collection.gallery, name) is not None or not collection.empty.add(name):
        raise errors.subject_exists()
    return {"subject": name}


@router.put("/{subject:path}")
def rename_subject(
    principal: Enroller, collection: ChangeCollection, subject: str, body: SubjectBody
) -> dict[str, bool]:
    """Rename a subject; where another subject has the new name, the two are merged."""
    new = clean_name(require_name(body.subject))
    if new == subject:
        return {"updated": False}
    gallery, empty = collection.gallery, collection.empty
    person, other = find_by_name(gallery, subject), find_by_name(gallery, new)
    if person is None and empty.find(subject) is None:
        raise errors.subject_not_found(subject)
    with acting_as(principal.name):
        if person is not None and other is not None and other.id != person.id:
            gallery.merge(person.id, other.id)
        elif person is not None:
            gallery.rename(person.id, new)
    empty.remove(subject)
    if person is None and other is None:
        empty.add(new)
    elif person is not None:
        empty.remove(new)
    return {"updated": True}


@router.delete("/{subject:path}")
def delete_subject(principal: Enroller, collection: ChangeCollection, subject: str) -> dict[str, Any]:
    """Remove a subject with all faces."""
    with acting_as(principal.name):
        person = find_by_name(collection.gallery, require_name(subject))
        if person is not None:
            collection.gallery.remove(person.id)
    name = collection.empty.find(subject)
    if not collection.empty.remove(subject) and person is None:
        raise errors.subject_not_found(subject)
    return {"subject": name if person is None else person.name}


@router.delete("")
def delete_subjects(principal: Enroller, collection: ChangeCollection) -> dict[str, int]:
    """Remove all subjects with all faces; return their number."""
    with acting_as(principal.name):
        return {"deleted": remove_all(collection)}


def remove_all(collection: Collection) -> int:
    """Remove all people and all subjects without a face; return their number."""
    people = list_person_ids(collection.gallery.opened)
    if people:
        collection.gallery.remove(*people)
    return len(people) + collection.empty.clear()
