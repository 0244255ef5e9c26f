"""From hits and rows to the answers that a gallery gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

from visavis.compare import Calibration, parse_calibration, search_far, uncalibrated
from visavis.errors import GalleryError, UsageError
from visavis.gallery.index import Hit
from visavis.gallery.types import Enrollment, SearchThreshold
from visavis.types import Candidate, Identification


def candidates(hits: Sequence[Hit], names: Mapping[int, str], table: Calibration | None) -> list[Candidate]:
    """Name the people of hits, with probabilities where the model was calibrated."""
    return [
        Candidate(
            person_id=hit.person_id,
            name=names[hit.person_id],
            distance=hit.distance,
            probability=None if table is None else table.probability(hit.distance),
        )
        for hit in hits
        if hit.person_id in names  # not: enrolled since this search began
    ]


def threshold(table: Calibration | None, fpir: float, people: int, *, model: str) -> SearchThreshold:
    """Return the threshold of a search among ``people``, and whether so low an error rate was measured."""
    if table is None:
        raise uncalibrated(model, "so no threshold follows from an fpir")
    distance, far = table.search_threshold(fpir, people), search_far(fpir, people)
    return SearchThreshold(distance, fpir, people, far=far, measured=far >= table.lowest_far)


@lru_cache(maxsize=8)
def stored_calibration(text: str) -> Calibration:
    """Read a gallery's own table; GalleryError where it was damaged."""
    try:
        return parse_calibration(json.loads(text))
    except (json.JSONDecodeError, UsageError) as error:
        raise GalleryError(f"the gallery's own thresholds are damaged ({error}): calibrate it again.") from error


def identification(candidates: Sequence[Candidate], limit: float, margin: float, *, top: int) -> Identification:
    """Name the nearest candidate if within ``limit``, and the second farther by ``margin`` or more; tell of ``top``."""
    if not candidates:
        return Identification(None, None, None, threshold=limit, probability=None)
    best = candidates[0]
    apart = candidates[1].distance - best.distance if len(candidates) > 1 else None
    near = best.distance <= limit and (apart is None or apart >= margin)
    return Identification(
        name=best.name if near else None,
        person_id=best.person_id if near else None,
        distance=best.distance,
        threshold=limit,
        probability=best.probability,
        candidates=tuple(candidates[:top]),
        margin=apart,
    )


def nothing_new(done: Enrollment) -> str:
    """Say why nobody was enrolled."""
    where = "; ".join(f"{one.photo} as {one.name!r} (id {one.person_id})" for one in done.duplicates if one.person_id)
    return f"nobody was enrolled as {done.name!r}: every photo is in the gallery already: {where}."
