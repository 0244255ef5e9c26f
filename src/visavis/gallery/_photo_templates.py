"""Make templates of the largest faces of photos, and report the photos without a usable face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from visavis import quality
from visavis.compare import Calibration
from visavis.doubts import SQUEEZED, faults, is_squeezed, why_too_poor
from visavis.errors import DoubtfulPhotoError, ImageError, NoFaceError, PoorQualityError, UsageError, image_error
from visavis.gallery.check_input import make_path_absolute, make_storable
from visavis.gallery.types import Doubt, Enrollment, Skipped, Template
from visavis.types import Floats, PhotoFaces
from visavis.verification import note_largest

TOO_POOR = "too poor for any answer, no search will name the person by it"


class PhotoTemplates(NamedTuple):
    """Templates of photos, the photos without one (``skipped``), and notes on the others."""

    templates: list[Template]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]


def select_largest_faces(
    photos: Iterable[PhotoFaces], *, min_quality: float = 0.0, table: Calibration | None = None, strict: bool = False
) -> PhotoTemplates:
    """Return templates of the largest face of each photo, if its quality is ``min_quality`` or more.

    A face that is poorer than was measured for ``table`` has a note; with ``strict`` it is skipped.
    Raises the photos' error if no photo can be used.
    """
    templates: list[Template] = []
    skipped: list[Skipped] = []
    notes: list[str] = []
    for photo in photos:
        if photo.photo is None or photo.embeddings is None or not photo.faces:
            skipped.append(Skipped(photo.name, photo.status, photo.message))
        elif _is_below(photo, min_quality):
            message = f"{_explain_quality(photo)}, less than the {min_quality:.2f} asked for."
            skipped.append(Skipped(photo.name, PoorQualityError.status, message))
        elif strict and _is_too_poor(photo, table):
            message = f"{TOO_POOR}: {why_too_poor(photo, photo.largest, table)}."
            skipped.append(Skipped(photo.name, PoorQualityError.status, message))
        else:
            templates.append(_make_template(photo, photo.photo.sha256, photo.embeddings[photo.largest]))
            notes += _list_notes(photo, table)
    if not templates and not skipped:
        raise UsageError("there is no photo to enroll from.")
    if not templates:
        raise unusable_error(skipped)
    return PhotoTemplates(templates, tuple(skipped), tuple(notes))


def skip_doubtful(photos: PhotoTemplates, doubts: Mapping[int, Doubt]) -> PhotoTemplates:
    """Skip the photos in ``doubts``, by the position of the template; DoubtfulPhotoError if no photo remains."""
    refused = tuple(
        Skipped(doubt.photo, DoubtfulPhotoError.status, f"{doubt.message} It was not stored.")
        for doubt in doubts.values()
    )
    kept = [template for place, template in enumerate(photos.templates) if place not in doubts]
    if refused and not kept:
        raise unusable_error((*photos.skipped, *refused))
    return PhotoTemplates(kept, (*photos.skipped, *refused), photos.notes)


def add_notes(enrollment: Enrollment, photos: PhotoTemplates, doubts: Mapping[int, Doubt]) -> Enrollment:
    """Return the enrollment with the notes on its photos, under the caller's names for them."""
    names = {make_storable(make_path_absolute(template.photo)): template.photo for template in photos.templates}
    duplicates = tuple(replace(face, photo=names.get(face.photo, face.photo)) for face in enrollment.duplicates)
    elsewhere = (
        f"{face.photo} is a photo of {face.name} (id {face.person_id}) already: it was not stored again."
        for face in duplicates
        if face.person_id != enrollment.person_id
    )
    notes = (*photos.notes, *elsewhere, *(f"{doubt.photo} {doubt.message}" for doubt in doubts.values()))
    return replace(
        enrollment, duplicates=duplicates, skipped=photos.skipped, notes=notes, doubts=tuple(doubts.values())
    )


def unusable_error(photos: Sequence[Skipped]) -> ImageError:
    """Return the error to raise if none of these photos can be used: that of the status they share, if any."""
    statuses = {photo.status for photo in photos}
    readable = statuses & {NoFaceError.status, PoorQualityError.status, DoubtfulPhotoError.status}
    kind = NoFaceError if readable else ImageError
    if len(statuses) == 1:
        kind = image_error(statuses.pop())
    reasons = [_explain_skipped(photo) for photo in photos]
    if len(photos) == 1:
        return kind(f"{reasons[0]}.")
    return kind(f"none of {len(photos)} photos has a face that can be used: {'; '.join(reasons)}.")


def _explain_skipped(photo: Skipped) -> str:
    """Explain what is wrong with a photo; messages of images that cannot be read contain the name already."""
    if photo.status == NoFaceError.status:
        return f"no face was found in {photo.photo}"
    message = photo.message.rstrip(".")
    if photo.status == DoubtfulPhotoError.status:
        return f"{photo.photo} {message}"
    return f"{photo.photo}: {message}" if photo.status == PoorQualityError.status else message


def _list_notes(photo: PhotoFaces, table: Calibration | None) -> list[str]:
    """Return notes for the user on a photo with a template: poor, squeezed, or of several faces."""
    notes = []
    if _is_too_poor(photo, table):
        notes.append(f"{photo.name}: {TOO_POOR}: {why_too_poor(photo, photo.largest, table)}.")
    elif _is_below(photo, quality.POOR):
        notes.append(f"{photo.name}: {_explain_quality(photo)}: it may not be recognized.")
    if is_squeezed(photo.faces[photo.largest].landmarks) and not (table and table.poor):
        notes.append(f"{photo.name}: {SQUEEZED}.")
    if len(photo.faces) > 1:
        notes.append(note_largest(photo))
    return notes


def _is_below(photo: PhotoFaces, limit: float) -> bool:
    """Return whether the quality of the largest face was measured and is below a limit."""
    return bool(photo.quality) and photo.quality[photo.largest].score < limit


def _is_too_poor(photo: PhotoFaces, table: Calibration | None) -> bool:
    """Return whether the largest face is poorer than was measured, by its embedding and quality score.

    A gallery stores only these two.
    """
    if table is None or photo.embeddings is None:
        return False
    score = photo.quality[photo.largest].score if photo.quality else None
    return table.threshold_share(photo.embeddings[photo.largest], score) is None


def _explain_quality(photo: PhotoFaces) -> str:
    """Return how low the quality of the largest face is, and why."""
    score = photo.quality[photo.largest].score
    return f"poor quality {score:.2f} ({faults(photo, photo.largest)})"


def _make_template(photo: PhotoFaces, sha256: str, embedding: Floats) -> Template:
    face = photo.largest
    score = photo.quality[face].score if photo.quality else None
    return Template(embedding, photo_sha256=sha256, photo=photo.name, box=photo.faces[face].box, quality=score)
