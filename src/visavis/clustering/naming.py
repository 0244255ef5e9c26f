"""Names that faces have already: those of a gallery, or of an earlier naming of clusters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from visavis.clustering.faces import SAME_FACE, overlaps
from visavis.types import Faces

Box = Sequence[float]


@dataclass(frozen=True, slots=True)
class Naming:
    """The name of each face (None: not named), rows of faces that are ``nobody``, and other ``names`` to offer."""

    people: tuple[str | None, ...]
    nobody: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()

    @classmethod
    def of_nobody(cls, count: int) -> Naming:
        """Return a naming of ``count`` faces that names none."""
        return cls((None,) * count)


def find_named(
    faces: Faces, named: Iterable[tuple[str | None, str, Box]], places: Mapping[str, str] | None = None
) -> Naming:
    """Find the faces of an earlier naming, each given by a name (None: nobody), a photo and a box.

    A face is the one of its photo that overlaps the box most, by half at least. ``places`` says which photo of
    ``faces`` is meant by another way to write its path.
    """
    rows_of: dict[str, list[int]] = {}
    for row, photo in enumerate(faces.photos):
        rows_of.setdefault(photo, []).append(row)
    people: list[str | None] = [None] * len(faces)
    nobody: set[int] = set()
    names: set[str] = set()
    for name, photo, box in named:
        names |= {name} if name else set()
        place = _overlapping(faces, rows_of.get((places or {}).get(photo, photo), []), box)
        if place is None:
            continue
        people[place] = name
        if name is None:
            nobody.add(place)
    return Naming(tuple(people), frozenset(nobody), tuple(sorted(names)))


def _overlapping(faces: Faces, rows: Sequence[int], box: Box) -> int | None:
    if not rows:
        return None
    shares = overlaps(np.array(box, np.float32), faces.boxes[np.array(rows)])
    best = int(shares.argmax())
    return rows[best] if shares[best] >= SAME_FACE else None
