"""Names that faces have already, from a gallery or from an earlier naming of clusters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from visavis.boxes import SAME_FACE, overlaps
from visavis.clustering.types import Faces

BoxSides = Sequence[float]


@dataclass(frozen=True, slots=True)
class Naming:
    """The name of each face (None: not named), the rows of ``unassigned`` faces, and other ``names`` to offer.

    An unassigned face was marked as no person, or as not to be named.
    """

    people: tuple[str | None, ...]
    unassigned: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()

    @classmethod
    def unnamed(cls, count: int) -> Naming:
        """Return a naming of ``count`` faces without names."""
        return cls((None,) * count)


def find_named(
    faces: Faces, named: Iterable[tuple[str | None, str, BoxSides]], places: Mapping[str, str] | None = None
) -> Naming:
    """Find the faces of an earlier naming; each item of ``named`` is a name (None: unassigned), a photo and a box.

    The match is the face of that photo that overlaps the box most, at least by ``SAME_FACE``. ``places`` maps other
    spellings of a path to the photo of ``faces``.
    """
    rows_of: dict[str, list[int]] = {}
    for row, photo in enumerate(faces.photos):
        rows_of.setdefault(photo, []).append(row)
    people: list[str | None] = [None] * len(faces)
    unassigned: set[int] = set()
    names: set[str] = set()
    for name, photo, box in named:
        names |= {name} if name else set()
        match = _find_overlapping(faces, rows_of.get((places or {}).get(photo, photo), []), box)
        if match is None:
            continue
        people[match] = name
        if name is None:
            unassigned.add(match)
    return Naming(tuple(people), frozenset(unassigned), tuple(sorted(names)))


def _find_overlapping(faces: Faces, rows: Sequence[int], box: BoxSides) -> int | None:
    """Return the row among ``rows`` that overlaps the box most; None where the overlap is below ``SAME_FACE``."""
    if not rows:
        return None
    shares = overlaps(np.array([box], np.float32), faces.boxes[np.array(rows)])[0]
    best = int(shares.argmax())
    return rows[best] if shares[best] >= SAME_FACE else None
