"""Looking for photos of the wrong person: before they are enrolled, and among all that are stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from visavis.compare import Calibration
from visavis.gallery import _integrity, _misplaced_photos, _resolve_person, _template_distances
from visavis.gallery._search import Searching
from visavis.gallery.check_input import clean_name, ready, told_apart
from visavis.gallery.index import NOBODY
from visavis.gallery.sql import records
from visavis.gallery.types import Doubt, Problem, Template
from visavis.types import Candidate, Floats

SEARCHED = 100_000
"""Templates that :meth:`Doubting.check` searches the other people for at most, evenly spread over all."""


class Doubting(Searching):
    """Judging whether photos are of the person that they are said to be of."""

    def doubts(
        self, name: str, templates: Sequence[Template], *, person_id: int | None = None, new: bool = False
    ) -> list[Doubt]:
        """Return what speaks against these templates being of the person that :meth:`add` would give them to.

        A template is doubted where it is far from the person's other photos (those among ``templates`` too), or nearer
        to somebody else. What is stored already is passed over, and so are templates too poor for any answer, stored
        ones too. Distances of an uncalibrated model mean nothing: nothing is doubted then.
        """
        return [*self._doubted(name, templates, person_id=person_id, new=new).values()]

    def _doubted(
        self, name: str, templates: Sequence[Template], *, person_id: int | None, new: bool
    ) -> dict[int, Doubt]:
        """Return :meth:`doubts` by the place of the template."""
        table = self.calibration
        if table is None or not templates:
            return {}
        name, prepared = clean_name(name), ready(templates)
        with self._store.read() as conn:
            person = _resolve_person.to_enroll(conn, name, person_id=person_id, new=new)
            photos = {one.photo_sha256 for one in prepared if one.photo_sha256 is not None}
            owners = told_apart(prepared, records.owners(conn, self.model, photos))
            dimension = records.meta(conn).dimension or prepared[0].embedding.size
            stored, scores = records.embeddings_of(conn, person or NOBODY, dimension)
            stored = stored[table.usable(stored, scores)]
            limits = _misplaced_photos.limits(table, records.count_people(conn))
        fresh = [
            place
            for place, owner in enumerate(owners)
            if (owner is None or _is_nobodys(owner)) and _is_usable(table, prepared[place])
        ]
        if not fresh:
            return {}
        embeddings = np.stack([prepared[place].embedding for place in fresh])
        own = _misplaced_photos.own_distances(embeddings, stored)
        found: dict[int, Doubt] = {}
        others = self._others(embeddings, person)
        there = None if person is not None else _misplaced_photos.is_there_already(own, others, limits)
        for place, distance, other in zip(fresh, own, others, strict=True):
            one_person = other is not None and other.person_id == there
            judged = _misplaced_photos.Judged(prepared[place].photo, name, distance, other, one_person)
            if doubt := _misplaced_photos.doubt(judged, limits):
                found[place] = doubt
        return found

    def _others(self, embeddings: Floats, person: int | None) -> list[Candidate | None]:
        """Return for each row the nearest person beside ``person`` whose photos are not too poor for any answer."""
        found, nearest = self._search(embeddings, 2), list[Candidate | None]()
        for hits in found.hits:
            others = (hit for hit in hits if hit.person_id in found.names and hit.person_id != person)
            hit = next((hit for hit in others if found.shares.get(hit.person_id, 1.0) is not None), None)
            nearest.append(None if hit is None else Candidate(hit.person_id, found.names[hit.person_id], hit.distance))
        return nearest

    def check(self) -> list[Problem]:
        """Look for everything that can be wrong in the store, the index and the people; empty if nothing is.

        A problem of the kind "doubtful" is a template that seems to be of somebody else: far from its person's other
        templates, or nearer to another person. They are looked for only where all else is sound, and not where the
        model is uncalibrated. Templates too poor for any answer are left out.
        """
        with self._lock:
            found = _integrity.problems(self._store, self._following)
        return found or [*self._doubtful_members()]

    def repair(self) -> list[Problem]:
        """Make the index what the records say; returns what is wrong still, as :meth:`check` does.

        Records themselves cannot be mended: they hold the truth, or a copy of them does.
        """
        with self._lock:
            self._following.mend()
        return self.check()

    def _doubtful_members(self) -> Iterator[Problem]:
        table = self.calibration
        if table is None:
            return
        with self._store.read() as conn:
            people, templates = records.person_ids(conn), records.count(conn).templates
        limits, step = _misplaced_photos.limits(table, len(people)), -(-templates // SEARCHED) or 1

        def wanted(one: _template_distances.Member) -> bool:
            return one.template_id % step == 0 or (one.own or 0) > limits.own

        for stretch in _template_distances.stretches(self._store, people, wanted, table.usable):
            searched = [one for one in stretch if one.template_id % step == 0]
            others = self._others_of(searched, people, max(limits), table.usable)
            for one in stretch:
                judged = _misplaced_photos.Judged(one.photo, one.name, one.own, others.get(one.template_id))
                if found := _misplaced_photos.doubt(judged, limits):
                    yield Problem("doubtful", f"template {one.template_id} ({one.photo}) {found.message}")

    def _others_of(
        self,
        members: Sequence[_template_distances.Member],
        people: Sequence[int],
        limit: float,
        usable: _template_distances.Usable,
    ) -> dict[int, Candidate]:
        """Return the nearest other person by the id of the template, where that is not farther than ``limit``."""
        nearest = _template_distances.nearest_others(self._store, people, members, usable)
        near = [(one.template_id, *other) for one, other in zip(members, nearest, strict=True) if other[1] <= limit]
        with self._store.read() as conn:
            names = records.names(conn, {person_id for _, person_id, _ in near})
        return {one: Candidate(who, names[who], distance) for one, who, distance in near if who in names}


def _is_usable(table: Calibration, template: Template) -> bool:
    """Return whether a face is good enough for its distances to mean something."""
    return table.share(template.embedding, template.quality) is not None


def _is_nobodys(owner: records.Owner) -> bool:
    return owner.person_id == NOBODY and bool(owner.template_id)
