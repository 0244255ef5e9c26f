"""Who is it? Searches among the people of a gallery, and among all its faces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sqlalchemy import Connection

from visavis import compare
from visavis._checks import checked_number, checked_whole
from visavis.errors import UsageError
from visavis.gallery import _answers, _resolve_person
from visavis.gallery._open_gallery import Opened
from visavis.gallery._resolve_person import Who
from visavis.gallery._searched_people import SearchedPeople
from visavis.gallery.check_input import unit_rows
from visavis.gallery.index import Hit
from visavis.gallery.sql import indexed_photos, records
from visavis.gallery.types import NearFace, SearchThreshold
from visavis.types import Candidate, Floats, Identification, Quality

SPARE = 20
"""People beyond those asked for that are looked at closely: with several templates another may be nearer as a whole."""


class _Found(NamedTuple):
    """Hits of each probe, up to ``SPARE`` more than asked for, and the number of people searched.

    ``probes (n, d)`` are the unit vectors searched for; ``names`` and ``shares`` are as in :class:`SearchedPeople`.
    """

    probes: Floats
    hits: list[list[Hit]]
    names: Mapping[int, str]
    shares: Mapping[int, float | None]
    table: compare.Calibration | None
    people: int


class Searching(Opened):
    """Searching, and the thresholds that answers rest on."""

    _people: SearchedPeople | None = None

    def search(
        self, embeddings: ArrayLike, *, top: int = 5, among: Sequence[Who] | None = None
    ) -> list[list[Candidate]]:
        """Return the ``top`` people nearest to each row of ``embeddings (n, d)``, nearest first, each once.

        ``among`` (ids, names or people) leaves only these people. A candidate's probability is that of the search: see
        :meth:`visavis.Calibration.search_probabilities`.
        """
        ids = None
        if among is not None:
            with self._store.read() as conn:
                ids = [_resolve_person.to_find(conn, who) for who in among]
        found = self._search(embeddings, top, ids)
        return [_answers.candidates(hits, found.names, found.table, found.people, top=top) for hits in found.hits]

    def lookalikes(self, embeddings: ArrayLike, *, top: int = 10, besides: str | None = None) -> list[list[NearFace]]:
        """Return the ``top`` faces nearest to each row of ``embeddings (n, d)``, named or not, nearest first.

        Faces of the photo ``besides`` (its SHA-256) are passed over.
        """
        top = checked_whole(top, "top is a whole number", least=1)
        with self._lock, self._searched() as conn:
            probes = unit_rows(embeddings, records.meta(conn).dimension)
            own = 0 if besides is None else indexed_photos.faces_of(conn, besides)
            index = self._following.caught_up(conn)
            hits = [[] for _ in probes] if index is None else index.nearest(probes, top + own)
            found = [indexed_photos.lookalikes(conn, {hit.template_id: hit.distance for hit in some}) for some in hits]
        return [[one for one in some if besides is None or one.photo_sha256 != besides][:top] for some in found]

    def threshold(self, *, fpir: float = 0.01) -> SearchThreshold:
        """Return the distance up to which a search names somebody; it names a stranger at rate ``fpir``.

        That follows from the number of people: each is one more that a stranger may be like. Raises UsageError
        where the model was not calibrated.
        """
        with self._store.read() as conn:
            people = records.count_people(conn)
        return _answers.threshold(self.calibration, fpir, people, model=self.model)

    def identify_embeddings(
        self,
        embeddings: ArrayLike,
        *,
        fpir: float = 0.01,
        threshold: float | None = None,
        margin: float = 0.0,
        top: int = 5,
        qualities: Sequence[Quality | float | None] | None = None,
    ) -> list[Identification]:
        """Say who each row of ``embeddings (n, d)`` is: the nearest person if near enough, else unknown.

        Near enough is a cosine distance up to ``threshold``; by default that of :meth:`threshold`. Whoever is nearer
        than the second person by less than ``margin`` (a cosine distance) is unknown too. Where the model's calibration
        has measured poor photos, the default threshold is stricter for them, also where the person's templates are
        poor, and faces that are poorer than was measured are unknown, with a note; a ``threshold`` that is given names
        them without a probability. That follows from the embeddings, and from the ``qualities`` of the probes, with all
        parts or the score alone (None: not known). An answer's ``distance`` is that of the nearest person, named or
        not; its ``probability`` is None unless a person is named and more likely than not, where one search in two is
        for a stranger.
        """
        found = self._search(embeddings, max(checked_whole(top, "top is a whole number", least=1), 2))
        if threshold is None:
            limit = _answers.threshold(found.table, fpir, found.people, model=self.model).distance
        else:
            limit = compare.to_cosine(threshold, "cosine")
        rule = _answers.Rule(
            limit,
            compare.to_cosine(margin, "cosine"),
            found.people,
            found.table,
            found.shares,
            fixed=threshold is not None,
        )
        return [
            _answers.identified(hits, found.names, rule, top=top, probe=probe)
            for hits, probe in zip(found.hits, _probes(found, qualities), strict=True)
        ]

    def calibrate(self, table: compare.Calibration | None) -> None:
        """Go by thresholds of one's own from now on, in all processes; None: by those shipped for the model.

        Raises UsageError for a table of another model, or of embeddings of another length.
        """
        if table is not None:
            compare.own_or_shipped(table, self.model)
            with self._store.read() as conn:
                dimension = records.meta(conn).dimension
            if table.poor and dimension:
                table.poor.shares(np.zeros((1, dimension), np.float32))  # refuses a table of other embeddings
        with self._store.write() as conn:
            records.set_calibration(conn, None if table is None else json.dumps(table.table()))
            self._audit(conn, "calibrate", None, "shipped" if table is None else "own")

    def _follows_quality(self, threshold: float | None) -> bool:
        """Return whether a search's threshold is stricter for poor photos: not one that the caller gave."""
        table = self.calibration
        return threshold is None and table is not None and table.poor is not None

    @contextmanager
    def _searched(self) -> Iterator[Connection]:
        """Open a view to search in; a durable index is brought up to date before."""
        self._following.catch_up()
        with self._store.read() as conn:
            yield conn

    def _search(self, embeddings: ArrayLike, top: int, among: Sequence[int] | None = None) -> _Found:
        """Search in memory alone where nothing changed since the last time and all candidates are known."""
        top = checked_whole(top, "top is a whole number", least=1)
        with self._lock:
            meta, people, near = self._store.meta(), self._people, None
            if among is None and people is not None and people.meta == meta:
                index = self._following.in_memory(meta)
                if index is not None:
                    probes = unit_rows(embeddings, meta.dimension)
                    near = index.search(probes, top + SPARE)
                    if people.names.keys() >= _people_of(near):
                        return _found(probes, near, people, people.count)
            return self._searched_in_records(embeddings, top, among, near)

    def _searched_in_records(
        self, embeddings: ArrayLike, top: int, among: Sequence[int] | None, near: list[list[Hit]] | None
    ) -> _Found:
        """Search in one view of the records; ``near`` are the hits as of the people known so far, None: not known."""
        wanted = None if among is None else np.array(sorted(set(among)), np.int64)
        # The lock comes first: an index in memory is then never ahead of the view that names are read from.
        with self._lock, self._searched() as conn:
            meta, people = records.meta(conn), self._people
            if people is None or people.meta != meta:
                people, near = SearchedPeople(conn), None
            self._people = people
            probes = unit_rows(embeddings, meta.dimension)
            if near is None:
                index = self._following.caught_up(conn)
                near = [[] for _ in probes] if index is None else index.search(probes, top + SPARE, among=wanted)
            people.read(conn, _people_of(near))
            count = people.count if wanted is None else len(records.names(conn, wanted.tolist()))
            return _found(probes, near, people, count)


