"""What visavis answers with: frozen values, shapes and units stated once.

Pictures are RGB ``uint8`` of shape ``(h, w, 3)``. Boxes are ``x1, y1, x2, y2`` in pixels of the upright (EXIF-turned)
picture, landmarks ``(5, 2)``: left eye, right eye, nose, left and right mouth corner *as seen in the picture*.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A decoded photograph.

    ``pixels`` is RGB uint8 ``(h, w, 3)``, upright; ``name`` is what the user called it (path, "-" or "array");
    ``sha256`` is the hex digest of the encoded bytes (of the pixels and their shape where it came as an array).
    """

    pixels: RGB
    name: str
    sha256: str

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One detected face: ``box`` (4,) and ``landmarks`` (5, 2) float32 in pixels, ``score`` in 0..1."""

    box: Floats
    score: float
    landmarks: Floats

    def __post_init__(self) -> None:
        if self.box.shape != (4,) or self.landmarks.shape != (5, 2):
            raise ValueError(f"box must be (4,) and landmarks (5, 2), got {self.box.shape} and {self.landmarks.shape}")

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
    """How well a face can be recognised from its picture: ``score``, and the parts it is made of.

    Each is in 0 (of no use) to 1 (as good as need be). ``detection`` is the detector's score. ``brightness`` is no
    part but the face's mean grey, 0 black to 1 white: it tells whether a low ``exposure`` is too dark or too bright.
    """

    score: float
    size: float
    sharpness: float
    clarity: float
    pose: float
    exposure: float
    detection: float
    brightness: float

    def __post_init__(self) -> None:
        wrong = {name: value for name in self.__slots__ if not 0 <= (value := getattr(self, name)) <= 1}
        if wrong:
            raise ValueError(f"each part of a quality must be in 0..1, got {wrong}")


@dataclass(frozen=True, slots=True, eq=False)
class PhotoFaces:
    """What was found in one photo.

    ``status`` is "ok", "no_face", or the status of an :class:`~visavis.errors.ImageError` ("missing", "unreadable",
    "too_large"), in which case ``message`` says why, ``photo`` is None and there are no faces. ``quality`` holds one
    :class:`Quality` a face; ``vectors`` is ``(n, d)`` float32 of unit rows, or None where nothing was embedded.
    """

    name: str
    status: str
    photo: Photo | None = None
    faces: tuple[Face, ...] = ()
    quality: tuple[Quality, ...] = ()
    vectors: Floats | None = None
    message: str = ""

    @property
    def largest(self) -> int:
        """Index of the face with the largest box; only where there is one."""
        return max(range(len(self.faces)), key=lambda i: self.faces[i].area)


@dataclass(frozen=True, slots=True)
class Verification:
    """Answer to "is this the same person?".

    ``far`` is the rate of false accepts that ``threshold`` stands for (None: uncalibrated), ``probability`` that of
    the pair being one person at even odds beforehand. ``distance`` and ``threshold`` are in the unit of ``metric``.
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person a probe may be, at that person's cosine distance.

    That of the template where there is one; with several .4 of that of their mean vector and .6 of the mean of theirs.
    """

    person_id: int
    name: str
    distance: float
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Identification:
    """Answer to "who is this?": the nearest person if near enough, else unknown (``name`` and ``person_id`` None).

    ``threshold`` follows from the wanted false-positive rate of a whole search (``fpir``) and the number of people.
    ``margin`` is by how much farther the second of the candidates is, None where there is no second.
    """

    name: str | None
    person_id: int | None
    distance: float | None
    threshold: float
    probability: float | None
    candidates: tuple[Candidate, ...] = field(default=())
    margin: float | None = None

    @property
    def known(self) -> bool:
        """Whether a person was named."""
        return self.person_id is not None
