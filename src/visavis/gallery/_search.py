"""Search the people of a gallery, or all its faces, for those nearest to an embedding; the threshold of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sqlalchemy import Connection

from visavis import compare
from visavis._checks import check_whole
from visavis.gallery import _resolve_person
from visavis.gallery._negatives import Negatives
from visavis.gallery._open_gallery import OpenGallery, PeopleCache
from visavis.gallery._resolve_person import Who
from visavis.gallery.check_input import normalize_embeddings
from visavis.gallery.index import Durable, Hit, Index
from visavis.gallery.sql import indexed_photos, records
from visavis.gallery.types import SearchThreshold
from visavis.images import Source, not_a_folder
from visavis.types import Candidate, Floats, Lookalike
from visavis.verification import require_photo

SPARE = 20
"""People searched for beyond ``top``: with several templates a person may be nearer than by the nearest template."""


class SearchResult(NamedTuple):
    """Hits of each probe, up to ``SPARE`` more than ``top``, and the number of people searched.

    ``probes (n, d)`` have length 1; ``names``, ``shares`` and ``negatives`` are as in :class:`PeopleCache`.
    """

    probes: Floats
    hits: list[list[Hit]]
    names: Mapping[int, str]
    shares: Mapping[int, float | None]
    table: compare.Calibration | None
    people: int
    negatives: Mapping[int, Negatives]


def search(
    opened: OpenGallery, embeddings: ArrayLike, *, top: int, among: Sequence[Who] | None
) -> list[list[Candidate]]:
    """Do as :meth:`visavis.gallery.Gallery.search`."""
    ids = None
    if among is not None:
        with opened.database.read() as conn:
            ids = [_resolve_person.find_person(conn, who) for who in among]
    result = search_people(opened, embeddings, top, ids)
    return [list_candidates(hits, result.names, result.table, result.people, top=top) for hits in result.hits]


def list_candidates(
    hits: Sequence[Hit],
    names: Mapping[int, str],
    table: compare.Calibration | None,
    people: int,
    *,
    top: int | None = None,
    share: float = 1.0,
) -> list[Candidate]:
    """Return the people of hits, or the ``top`` nearest, with the probabilities of a search among ``people``.

    ``share`` is the share of the threshold that applies to the probe and the nearest person; distances are divided by
    it before they become probabilities.
    """
    named = [hit for hit in hits if hit.person_id in names]  # without people enrolled since this search began
    distances = [hit.distance / share for hit in named]
    chances = [None] * len(named) if table is None else table.search_probabilities(distances, people)
    return [
        Candidate(person_id=hit.person_id, name=names[hit.person_id], distance=hit.distance, probability=chance)
        for hit, chance in zip(named[:top], chances, strict=False)
    ]


def search_people(
    opened: OpenGallery, embeddings: ArrayLike, top: int, among: Sequence[int] | None = None
) -> SearchResult:
    """Search in memory if nothing changed since the last search and all candidates are read, else in the records."""
    top = check_whole(top, "top is a whole number", least=1)
    with opened.lock:
        meta = opened.database.read_meta()
        people, near = opened.people_cache, None
        if among is None and people is not None and people.meta == meta:
            index = opened.index.current_in_memory(meta)
            if index is not None:
                probes = normalize_embeddings(embeddings, meta.dimension)
                near = index.search(probes, top + SPARE)
                if people.names.keys() >= _collect_person_ids(near):
                    return _make_result(probes, near, people, people.count)
        return _search_records(opened, embeddings, top, among, near)


def _search_records(
    opened: OpenGallery,
    embeddings: ArrayLike,
    top: int,
    among: Sequence[int] | None,
    near: list[list[Hit]] | None,
) -> SearchResult:
    """Search in one view of the records; ``near`` are the hits if the index was searched already, else None."""
    selected = None if among is None else np.array(sorted(set(among)), np.int64)
    # The lock comes first: an index in memory is then never ahead of the view that names are read from.
    with opened.lock, opened.read_for_search() as conn:
        meta, people = opened.require_model(conn), opened.people_cache
        if people is None or people.meta != meta:
            people, near = PeopleCache(conn, opened.read_calibration(conn)), None
        opened.people_cache = people
        probes = normalize_embeddings(embeddings, meta.dimension)
        if near is None:
            index = opened.index.update(conn)
            near = [[] for _ in probes] if index is None else index.search(probes, top + SPARE, among=selected)
            _require_model_still(opened, index)
        people.read(conn, _collect_person_ids(near))
        count = people.count if selected is None else len(records.read_names(conn, selected.tolist()))
        return _make_result(probes, near, people, count)


def _require_model_still(opened: OpenGallery, index: Index | None) -> None:
    """Raise GalleryError if the model was changed before a durable index was searched, which others bring up to date.

    A transaction that began earlier does not show that, and the embeddings of another model may be as long.
    """
    if isinstance(index, Durable):
        with opened.database.read() as conn:
            opened.require_model(conn)


def _collect_person_ids(near: Sequence[Sequence[Hit]]) -> set[int]:
    return {hit.person_id for hits in near for hit in hits}


def _make_result(probes: Floats, near: Sequence[Sequence[Hit]], people: PeopleCache, count: int) -> SearchResult:
    hits = [_use_person_distances(*pair, people.embeddings) for pair in zip(probes, near, strict=True)]
    return SearchResult(probes, hits, people.names, people.shares, people.table, count, people.negatives)


def _use_person_distances(probe: Floats, hits: Sequence[Hit], embeddings: Mapping[int, Floats]) -> list[Hit]:
    """Replace the distance to the nearest template by that to the person's embedding, and sort by it."""
    exact, person_hits = probe.astype(np.float64), []
    for hit in hits:
        embedding = embeddings.get(hit.person_id)
        distance = hit.distance if embedding is None else min(max(1 - float(exact @ embedding), 0.0), 2.0)
        person_hits.append(Hit(hit.person_id, hit.template_id, distance))
    return sorted(person_hits, key=lambda hit: (hit.distance, hit.person_id))


