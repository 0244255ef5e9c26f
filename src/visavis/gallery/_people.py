"""Read, rename, merge, move and remove the people of a gallery, each change in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from visavis.embedding_cache.stored_files import forget_photos
from visavis.errors import UnknownNameError, UsageError
from visavis.gallery import _resolve_person
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._resolve_person import Who
from visavis.gallery.check_input import clean_name
from visavis.gallery.merge_log import describe_merge
from visavis.gallery.names import fold_name
from visavis.gallery.sql import photo_paths, records
from visavis.gallery.types import Details, Person


def list_people(opened: OpenGallery, who: Sequence[Who] = ()) -> list[Person]:
    """Return all people, by id; or only the people of ``who``, in that order."""
    with opened.database.read() as conn:
        if not who:
            return records.read_people(conn)
        return [records.read_people(conn, _resolve_person.find_person(conn, person))[0] for person in who]


def get_person(opened: OpenGallery, person_id: int) -> Person:
    """Return the person of an id; UnknownNameError if there is no such id."""
    with opened.database.read() as conn:
        _resolve_person.name_of_id(conn, person_id)
        return records.read_people(conn, person_id)[0]


def has_person(opened: OpenGallery, who: object) -> bool:
    """Return whether ``who`` refers to one person or several; False for values that refer to no person."""
    if not isinstance(who, (int, str, Person)) or isinstance(who, bool):
        return False
    with opened.database.read() as conn:
        return _resolve_person.has_person(conn, who)


def count_people(opened: OpenGallery) -> int:
    """Return the number of people."""
    with opened.database.read() as conn:
        return records.count_people(conn)


def find_similar_names(opened: OpenGallery, names: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
    """Return ids and names of the people with names written like these, by folded name."""
    with opened.database.read() as conn:
        return _resolve_person.find_similar_names(conn, names)


def find_people_of_similar_name(opened: OpenGallery, name: str, *, equal: bool) -> list[Person]:
    """Do as :meth:`visavis.gallery.Gallery.similar_names`."""
    name = clean_name(name)
    similar = find_similar_names(opened, [name]).get(fold_name(name), [])
    return [get_person(opened, person_id) for person_id, other in similar if equal or other != name]


def rename_person(opened: OpenGallery, who: Who, name: str) -> None:
    """Change the name of a person; the id stays."""
    name = clean_name(name)
    with opened.database.erasing() as conn:
        person_id = _resolve_person.find_person(conn, who)
        records.update_person(conn, person_id, name=name)
        opened.log(conn, "rename", person_id)


def describe_person(opened: OpenGallery, who: Who, details: Details) -> None:
    """Replace the stored details of a person that are given."""
    with opened.database.erasing() as conn:
        person_id = _resolve_person.find_person(conn, who)
        if changed := records.set_details(conn, person_id, details):
            opened.log(conn, "change", person_id, ", ".join(changed))


def merge_people(opened: OpenGallery, who: Who | Sequence[Who], into: Who) -> None:
    """Do as :meth:`visavis.gallery.Gallery.merge`."""
    sources = [who] if isinstance(who, (int, str, Person)) else list(who)
    with opened.database.erasing() as conn:
        ids = dict.fromkeys(_resolve_person.find_person(conn, person) for person in sources)
        target = _resolve_person.find_person(conn, into)
        if target in ids:
            raise UsageError(f"person {target} cannot be merged into itself.")
        for person_id in ids:
            moved = records.merge_person(conn, person_id, target)
            opened.log(conn, "merge", target, describe_merge(person_id, moved))


def move_templates(opened: OpenGallery, template_ids: Sequence[int], to: Who) -> None:
    """Do as :meth:`visavis.gallery.Gallery.move`."""
    with opened.database.write() as conn:
        person_id = _resolve_person.find_person(conn, to)
        _assign_templates(conn, template_ids, person_id)
        opened.log(conn, "move", person_id, f"templates {format_ids(template_ids)}")


def name_faces(opened: OpenGallery, name: str, template_ids: Sequence[int], *, new: bool) -> Person:
    """Do as :meth:`visavis.gallery.Gallery.name_faces`."""
    name = clean_name(name)
    with opened.database.write() as conn:
        person_id, _ = assign_to_name(conn, opened, name, template_ids, person_id=None, new=new)
        return records.read_people(conn, person_id)[0]


def assign_to_name(
    conn: Connection, opened: OpenGallery, name: str, template_ids: Sequence[int], *, person_id: int | None, new: bool
) -> tuple[int, bool]:
    """Assign faces to the person of a name; return the id, and whether the person was created.

    The person is found as by :func:`visavis.gallery._resolve_person.find_to_enroll`.
    """
    stored_id = _resolve_person.find_to_enroll(conn, name, person_id=person_id, new=new)
    (owner,) = records.insert_people(conn, [(name, Details())]) if stored_id is None else [stored_id]
    _assign_templates(conn, template_ids, owner)
    opened.log(conn, "enroll", owner, f"templates {format_ids(template_ids)}")
    return owner, stored_id is None


def remove_people(opened: OpenGallery, who: Sequence[Who]) -> None:
    """Do as :meth:`visavis.gallery.Gallery.remove`."""
    photos: set[str] = set()
    with opened.database.erasing() as conn:
        for person_id in dict.fromkeys(_resolve_person.find_person(conn, person) for person in who):
            photos |= photo_paths.read_hashes(conn, records.read_template_ids(conn, person_id))
            removed = records.remove_person(conn, person_id)
            opened.log(conn, "remove", person_id, f"{removed} templates")
    forget_photos(photos)


def remove_template(opened: OpenGallery, template_id: int, *, with_person: bool) -> None:
    """Do as :meth:`visavis.gallery.Gallery.remove_template`."""
    with opened.database.erasing() as conn:
        owner = _find_owners(conn, [template_id])[template_id]
        is_last = owner is not None and records.read_template_ids(conn, owner) == [template_id]
        if is_last and not with_person:
            raise UsageError(f"template {template_id} is the last of person {owner}: remove the person.")
        photos = photo_paths.read_hashes(conn, [template_id])
        if owner is not None and is_last:
            records.remove_person(conn, owner)
            opened.log(conn, "remove", owner, "1 templates")
        else:
            records.remove_templates(conn, [template_id])
            opened.log(conn, "remove template", owner, f"template {template_id}")
    forget_photos(photos)


def _find_owners(conn: Connection, template_ids: Sequence[int]) -> dict[int, int | None]:
    """Return the person ids of templates (None: unassigned); UnknownNameError if a template does not exist."""
    owners = records.read_people_of_templates(conn, template_ids)
    for template_id in template_ids:
        if template_id not in owners:
            raise UnknownNameError(f"there is no template {template_id} in this gallery.")
    return owners


def _assign_templates(conn: Connection, template_ids: Sequence[int], person_id: int) -> None:
    """Move templates to a person; UsageError for no templates, or if another person would have none left."""
    if not template_ids:
        raise UsageError("there is no template to move.")
    before = {owner for owner in _find_owners(conn, template_ids).values() if owner not in {None, person_id}}
    records.assign_templates(conn, template_ids, person_id)
    for owner in sorted(owner for owner in before if owner is not None):
        if not records.read_template_ids(conn, owner):
            raise UsageError(f"person {owner} would have no template left: merge or remove that person.")


def format_ids(ids: Sequence[int]) -> str:
    """Return template ids as the audit log has them: each, or the first and the last of many."""
    return ", ".join(map(str, ids)) if len(ids) <= 20 else f"{ids[0]} to {ids[-1]} ({len(ids)})"
