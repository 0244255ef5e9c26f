"""Write and read the tables: functions that take an open connection, inside a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update

from visavis.errors import GalleryError
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.names import fold_name
from visavis.gallery.sql.changes import begin_change, find_highest_id, keep_mark, make_state, next_after, next_id
from visavis.gallery.sql.crops import REJECTION, TEMPLATE, remove_attached, store_crops
from visavis.gallery.sql.schema import AUDIT, META, PEOPLE, PHOTOS, REJECTIONS, REMOVALS, TEMPLATES
from visavis.gallery.sql.values import check_key, check_model, damaged, decode_embeddings, optional
from visavis.gallery.types import Details, Person, StoredTemplate, Template
from visavis.types import Floats

BLOCK_ROWS = 16_384
"""Templates read at a time."""

READ_ROWS = 2048
"""Embeddings read at a time: as many as stay in the processor's cache until they are copied."""

LIST_LENGTH = 500
"""Values in one SQL list; SQLite before 3.32 accepts at most 999."""

LONGEST_EMBEDDING = 1 << 20
"""Values of an embedding from which on a gallery is damaged."""

_TEMPLATE_COLUMNS = [c for c in TEMPLATES.c if c.name not in {"embedding", "model", "change", "cluster"}]


class Meta(NamedTuple):
    """The row of ``meta``: number and random token of the last change; ``key`` is unique to this gallery."""

    model: str
    dimension: int | None
    change: int
    token: int
    key: str

    @property
    def state(self) -> int:
        """Number and token of the last change, as :mod:`visavis.gallery.sql.changes` makes them one."""
        return make_state(self.change, self.token)


META_COLUMNS = tuple(META.c[name] for name in Meta._fields)
_READ_META = select(*META_COLUMNS)
_ADD_PEOPLE, _ADD_TEMPLATES = insert(PEOPLE), insert(TEMPLATES)
"""Statements of every enrollment: building one takes as long as executing it."""


class RecordCounts(NamedTuple):
    """Counts of a gallery's contents; ``templates`` belong to people, ``unassigned`` faces to none."""

    people: int
    templates: int
    unassigned: int
    photos: int


class Owner(NamedTuple):
    """The person of a photo's template, and the box of the face; ``person_id`` is 0 for an unassigned template."""

    person_id: int
    name: str
    box: tuple[float, float, float, float] | None
    template_id: int


def read_meta(conn: Connection) -> Meta:
    """Return the only row of ``meta``."""
    return make_meta(conn.execute(_READ_META).first())


def make_meta(row: Sequence[Any] | None) -> Meta:
    """Return the values of the row of ``meta``; GalleryError where one is not possible."""
    meta = Meta(*row) if row else Meta("", None, -1, 0, "")
    numbers = (meta.change, meta.token, meta.dimension or 1)
    if not all(isinstance(number, int) and 0 <= number < 2**62 for number in numbers):
        raise damaged("the numbers in its description are not possible")
    if meta.dimension is not None and not 0 < meta.dimension <= LONGEST_EMBEDDING:
        raise damaged(f"embeddings of {meta.dimension} values are not possible")
    check_model(meta.model)
    check_key(meta.key)
    return meta


def require_model(conn: Connection, model: str) -> Meta:
    """Return the row of ``meta``; GalleryError where the gallery has another model than when it was opened.

    Embeddings of two models do not compare.
    """
    meta = read_meta(conn)
    if meta.model != model:
        raise GalleryError(f"this has become a gallery of {meta.model}, no longer of {model}: open it again.")
    return meta


def set_model_of_unused_gallery(conn: Connection, model: str) -> bool:
    """Set the model of a gallery without any changes so far; return whether that was possible."""
    if conn.execute(select(META.c.change)).scalar_one():
        return False
    conn.execute(update(META).values(model=model))
    return True


def set_dimension(conn: Connection, dimension: int) -> None:
    """Store the length of the embeddings, when the first is stored."""
    conn.execute(update(META).values(dimension=dimension))


def read_calibration(conn: Connection) -> str | None:
    """Return the gallery's own table of thresholds as JSON text; None where it has none."""
    text: str | None = conn.execute(select(META.c.calibration)).scalar_one()
    return text


