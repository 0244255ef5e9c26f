"""Align faces that are turned in the picture: MTCNN's last network (O-Net) looks at each in eight orientations.

Detectors are trained on upright faces. They find some of those that lie on their side or upside down all the same, and
give them the landmarks of an upright face: eyes at the chin. O-Net's logit is highest where the face stands upright in
the crop, so it tells the orientation, whichever detector found the face.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visavis import runtime
from visavis.align import similarity, warp
from visavis.boxes import overlaps
from visavis.types import RGB, Face, Floats

Doubles = NDArray[np.float64]

SIZE = 48
"""Side in pixels of O-Net's crops."""
TURNS: Doubles = np.array([0, 2, 4, 6, 1, 3, 5, 7]) * (math.pi / 4)
"""Angles in radians, clockwise, in which a face is looked at: O-Net bears the 22.5 degrees between them."""
FIRST = 4
"""Angles, the quarter turns, that are looked at first: most upright faces are told by these."""
CLEAR = 2.0
"""Logits by which an upright face exceeds itself on its sides and upside down. Of 300 people of LFW view 1 (training
half) 19 in 20 do, upright; turned by 135 or 225 degrees none."""
AGREEMENT = math.radians(20)
"""Angle up to which O-Net and the detector mean the same orientation; the detector's landmarks are then kept."""
UPRIGHT = math.radians(35)
"""Angle up to which detectors place landmarks well; beyond, MTCNN and YuNet squeeze them together."""
LEAST_LOGIT = 3.5
"""Logit of a turned face in its upright crop. On 280 people of LFW view 1 (training half) at nine angles, 99 % of the
faces whose orientation was right had 3.6 and more, and five of six of the others less."""
MARGIN = 1.0
"""Logits by which another orientation has to exceed the detector's: the blurred faces of a background have several."""
SAME_FACE = 0.5
"""Overlap (intersection over union) of an aligned face with another from which both are one face."""
TEMPLATE = np.array([(0.31, 0.43), (0.69, 0.43), (0.5, 0.62), (0.34, 0.79), (0.66, 0.79)], np.float32)
"""Landmarks of an upright face in parts of its box, roughly: only the angle to them counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """Turned squares in a picture: centers ``(n, 2)`` and sides ``(n,)`` in pixels, angles ``(n,)`` in radians.

    An angle is that by which the top of the square points clockwise off the top of the picture.
    """

    centers: Doubles
    sides: Doubles
    angles: Doubles

    def __getitem__(self, index: NDArray[np.intp]) -> Squares:
        return Squares(self.centers[index], self.sides[index], self.angles[index])

    def matrices(self, size: int) -> Floats:
        """Matrices ``(n, 2, 3)`` from the picture to crops in which the squares stand upright, for pixel centers."""
        linear = rotations(-self.angles) * (size / self.sides)[:, None, None]
        shift = (size - 1) / 2 - np.einsum("nij,nj->ni", linear, self.centers - 0.5)
        return np.concatenate([linear, shift[:, :, None]], axis=2).astype(np.float32)

    def to_picture(self, points: Doubles) -> Doubles:
        """Points ``(n, k, 2)`` in parts of the squares' sides -> in pixels of the picture."""
        offsets = (points - 0.5) * self.sides[:, None, None]
        result: Doubles = self.centers[:, None] + np.einsum("nij,nkj->nki", rotations(self.angles), offsets)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Looks:
    """What O-Net sees in squares: logits ``(n,)``; boxes ``(n, 4)`` and landmarks ``(n, 5, 2)`` in parts of a side."""

    squares: Squares
    logits: Doubles
    boxes: Doubles
    landmarks: Doubles

    def __getitem__(self, index: NDArray[np.intp]) -> _Looks:
        return _Looks(self.squares[index], self.logits[index], self.boxes[index], self.landmarks[index])

    def upright(self) -> Squares:
        """Squares about the boxes, turned so that the landmarks stand upright in them."""
        centers = self.squares.to_picture((self.boxes[:, None, :2] + self.boxes[:, None, 2:]) / 2)[:, 0]
        sides = (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1) * self.squares.sides
        return Squares(centers, np.maximum(sides, 1), self.squares.angles + turn(TEMPLATE, self.landmarks))

    def face(self) -> Face:
        """The only face; its box is the one around the turned ellipse that fills the box in the square."""
        (center,) = self.squares.to_picture((self.boxes[:, None, :2] + self.boxes[:, None, 2:]) / 2)[:, 0]
        half = (self.boxes[0, 2:] - self.boxes[0, :2]) * self.squares.sides[0] / 2
        extent = np.hypot(*(rotations(self.squares.angles)[0] * half).T)
        box = np.concatenate([center - extent, center + extent]).astype(np.float32)
        (landmarks,) = self.squares.to_picture(self.landmarks).astype(np.float32)
        return Face(box, 1 / (1 + math.exp(-self.logits[0])), landmarks)


