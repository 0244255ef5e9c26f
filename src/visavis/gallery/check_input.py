"""Check the input of a gallery: clean names, check and scale embeddings, match faces with those that are stored."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from visavis.boxes import SAME_FACE, overlaps
from visavis.errors import UsageError
from visavis.gallery.check_text import NAME_LENGTH, TEXT_LENGTH, check_metadata, check_text
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.names import MOST_SPELLED
from visavis.gallery.sql.records import Owner
from visavis.gallery.types import Details, Template
from visavis.images import PhotoLabel, strip_folders
from visavis.types import Floats


def clean_name(name: str) -> str:
    """Return a name in Unicode's composed form (macOS decomposes the names of folders) without outer spaces.

    Raises UsageError for a name without visible letters, and as :func:`visavis.gallery.check_text.check_text`.
    """
    if isinstance(name, str):
        name = name.strip()
    check_text(name, "a name", most=MOST_SPELLED, one_line=True)  # before it is normalized, which may take long
    clean = check_text(unicodedata.normalize("NFC", name).strip(), "a name", most=NAME_LENGTH, one_line=True)
    if not clean:
        raise UsageError("a name must not be empty.")
    if all(unicodedata.category(letter) in {"Cf", "Zs"} for letter in clean):
        raise UsageError(f"a name needs a visible letter, got {clean!r}.")
    return clean


def make_path_absolute(photo: str, *, is_path: bool | None = None) -> str:
    """Return the absolute path of a photo's file; URLs and other names stay as they are.

    ``is_path`` says whether ``photo`` is the path of a file; None: look whether there is such a file, but not for a
    :class:`~visavis.images.PhotoLabel`, whose folders are left out.
    """
    if isinstance(photo, PhotoLabel):
        return strip_folders(photo)
    if is_path is None:
        is_path = photo not in {"array", "bytes", "file", "image", "-"} and os.path.isfile(photo)  # noqa: PTH113
    return os.path.abspath(photo) if is_path else photo  # noqa: PTH100 - Path.absolute keeps ".."


def make_storable(text: str) -> str:
    """Replace what UTF-8 cannot hold: file names may contain bytes that are not text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def normalize_embeddings(embeddings: ArrayLike, dimension: int | None) -> Floats:
    """Return embeddings as ``(n, d)`` float32 with rows of length 1.

    Raises UsageError if the shape is not ``(n, d)``, ``d`` is not ``dimension``, or a row is zero or not finite.
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


def prepare_templates(templates: Sequence[Template]) -> list[Template]:
    """Return templates with embeddings of length 1 and storable text.

    Raises UsageError as :func:`normalize_embeddings`, and if there is no template.
    """
    if not templates:
        raise UsageError("there is no template to store.")
    shapes = {np.shape(template.embedding) for template in templates}
    if len(shapes) > 1:
        raise UsageError(f"the embeddings must have one shape, got {', '.join(map(str, sorted(shapes)))}.")
    rows = normalize_embeddings([template.embedding for template in templates], None)
    return [
        replace(template, embedding=row, photo=make_storable(template.photo))
        for template, row in zip(templates, rows, strict=True)
    ]


def make_details(
    *,
    note: str | None = None,
    consent: str | None = None,
    consented: date | None = None,
    metadata: Mapping[str, object] | None = None,
) -> Details:
    """Return the details of a person.

    Raises UsageError as :func:`visavis.gallery.check_text.check_text` and ``check_metadata``.
    """
    return Details(
        note=None if note is None else check_text(note, "a note", most=TEXT_LENGTH),
        consent=None if consent is None else check_text(consent, "a consent", most=TEXT_LENGTH),
        consented=consented,
        metadata=None if metadata is None else check_metadata(metadata),
    )


REPEATED = Owner(UNASSIGNED, "", None, 0)
"""The owner of a face that an earlier template of the same call has."""


def match_stored_faces(templates: Sequence[Template], stored: Mapping[str, Sequence[Owner]]) -> list[Owner | None]:
    """Return for each template the owner of the same face in the gallery; None for a new face.

    Two faces of a photo are the same if their boxes overlap, or if a box is not known. An unassigned face goes to the
    first template of the same face. ``stored`` are the owners of faces by the hash of the photo.
    """
    faces_by_photo: dict[str, list[tuple[Sequence[float] | Floats | None, Owner]]] = {
        photo: [(owner.box, owner) for owner in owners] for photo, owners in stored.items()
    }
    matches: list[Owner | None] = []
    for template in templates:
        faces = [] if template.photo_sha256 is None else faces_by_photo.setdefault(template.photo_sha256, [])
        same = [i for i, (box, _) in enumerate(faces) if _is_same_face(box, template.box)]
        if not same:
            matches.append(None)
            faces.append((template.box, REPEATED))
            continue
        box, owner = faces[same[0]]
        matches.append(owner)
        if owner.person_id == UNASSIGNED:
            faces[same[0]] = (box, REPEATED)
    return matches


def _is_same_face(first: Sequence[float] | Floats | None, second: Sequence[float] | Floats | None) -> bool:
    """Return whether two boxes of one photo are the same face; a box that is not known is the same as any."""
    if first is None or second is None:
        return True
    boxes = np.array([first, second], np.float32)
    return bool(overlaps(boxes[:1], boxes[1:])[0, 0] >= SAME_FACE)