def set_calibration(conn: Connection, text: str | None) -> None:
    """Store the gallery's own table of thresholds; None removes it."""
    begin_change(conn)
    conn.execute(update(META).values(calibration=text))


# People


def insert_people(conn: Connection, people: Sequence[tuple[str, Details]]) -> list[int]:
    """Store new people; return their ids, in order, higher than all ids so far, also those in the audit log."""
    if not people:
        return []
    at, first = current_time(), next_after("person", find_highest_id(conn, PEOPLE.c.id, AUDIT.c.person_id))
    rows = [
        {
            "id": first + number,
            "name": name,
            "folded": fold_name(name),
            "note": details.note or "",
            "consent": details.consent,
            "consented": _encode_day(details.consented),
            "metadata": details.metadata,
            "created": at,
        }
        for number, (name, details) in enumerate(people)
    ]
    conn.execute(_ADD_PEOPLE, rows)
    restart_id_sequence(conn, PEOPLE)
    return list(range(first, first + len(rows)))


def set_details(conn: Connection, person_id: int, details: Details) -> list[str]:
    """Store the given details of a person, and keep the others; return the names of the given details."""
    day = _encode_day(details.consented)
    values = {"note": details.note, "consent": details.consent, "consented": day, "metadata": details.metadata}
    columns = {column: value for column, value in values.items() if value is not None}
    if columns:
        update_person(conn, person_id, **columns)
    return list(columns)


def update_person(conn: Connection, person_id: int, **columns: object) -> None:
    """Set columns of a person."""
    if "name" in columns:
        columns["folded"] = fold_name(str(columns["name"]))
        begin_change(conn)  # names are cached by change number
    conn.execute(update(PEOPLE).where(PEOPLE.c.id == person_id).values(**columns))


def read_name(conn: Connection, person_id: int) -> str | None:
    """Return a person's name; None where there is no such person."""
    if not 0 < person_id < 2**63:  # beyond SQL's integers
        return None
    return conn.execute(select(PEOPLE.c.name).where(PEOPLE.c.id == person_id)).scalar()


def read_person_ids(conn: Connection) -> list[int]:
    """Return the ids of all people, ascending."""
    return list(conn.execute(select(PEOPLE.c.id).order_by(PEOPLE.c.id)).scalars())


def read_names(conn: Connection, person_ids: Iterable[int]) -> dict[int, str]:
    """Return names by id, of the people that exist."""
    query = select(PEOPLE.c.id, PEOPLE.c.name)
    rows = (row for part in split_list(person_ids) for row in conn.execute(query.where(PEOPLE.c.id.in_(part))))
    return {row.id: row.name for row in rows}


def read_all_names(conn: Connection) -> list[str]:
    """Return the distinct names of all people, sorted."""
    return sorted(conn.execute(select(PEOPLE.c.name).distinct()).scalars())


def find_ids_by_name(conn: Connection, names: Iterable[str]) -> dict[str, list[int]]:
    """Return the ids of the people with these names, by name, ascending."""
    ids: dict[str, list[int]] = {}
    requested = {*names}
    query = select(PEOPLE.c.id, PEOPLE.c.name).order_by(PEOPLE.c.id)
    for part in split_list({fold_name(name) for name in requested}):
        for row in conn.execute(query.where(PEOPLE.c.folded.in_(part))):
            if row.name in requested:
                ids.setdefault(row.name, []).append(row.id)
    return ids


def read_people(conn: Connection, person_id: int | None = None) -> list[Person]:
    """Return all people, or the one of that id, with their templates, ordered by id."""
    templates: dict[int, list[StoredTemplate]] = {}
    query = select(*_TEMPLATE_COLUMNS).where(TEMPLATES.c.person_id.is_not(None)).order_by(TEMPLATES.c.id)
    for row in conn.execute(query if person_id is None else query.where(TEMPLATES.c.person_id == person_id)):
        templates.setdefault(row.person_id, []).append(_make_stored_template(row))
    people_query = select(PEOPLE).order_by(PEOPLE.c.id)
    return [
        Person(
            row.id,
            row.name,
            row.note,
            row.consent,
            decode_time(row.created),
            tuple(templates.get(row.id, ())),
            None if row.consented is None else date.fromisoformat(row.consented),
            row.metadata or {},
        )
        for row in conn.execute(people_query if person_id is None else people_query.where(PEOPLE.c.id == person_id))
    ]


