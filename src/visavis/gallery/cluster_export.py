"""People named on a page of clusters -> templates: a list of names, each with faces given by photo and box."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from visavis.clustering.faces import SAME_FACE, overlaps
from visavis.clustering.pictures import file_of
from visavis.doubts import faults
from visavis.errors import NoFaceError, PoorQualityError, UnreadableImageError, UsageError, fault_of
from visavis.gallery._gallery import Told
from visavis.gallery._photos import Taken, unusable
from visavis.gallery.types import Enrollment, Skipped, Template
from visavis.images import replaced_message, shown
from visavis.images.photo_files import one_by_one
from visavis.types import PhotoFaces

if TYPE_CHECKING:
    from visavis.gallery import Gallery

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class NamedFace:
    """A face that was named: its photo, its box in pixels, and the hash of the photo's bytes (None: not known)."""

    photo: str
    box: Box
    sha256: str | None = None

    @property
    def path(self) -> str:
        """Where the photo lies."""
        return file_of(self.photo, self.sha256)


@dataclass(frozen=True, slots=True)
class NamedFaces:
    """A person's name and their faces. The name is "" for faces of nobody."""

    name: str
    faces: tuple[NamedFace, ...]


def read_people(path: Path) -> list[NamedFaces]:
    """Read the people of a file that the page of ``visavis cluster --report`` exports; see :func:`read_named`.

    Raises UsageError where the file is something else, or names nobody.
    """
    people = [each for each in read_named(path) if each.name]
    if not people:
        raise UsageError(f"{shown(str(path))} names nobody.")
    return people


def read_named(path: Path) -> list[NamedFaces]:
    """Read ``[{"name", "faces": [{"photo", "box", "sha256"}]}]``; a name that is null is that of faces that are nobody.

    ``sha256`` may be missing: the photo is then taken as it is.

    Raises UsageError where the file is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        return [_person(each) for each in content]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{shown(str(path))} is no list of people, each with a name and faces (photo and box): {fault_of(error)}."
        ) from error


def _person(one: Mapping[str, object]) -> NamedFaces:
    name, faces = one["name"], one["faces"]
    if name == "" or not isinstance(name, str | None) or not isinstance(faces, list) or not faces:
        raise ValueError("a person has a name and one face or more")
    return NamedFaces(name or "", tuple(_face(face) for face in faces))


def _face(one: Mapping[str, object]) -> NamedFace:
    photo, box, sha256 = one["photo"], one["box"], one.get("sha256")
    if not isinstance(photo, str) or not isinstance(box, list) or not isinstance(sha256, str | None):
        raise ValueError("a face has a photo and a box, and may have the SHA-256 of the photo as text")
    x1, y1, x2, y2 = (float(side) for side in box)
    return NamedFace(photo, (x1, y1, x2, y2), sha256.lower() if sha256 else None)


def enroll_faces(
    gallery: Gallery,
    person: NamedFaces,
    *,
    note: str = "",
    consent: str | None = None,
    min_face: float = 20,
    min_quality: float = 0.0,
    new: bool = False,
    strict: bool = False,
) -> Enrollment:
    """Store the named faces of a person: of each photo those that overlap the boxes most, by half at least.

    A face whose photo was replaced since it was named is skipped.
    The rest is as in :meth:`visavis.gallery.Gallery.enroll`.
    """
    faces = sorted(person.faces, key=lambda face: face.path)
    by_photo = {path: list(some) for path, some in groupby(faces, lambda face: face.path)}
    templates: list[Template] = []
    skipped: list[Skipped] = []
    for one in gallery.recognizer.represent(one_by_one(by_photo), min_face=min_face):
        for face in by_photo[one.name]:
            found = _template(one, face, min_quality)
            if isinstance(found, Skipped):
                skipped.append(found)
            else:
                templates.append(found)
    if not templates:
        raise unusable(skipped)
    taken = Taken(templates, tuple(skipped), ())
    told = Told(note=note, consent=consent)
    return gallery._enroll_taken(person.name, taken, person_id=None, new=new, strict=strict, told=told)


def _template(one: PhotoFaces, named: NamedFace, min_quality: float) -> Template | Skipped:
    if one.photo is not None and named.sha256 not in {None, one.photo.sha256}:
        return Skipped(one.name, UnreadableImageError.status, replaced_message(one.name))
    if one.photo is None or one.embeddings is None or not one.faces:
        return Skipped(one.name, one.status, one.message)
    shares = overlaps(named.box, np.array([face.box for face in one.faces], np.float32))
    row = int(shares.argmax())
    if shares[row] < SAME_FACE:
        where = " ".join(f"{side:.0f}" for side in named.box)
        return Skipped(one.name, NoFaceError.status, f"no face was found at {where}.")
    score = one.quality[row].score if one.quality else None
    if score is not None and score < min_quality:
        why = faults(one, row)
        message = f"poor quality {score:.2f} ({why}), less than the {min_quality:.2f} asked for."
        return Skipped(one.name, PoorQualityError.status, message)
    return Template(one.embeddings[row], one.photo.sha256, one.name, one.faces[row].box, score)
