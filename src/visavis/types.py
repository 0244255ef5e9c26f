"""Results that visavis returns: frozen values, with shapes and units stated once.

Pictures are RGB ``uint8`` of shape ``(h, w, 3)``. Boxes are ``x1, y1, x2, y2`` in pixels of the upright (EXIF-turned)
picture, landmarks ``(5, 2)``: left eye, right eye, nose, left and right mouth corner *as seen in the picture*.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis._pixels import whole_pixels
from visavis._show import Shown
from visavis.errors import UsageError
from visavis.plain import Plain, flat, plain

RGB = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Photo(Shown):
    """A decoded photograph.

    ``pixels`` is RGB uint8 ``(h, w, 3)``, upright; ``name`` is what the user called it (path, "-" or "array");
    ``sha256`` is the hex digest of the encoded bytes (of the pixels and their shape where it came as an array).
    ``notes`` say what the file lacks although it could be read.
    ``captured`` is when the photo was taken, by its EXIF: aware where EXIF states the offset from UTC, else the local
    time of the camera; None where EXIF does not state it.

    A photo is a source: every function that takes a path takes a photo too, and answers as for the path. To go on with
    changed pixels, read them as an array: ``visavis.read(pixels, name=...)``, so that they get a hash of their own.
    """

    pixels: RGB
    name: str
    sha256: str
    notes: tuple[str, ...] = ()
    captured: datetime | None = None

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
            raise ValueError(f"pixels must be uint8 (h, w, 3), got {pixels.dtype} {pixels.shape}")

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self.pixels.shape[0])

    def crop(self, face: Face, *, margin: float = 0.0) -> RGB:
        """Return a copy of the pixels ``(h, w, 3)`` in the box of ``face``, as far as it lies in the picture.

        ``margin`` extends the box by that part of its sides in all, as in :func:`visavis.extract`. The box is rounded
        outwards to whole pixels. Raises UsageError where no pixel remains, and for a margin below 0. For crops of one
        size use :func:`visavis.extract`: it makes them square, and black outside the picture.
        """
        if not (math.isfinite(margin) and margin >= 0):
            raise UsageError(f"margin is a part of the box's sides, 0 or more, got {margin:g}.")
        grown = face.box + np.array([-1, -1, 1, 1]) * np.array([face.width, face.height] * 2) * (margin / 2)
        x1, y1, x2, y2 = whole_pixels(grown, self.width, self.height)
        if x1 >= x2 or y1 >= y2:
            raise UsageError(
                f"this face lies outside the picture: its box is {face.box.round().tolist()}, "
                f"the picture has {self.width} x {self.height} pixels."
            )
        return self.pixels[y1:y2, x1:x2].copy()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Face(Shown):
    """One detected face: ``box`` (4,) and ``landmarks`` (5, 2) float32 in pixels, ``score`` in 0..1.

    Box and landmarks are the detector's estimates, and **may lie beyond the picture**: a face at the edge may have a
    box that begins at negative pixels or ends past the last. ``pixels[y1:y2, x1:x2]`` is then empty or wrong; use
    :meth:`Photo.crop`, or :meth:`clipped`.
    """

    box: Floats
    score: float
    landmarks: Floats

    def __post_init__(self) -> None:
        if self.box.shape != (4,) or self.landmarks.shape != (5, 2):
            raise ValueError(f"box must be (4,) and landmarks (5, 2), got {self.box.shape} and {self.landmarks.shape}")

    def clipped(self, width: int, height: int) -> Face:
        """Return the face with its box cut off at the edges of a picture of that size; landmarks stay where they are.

        The box of a face that lies wholly outside has no width or no height, at the nearest edge. UsageError for a
        picture without pixels.
        """
        if width < 1 or height < 1:
            raise UsageError(f"a picture has at least one pixel, got {width} x {height}.")
        limits = np.array([width, height, width, height], np.float32)
        return replace(self, box=np.clip(self.box, 0, limits).astype(np.float32))

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return float(self.box[2] - self.box[0])

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return float(self.box[3] - self.box[1])

    @property
    def area(self) -> float:
        """Area of the box in pixels squared."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be recognized from its picture: ``score``, and the parts it is made of.

    Each value is from 0 (useless) to 1 (as good as needed). ``detection`` follows the detector's score, ``visible``
    falls with the share of the box that lies outside the picture. ``brightness`` is not a part of the score but the
    mean gray of the face, 0 black to 1 white: it shows whether a low ``exposure`` is too dark or too bright.
    """

    score: float
    size: float
    sharpness: float
    clarity: float
    pose: float
    exposure: float
    detection: float
    visible: float
    compression: float
    proportions: float
    brightness: float

    def __post_init__(self) -> None:
        wrong = {name: value for name in self.__slots__ if not 0 <= (value := getattr(self, name)) <= 1}
        if wrong:
            raise ValueError(f"each part of a quality must be in 0..1, got {wrong}")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PhotoFaces(Plain):
    """Faces of one photo, or the reason why there are none.

    ``status`` is "ok", "no_face", or the status of an :class:`~visavis.errors.ImageError` ("missing", "unreadable",
    "too_large"), in which case ``message`` says why, ``photo`` is None and there are no faces. ``quality`` holds one
    :class:`Quality` per face; ``embeddings`` is ``(n, d)`` float32 of unit rows, or None where nothing was embedded.
    ``captured`` is that of the photo.
    The truth value is whether there are faces.
    """

    name: str
    status: str
    photo: Photo | None = None
    faces: tuple[Face, ...] = ()
    quality: tuple[Quality, ...] = ()
    embeddings: Floats | None = None
    message: str = ""
    captured: datetime | None = None

    def __bool__(self) -> bool:
        return len(self.faces) > 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What the photo's file lacks although it could be read."""
        return () if self.photo is None else self.photo.notes

    @property
    def largest(self) -> int:
        """Index of the face with the largest box; ValueError where there is no face."""
        return max(range(len(self.faces)), key=lambda i: self.faces[i].area)

    def select(self, number: int) -> PhotoFaces:
        """Return the photo with one face alone, the one of this ``number`` from 1; UsageError where there is none."""
        if not 1 <= number <= len(self.faces):
            raise UsageError(f"{self.name} has no face {number}: it shows {len(self.faces)}.")
        row = slice(number - 1, number)
        embeddings = None if self.embeddings is None else self.embeddings[row]
        return replace(self, faces=self.faces[row], quality=self.quality[row], embeddings=embeddings)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``visavis detect --json`` prints, with all digits, and the ``embedding`` of each face."""
        size = (None, None) if self.photo is None else (self.photo.width, self.photo.height)
        line: dict[str, Any] = {"photo": self.name, "status": self.status, "captured": plain(self.captured)}
        line |= {"width": size[0], "height": size[1], "faces": list(_face_rows(self))}
        if self.notes:
            line["notes"] = list(self.notes)
        return line if self.status == "ok" else {**line, "message": self.message}

    def rows(self) -> list[dict[str, Any]]:
        """Return a flat row per face, without landmarks and embedding; one row without a face where there is none."""
        line = self.to_dict()
        faces = line.pop("faces")
        shared = flat(line)
        return [{**shared, "face": number, **flat(face)} for number, face in enumerate(faces, 1)] or [shared]


def _face_rows(photo: PhotoFaces) -> Iterator[dict[str, Any]]:
    for row, face in enumerate(photo.faces):
        line = {"box": plain(face.box), "score": float(face.score), "landmarks": plain(face.landmarks)}
        if photo.quality:
            parts = plain(photo.quality[row])
            line |= {"quality": parts.pop("score"), "quality_parts": parts}
        yield line if photo.embeddings is None else {**line, "embedding": plain(photo.embeddings[row])}


@dataclass(frozen=True, slots=True)
class Verification(Plain):
    """Answer to "is this the same person?".

    ``far`` is the rate of false accepts that ``threshold`` stands for (None: uncalibrated), ``probability`` that of
    the pair being one person at even odds beforehand. ``distance`` and ``threshold`` are in the unit of ``metric``.
    Where a photo is too poor for any answer, ``same`` is False, ``threshold`` 0, ``probability`` None, and ``reason``
    says which photo and why; else ``reason`` is empty. ``crops`` are both faces, where two photos were given.
    The truth value is ``same``: ``if visavis.verify(a, b): ...``.
    """

    same: bool
    distance: float
    metric: str
    threshold: float
    far: float | None
    probability: float | None
    model: str
    detector: str
    faces_a: int
    faces_b: int
    notes: tuple[str, ...] = ()
    reason: str = ""
    crops: tuple[RGB, ...] = field(default=(), repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.same


@dataclass(frozen=True, slots=True, eq=False)
class PhotoVerification(Plain):
    """Answer to "is this person in that photo?", one of several photos that were compared with the same face.

    ``photo`` is its name, ``face`` the compared face. Without one, ``verification`` and ``face`` are None, and
    ``status`` and ``message`` say why: a photo without a face means no, an unreadable photo neither yes nor no.
    """

    photo: str
    status: str
    verification: Verification | None = None
    face: Face | None = None
    message: str = ""

    @property
    def same(self) -> bool | None:
        """Whether it is the same person; False where there is no face, None where the photo cannot be read."""
        unseen = False if self.status == "no_face" else None
        return unseen if self.verification is None else self.verification.same

    @property
    def distance(self) -> float | None:
        """Distance of the two faces in the unit of the verification's metric."""
        return None if self.verification is None else self.verification.distance

    def __bool__(self) -> bool:
        return self.same is True

    def to_dict(self) -> dict[str, Any]:
        """Return photo, status and box of the compared face, with the fields of the verification, if any."""
        box = None if self.face is None else plain(self.face.box)
        line: dict[str, Any] = {"photo": self.photo, "status": self.status, "box": box}
        if self.verification is None:
            return {**line, "same": self.same, "distance": None, "message": self.message}
        return {**line, **self.verification.to_dict()}


