"""Names of the other servers and people of a gallery: there a name is the key of a person, here an id is."""

from __future__ import annotations

from visavis.errors import UsageError
from visavis.gallery.gallery import Gallery
from visavis.gallery.types import Enrollment, Person, Template
from visavis.server.auth import Principal
from visavis.server.config import DEFAULT_GALLERY


def gallery_of(principal: Principal) -> str:
    """Return the name of the gallery that a key means: the default one if it may, else the first of its own.

    Raises ProblemError for a key of no gallery.
    """
    allowed = principal.galleries
    if allowed and DEFAULT_GALLERY not in allowed:
        return allowed[0]
    principal.require_gallery(DEFAULT_GALLERY)
    return DEFAULT_GALLERY


def find_by_name(gallery: Gallery, name: str) -> Person | None:
    """Return the person of a name, in any case as these servers compare names; None where there is none.

    A person whose name is the same in case, too, comes first. Raises UsageError where several people have the name.
    """
    similar = gallery.similar_names(name, equal=True)
    people = [person for person in similar if person.name == name] or similar
    if len(people) > 1:
        ids = ", ".join(str(person.id) for person in people)
        raise UsageError(f"{len(people)} people have this name (ids {ids}): rename them, or change them below /v1.")
    return people[0] if people else None


def store_templates(gallery: Gallery, name: str, templates: list[Template]) -> Enrollment:
    """Store templates of the person of a name, or of a new one."""
    person = find_by_name(gallery, name)
    if person is None:
        return gallery.add(name, templates)
    return gallery.add(person.name, templates, person_id=person.id)
