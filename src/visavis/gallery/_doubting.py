"""Looking for photos of the wrong person: before they are enrolled, and among all that are stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from visavis.gallery import _check, _doubts, _members, _whom, records
from visavis.gallery._input import clean_name, ready, told_apart
from visavis.gallery._search import Searching
from visavis.gallery.index import NOBODY
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
        to somebody else. What is stored already is passed over. Distances of an uncalibrated model mean nothing:
        nothing is doubted then.
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
            person = _whom.to_enroll(conn, name, person_id=person_id, new=new)
            photos = {one.photo_sha256 for one in prepared if one.photo_sha256 is not None}
            owners = told_apart(prepared, records.owners(conn, self.model, photos))
            dimension = records.meta(conn).dimension or prepared[0].vector.size
            stored = records.vectors_of(conn, [] if person is None else [person], dimension)
            limits = _doubts.limits(table, records.count_people(conn))
        fresh = [place for place, owner in enumerate(owners) if owner is None or _is_nobodys(owner)]
        if not fresh:
            return {}
        vectors = np.stack([prepared[place].vector for place in fresh])
        own = _doubts.own_distances(vectors, stored.get(person or NOBODY, vectors[:0]))
        found: dict[int, Doubt] = {}
        others = self._others(vectors, person)
        there = None if person is not None else _doubts.is_there_already(own, others, limits)
        for place, distance, other in zip(fresh, own, others, strict=True):
            one_person = other is not None and other.person_id == there
            judged = _doubts.Judged(prepared[place].photo, name, distance, other, one_person)
            if doubt := _doubts.doubt(judged, limits):
                found[place] = doubt
        return found

    def _others(self, vectors: Floats, person: int | None) -> list[Candidate | None]:
        """Return for each row the nearest person beside ``person``."""
        return [_doubts.nearest_other(near, person) for near in self.search(vectors, top=2)]

    def check(self) -> list[Problem]:
        """Look for everything that can be wrong in the store, the index and the people; empty if nothing is.

        A problem of the kind "doubtful" is a template that seems to be of somebody else: far from its person's other
        templates, or nearer to another person. They are looked for only where all else is sound, and not where the
        model is uncalibrated.
        """
        with self._lock:
            found = _check.problems(self._store, self._following)
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
            people, templates = _members.person_ids(conn), records.count(conn).templates
        limits = _doubts.limits(table, len(people))
        step = -(-templates // SEARCHED) or 1
        for some in records.in_lists(people):
            with self._store.read() as conn:  # closed before each search: a durable index may have to be written to
                block = [*_members.members(conn, some)]
            yield from self._doubtful(block, limits, step)

    def _doubtful(self, block: Sequence[_members.Member], limits: _doubts.Limits, step: int) -> Iterator[Problem]:
        """Judge templates of a block; every ``step``-th is searched for among the other people."""
        asked = [one for one in block if one.template_id % step == 0]
        others = dict(zip([one.template_id for one in asked], self._near_others(asked, limits), strict=True))
        for one in block:
            judged = _doubts.Judged(one.photo, one.name, one.own, others.get(one.template_id))
            if found := _doubts.doubt(judged, limits):
                yield Problem("doubtful", f"template {one.template_id} ({one.photo}) {found.message}")

    def _near_others(self, block: Sequence[_members.Member], limits: _doubts.Limits) -> list[Candidate | None]:
        """Return for each template the nearest other person; None where no template of theirs is near."""
        if not block:
            return []
        vectors = np.stack([one.vector for one in block])
        with self._lock, self._searched() as conn:
            index = self._following.caught_up(conn)
            hits = [[] for _ in block] if index is None else index.search(vectors, 2)
        near = [
            row
            for row, (one, some) in enumerate(zip(block, hits, strict=True))
            if any(hit.person_id != one.person_id and hit.distance <= max(limits) for hit in some)
        ]
        found: list[Candidate | None] = [None] * len(block)
        for row, candidates in zip(near, self.search(vectors[near], top=2) if near else [], strict=True):
            found[row] = _doubts.nearest_other(candidates, block[row].person_id)
        return found


def _is_nobodys(owner: records.Owner) -> bool:
    return owner.person_id == NOBODY and bool(owner.template_id)
