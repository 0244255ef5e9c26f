"""What a gallery takes: names cleaned, embeddings checked and scaled, known photos told from new ones."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from visavis.errors import UsageError
from visavis.gallery.index import NOBODY
from visavis.gallery.sql.records import Owner
from visavis.gallery.types import Details, Template
from visavis.types import Floats

NAME_LENGTH = 300

SAME_FACE_OVERLAP = 0.5
"""Two boxes of one photo are one face from this intersection over union on."""


def clean_name(name: str) -> str:
    """Return a name in Unicode's composed form (macOS decomposes the names of folders) without outer spaces.

    Raises UsageError for one in which nothing is visible, over ``NAME_LENGTH`` characters, or with control characters.
    """
    clean = unicodedata.normalize("NFC", name).strip()
    if not clean:
        raise UsageError("a name must not be empty.")
    if len(clean) > NAME_LENGTH:
        raise UsageError(f"a name has {NAME_LENGTH} characters at most, got {len(clean)} ({clean[:20]!r}...).")
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in clean):
        raise UsageError(f"a name must be one line of text, got {clean!r}.")
    if all(unicodedata.category(letter) in {"Cf", "Zs"} for letter in clean):
        raise UsageError(f"a name needs a visible letter, got {clean!r}.")
    return clean


def location(photo: str, *, is_path: bool | None = None) -> str:
    """Return where a photo lies, from any folder: the absolute path of a file; a URL, or a name that is none, as it is.

    ``is_path`` says whether it is the path of a file; None: it is if there is one.
    """
    if is_path is None:
        is_path = photo not in {"array", "bytes", "file", "image", "-"} and os.path.isfile(photo)  # noqa: PTH113
    return os.path.abspath(photo) if is_path else photo  # noqa: PTH100 - Path.absolute keeps ".."


def storable(text: str) -> str:
    """Replace what UTF-8 cannot hold: names of files may carry bytes that are no text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def unit_rows(embeddings: ArrayLike, dimension: int | None) -> Floats:
    """Return ``(n, d)`` float32 of unit rows.

    Raises UsageError where the shape is another, ``d`` is not ``dimension``, or a row is zero or not finite.
    """
    try:
        rows = np.asarray(embeddings, np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"embeddings must be numbers of shape (n, d): {error}.") from error
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise UsageError(f"embeddings must have the shape (n, d), got {rows.shape}.")
    if dimension is not None and rows.shape[1] != dimension:
        raise UsageError(f"this gallery holds embeddings of {dimension} values, got {rows.shape[1]}.")
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    bad = np.flatnonzero(~np.isfinite(norms[:, 0]) | (norms[:, 0] == 0))
    if len(bad):
        raise UsageError(f"embedding {bad[0]} is zero or not finite: it stands for no face.")
    unit: Floats = (rows / norms).astype(np.float32)
    return unit


def ready(templates: Sequence[Template]) -> list[Template]:
    """Return templates with unit vectors and storable text; UsageError as :func:`unit_rows`, or for none."""
    if not templates:
        raise UsageError("there is no template to store.")
    lengths = {np.shape(one.embedding) for one in templates}
    if len(lengths) > 1:
        raise UsageError(f"the embeddings must have one shape, got {', '.join(map(str, sorted(lengths)))}.")
    rows = unit_rows([one.embedding for one in templates], None)
    return [replace(one, embedding=row, photo=storable(one.photo)) for one, row in zip(templates, rows, strict=True)]


def details(
    *, note: str | None, consent: str | None, consented: date | None, metadata: Mapping[str, object] | None
) -> Details:
    """Return what is told of a person, as it can be stored; UsageError for metadata that JSON cannot hold."""
    if metadata is not None:
        try:
            metadata = json.loads(json.dumps(dict(metadata), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise UsageError(f"metadata must be what JSON can hold: {error}.") from error
    return Details(
        note=None if note is None else storable(note),
        consent=None if consent is None else storable(consent),
        consented=consented,
        metadata=metadata,
    )


TWIN = Owner(NOBODY, "", None, 0)
"""Of a face that is among the templates themselves, further ahead."""


def told_apart(templates: Sequence[Template], stored: Mapping[str, Sequence[Owner]]) -> list[Owner | None]:
    """Say of each template who has its face already: None where it is new.

    Faces of one photo are the same where their boxes overlap, or where a box is not known. A face of nobody is taken
    by the first template that is the same.
    """
    taken: dict[str, list[tuple[Sequence[float] | Floats | None, Owner]]] = {
        photo: [(owner.box, owner) for owner in owners] for photo, owners in stored.items()
    }
    found: list[Owner | None] = []
    for one in templates:
        faces = [] if one.photo_sha256 is None else taken.setdefault(one.photo_sha256, [])
        same = [i for i, (box, _) in enumerate(faces) if _overlap(box, one.box) >= SAME_FACE_OVERLAP]
        if not same:
            found.append(None)
            faces.append((one.box, TWIN))
            continue
        box, owner = faces[same[0]]
        found.append(owner)
        if owner.person_id == NOBODY:
            faces[same[0]] = (box, TWIN)
    return found


def _overlap(a: Sequence[float] | Floats | None, b: Sequence[float] | Floats | None) -> float:
    """Intersection over union of two boxes; 1 where one is not known."""
    if a is None or b is None:
        return 1.0
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return float(both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both))