class Orientation:
    """Aligns turned faces; constructed from the open O-Net.

    Faces of the score ``sure`` and more stand upright, as measured with their detector: they cost nothing.
    ``keep_scores`` says that aligned faces keep the detector's score, which is not O-Net's.
    """

    def __init__(
        self, onet: runtime.Session, workers: runtime.Workers, *, sure: float, keep_scores: bool = True
    ) -> None:
        self._onet, self._workers = onet, workers
        self._sure, self._keep_scores = sure, keep_scores

    def align(self, pictures: Sequence[RGB], faces: Sequence[Sequence[Face]]) -> list[list[Face]]:
        """Faces of each picture, best score first: upright ones as they are, turned ones with their right landmarks.

        Faces of which O-Net cannot tell the orientation are left out.
        """
        doubtful = [(number, face) for number, found in enumerate(faces) for face in found if face.score < self._sure]
        if not doubtful:
            return [list(found) for found in faces]
        aligned = self._workers.map(lambda pair: self._aligned(pictures[pair[0]], pair[1]), doubtful)
        result = []
        for number, found in enumerate(faces):
            pairs = [(face, new) for (owner, face), new in zip(doubtful, aligned, strict=True) if owner == number]
            upright = [face for face in found if face.score >= self._sure] + [old for old, new in pairs if old is new]
            turned = [new for old, new in pairs if new is not None and new is not old]
            result.append(_joined(upright, turned))
        return result

    def _aligned(self, picture: RGB, face: Face) -> Face | None:
        """Return the face itself if it is upright, the aligned face if it is turned, None if that is uncertain."""
        squares = _turned_squares(face)
        quarters = self._look(picture, squares[np.arange(FIRST)])
        if quarters.logits[0] > quarters.logits[1:].max() + CLEAR and (_agrees(quarters, face) & _upright(quarters))[0]:
            return face
        looks = self._look(picture, squares)
        best = self._look(picture, looks[np.array([looks.logits.argmax()])].upright())
        if (_agrees(best, face) & _upright(best))[0]:
            return face
        refined = self._look(picture, looks.upright())
        agreeing, most = _agrees(refined, face), refined.logits.max()
        candidates = agreeing & _upright(refined) if most >= LEAST_LOGIT else agreeing
        if refined.logits[candidates].max(initial=-np.inf) > most - MARGIN:
            return face
        if most < LEAST_LOGIT:
            return None
        best = refined[np.array([refined.logits.argmax()])]
        aligned = best.face()
        return replace(aligned, score=face.score) if self._keep_scores else aligned

    def _look(self, picture: RGB, squares: Squares) -> _Looks:
        rows = self._onet.run(warp(picture, squares.matrices(SIZE), size=SIZE))[0].astype(np.float64)
        points = rows[:, 5:].reshape(-1, 2, 5).transpose(0, 2, 1)
        return _Looks(squares, rows[:, 0], rows[:, 1:5] + (0, 0, 1, 1), points)


def rotations(angles: Doubles) -> Doubles:
    """Matrices ``(n, 2, 2)`` that turn points clockwise, as seen where y points down."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)


def turn(source: Floats, target: Doubles) -> Doubles:
    """Angles ``(n,)`` in radians, clockwise, that best take points ``(k, 2)`` to ``(n, k, 2)``."""
    matrices = similarity(np.broadcast_to(source, target.shape), target.astype(np.float32))
    return np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]).astype(np.float64)


def _turned_squares(face: Face) -> Squares:
    box = face.box.astype(np.float64)
    centers = np.tile((box[:2] + box[2:]) / 2, (len(TURNS), 1))
    sides = np.full(len(TURNS), max(face.width, face.height, 1.0), np.float64)
    return Squares(centers, sides, TURNS)


def _agrees(looks: _Looks, face: Face) -> NDArray[np.bool_]:
    """Whether each look means the detector's orientation of the face, ``(n,)``."""
    landmarks = looks.squares.to_picture(looks.landmarks)
    return abs(turn(face.landmarks, landmarks)) <= AGREEMENT


def _upright(looks: _Looks) -> NDArray[np.bool_]:
    """Whether the face stands upright in the picture by each look, ``(n,)``."""
    landmarks = looks.squares.to_picture(looks.landmarks)
    return abs(turn(TEMPLATE, landmarks)) <= UPRIGHT


def _joined(upright: Sequence[Face], turned: Sequence[Face]) -> list[Face]:
    """All faces, best score first, without turned ones that are another face seen again."""
    faces = list(upright)
    for face in sorted(turned, key=lambda face: -face.score):
        others = np.array([other.box for other in faces], np.float32).reshape(-1, 4)
        if not (overlaps(face.box[None], others) > SAME_FACE).any():
            faces.append(face)
    return sorted(faces, key=lambda face: -face.score)
