"""Align faces that are turned in the picture, by running MTCNN's last network (O-Net) in eight orientations.

Detectors are trained on upright faces. They find some faces that lie on their side or upside down, and give them the
landmarks of an upright face: eyes at the chin. O-Net's logit is highest where the face stands upright in the crop, and
so gives the orientation of the faces of any detector.
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
from visavis.types import RGB, Doubles, Face, Floats

SIZE = 48
"""Side in pixels of O-Net's crops."""
TURNS: Doubles = np.array([0, 2, 4, 6, 1, 3, 5, 7]) * (math.pi / 4)
"""Angles in radians, clockwise, at which a face is cropped: O-Net tolerates the 22.5 degrees between them."""
FIRST = 4
"""Number of angles, the quarter turns, that are tried first: they suffice for most upright faces."""
CLEAR = 2.0
"""Margin of the upright logit over those of the other quarter turns. Of 300 people of LFW view 1 (training half) 19 in
20 exceed it upright; none does turned by 135 or 225 degrees."""
AGREEMENT = math.radians(20)
"""Angle up to which O-Net and the detector agree on the orientation; the detector's landmarks are then kept."""
UPRIGHT = math.radians(35)
"""Angle up to which detectors place landmarks well; beyond, MTCNN and YuNet squeeze them together."""
LEAST_LOGIT = 3.5
"""Least logit of a turned face in its upright crop. On 280 people of LFW view 1 (training half) at nine angles, 99 % of
the faces with the right orientation had 3.6 or more, and five of six of the others less."""
MARGIN = 1.0
"""Least margin of another orientation over the detector's: blurred faces in the background have several."""
SAME_FACE = 0.5
"""Overlap (intersection over union) from which an aligned face and another are the same face."""
UPRIGHT_FACE = np.array([(0.31, 0.43), (0.69, 0.43), (0.5, 0.62), (0.34, 0.79), (0.66, 0.79)], np.float32)
"""Approximate landmarks of an upright face, as shares of its box: only the angle to them is used."""


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """Turned squares in a picture: centers ``(n, 2)`` and sides ``(n,)`` in pixels, angles ``(n,)`` in radians.

    An angle is measured clockwise from the top of the picture to the top of the square.
    """

    centers: Doubles
    sides: Doubles
    angles: Doubles

    def __getitem__(self, index: NDArray[np.intp]) -> Squares:
        return Squares(self.centers[index], self.sides[index], self.angles[index])

    def matrices(self, size: int) -> Floats:
        """Return the matrices ``(n, 2, 3)`` from the picture to crops with upright squares, for pixel centers."""
        linear = rotations(-self.angles) * (size / self.sides)[:, None, None]
        shift = (size - 1) / 2 - np.einsum("nij,nj->ni", linear, self.centers - 0.5)
        return np.concatenate([linear, shift[:, :, None]], axis=2).astype(np.float32)

    def to_picture(self, points: Doubles) -> Doubles:
        """Map points ``(n, k, 2)`` from shares of the squares' sides to pixels of the picture."""
        offsets = (points - 0.5) * self.sides[:, None, None]
        result: Doubles = self.centers[:, None] + np.einsum("nij,nkj->nki", rotations(self.angles), offsets)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Outputs:
    """Outputs of O-Net for squares: logits ``(n,)``, boxes ``(n, 4)``, landmarks ``(n, 5, 2)`` as shares of a side."""

    squares: Squares
    logits: Doubles
    boxes: Doubles
    landmarks: Doubles

    def __getitem__(self, index: NDArray[np.intp]) -> _Outputs:
        return _Outputs(self.squares[index], self.logits[index], self.boxes[index], self.landmarks[index])

    def upright(self) -> Squares:
        """Return squares around the boxes, turned so that the landmarks are upright in them."""
        centers = self.squares.to_picture((self.boxes[:, None, :2] + self.boxes[:, None, 2:]) / 2)[:, 0]
        sides = (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1) * self.squares.sides
        return Squares(centers, np.maximum(sides, 1), self.squares.angles + turn(UPRIGHT_FACE, self.landmarks))

    def face(self) -> Face:
        """Return the only face; its box is that around the turned ellipse that fills the box in the square."""
        (center,) = self.squares.to_picture((self.boxes[:, None, :2] + self.boxes[:, None, 2:]) / 2)[:, 0]
        half = (self.boxes[0, 2:] - self.boxes[0, :2]) * self.squares.sides[0] / 2
        extent = np.hypot(*(rotations(self.squares.angles)[0] * half).T)
        box = np.concatenate([center - extent, center + extent]).astype(np.float32)
        (landmarks,) = self.squares.to_picture(self.landmarks).astype(np.float32)
        return Face(box, 1 / (1 + math.exp(-self.logits[0])), landmarks)