def count_people(conn: Connection) -> int:
    """Return how many people there are."""
    return conn.execute(select(func.count()).select_from(PEOPLE)).scalar_one()


def count_records(conn: Connection) -> RecordCounts:
    """Return the numbers of people, their templates, unassigned faces and indexed photos."""
    named = select(func.count()).select_from(TEMPLATES).where(TEMPLATES.c.person_id.is_not(None))
    total = conn.execute(select(func.count()).select_from(TEMPLATES)).scalar_one()
    templates = conn.execute(named).scalar_one()
    return RecordCounts(
        people=count_people(conn),
        templates=templates,
        unassigned=total - templates,
        photos=conn.execute(select(func.count()).select_from(PHOTOS)).scalar_one(),
    )


def remove_person(conn: Connection, person_id: int) -> int:
    """Remove a person with all that is stored, and photos without other templates; return the number of templates."""
    removed = read_template_ids(conn, person_id)
    remove_templates(conn, removed)
    of_person = select(REJECTIONS.c.id).where(REJECTIONS.c.person_id == person_id)
    for part in split_list(conn.execute(of_person).scalars()):
        remove_attached(conn, REJECTION, part)
    conn.execute(delete(REJECTIONS).where(REJECTIONS.c.person_id == person_id))
    conn.execute(delete(PEOPLE).where(PEOPLE.c.id == person_id))
    return len(removed)


def merge_person(conn: Connection, source: int, target: int) -> list[int]:
    """Move templates and rejections of ``source`` to ``target``, remove ``source``; return the ids of the templates."""
    moved = read_template_ids(conn, source)
    assign_templates(conn, moved, target)
    conn.execute(update(REJECTIONS).where(REJECTIONS.c.person_id == source).values(person_id=target))
    conn.execute(delete(PEOPLE).where(PEOPLE.c.id == source))
    return moved


# Templates


def add_templates(conn: Connection, model: str, owned: Sequence[tuple[int | None, Template]]) -> list[int]:
    """Store templates (embeddings of unit length), each of a person or unassigned; return their ids, in order."""
    change, at = begin_change(conn), current_time()  # no other transaction creates ids meanwhile
    first = next_id(conn)
    rows = [
        {
            "id": first + number,
            "person_id": person_id,
            "change": change,
            "model": model,
            "photo_sha256": template.photo_sha256,
            "photo": template.photo,
            "box": None if template.box is None else [float(side) for side in template.box],
            "quality": None if template.quality is None else float(template.quality),
            "created": at,
            "embedding": template.embedding.astype("<f4", copy=False).tobytes(),
        }
        for number, (person_id, template) in enumerate(owned)
    ]
    if rows:
        conn.execute(_ADD_TEMPLATES, rows)
        store_crops(conn, TEMPLATE, {first + i: template.crop for i, (_, template) in enumerate(owned)})
        restart_id_sequence(conn, TEMPLATES)
        keep_mark(conn, first + len(rows) - 1)
    return list(range(first, first + len(rows)))


def assign_templates(conn: Connection, ids: Sequence[int], person_id: int | None) -> None:
    """Assign templates to a person (None: unassign them) under a new change number."""
    change = begin_change(conn)
    for part in split_list(ids):
        conn.execute(update(TEMPLATES).where(TEMPLATES.c.id.in_(part)).values(person_id=person_id, change=change))


def read_template_ids(conn: Connection, person_id: int) -> list[int]:
    """Return the ids of a person's templates, ascending."""
    query = select(TEMPLATES.c.id).where(TEMPLATES.c.person_id == person_id)
    return list(conn.execute(query.order_by(TEMPLATES.c.id)).scalars())


