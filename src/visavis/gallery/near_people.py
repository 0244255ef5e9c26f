"""People who look like a person of the gallery."""

from __future__ import annotations

from dataclasses import dataclass

from visavis import defaults
from visavis.compare import person_embedding
from visavis.gallery import _resolve_person, _search
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.sql import records
from visavis.plain import Plain


@dataclass(frozen=True, slots=True)
class NearPerson(Plain):
    """A person at a cosine ``distance`` from another.

    ``far`` is the rate at which two strangers are as near, None beyond the rates that were measured. ``confusable`` is
    whether a search at the default rate would take the one for the other; both are None for a model without a table of
    thresholds.
    """

    person_id: int
    name: str
    distance: float
    far: float | None
    confusable: bool | None


def find_near_people(opened: OpenGallery, person_id: int, *, top: int = defaults.TOP_NAMES) -> list[NearPerson]:
    """Return the ``top`` people nearest to a person, nearest first; UnknownNameError if there is no such id."""
    with opened.database.read() as conn:
        _resolve_person.name_of_id(conn, person_id)
        embeddings, _ = records.read_embeddings(conn, person_id, opened.require_model(conn).dimension or 0)
        people = records.count_people(conn)
    (candidates,) = _search.search(opened, person_embedding(embeddings)[None], top=top + 1, among=None)
    table = opened.calibration
    threshold = None if table is None else table.search_threshold(defaults.FPIR, people)
    return [
        NearPerson(
            candidate.person_id,
            candidate.name,
            candidate.distance,
            None if table is None else table.far_at(candidate.distance),
            None if threshold is None else candidate.distance <= threshold,
        )
        for candidate in candidates
        if candidate.person_id != person_id
    ][:top]
