"""Who is in a gallery, and what changes that: one transaction a change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from visavis.errors import UnknownNameError, UsageError
from visavis.gallery import _answers, _resolve_person
from visavis.gallery._open_gallery import Opened
from visavis.gallery._resolve_person import Who
from visavis.gallery._store_templates import NOTHING_SAID, Wanted, enroll
from visavis.gallery.check_input import clean_name, details, ready
from visavis.gallery.names import folded
from visavis.gallery.sql import records
from visavis.gallery.types import Enrollment, Person, Template


class People(Opened):
    """Adding, finding, changing and removing people."""

    def people(self, *who: Who) -> list[Person]:
        """Return everybody, by id; or only those who are meant, in the order given (see :meth:`find`)."""
        with self._store.read() as conn:
            if not who:
                return records.people(conn)
            return [records.people(conn, _resolve_person.to_find(conn, each))[0] for each in who]

    def person(self, person_id: int) -> Person:
        """Return one person; UnknownNameError where there is no such id."""
        with self._store.read() as conn:
            _resolve_person.by_id(conn, person_id)
            return records.people(conn, person_id)[0]

    def find(self, who: Who) -> Person:
        """Return the person that ``who`` means: an id (3, "3" or "#3"), a name, or a person of the gallery.

        Raises UnknownNameError where there is nobody, UsageError with the ids where several are meant.
        """
        with self._store.read() as conn:
            return records.people(conn, _resolve_person.to_find(conn, who))[0]

    def similar_names(self, name: str, *, equal: bool = False) -> list[Person]:
        """Return the people whose names differ from ``name`` in case, spaces or Unicode form only, by id.

        With ``equal``, return the people of exactly this name, too.
        """
        name = clean_name(name)
        found = self.names_alike([name]).get(folded(name), [])
        return [self.person(person_id) for person_id, other in found if equal or other != name]

    def names_alike(self, names: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
        """Return ids and names of the people whose names are written like these, by their common form.

        That form is what :func:`visavis.gallery.names.folded` returns.
        """
        with self._store.read() as conn:
            return _resolve_person.alike(conn, names)

    def __len__(self) -> int:
        """Return the number of people."""
        with self._store.read() as conn:
            return records.count_people(conn)

    def __iter__(self) -> Iterator[Person]:
        """Yield everybody, by id."""
        return iter(self.people())

    def __contains__(self, who: object) -> bool:
        """Tell whether there is such a person, by id or name; also where several have the name."""
        if not isinstance(who, (int, str, Person)) or isinstance(who, bool):
            return False
        with self._store.read() as conn:
            return _resolve_person.is_there(conn, who)

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

        The person is that of ``person_id``, else the only one called ``name``, else a new one; ``new`` makes
        another person of a name that is there already, or that is written like one that is there (SimilarNameError
        without it). A template whose photo and face are there is not stored again but told of in ``duplicates``,
        whoever it belongs to; one that was nobody's becomes this person's. Embeddings are scaled to length 1. ``note``,
        ``consent`` (free text), ``consented`` (its day) and ``metadata`` (what JSON can hold) replace what was noted
        where given.

        Raises UsageError where several have that name, an embedding is wrong, or a new person would have no
        template.
        """
        told = details(note=note or None, consent=consent, consented=consented, metadata=metadata)
        wanted = Wanted(clean_name(name), ready(templates), told)
        with self._store.write() as conn:
            known = _resolve_person.to_enroll(conn, wanted.name, person_id=person_id, new=new)
            (done,) = enroll(conn, self.model, [wanted], [known], actor=self._actor)
            if not done.person_id:
                raise UsageError(_answers.nothing_new(done))
        return done

    def add_many(self, people: Iterable[tuple[str, Sequence[Template]]]) -> list[Enrollment]:
        """Store templates of many people, all in one transaction: much quicker than one after the other.

        A name stands for the only person called so, else for a new one; a name that comes twice is one person. Answers
        are in the order in which names come first. Whoever would be new and has no new face is not stored: the answer
        has the person id 0. Raises UsageError as :meth:`add`, and then nothing is stored.
        """
        by_name: dict[str, list[Template]] = {}
        for name, some in people:
            by_name.setdefault(clean_name(name), []).extend(some)
        if not by_name:
            return []
        every = iter(ready([one for some in by_name.values() for one in some]))
        wanted = [Wanted(name, [next(every) for _ in some], NOTHING_SAID) for name, some in by_name.items()]
        with self._store.write() as conn:
            return enroll(
                conn, self.model, wanted, _resolve_person.all_to_enroll(conn, list(by_name)), actor=self._actor
            )

    def rename(self, who: Who, name: str) -> None:
        """Change the name of a person (see :meth:`find`); the id stays.

        Names are not unique: :meth:`similar_names` returns the people who have this name already, or one like it.
        """
        name = clean_name(name)
        with self._store.write() as conn:
            person_id = _resolve_person.to_find(conn, who)
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
        """Store what is given of a person (see :meth:`find`), in place of what was stored."""
        told = details(note=note, consent=consent, consented=consented, metadata=metadata)
        with self._store.write() as conn:
            person_id = _resolve_person.to_find(conn, who)
            if said := records.describe(conn, person_id, told):
                self._audit(conn, "change", person_id, ", ".join(said))

    def merge(self, who: Who | Sequence[Who], into: Who) -> None:
        """Give all templates of one person, or of several, to another, and remove them; all or none.

        The name and notes of ``into`` stay. The audit log says which id went into which. UnknownNameError where one is
        not there, UsageError where one would be merged into itself.
        """
        sources = [who] if isinstance(who, (int, str, Person)) else list(who)
        with self._store.write() as conn:
            ids = dict.fromkeys(_resolve_person.to_find(conn, each) for each in sources)
            stays = _resolve_person.to_find(conn, into)
            if stays in ids:
                raise UsageError(f"person {stays} cannot be merged into itself.")
            for person_id in ids:
                moved = records.merge_person(conn, person_id, stays)
                self._audit(conn, "merge", stays, f"{moved} templates of person {person_id}")
        self._compact_after_removal()

    def move(self, template_ids: Sequence[int], to: Who) -> None:
        """Give templates to a person (see :meth:`find`), all or none: those of others, and faces that were nobody's.

        UsageError where that would leave somebody without one: merge the two, or remove that person.
        """
        with self._store.write() as conn:
            person_id = _resolve_person.to_find(conn, to)
            _give(conn, template_ids, person_id)
            self._audit(conn, "move", person_id, f"templates {_listed(template_ids)}")

    def name_faces(self, name: str, template_ids: Sequence[int], *, new: bool = False) -> Person:
        """Say whose faces of nobody these are: of the only person called ``name``, else of a new one.

        ``new`` is as in :meth:`add`. UsageError where several have that name, and as :meth:`move`.
        """
        name = clean_name(name)
        with self._store.write() as conn:
            known = _resolve_person.to_enroll(conn, name, person_id=None, new=new)
            (who,) = records.put_people(conn, [(name, NOTHING_SAID)]) if known is None else [known]
            _give(conn, template_ids, who)
            self._audit(conn, "enroll", who, f"templates {_listed(template_ids)}")
            return records.people(conn, who)[0]

    def remove(self, *who: Who) -> None:
        """Remove people (see :meth:`find`), all or none, without a trace in the file.

        With them go their names, notes, consents, templates and photos.
        What stays is a line in the audit log with the id and the date; the id is never given again. Photos that show
        others too stay listed. The file is written anew (see :meth:`compact`), so remove many in one call.
        """
        with self._store.write() as conn:
            for person_id in dict.fromkeys(_resolve_person.to_find(conn, each) for each in who):
                gone = records.remove_person(conn, person_id)
                self._audit(conn, "remove", person_id, f"{gone} templates")
        self._compact_after_removal()

    def remove_template(self, template_id: int) -> None:
        """Remove one template; UsageError where it is its person's last, since nobody is without one."""
        with self._store.write() as conn:
            owners = _held(conn, [template_id])
            owner = owners[template_id]
            if owner is not None and records.template_ids(conn, owner) == [template_id]:
                raise UsageError(f"template {template_id} is the last of person {owner}: remove the person.")
            records.remove_templates(conn, [template_id])
            self._audit(conn, "remove template", owner, f"template {template_id}")
        self._compact_after_removal()


def _held(conn: Connection, template_ids: Sequence[int]) -> dict[int, int | None]:
    """Return whose the templates are; UnknownNameError where one is not there."""
    owners = records.owners_of(conn, template_ids)
    for one in template_ids:
        if one not in owners:
            raise UnknownNameError(f"there is no template {one} in this gallery.")
    return owners


def _give(conn: Connection, template_ids: Sequence[int], person_id: int) -> None:
    """Give templates to a person; UsageError where none are meant, or somebody would be left without one."""
    if not template_ids:
        raise UsageError("there is no template to move.")
    before = {owner for owner in _held(conn, template_ids).values() if owner not in {None, person_id}}
    records.give(conn, template_ids, person_id)
    for owner in sorted(one for one in before if one is not None):
        if not records.template_ids(conn, owner):
            raise UsageError(f"person {owner} would have no template left: merge or remove that person.")


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids)) if len(ids) <= 20 else f"{ids[0]} to {ids[-1]} ({len(ids)})"
