"""Enroll people from the file that a page of clusters exports: names, each with faces as photo and box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from visavis import defaults, input_files
from visavis.boxes import SAME_FACE, overlaps
from visavis.clustering.pictures import file_of
from visavis.doubts import faults
from visavis.errors import NoFaceError, PoorQualityError, UnreadableImageError, UsageError, fault_of
from visavis.gallery._enroll import EnrollOptions, PhotoTemplates, enroll_templates, unusable_error
from visavis.gallery.check_input import make_details
from visavis.gallery.kept_crops import make_crop
from visavis.gallery.sql.values import LARGEST_SIDE
from visavis.gallery.types import Enrollment, Skipped, Template
from visavis.images import replaced_message, shown
from visavis.images.photo_files import one_by_one
from visavis.structured_text import parse_json
from visavis.text_files import read_text
from visavis.types import PhotoFaces

if TYPE_CHECKING:
    from visavis.gallery import Gallery

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class NamedFace:
    """A face with a name: its photo, its box in pixels, and the SHA-256 of the photo's bytes (None: not known)."""

    photo: str
    box: Box
    sha256: str | None = None

    @property
    def path(self) -> str:
        """The path of the photo's file."""
        return file_of(self.photo, self.sha256)


@dataclass(frozen=True, slots=True)
class NamedFaces:
    """A person's name and faces. The name is "" for unassigned faces."""

    name: str
    faces: tuple[NamedFace, ...]


def read_people(path: Path) -> list[NamedFaces]:
    """Read the people of a file that the page of ``visavis cluster --report`` exports; see :func:`read_named`.

    Raises UsageError if the file is something else, or has no names.
    """
    people = [person for person in read_named(path) if person.name]
    if not people:
        raise UsageError(f"{shown(str(path))} has no named person.")
    return people


def read_named(path: Path) -> list[NamedFaces]:
    """Read ``[{"name", "faces": [{"photo", "box", "sha256"}]}]``; the name of unassigned faces is null.

    ``sha256`` may be missing: whether the photo was replaced is then not checked.

    Raises UsageError if the file is something else.
    """
    text = read_text(path, most=input_files.TABLES)
    try:
        content = parse_json(text)
        return [_parse_person(entry) for entry in content]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{shown(str(path))} is no list of people, each with a name and faces (photo and box): {fault_of(error)}."
        ) from error


def _parse_person(entry: Mapping[str, object]) -> NamedFaces:
    name, faces = entry["name"], entry["faces"]
    if name == "" or not isinstance(name, str | None) or not isinstance(faces, list) or not faces:
        raise ValueError("a person has a name and one face or more")
    return NamedFaces(name or "", tuple(_parse_face(face) for face in faces))


def _parse_face(entry: Mapping[str, object]) -> NamedFace:
    photo, box, sha256 = entry["photo"], entry["box"], entry.get("sha256")
    if not isinstance(photo, str) or not isinstance(box, list) or not isinstance(sha256, str | None):
        raise ValueError("a face has a photo and a box, and may have the SHA-256 of the photo as text")
    if input_files.is_stream(photo):
        raise ValueError(f"{shown(photo)} is no photo in a file")
    x1, y1, x2, y2 = (float(side) for side in box)
    if not all(abs(side) < LARGEST_SIDE for side in (x1, y1, x2, y2)):
        raise ValueError("the sides of a box are numbers of pixels")
    return NamedFace(photo, (x1, y1, x2, y2), sha256.lower() if sha256 else None)


def enroll_faces(
    gallery: Gallery,
    person: NamedFaces,
    *,
    note: str = "",
    consent: str | None = None,
    min_face: float = defaults.MIN_FACE,
    min_quality: float = 0.0,
    new: bool = False,
    strict: bool = False,
) -> Enrollment:
    """Store the named faces of a person: in each photo the faces that overlap the boxes most, by half at least.

    A face is skipped if its photo was replaced since it was named.
    For the rest see :meth:`visavis.gallery.Gallery.enroll`.
    """
    faces = sorted(person.faces, key=lambda face: face.path)
    by_photo = {path: list(photo_faces) for path, photo_faces in groupby(faces, lambda face: face.path)}
    templates: list[Template] = []
    skipped: list[Skipped] = []
    keep = gallery.keeps_crops
    for photo in gallery.recognizer.represent(one_by_one(by_photo), min_face=min_face):
        for face in by_photo[photo.name]:
            result = _make_template(photo, face, min_quality, keep_crop=keep)
            if isinstance(result, Skipped):
                skipped.append(result)
            else:
                templates.append(result)
    if not templates:
        raise unusable_error(skipped)
    photos = PhotoTemplates(templates, tuple(skipped), ())
    options = EnrollOptions(None, new, make_details(note=note or None, consent=consent), strict)
    return enroll_templates(gallery.opened, person.name, photos, options)


def _make_template(photo: PhotoFaces, named: NamedFace, min_quality: float, *, keep_crop: bool) -> Template | Skipped:
    """Return a template of the face at the box of ``named``, or the reason why it is skipped."""
    if photo.photo is not None and named.sha256 not in {None, photo.photo.sha256}:
        return Skipped(photo.name, UnreadableImageError.status, replaced_message(photo.name))
    if photo.photo is None or photo.embeddings is None or not photo.faces:
        return Skipped(photo.name, photo.status, photo.message)
    shares = overlaps(np.array([named.box], np.float32), np.array([face.box for face in photo.faces], np.float32))[0]
    row = int(shares.argmax())
    if not shares[row] >= SAME_FACE:
        where = " ".join(f"{side:.0f}" for side in named.box)
        return Skipped(photo.name, NoFaceError.status, f"no face was found at {where}.")
    score = photo.quality[row].score if photo.quality else None
    if score is not None and score < min_quality:
        why = faults(photo, row)
        message = f"poor quality {score:.2f} ({why}), less than the {min_quality:.2f} asked for."
        return Skipped(photo.name, PoorQualityError.status, message)
    crop = make_crop(photo.photo, photo.faces[row]) if keep_crop else None
    return Template(photo.embeddings[row], photo.photo.sha256, photo.name, photo.faces[row].box, score, crop)
