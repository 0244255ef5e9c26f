"""List, add, change and remove the people of a gallery, each change in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from visavis.errors import UnknownNameError, UsageError
from visavis.gallery import _answers, _resolve_person
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._resolve_person import Who
from visavis.gallery._store_templates import NO_DETAILS, PersonTemplates, enroll
from visavis.gallery.check_input import clean_name, make_details, prepare_templates
from visavis.gallery.names import folded
from visavis.gallery.sql import records
from visavis.gallery.types import Enrollment, Person, Template


class People(OpenGallery):
    """The methods that list, add, change and remove people."""

    def people(self, *who: Who) -> list[Person]:
        """Return all people, by id; or only the people of ``who``, in that order (see :meth:`find`)."""
        with self._store.read() as conn:
            if not who:
                return records.people(conn)
            return [records.people(conn, _resolve_person.find_person(conn, person))[0] for person in who]

    def person(self, person_id: int) -> Person:
        """Return the person of an id; UnknownNameError if there is no such id."""
        with self._store.read() as conn:
            _resolve_person.name_of_id(conn, person_id)
            return records.people(conn, person_id)[0]

    def find(self, who: Who) -> Person:
        """Return the person that ``who`` refers to: an id (3, "3" or "#3"), a name, or a person of the gallery.

        Raises UnknownNameError if there is no such person, UsageError with the ids if several people have the name.
        """
        with self._store.read() as conn:
            return records.people(conn, _resolve_person.find_person(conn, who))[0]

    def similar_names(self, name: str, *, equal: bool = False) -> list[Person]:
        """Return the people with a name that differs from ``name`` only in case, spaces or Unicode form, by id.

        With ``equal``, return the people of exactly this name, too.
        """
        name = clean_name(name)
        similar = self.names_alike([name]).get(folded(name), [])
        return [self.person(person_id) for person_id, other in similar if equal or other != name]

    def names_alike(self, names: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
        """Return ids and names of the people with names written like these, by :func:`visavis.gallery.names.folded`."""
        with self._store.read() as conn:
            return _resolve_person.find_similar_names(conn, names)

    def __len__(self) -> int:
        """Return the number of people."""
        with self._store.read() as conn:
            return records.count_people(conn)

    def __iter__(self) -> Iterator[Person]:
        """Yield all people, by id."""
        return iter(self.people())

    def __contains__(self, who: object) -> bool:
        """Return whether there is such a person, by id or name; also True if several people have the name."""
        if not isinstance(who, (int, str, Person)) or isinstance(who, bool):
            return False
        with self._store.read() as conn:
            return _resolve_person.has_person(conn, who)

    def add(
        self,
        name: str,
        templates: Sequence[Template],
        *,
        person_id: int | None = None,
        new: bool = False,
        note: str = "",
        consent: str | None = None,
        consented: date | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> Enrollment:
        """Store templates of a person, in one transaction.

        The person is that of ``person_id``, else the only person called ``name``, else a new one. ``new`` adds a
        person even if the gallery has this name, or one that is written like it (SimilarNameError without it).
        A face of a photo that is stored already is not stored again: if it is unassigned, it becomes this person's,
        else it is listed in ``duplicates``, with the person it belongs to. Embeddings are scaled to length 1. ``note``,
        ``consent`` (free text), ``consented`` (its day) and ``metadata`` (what JSON can hold) replace stored values
        if given.

        Raises UsageError if several people have that name, an embedding is wrong, or a new person would have no
        template.
        """
        details = make_details(note=note or None, consent=consent, consented=consented, metadata=metadata)
        person = PersonTemplates(clean_name(name), prepare_templates(templates), details)
        with self._store.write() as conn:
            stored_id = _resolve_person.find_to_enroll(conn, person.name, person_id=person_id, new=new)
            (enrollment,) = enroll(conn, self.model, [person], [stored_id], actor=self._actor)
            if not enrollment.person_id:
                raise UsageError(_answers.explain_nothing_new(enrollment))
        return enrollment

    def add_many(self, people: Iterable[tuple[str, Sequence[Template]]]) -> list[Enrollment]:
        """Store templates of many people in one transaction: much faster than one call of :meth:`add` a person.

        A name refers to the only person called so, else to a new one; a name that comes twice is one person. Results
        are in the order in which names come first. A new person without a new face is not stored: the result
        has the person id 0. Raises UsageError as :meth:`add`, and then nothing is stored.
        """
        by_name: dict[str, list[Template]] = {}
        for name, templates in people:
            by_name.setdefault(clean_name(name), []).extend(templates)
        if not by_name:
            return []
        prepared = iter(prepare_templates([template for templates in by_name.values() for template in templates]))
        groups = [
            PersonTemplates(name, [next(prepared) for _ in templates], NO_DETAILS)
            for name, templates in by_name.items()
        ]
        with self._store.write() as conn:
            stored_ids = _resolve_person.find_all_to_enroll(conn, list(by_name))
            return enroll(conn, self.model, groups, stored_ids, actor=self._actor)

    def rename(self, who: Who, name: str) -> None:
        """Change the name of a person (see :meth:`find`); the id stays.

        Names are not unique: :meth:`similar_names` returns the people who have this name or a similar one.
        """
        name = clean_name(name)
        with self._store.write() as conn:
            person_id = _resolve_person.find_person(conn, who)
            records.change_person(conn, person_id, name=name)
            self._audit(conn, "rename", person_id)

    def describe(
        self,
        who: Who,
        *,
        note: str | None = None,
        consent: str | None = None,
        consented: date | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Replace the stored details of a person (see :meth:`find`) that are given."""
        details = make_details(note=note, consent=consent, consented=consented, metadata=metadata)
        with self._store.write() as conn:
            person_id = _resolve_person.find_person(conn, who)
            if changed := records.describe(conn, person_id, details):
                self._audit(conn, "change", person_id, ", ".join(changed))

    def merge(self, who: Who | Sequence[Who], into: Who) -> None:
        """Move all templates of one person, or of several, to the person ``into``, and remove the former; all or none.

        The name and notes of ``into`` stay. The audit log records which id was merged into which. Raises
        UnknownNameError if a person does not exist, UsageError if a person would be merged into itself.
        """
        sources = [who] if isinstance(who, (int, str, Person)) else list(who)
        with self._store.write() as conn:
            ids = dict.fromkeys(_resolve_person.find_person(conn, person) for person in sources)
            target = _resolve_person.find_person(conn, into)
            if target in ids:
                raise UsageError(f"person {target} cannot be merged into itself.")
            for person_id in ids:
                moved = records.merge_person(conn, person_id, target)
                self._audit(conn, "merge", target, f"{moved} templates of person {person_id}")
        self._compact_after_removal()

    def move(self, template_ids: Sequence[int], to: Who) -> None:
        """Move templates of other people, and unassigned faces, to a person (see :meth:`find`), all or none.

        Raises UsageError if a person would have no template left: merge the two, or remove that person.
        """
        with self._store.write() as conn:
            person_id = _resolve_person.find_person(conn, to)
            _move_templates(conn, template_ids, person_id)
            self._audit(conn, "move", person_id, f"templates {_format_ids(template_ids)}")

    def name_faces(self, name: str, template_ids: Sequence[int], *, new: bool = False) -> Person:
        """Assign unassigned faces to the only person called ``name``, else to a new one; return the person.

        ``new`` is as in :meth:`add`. Raises UsageError if several people have that name, and as :meth:`move`.
        """
        name = clean_name(name)
        with self._store.write() as conn:
            stored_id = _resolve_person.find_to_enroll(conn, name, person_id=None, new=new)
            (person_id,) = records.put_people(conn, [(name, NO_DETAILS)]) if stored_id is None else [stored_id]
            _move_templates(conn, template_ids, person_id)
            self._audit(conn, "enroll", person_id, f"templates {_format_ids(template_ids)}")
            return records.people(conn, person_id)[0]

    def remove(self, *who: Who) -> None:
        """Remove people (see :meth:`find`), all or none, without a trace in the file.

        Their names, notes, consents, templates and photos are removed, too.
        Only a line in the audit log with the id and the date stays; the id is never used again. Photos that also show
        other people stay. The file is written anew (see :meth:`compact`), so remove many people in one call.
        """
        with self._store.write() as conn:
            for person_id in dict.fromkeys(_resolve_person.find_person(conn, person) for person in who):
                removed = records.remove_person(conn, person_id)
                self._audit(conn, "remove", person_id, f"{removed} templates")
        self._compact_after_removal()

    def remove_template(self, template_id: int) -> None:
        """Remove one template; UsageError if it is the last of a person, since each person has a template."""
        with self._store.write() as conn:
            owners = _find_owners(conn, [template_id])
            owner = owners[template_id]
            if owner is not None and records.template_ids(conn, owner) == [template_id]:
                raise UsageError(f"template {template_id} is the last of person {owner}: remove the person.")
            records.remove_templates(conn, [template_id])
            self._audit(conn, "remove template", owner, f"template {template_id}")
        self._compact_after_removal()


def _find_owners(conn: Connection, template_ids: Sequence[int]) -> dict[int, int | None]:
    """Return the person ids of templates (None: unassigned); UnknownNameError if a template does not exist."""
    owners = records.owners_of(conn, template_ids)
    for template_id in template_ids:
        if template_id not in owners:
            raise UnknownNameError(f"there is no template {template_id} in this gallery.")
    return owners


def _move_templates(conn: Connection, template_ids: Sequence[int], person_id: int) -> None:
    """Move templates to a person; UsageError for no templates, or if another person would have none left."""
    if not template_ids:
        raise UsageError("there is no template to move.")
    before = {owner for owner in _find_owners(conn, template_ids).values() if owner not in {None, person_id}}
    records.assign_templates(conn, template_ids, person_id)
    for owner in sorted(owner for owner in before if owner is not None):
        if not records.template_ids(conn, owner):
            raise UsageError(f"person {owner} would have no template left: merge or remove that person.")


def _format_ids(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids)) if len(ids) <= 20 else f"{ids[0]} to {ids[-1]} ({len(ids)})"
