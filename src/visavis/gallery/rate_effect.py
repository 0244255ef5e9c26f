"""What another rate of a search changes for the people of a gallery: who would become unknown, or be recognized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from visavis import compare
from visavis.compare import Calibration, person_embedding
from visavis.gallery._leave_one_out import compute_distances_without_self
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.coach import find_nearest_others
from visavis.gallery.misplaced_photos import read_people
from visavis.gallery.sql import records
from visavis.plain import Plain
from visavis.types import Doubles, Floats


@dataclass(frozen=True, slots=True)
class ChangedPerson(Plain):
    """A person of whose ``templates`` another number is recognized ``before`` and ``after`` the change."""

    person_id: int
    name: str
    templates: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class RateEffect(Plain):
    """What a rate would change, before it is stored.

    A search names a person up to the cosine ``distance``, up to ``distance_before`` now. The effect is measured on the
    people's own templates, each as a probe of a search in which it is left out: ``before`` and ``after`` are the
    numbers recognized of ``templates`` templates. ``people`` are in the gallery; ``untested`` of them have one template
    that can be compared, or none. ``changed`` are the people whose number changes, the greatest loss first.
    """

    fpir: float
    distance: float
    distance_before: float
    people: int
    untested: int
    templates: int
    before: int
    after: int
    changed: tuple[ChangedPerson, ...]


def measure_rate_effect(opened: OpenGallery, *, fpir: float, fpir_before: float) -> RateEffect:
    """Return what the rate ``fpir`` changes where ``fpir_before`` is in use; UsageError for an uncalibrated model.

    The decisions are those of :meth:`visavis.gallery.Gallery.identify_embeddings`, without what was rejected. Takes as
    much memory as an exact search.
    """
    for rate in (fpir, fpir_before):
        compare.check_fpir(rate)
    table = opened.calibration
    if table is None:
        raise compare.uncalibrated(opened.model, "so no threshold follows from an fpir")
    with opened.database.read() as conn:
        ids = records.read_person_ids(conn)
    limits = [table.search_threshold(rate, len(ids)) for rate in (fpir_before, fpir)]
    tested = _read_tested(opened, table, ids)
    changed = []
    totals = np.zeros(3, np.int64)
    for rows, needed in tested:
        before, after = (int((needed <= limit).sum()) for limit in limits)
        totals += len(rows), before, after
        if before != after:
            changed.append(ChangedPerson(rows[0].person_id, rows[0].name, len(rows), before, after))
    return RateEffect(
        fpir=fpir,
        distance=limits[1],
        distance_before=limits[0],
        people=len(ids),
        untested=len(ids) - len(tested),
        templates=int(totals[0]),
        before=int(totals[1]),
        after=int(totals[2]),
        changed=tuple(sorted(changed, key=lambda person: (person.after - person.before, person.person_id))),
    )


def _read_tested(opened: OpenGallery, table: Calibration, ids: list[int]) -> list[tuple[list[Any], Doubles]]:
    """Return the rows of each person with several templates, and the least threshold that recognizes each template."""
    groups = [*read_people(opened, ids, table.usable)]
    if not groups:
        return []
    centers = np.stack([person_embedding(embeddings).astype(np.float32) for _, embeddings in groups])
    owners = np.repeat(np.arange(len(groups)), [len(rows) for rows, _ in groups])
    _, others = find_nearest_others(np.concatenate([embeddings for _, embeddings in groups]), owners, centers)
    tested = []
    for number, (rows, embeddings) in enumerate(groups):
        if len(rows) > 1:
            tested.append((rows, _find_needed(table, rows, embeddings, others[owners == number])))
    return tested


def _find_needed(table: Calibration, rows: list[Any], embeddings: Floats, others: Doubles) -> Doubles:
    """Return the least threshold ``(k,)`` at which each template is recognized; infinite where another is nearer.

    Poor photos have a share of the threshold: the distance is divided by it.
    """
    own = compute_distances_without_self(embeddings)
    own[own > others] = np.inf
    if table.poor is None:
        return own
    shares = table.poor.shares(embeddings, [row.quality for row in rows])
    of_pairs = [table.threshold_share_of_pair(float(share), float(shares.mean())) for share in shares]
    needed: Doubles = own / np.array([np.nan if share is None else share for share in of_pairs])
    return np.where(np.isnan(needed), np.inf, needed)