def read_people_of_templates(conn: Connection, template_ids: Iterable[int]) -> dict[int, int | None]:
    """Return the person of each template (None: unassigned), without templates that do not exist."""
    people: dict[int, int | None] = {}
    for part in split_list(template for template in template_ids if 0 < template < 2**63):
        rows = conn.execute(select(TEMPLATES.c.id, TEMPLATES.c.person_id).where(TEMPLATES.c.id.in_(part)))
        people.update((row.id, row.person_id) for row in rows)
    return people


def read_owners(conn: Connection, model: str, photos: Iterable[str]) -> dict[str, list[Owner]]:
    """Return the owners of the templates of ``model`` by photo hash, including unassigned templates."""
    result: dict[str, list[Owner]] = {}
    of_template = (TEMPLATES.c.id, TEMPLATES.c.photo_sha256, TEMPLATES.c.box, TEMPLATES.c.person_id)
    joined = TEMPLATES.outerjoin(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    query = select(*of_template, optional(PEOPLE.c.name)).select_from(joined).where(TEMPLATES.c.model == model)
    for part in split_list(photos):
        for row in conn.execute(query.where(TEMPLATES.c.photo_sha256.in_(part)).order_by(TEMPLATES.c.id)):
            owner = Owner(row.person_id or UNASSIGNED, row.name or "", decode_box(row.box), row.id)
            result.setdefault(row.photo_sha256, []).append(owner)
    return result


def read_embeddings(conn: Connection, person_id: int, dimension: int) -> tuple[Floats, list[float | None]]:
    """Return the embeddings ``(k, dimension)`` of a person's templates and their quality scores, ordered by id."""
    columns = (TEMPLATES.c.id, TEMPLATES.c.quality, TEMPLATES.c.embedding)
    rows = [*conn.execute(select(*columns).where(TEMPLATES.c.person_id == person_id).order_by(TEMPLATES.c.id))]
    embeddings = decode_embeddings([row.embedding for row in rows], dimension, [row.id for row in rows])
    return embeddings, [row.quality for row in rows]


def remove_templates(conn: Connection, ids: Sequence[int]) -> None:
    """Remove templates, and photos without other templates, as a new change that indexes follow."""
    change = begin_change(conn)
    for part in split_list(ids):
        hashes = select(TEMPLATES.c.photo_sha256).where(TEMPLATES.c.id.in_(part))
        photos = [sha256 for sha256 in conn.execute(hashes.distinct()).scalars() if sha256 is not None]
        remove_attached(conn, TEMPLATE, part)
        conn.execute(delete(TEMPLATES).where(TEMPLATES.c.id.in_(part)))
        conn.execute(insert(REMOVALS), [{"template_id": template, "change": change} for template in part])
        remaining = select(TEMPLATES.c.photo_sha256).where(TEMPLATES.c.photo_sha256.in_(photos))
        conn.execute(delete(PHOTOS).where(PHOTOS.c.sha256.in_(photos), PHOTOS.c.sha256.not_in(remaining)))


# Conversion


def restart_id_sequence(conn: Connection, table: Table) -> None:
    """Let new ids start above the explicitly inserted ones; SQLite does this by itself."""
    if conn.dialect.name == "postgresql":
        top = f"(SELECT max(id) FROM {table.name})"
        conn.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {top})")


def split_list(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield the values in lists that fit into a statement."""
    items = list(values)
    for start in range(0, len(items), LIST_LENGTH):
        yield items[start : start + LIST_LENGTH]


def _make_stored_template(row: Row[Any]) -> StoredTemplate:
    return StoredTemplate(
        row.id, row.photo, row.photo_sha256, decode_box(row.box), row.quality, decode_time(row.created)
    )


def decode_box(sides: object) -> tuple[float, float, float, float] | None:
    """Return a stored box as a tuple; None where it is unknown."""
    return None if sides is None else cast("tuple[float, float, float, float]", tuple(cast("list[float]", sides)))


def current_time() -> str:
    """Return the current time as stored text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _encode_day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def decode_time(text: str) -> datetime:
    """Return the time of a stored text."""
    return datetime.fromisoformat(text)
