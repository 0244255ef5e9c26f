"""Search the people of a gallery, or all its faces, for embeddings, and identify them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sqlalchemy import Connection

from visavis import compare
from visavis._checks import check_number, check_whole
from visavis.errors import UsageError
from visavis.gallery import _answers, _resolve_person
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._resolve_person import Who
from visavis.gallery._searched_people import SearchedPeople
from visavis.gallery.check_input import unit_rows
from visavis.gallery.index import Hit
from visavis.gallery.sql import indexed_photos, records
from visavis.gallery.types import NearFace, SearchThreshold
from visavis.types import Candidate, Floats, Identification, Quality

SPARE = 20
"""People searched for beyond ``top``: with several templates a person may be nearer than by the nearest template."""


class _SearchResult(NamedTuple):
    """Hits of each probe, up to ``SPARE`` more than ``top``, and the number of people searched.

    ``probes (n, d)`` are embeddings of length 1; ``names`` and ``shares`` are as in :class:`SearchedPeople`.
    """

    probes: Floats
    hits: list[list[Hit]]
    names: Mapping[int, str]
    shares: Mapping[int, float | None]
    table: compare.Calibration | None
    people: int


class Search(OpenGallery):
    """The methods that search and identify, and their thresholds."""

    _people: SearchedPeople | None = None

    def search(
        self, embeddings: ArrayLike, *, top: int = 5, among: Sequence[Who] | None = None
    ) -> list[list[Candidate]]:
        """Return the ``top`` people nearest to each row of ``embeddings (n, d)``, nearest first, each once.

        ``among`` (ids, names or people) limits the search to these people. A candidate's probability is that of the
        search: see :meth:`visavis.Calibration.search_probabilities`.
        """
        ids = None
        if among is not None:
            with self._store.read() as conn:
                ids = [_resolve_person.find_person(conn, who) for who in among]
        result = self._search(embeddings, top, ids)
        return [
            _answers.list_candidates(hits, result.names, result.table, result.people, top=top) for hits in result.hits
        ]

    def lookalikes(self, embeddings: ArrayLike, *, top: int = 10, besides: str | None = None) -> list[list[NearFace]]:
        """Return the ``top`` faces nearest to each row of ``embeddings (n, d)``, named or not, nearest first.

        Faces of the photo ``besides`` (its SHA-256) are skipped.
        """
        top = check_whole(top, "top is a whole number", least=1)
        with self._lock, self._open_view() as conn:
            probes = unit_rows(embeddings, records.meta(conn).dimension)
            own = 0 if besides is None else indexed_photos.faces_of(conn, besides)
            index = self._synced_index.updated(conn)
            hits_of_probes = [[] for _ in probes] if index is None else index.nearest(probes, top + own)
            faces_of_probes = [
                indexed_photos.lookalikes(conn, {hit.template_id: hit.distance for hit in hits})
                for hits in hits_of_probes
            ]
        return [
            [face for face in faces if besides is None or face.photo_sha256 != besides][:top]
            for faces in faces_of_probes
        ]

    def threshold(self, *, fpir: float = 0.01) -> SearchThreshold:
        """Return the distance up to which a search names a person; it names a stranger at rate ``fpir``.

        The distance is smaller in a larger gallery, where more people may resemble a stranger. Raises UsageError
        if the model is not calibrated.
        """
        with self._store.read() as conn:
            people = records.count_people(conn)
        return _answers.search_threshold(self.calibration, fpir, people, model=self.model)

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
        """Identify each row of ``embeddings (n, d)``: name the nearest person if near enough, else answer unknown.

        Near enough is a cosine distance up to ``threshold``; by default that of :meth:`threshold`. A face is unknown
        too if the second person is farther by less than ``margin`` (a cosine distance). If the model's calibration
        includes poor photos, the default threshold is stricter for them, also for poor templates of the person,
        and faces poorer than was measured are unknown, with a note; an explicit ``threshold`` names
        them without a probability. How poor a face is follows from its embedding and the ``qualities`` of the probes:
        all parts or the score alone (None: not known). An answer's ``distance`` is that of the nearest person, named or
        not; its ``probability`` is None unless a person is named and more likely than not, if one search in two is
        for a stranger.
        """
        result = self._search(embeddings, max(check_whole(top, "top is a whole number", least=1), 2))
        if threshold is None:
            limit = _answers.search_threshold(result.table, fpir, result.people, model=self.model).distance
        else:
            limit = compare.to_cosine(threshold, "cosine")
        rule = _answers.Rule(
            limit,
            compare.to_cosine(margin, "cosine"),
            result.people,
            result.table,
            result.shares,
            fixed=threshold is not None,
        )
        return [
            _answers.identify_probe(hits, result.names, rule, top=top, probe=probe)
            for hits, probe in zip(result.hits, _make_probes(result, qualities), strict=True)
        ]

    def calibrate(self, table: compare.Calibration | None) -> None:
        """Use the thresholds of ``table`` from now on, in all processes; None: those shipped for the model.

        Raises UsageError for a table of another model, or of embeddings of another length.
        """
        if table is not None:
            compare.own_or_shipped(table, self.model)
            with self._store.read() as conn:
                dimension = records.meta(conn).dimension
            if table.poor and dimension:
                table.poor.shares(np.zeros((1, dimension), np.float32))  # raises for embeddings of another length
        with self._store.write() as conn:
            records.set_calibration(conn, None if table is None else json.dumps(table.table()))
            self._audit(conn, "calibrate", None, "shipped" if table is None else "own")

    def _follows_quality(self, threshold: float | None) -> bool:
        """Return whether a search has a stricter threshold for poor photos; never with the caller's ``threshold``."""
        table = self.calibration
        return threshold is None and table is not None and table.poor is not None

    @contextmanager
    def _open_view(self) -> Iterator[Connection]:
        """Open a view to search in; update a durable index before."""
        self._synced_index.update_durable()
        with self._store.read() as conn:
            yield conn

    def _search(self, embeddings: ArrayLike, top: int, among: Sequence[int] | None = None) -> _SearchResult:
        """Search in memory if nothing changed since the last search and all candidates are read, else in the store."""
        top = check_whole(top, "top is a whole number", least=1)
        with self._lock:
            meta, people, near = self._store.meta(), self._people, None
            if among is None and people is not None and people.meta == meta:
                index = self._synced_index.current_in_memory(meta)
                if index is not None:
                    probes = unit_rows(embeddings, meta.dimension)
                    near = index.search(probes, top + SPARE)
                    if people.names.keys() >= _collect_person_ids(near):
                        return _make_result(probes, near, people, people.count)
            return self._search_records(embeddings, top, among, near)

    def _search_records(
        self, embeddings: ArrayLike, top: int, among: Sequence[int] | None, near: list[list[Hit]] | None
    ) -> _SearchResult:
        """Search in one view of the records; ``near`` are the hits if the index was searched already, else None."""
        selected = None if among is None else np.array(sorted(set(among)), np.int64)
        # The lock comes first: an index in memory is then never ahead of the view that names are read from.
        with self._lock, self._open_view() as conn:
            meta, people = records.meta(conn), self._people
            if people is None or people.meta != meta:
                people, near = SearchedPeople(conn), None
            self._people = people
            probes = unit_rows(embeddings, meta.dimension)
            if near is None:
                index = self._synced_index.updated(conn)
                near = [[] for _ in probes] if index is None else index.search(probes, top + SPARE, among=selected)
            people.read(conn, _collect_person_ids(near))
            count = people.count if selected is None else len(records.names(conn, selected.tolist()))
            return _make_result(probes, near, people, count)