def _probes(found: _Found, qualities: Sequence[Quality | float | None] | None) -> Iterator[_answers.Probe]:
    """Yield what each face leaves of a threshold; UsageError for qualities that are not one a face."""
    given = [None] * len(found.hits) if qualities is None else qualities
    if len(given) != len(found.hits):
        raise UsageError(f"each face has one quality: got {len(given)} for {len(found.hits)} faces.")
    for quality in given:
        if quality is not None and not isinstance(quality, Quality):
            checked_number(quality, "a quality is a Quality, None or a score", least=0, most=1)
    for embedding, quality in zip(found.probes, given, strict=True):
        share = 1.0 if found.table is None else found.table.share(embedding, quality)
        yield _answers.Probe(share, quality)


def _people_of(near: Sequence[Sequence[Hit]]) -> set[int]:
    return {hit.person_id for hits in near for hit in hits}


def _found(probes: Floats, near: Sequence[Sequence[Hit]], people: SearchedPeople, count: int) -> _Found:
    hits = [_as_people(*pair, people.embeddings) for pair in zip(probes, near, strict=True)]
    return _Found(probes, hits, people.names, people.shares, people.table, count)


def _as_people(probe: Floats, hits: Sequence[Hit], embeddings: Mapping[int, Floats]) -> list[Hit]:
    """Put the distance to all of a person in place of that to the nearest template, and sort by it."""
    exact, moved = probe.astype(np.float64), []
    for hit in hits:
        embedding = embeddings.get(hit.person_id)
        distance = hit.distance if embedding is None else min(max(1 - float(exact @ embedding), 0.0), 2.0)
        moved.append(Hit(hit.person_id, hit.template_id, distance))
    return sorted(moved, key=lambda hit: (hit.distance, hit.person_id))