@dataclass(frozen=True, slots=True)
class Candidate(Plain):
    """One person that a probe may be, with the cosine distance from the probe.

    With one template it is the distance from that template; with several, .4 of the distance from their mean embedding
    plus .6 of the mean of their distances. ``probability`` assumes a search in which a stranger is as likely beforehand
    as all people together; it is None where the model is uncalibrated, and for an unknown face.
    """

    person_id: int
    name: str
    distance: float
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Identification(Plain):
    """Answer to "who is this?": the nearest person if near enough, else unknown (``name`` and ``person_id`` None).

    ``threshold`` follows from the requested false-positive rate of a whole search (``fpir``) and the number of people.
    ``probability`` is that of the named person, if a stranger is as likely beforehand as all people of the gallery
    together. It is 1/2 or more, or None: for unknown faces, for uncalibrated models, and where it would contradict the
    name (``notes`` then say so). ``margin`` is how much farther the second candidate is, None without a second one.
    ``box`` is the place of the face, if it came from a photo.
    The truth value is ``known``.
    """

    name: str | None
    person_id: int | None
    distance: float | None
    threshold: float
    probability: float | None
    candidates: tuple[Candidate, ...] = field(default=())
    margin: float | None = None
    notes: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None

    @property
    def known(self) -> bool:
        """Whether a person was named."""
        return self.person_id is not None

    def __bool__(self) -> bool:
        return self.known


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Lookalike(Plain):
    """A face with its cosine ``distance`` from the probe; ``number`` counts the faces of a photo from 1.

    A face of a gallery has no number and no ``captured``, but a ``template_id``, and the ``person_id`` and ``name`` of
    its person (None: unassigned). ``box (4,)``, ``quality`` and ``sha256`` (of the photo's bytes): None if not known.
    """

    photo: str
    number: int | None
    box: Floats | None
    distance: float
    quality: float | None
    sha256: str | None = None
    captured: datetime | None = None
    template_id: int | None = None
    person_id: int | None = None
    name: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields in values that JSON can hold: ``face``, the number in the photo, or those of a gallery."""
        line = Plain.to_dict(self)
        number, stored = line.pop("number"), {key: line.pop(key) for key in ("template_id", "person_id", "name")}
        return {**line, "face": number} if self.template_id is None else {**line, **stored}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Characteristic(Plain):
    """A face with its cosine ``distance`` from the mean of a person; ``number`` counts the faces of its photo from 1.

    An ``outlier`` is too far from the mean to be that person, and is left out of it. ``sha256`` is the hash of the
    photo's bytes, None where it is not known.
    """

    photo: str
    number: int
    face: Face
    distance: float
    quality: float
    outlier: bool
    sha256: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields in values that JSON can hold: the box of the face, and its number as ``face``."""
        line = Plain.to_dict(self)
        number = line.pop("number")
        return {**line, "box": line["face"]["box"], "face": number}