class Orientation:
    """Align turned faces with an open session of O-Net.

    Faces with a score of ``sure`` or more are upright, as measured for their detector, and are not checked. With
    ``keep_scores`` aligned faces keep the score of the detector instead of that of O-Net.
    """

    def __init__(
        self, onet: runtime.Session, workers: runtime.Workers, *, sure: float, keep_scores: bool = True
    ) -> None:
        self._onet, self._workers = onet, workers
        self._sure, self._keep_scores = sure, keep_scores

    def align(self, pictures: Sequence[RGB], faces: Sequence[Sequence[Face]]) -> list[list[Face]]:
        """Return the faces of each picture, best score first: upright ones unchanged, turned ones with new landmarks.

        Faces with an orientation that O-Net cannot decide are left out.
        """
        doubtful = [
            (number, face)
            for number, photo_faces in enumerate(faces)
            for face in photo_faces
            if face.score < self._sure
        ]
        if not doubtful:
            return [list(photo_faces) for photo_faces in faces]
        aligned = self._workers.map(lambda pair: self._align(pictures[pair[0]], pair[1]), doubtful)
        result = []
        for number, photo_faces in enumerate(faces):
            pairs = [(face, new) for (owner, face), new in zip(doubtful, aligned, strict=True) if owner == number]
            upright = [face for face in photo_faces if face.score >= self._sure] + [
                old for old, new in pairs if old is new
            ]
            turned = [new for old, new in pairs if new is not None and new is not old]
            result.append(_merge_faces(upright, turned))
        return result

    def _align(self, picture: RGB, face: Face) -> Face | None:
        """Return the face itself if it is upright, the aligned face if it is turned, None if this is uncertain."""
        squares = _make_squares(face)
        quarters = self._run_onet(picture, squares[np.arange(FIRST)])
        if (
            quarters.logits[0] > quarters.logits[1:].max() + CLEAR
            and (_agrees(quarters, face) & _is_upright(quarters))[0]
        ):
            return face
        outputs = self._run_onet(picture, squares)
        best = self._run_onet(picture, outputs[np.array([outputs.logits.argmax()])].upright())
        if (_agrees(best, face) & _is_upright(best))[0]:
            return face
        refined = self._run_onet(picture, outputs.upright())
        agreeing, most = _agrees(refined, face), refined.logits.max()
        candidates = agreeing & _is_upright(refined) if most >= LEAST_LOGIT else agreeing
        if refined.logits[candidates].max(initial=-np.inf) > most - MARGIN:
            return face
        if most < LEAST_LOGIT:
            return None
        best = refined[np.array([refined.logits.argmax()])]
        aligned = best.face()
        return replace(aligned, score=face.score) if self._keep_scores else aligned

    def _run_onet(self, picture: RGB, squares: Squares) -> _Outputs:
        """Run O-Net on the crops of all squares."""
        rows = self._onet.run(warp(picture, squares.matrices(SIZE), size=SIZE))[0].astype(np.float64)
        points = rows[:, 5:].reshape(-1, 2, 5).transpose(0, 2, 1)
        return _Outputs(squares, rows[:, 0], rows[:, 1:5] + (0, 0, 1, 1), points)


def rotations(angles: Doubles) -> Doubles:
    """Return the matrices ``(n, 2, 2)`` that turn points clockwise if y points down."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)


def turn(source: Floats, target: Doubles) -> Doubles:
    """Return the angles ``(n,)`` in radians, clockwise, that best turn points ``(k, 2)`` to ``(n, k, 2)``."""
    matrices = similarity(np.broadcast_to(source, target.shape), target.astype(np.float32))
    return np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]).astype(np.float64)


def _make_squares(face: Face) -> Squares:
    box = face.box.astype(np.float64)
    centers = np.tile((box[:2] + box[2:]) / 2, (len(TURNS), 1))
    sides = np.full(len(TURNS), max(face.width, face.height, 1.0), np.float64)
    return Squares(centers, sides, TURNS)


def _agrees(outputs: _Outputs, face: Face) -> NDArray[np.bool_]:
    """Return whether each output agrees with the detector's orientation of the face, ``(n,)``."""
    landmarks = outputs.squares.to_picture(outputs.landmarks)
    return abs(turn(face.landmarks, landmarks)) <= AGREEMENT


def _is_upright(outputs: _Outputs) -> NDArray[np.bool_]:
    """Return whether the face is upright in the picture according to each output, ``(n,)``."""
    landmarks = outputs.squares.to_picture(outputs.landmarks)
    return abs(turn(UPRIGHT_FACE, landmarks)) <= UPRIGHT


def _merge_faces(upright: Sequence[Face], turned: Sequence[Face]) -> list[Face]:
    """Return all faces, best score first, without turned faces that repeat another face."""
    faces = list(upright)
    for face in sorted(turned, key=lambda face: -face.score):
        others = np.array([other.box for other in faces], np.float32).reshape(-1, 4)
        if not (overlaps(face.box[None], others) > SAME_FACE).any():
            faces.append(face)
    return sorted(faces, key=lambda face: -face.score)
