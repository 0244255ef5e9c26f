"""Error rates of two models on the same pairs of a gallery's templates."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
from sqlalchemy import Connection

from visavis.defaults import FAR
from visavis.gallery.index import Ids
from visavis.gallery.migration_types import PairErrors
from visavis.gallery.sql import records
from visavis.gallery.sql.second_set import SecondSet, read_pairs
from visavis.gallery.sql.values import decode_embeddings
from visavis.types import Floats

MOST_TEMPLATES = 3000
"""Templates whose pairs are compared: 4.5 million pairs, in 150 MB."""
PEOPLE_READ = 100


def measure_pairs(conn: Connection, second: SecondSet) -> tuple[PairErrors, PairErrors]:
    """Return the errors of the model that answers and of the second one, on the same templates.

    In a gallery of more than ``MOST_TEMPLATES`` they are those of people drawn at random, always the same ones.
    """
    meta = records.read_meta(conn)
    people = records.read_person_ids(conn)
    Random(0).shuffle(people)
    owners: list[int] = []
    blobs: list[tuple[bytes, bytes]] = []
    for start in range(0, len(people), PEOPLE_READ):
        for person_id, own, other in read_pairs(conn, people[start : start + PEOPLE_READ]):
            owners.append(person_id)
            blobs.append((own, other))
        if len(owners) >= MOST_TEMPLATES:
            break
    owners, blobs = owners[:MOST_TEMPLATES], blobs[:MOST_TEMPLATES]
    numbers, ids = range(len(owners)), np.array(owners, np.int64)
    old = decode_embeddings([pair[0] for pair in blobs], meta.dimension or 0, numbers)
    new = decode_embeddings([pair[1] for pair in blobs], second.dimension or 0, numbers)
    return compute_pair_errors(meta.model, old, ids), compute_pair_errors(second.model, new, ids)


def compute_pair_errors(model: str, embeddings: Floats, owners: Ids | Sequence[int], far: float = FAR) -> PairErrors:
    """Return the errors of all pairs of ``embeddings (n, d)`` of length 1 of the people ``owners (n,)``.

    The threshold is the largest that accepts at most the share ``far`` of the pairs of two people.
    """
    rows, columns = np.triu_indices(len(embeddings), 1)
    distances = (1 - embeddings @ embeddings.T)[rows, columns]
    is_same = np.asarray(owners)[rows] == np.asarray(owners)[columns]
    same, strangers = distances[is_same], distances[~is_same]
    if not len(same) or not len(strangers):
        return PairErrors(model, far, None, len(same), 0, None, len(strangers), 0)
    allowed = int(far * len(strangers))
    first_refused = np.partition(strangers, allowed)[allowed]
    missed = int((same >= first_refused).sum())
    accepted = int((strangers < first_refused).sum())
    threshold = float(np.nextafter(first_refused, np.float32(-1)))
    return PairErrors(model, far, threshold, len(same), missed, missed / len(same), len(strangers), accepted)
