"""Resolve a name or an id to a person of the gallery: ids are unique, names are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral
from typing import TypeAlias

from sqlalchemy import Connection, bindparam, select

from visavis.errors import SimilarNameError, UnknownNameError, UsageError
from visavis.gallery.check_input import clean_name
from visavis.gallery.check_text import is_unicode
from visavis.gallery.names import fold_name
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import PEOPLE
from visavis.gallery.types import Person

Who: TypeAlias = int | str | Person
"""A reference to a person: an id, a name that only one person has, or a person of the gallery."""


_FIND_FOLDED = (
    select(PEOPLE.c.id, PEOPLE.c.name, PEOPLE.c.folded)
    .where(PEOPLE.c.folded.in_(bindparam("folded_names", expanding=True)))
    .order_by(PEOPLE.c.id)
)


def name_of_id(conn: Connection, person_id: int) -> str:
    """Return the name of a person; UnknownNameError if there is no such person."""
    name = records.read_name(conn, person_id)
    if name is None:
        raise UnknownNameError(f"there is no person {person_id} in this gallery.")
    return name


def find_to_enroll(conn: Connection, name: str, *, person_id: int | None, new: bool) -> int | None:
    """Return the id of the person to enroll templates for; None for a new person.

    This is the person of ``person_id`` (the name must be ``name``), or, unless ``new``, the only person of
    that name. Raises SimilarNameError if a new name is written like a stored one and ``new`` is False.
    """
    if person_id is not None:
        if new:
            raise UsageError("a new person gets an id of its own: give an id or ask for a new person, not both.")
        if (stored := name_of_id(conn, person_id)) != name:
            raise UsageError(f"person {person_id} is called {stored!r}, not {name!r}: rename, or check the id.")
        return person_id
    similar = {} if new else find_similar_names(conn, [name])
    ids = [stored_id for stored_id, stored in similar.get(fold_name(name), []) if stored == name]
    if len(ids) > 1:
        raise UsageError(f"{_count_people(name, ids)}: give the id of the one meant, or ask for a new person.")
    if not ids and not new:
        _refuse_similar_names(similar, [name])
    return ids[0] if ids else None


def find_similar_names(conn: Connection, names: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
    """Return ids and names of the people with names written like these, by folded name."""
    similar: dict[str, list[tuple[int, str]]] = {}
    for folded_names in records.split_list({fold_name(name) for name in names if is_unicode(name)}):
        for row in conn.execute(_FIND_FOLDED, {"folded_names": folded_names}):
            similar.setdefault(row.folded, []).append((row.id, row.name))
    return similar


def _refuse_similar_names(stored: Mapping[str, Sequence[tuple[int, str]]], names: Sequence[str]) -> None:
    """Raise SimilarNameError if one of these new names is written like another of them or a stored name.

    ``stored`` are the ids and names of people by folded name.
    """
    first_names: dict[str, str] = {}
    for name in names:
        others = [f"{other!r} (id {person_id})" for person_id, other in stored.get(fold_name(name), [])]
        earlier = first_names.setdefault(fold_name(name), name)
        if others or earlier != name:
            raise SimilarNameError(
                f"{name!r} is written like {' and '.join(others) or repr(earlier)}: "
                "use that name or id, or ask for a new person (--new, new=True)."
            )


def find_all_to_enroll(conn: Connection, names: Sequence[str]) -> list[int | None]:
    """Return the id of the only person of each name; None for a new person.

    Raises UsageError if several people have a name, SimilarNameError if a new name is written like another.
    """
    stored = records.find_ids_by_name(conn, names)
    for name, ids in stored.items():
        if len(ids) > 1:
            raise UsageError(f"{_count_people(name, ids)}: add templates by the id of the one meant.")
    new_names = [name for name in names if name not in stored]
    _refuse_similar_names(find_similar_names(conn, new_names), new_names)
    return [stored[name][0] if name in stored else None for name in names]


def find_person(conn: Connection, who: Who) -> int:
    """Return the id of the person that ``who`` refers to: an id, "#" and an id, a name, an id as text, or the person.

    Raises UnknownNameError if there is no such person, UsageError with the ids if several people have the name.
    """
    if isinstance(who, Person):
        who = who.id
    if isinstance(who, Integral) and not isinstance(who, bool):
        name_of_id(conn, int(who))
        return int(who)
    if not isinstance(who, str):
        raise UsageError(f"a person is meant by a name or an id, not by {who!r}.")
    name = clean_name(who)
    if name.startswith("#") and name[1:].isdecimal():
        return find_person(conn, int(name[1:]))
    ids = records.find_ids_by_name(conn, [name]).get(name, [])
    if len(ids) > 1:
        raise UsageError(f"{_count_people(name, ids)}: give the id.")
    number = int(name) if name.isdecimal() and records.read_name(conn, int(name)) is not None else None
    if ids and number is not None and number != ids[0]:
        raise UsageError(f"{name} is the name of person {ids[0]} and the id of another: write #{ids[0]} or #{name}.")
    if not ids and number is None:
        raise UnknownNameError(f"no person in this gallery is called {name!r}{_suggest_names(conn, name)}.")
    return ids[0] if number is None else number


def has_person(conn: Connection, who: Who) -> bool:
    """Return whether ``who`` refers to one person or several."""
    try:
        if isinstance(who, str) and records.find_ids_by_name(conn, [clean_name(who)]):
            return True
        find_person(conn, who)
    except UsageError:
        return False
    return True


def _count_people(name: str, ids: Sequence[int]) -> str:
    return f"{len(ids)} people are called {name!r} (ids {', '.join(map(str, ids))})"


def _suggest_names(conn: Connection, name: str) -> str:
    matches = get_close_matches(name, records.read_all_names(conn), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, matches))}?" if matches else ""