def find_lookalikes(
    opened: OpenGallery, embeddings: ArrayLike, *, top: int, besides: str | None = None
) -> list[list[Lookalike]]:
    """Do as :meth:`visavis.gallery.Gallery.lookalikes`."""
    top = check_whole(top, "top is a whole number", least=1)
    with opened.lock, opened.read_for_search() as conn:
        probes = normalize_embeddings(embeddings, opened.require_model(conn).dimension)
        own = 0 if besides is None else indexed_photos.count_faces_of_photo(conn, besides)
        index = opened.index.update(conn)
        faces_of_probes = read_nearest(conn, index, probes, top + own)
        _require_model_still(opened, index)
    return [[face for face in faces if besides is None or face.sha256 != besides][:top] for faces in faces_of_probes]


def read_nearest(conn: Connection, index: Index | None, probes: Floats, top: int) -> list[list[Lookalike]]:
    """Return the ``top`` faces nearest to each row of ``probes (n, d)``, of length 1, by an index as of ``conn``."""
    hits_of_probes = [[] for _ in probes] if index is None else index.nearest(probes, top)
    return [
        indexed_photos.read_lookalikes(conn, {hit.template_id: hit.distance for hit in hits}) for hits in hits_of_probes
    ]


def find_lookalikes_of_photo(opened: OpenGallery, photo: Source, *, top: int, min_face: float) -> list[list[Lookalike]]:
    """Do as :meth:`visavis.gallery.Gallery.similar`."""
    (answer,) = opened.recognizer.represent([not_a_folder(photo)], min_face=min_face)
    require_photo(answer)
    if answer.embeddings is None or not len(answer.embeddings):
        return []
    return find_lookalikes(opened, answer.embeddings, top=top)


def find_threshold(opened: OpenGallery, fpir: float) -> SearchThreshold:
    """Return the threshold of a search among all people of the gallery."""
    with opened.database.read() as conn:
        people = records.count_people(conn)
    return compute_threshold(opened.calibration, fpir, people, model=opened.model)


def compute_threshold(table: compare.Calibration | None, fpir: float, people: int, *, model: str) -> SearchThreshold:
    """Return the threshold of a search among ``people``, and whether its error rate is within the measured range."""
    if table is None:
        raise compare.uncalibrated(model, "so no threshold follows from an fpir")
    distance, far = table.search_threshold(fpir, people), compare.search_far(fpir, people)
    return SearchThreshold(distance, fpir, people, far=far, measured=far >= table.lowest_far)
