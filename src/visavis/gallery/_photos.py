"""From photos to templates: the largest face of each, and a word on every photo that gave none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from visavis import quality
from visavis.compare import Calibration
from visavis.doubts import SQUEEZED, faults, is_squeezed, why_too_poor
from visavis.errors import DoubtfulPhotoError, ImageError, NoFaceError, PoorQualityError, UsageError
from visavis.gallery.check_input import location, storable
from visavis.gallery.types import Doubt, Enrollment, Skipped, Template
from visavis.types import Floats, PhotoFaces

TOO_POOR = "too poor for any answer, no search will name the person by it"

_ERRORS = {error.status: error for error in ImageError.__subclasses__()}


class Taken(NamedTuple):
    """Templates, the photos that gave none, and what is worth saying of the others."""

    templates: list[Template]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]


def largest_faces(
    photos: Iterable[PhotoFaces], *, min_quality: float = 0.0, table: Calibration | None = None, strict: bool = False
) -> Taken:
    """Take the largest face of each photo, if its quality is ``min_quality`` or more.

    A face that is poorer than was measured for ``table`` is noted; with ``strict`` it is not taken.
    Raises the photos' error where not one can be used.
    """
    templates: list[Template] = []
    skipped: list[Skipped] = []
    notes: list[str] = []
    for one in photos:
        if one.photo is None or one.embeddings is None or not one.faces:
            skipped.append(Skipped(one.name, one.status, one.message))
        elif _below(one, min_quality):
            message = f"{_poor(one)}, less than the {min_quality:.2f} asked for."
            skipped.append(Skipped(one.name, PoorQualityError.status, message))
        elif strict and _too_poor(one, table):
            message = f"{TOO_POOR}: {why_too_poor(one, one.largest, table)}."
            skipped.append(Skipped(one.name, PoorQualityError.status, message))
        else:
            templates.append(_template(one, one.photo.sha256, one.embeddings[one.largest]))
            notes += _notes(one, table)
    if not templates and not skipped:
        raise UsageError("there is no photo to enroll from.")
    if not templates:
        raise unusable(skipped)
    return Taken(templates, tuple(skipped), tuple(notes))


def without_doubtful(taken: Taken, doubts: Mapping[int, Doubt]) -> Taken:
    """Leave out the photos in doubt, told by the places of their templates; DoubtfulPhotoError where none is left."""
    refused = tuple(
        Skipped(doubt.photo, DoubtfulPhotoError.status, f"{doubt.message} It was not stored.")
        for doubt in doubts.values()
    )
    kept = [template for place, template in enumerate(taken.templates) if place not in doubts]
    if refused and not kept:
        raise unusable((*taken.skipped, *refused))
    return Taken(kept, (*taken.skipped, *refused), taken.notes)


def reported(done: Enrollment, taken: Taken, doubts: Mapping[int, Doubt]) -> Enrollment:
    """Return the answer with all that is worth saying of its photos, which are named as they were given."""
    given = {storable(location(one.photo)): one.photo for one in taken.templates}
    duplicates = tuple(replace(one, photo=given.get(one.photo, one.photo)) for one in done.duplicates)
    elsewhere = (
        f"{one.photo} is a photo of {one.name} (id {one.person_id}) already: it was not stored again."
        for one in duplicates
        if one.person_id != done.person_id
    )
    notes = (*taken.notes, *elsewhere, *(f"{doubt.photo} {doubt.message}" for doubt in doubts.values()))
    return replace(done, duplicates=duplicates, skipped=taken.skipped, notes=notes, doubts=tuple(doubts.values()))


def unusable(photos: Sequence[Skipped]) -> ImageError:
    """Return the error to raise where no photo of these has a face: that of the status they share, if any."""
    statuses = {one.status for one in photos}
    seen = statuses & {NoFaceError.status, PoorQualityError.status, DoubtfulPhotoError.status}
    kind = _ERRORS.get(statuses.pop(), ImageError) if len(statuses) == 1 else NoFaceError if seen else ImageError
    reasons = [_reason(one) for one in photos]
    if len(photos) == 1:
        return kind(f"{reasons[0]}.")
    return kind(f"none of {len(photos)} photos has a face that can be used: {'; '.join(reasons)}.")


def _reason(one: Skipped) -> str:
    """Say what is wrong with a photo; the messages of images that cannot be read name them already."""
    if one.status == NoFaceError.status:
        return f"no face was found in {one.photo}"
    message = one.message.rstrip(".")
    if one.status == DoubtfulPhotoError.status:
        return f"{one.photo} {message}"
    return f"{one.photo}: {message}" if one.status == PoorQualityError.status else message


def _notes(photo: PhotoFaces, table: Calibration | None) -> list[str]:
    """Return what the user should know of a photo that gave a template: poor, squeezed, of several faces."""
    notes = []
    if _too_poor(photo, table):
        notes.append(f": {TOO_POOR}: {why_too_poor(photo, photo.largest, table)}.")
    elif _below(photo, quality.POOR):
        notes.append(f": {_poor(photo)}: it may not be recognized.")
    if is_squeezed(photo.faces[photo.largest].landmarks) and not (table and table.poor):
        notes.append(f": {SQUEEZED}.")
    if len(photo.faces) > 1:
        notes.append(f" shows {len(photo.faces)} faces: the largest was used.")
    return [f"{photo.name}{note}" for note in notes]


def _below(one: PhotoFaces, limit: float) -> bool:
    """Tell whether the quality was measured and is below a limit."""
    return bool(one.quality) and one.quality[one.largest].score < limit


def _too_poor(one: PhotoFaces, table: Calibration | None) -> bool:
    """Tell whether a face is poorer than was measured: by what a gallery keeps, embedding and score."""
    if table is None or one.embeddings is None:
        return False
    score = one.quality[one.largest].score if one.quality else None
    return table.share(one.embeddings[one.largest], score) is None


def _poor(one: PhotoFaces) -> str:
    """Say how low the quality is, and why."""
    judged = one.quality[one.largest]
    return f"poor quality {judged.score:.2f} ({faults(one, one.largest)})"


def _template(one: PhotoFaces, sha256: str, embedding: Floats) -> Template:
    best = one.largest
    score = one.quality[best].score if one.quality else None
    return Template(embedding, photo_sha256=sha256, photo=one.name, box=one.faces[best].box, quality=score)