def _make_probes(result: _SearchResult, qualities: Sequence[Quality | float | None] | None) -> Iterator[_answers.Probe]:
    """Yield the share of the threshold for each face; UsageError unless each face has one quality."""
    face_qualities = [None] * len(result.hits) if qualities is None else qualities
    if len(face_qualities) != len(result.hits):
        raise UsageError(f"each face has one quality: got {len(face_qualities)} for {len(result.hits)} faces.")
    for quality in face_qualities:
        if quality is not None and not isinstance(quality, Quality):
            check_number(quality, "a quality is a Quality, None or a score", least=0, most=1)
    for embedding, quality in zip(result.probes, face_qualities, strict=True):
        share = 1.0 if result.table is None else result.table.threshold_share(embedding, quality)
        yield _answers.Probe(share, quality)


def _collect_person_ids(near: Sequence[Sequence[Hit]]) -> set[int]:
    return {hit.person_id for hits in near for hit in hits}


def _make_result(probes: Floats, near: Sequence[Sequence[Hit]], people: SearchedPeople, count: int) -> _SearchResult:
    hits = [_use_person_distances(*pair, people.embeddings) for pair in zip(probes, near, strict=True)]
    return _SearchResult(probes, hits, people.names, people.shares, people.table, count)


def _use_person_distances(probe: Floats, hits: Sequence[Hit], embeddings: Mapping[int, Floats]) -> list[Hit]:
    """Replace the distance to the nearest template by that to the person's embedding, and sort by it."""
    exact, person_hits = probe.astype(np.float64), []
    for hit in hits:
        embedding = embeddings.get(hit.person_id)
        distance = hit.distance if embedding is None else min(max(1 - float(exact @ embedding), 0.0), 2.0)
        person_hits.append(Hit(hit.person_id, hit.template_id, distance))
    return sorted(person_hits, key=lambda hit: (hit.distance, hit.person_id))
