"""Which person is meant: names are not unique, ids are."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from numbers import Integral
from typing import TypeAlias

from sqlalchemy import Connection, select

from visavis.errors import SimilarNameError, UnknownNameError, UsageError
from visavis.gallery.check_input import clean_name
from visavis.gallery.names import folded
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import PEOPLE
from visavis.gallery.types import Person

Who: TypeAlias = int | str | Person
"""How a person is meant: by id, by a name that one person has, or as a person of the gallery."""


def by_id(conn: Connection, person_id: int) -> str:
    """Return the name of a person; UnknownNameError where there is no such person."""
    name = records.name_of(conn, person_id)
    if name is None:
        raise UnknownNameError(f"there is no person {person_id} in this gallery.")
    return name


def to_enroll(conn: Connection, name: str, *, person_id: int | None, new: bool) -> int | None:
    """Return the person that templates go to; None for one to be made.

    That is the person of ``person_id`` (whose name must be ``name``), or, unless ``new``, the only one of
    that name.
    """
    if person_id is not None:
        if new:
            raise UsageError("a new person gets an id of its own: give an id or ask for a new person, not both.")
        if (stored := by_id(conn, person_id)) != name:
            raise UsageError(f"person {person_id} is called {stored!r}, not {name!r}: rename, or check the id.")
        return person_id
    ids = [] if new else records.ids_by_name(conn, [name]).get(name, [])
    if len(ids) > 1:
        raise UsageError(f"{_several(name, ids)}: give the id of the one meant, or ask for a new person.")
    if not ids and not new:
        _written_alike(conn, [name])
    return ids[0] if ids else None


def alike(conn: Connection, names: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
    """Return ids and names of the people whose names are written like these, by folded name."""
    found: dict[str, list[tuple[int, str]]] = {}
    for some in records.in_lists({folded(name) for name in names}):
        query = select(PEOPLE.c.id, PEOPLE.c.name, PEOPLE.c.folded).where(PEOPLE.c.folded.in_(some))
        for row in conn.execute(query.order_by(PEOPLE.c.id)):
            found.setdefault(row.folded, []).append((row.id, row.name))
    return found


def _written_alike(conn: Connection, names: Sequence[str]) -> None:
    """Raise SimilarNameError where one of these new names is written like another, stored or among them."""
    stored = alike(conn, names)
    among: dict[str, str] = {}
    for name in names:
        others = [f"{other!r} (id {person_id})" for person_id, other in stored.get(folded(name), [])]
        earlier = among.setdefault(folded(name), name)
        if others or earlier != name:
            raise SimilarNameError(
                f"{name!r} is written like {' and '.join(others) or repr(earlier)}: "
                "use that name or id, or ask for a new person (--new, new=True)."
            )


def all_to_enroll(conn: Connection, names: Sequence[str]) -> list[int | None]:
    """Return the only person of each name; None for one to be made. UsageError where several have a name.

    SimilarNameError where a new name is written like another.
    """
    found = records.ids_by_name(conn, names)
    for name, ids in found.items():
        if len(ids) > 1:
            raise UsageError(f"{_several(name, ids)}: add templates by the id of the one meant.")
    _written_alike(conn, [name for name in names if name not in found])
    return [found[name][0] if name in found else None for name in names]


def to_find(conn: Connection, who: Who) -> int:
    """Return the id of the person that ``who`` means: an id, "#" and an id, a name, an id as text, or the person.

    UnknownNameError where there is nobody, UsageError with the ids where several are meant.
    """
    if isinstance(who, Person):
        who = who.id
    if isinstance(who, Integral) and not isinstance(who, bool):
        by_id(conn, int(who))
        return int(who)
    if not isinstance(who, str):
        raise UsageError(f"a person is meant by a name or an id, not by {who!r}.")
    name = clean_name(who)
    if name.startswith("#") and name[1:].isdecimal():
        return to_find(conn, int(name[1:]))
    ids = records.ids_by_name(conn, [name]).get(name, [])
    if len(ids) > 1:
        raise UsageError(f"{_several(name, ids)}: give the id.")
    number = int(name) if name.isdecimal() and records.name_of(conn, int(name)) is not None else None
    if ids and number is not None and number != ids[0]:
        raise UsageError(f"{name} is the name of person {ids[0]} and the id of another: write #{ids[0]} or #{name}.")
    if not ids and number is None:
        raise UnknownNameError(f"nobody in this gallery is called {name!r}{_near(conn, name)}.")
    return ids[0] if number is None else number


def is_there(conn: Connection, who: Who) -> bool:
    """Tell whether ``who`` means anybody, one person or several."""
    if isinstance(who, str) and records.ids_by_name(conn, [unicodedata.normalize("NFC", who).strip()]):
        return True
    try:
        to_find(conn, who)
    except UsageError:
        return False
    return True


def _several(name: str, ids: Sequence[int]) -> str:
    return f"{len(ids)} people are called {name!r} (ids {', '.join(map(str, ids))})"


def _near(conn: Connection, name: str) -> str:
    near = get_close_matches(name, records.all_names(conn), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
