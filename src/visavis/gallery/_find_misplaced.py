"""Find photos of the wrong person: before they are enrolled, and among the stored ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from visavis.compare import Calibration
from visavis.gallery import _integrity, _resolve_person, _template_distances, misplaced_photos
from visavis.gallery._search import Search
from visavis.gallery.check_input import clean_name, match_stored_faces, prepare_templates
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.sql import records
from visavis.gallery.types import Doubt, Problem, Template
from visavis.types import Candidate, Floats

SEARCHED = 100_000
"""Number of templates, evenly spread, that :meth:`MisplacedPhotos.check` compares with the other people at most."""


class MisplacedPhotos(Search):
    """The methods that judge whether photos are of the person they are enrolled for."""

    def doubts(
        self, name: str, templates: Sequence[Template], *, person_id: int | None = None, new: bool = False
    ) -> list[Doubt]:
        """Return the templates that may not be of the person that :meth:`add` would store them for.

        A template is doubtful if it is far from the person's other photos (also those of ``templates``), or nearer
        to another person. Faces that are stored already are skipped, and so are templates too poor for any answer,
        stored ones too. Distances of an uncalibrated model mean nothing, so there are no doubts then.
        """
        return [*self._find_doubts(name, templates, person_id=person_id, new=new).values()]

    def _find_doubts(
        self, name: str, templates: Sequence[Template], *, person_id: int | None, new: bool
    ) -> dict[int, Doubt]:
        """Return :meth:`doubts` by the position of the template."""
        table = self.calibration
        if table is None or not templates:
            return {}
        name, prepared = clean_name(name), prepare_templates(templates)
        with self._store.read() as conn:
            person = _resolve_person.find_to_enroll(conn, name, person_id=person_id, new=new)
            photos = {template.photo_sha256 for template in prepared if template.photo_sha256 is not None}
            owners = match_stored_faces(prepared, records.owners(conn, self.model, photos))
            dimension = records.meta(conn).dimension or prepared[0].embedding.size
            stored, scores = records.embeddings_of(conn, person or UNASSIGNED, dimension)
            stored = stored[table.usable(stored, scores)]
            limits = misplaced_photos.compute_limits(table, records.count_people(conn))
        new_places = [
            place
            for place, owner in enumerate(owners)
            if (owner is None or _is_unassigned(owner)) and _is_usable(table, prepared[place])
        ]
        if not new_places:
            return {}
        embeddings = np.stack([prepared[place].embedding for place in new_places])
        own = misplaced_photos.own_distances(embeddings, stored)
        doubts: dict[int, Doubt] = {}
        others = self._find_nearest_others(embeddings, person)
        same_person = None if person is not None else misplaced_photos.find_same_person(own, others, limits)
        for place, distance, other in zip(new_places, own, others, strict=True):
            is_same = other is not None and other.person_id == same_person
            distances = misplaced_photos.PhotoDistances(prepared[place].photo, name, distance, other, is_same)
            if doubt := misplaced_photos.judge_photo(distances, limits):
                doubts[place] = doubt
        return doubts

    def _find_nearest_others(self, embeddings: Floats, person: int | None) -> list[Candidate | None]:
        """Return for each row the nearest person, without ``person`` and people with photos too poor for any answer."""
        result, nearest = self._search(embeddings, 2), list[Candidate | None]()
        for hits in result.hits:
            others = (hit for hit in hits if hit.person_id in result.names and hit.person_id != person)
            hit = next((hit for hit in others if result.shares.get(hit.person_id, 1.0) is not None), None)
            nearest.append(None if hit is None else Candidate(hit.person_id, result.names[hit.person_id], hit.distance))
        return nearest

    def check(self) -> list[Problem]:
        """Return the problems of the store, the index and the people; an empty list if there are none.

        A problem of the kind "doubtful" is a template that seems to be of another person: far from its person's other
        templates, or nearer to another person. These are looked for only if there is no other problem and the
        model is calibrated. Templates too poor for any answer are skipped.
        """
        with self._lock:
            problems = _integrity.find_problems(self._store, self._synced_index)
        return problems or [*self._find_doubtful_templates()]

    def repair(self) -> list[Problem]:
        """Correct the index by the records; return the problems that remain, as :meth:`check` does.

        Records cannot be repaired, since nothing else holds their content: restore them from a copy.
        """
        with self._lock:
            self._synced_index.repair()
        return self.check()

    def _find_doubtful_templates(self) -> Iterator[Problem]:
        table = self.calibration
        if table is None:
            return
        with self._store.read() as conn:
            people, templates = records.person_ids(conn), records.count(conn).templates
        limits, step = misplaced_photos.compute_limits(table, len(people)), -(-templates // SEARCHED) or 1

        def is_selected(member: _template_distances.Member) -> bool:
            return member.template_id % step == 0 or (member.own or 0) > limits.own

        for members in _template_distances.read_members(self._store, people, is_selected, table.usable):
            searched = [member for member in members if member.template_id % step == 0]
            others = self._find_others_within(searched, people, max(limits), table.usable)
            for member in members:
                distances = misplaced_photos.PhotoDistances(
                    member.photo, member.name, member.own, others.get(member.template_id)
                )
                if doubt := misplaced_photos.judge_photo(distances, limits):
                    yield Problem("doubtful", f"template {member.template_id} ({member.photo}) {doubt.message}")

    def _find_others_within(
        self,
        members: Sequence[_template_distances.Member],
        people: Sequence[int],
        limit: float,
        usable: _template_distances.Usable,
    ) -> dict[int, Candidate]:
        """Return the nearest other person by template id, for templates with another person within ``limit``."""
        nearest = _template_distances.find_nearest_others(self._store, people, members, usable)
        near = [
            (member.template_id, *other) for member, other in zip(members, nearest, strict=True) if other[1] <= limit
        ]
        with self._store.read() as conn:
            names = records.names(conn, {person_id for _, person_id, _ in near})
        return {
            template_id: Candidate(person_id, names[person_id], distance)
            for template_id, person_id, distance in near
            if person_id in names
        }


def _is_usable(table: Calibration, template: Template) -> bool:
    """Return whether a face is good enough for its distances to mean something."""
    return table.threshold_share(template.embedding, template.quality) is not None


def _is_unassigned(owner: records.Owner) -> bool:
    return owner.person_id == UNASSIGNED and bool(owner.template_id)
