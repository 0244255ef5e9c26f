"""How well a face can be recognized from its picture: a score in 0..1, and the parts of the score.

Each part is the share of true matches that remain with one fault: a curve ``1 / (1 + (half / x) ** steep)`` of one
measured value, which is one half at ``half``. The curves of size, sharpness, clarity, contrast,
compression and proportions were fitted to copies of LFW's photos made worse (``benchmarks/quality_curves.py``), matched
by SFace with other photos of the same people (``peopleDevTrain``) at a FAR of 1e-3. Those of the pose were chosen on
the unchanged photos with dlib-resnet, that of the detector's score by hand. All on view 1 alone: see docs/quality.md.
Faults add up, so the score is the product; but an enlarged small face is a blurred face, so only the lower of size and
sharpness counts. The score ranks photos and identifies useless photos; it is not a probability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from visavis import align
from visavis._pixels import whole_pixels
from visavis.jpeg_blocks import measure_block_edges
from visavis.types import RGB, Face, Floats, Quality

Gray = NDArray[np.uint8]
Point = tuple[float, float]

SIDE = 96
"""Side in pixels of the gray crop of the face's box, in which everything but size and pose is measured."""

SIZE = (5.3, 5.0)
"""Pixels between the eyes at which half of the matches are lost, and the steepness."""
BAND = (1.5, 3.0)
"""Standard deviations in pixels of the crop of the two Gaussians that bound the detail by which faces are
distinguished: finer detail can be missing without harm."""
UPRIGHT = 2.0
"""Vertical detail of a face over its horizontal detail, median of LFW: eyes, brows and mouth lie across."""
NOISE_GAIN = 0.02
"""Apparent detail that noise of variance 1 adds in the crop of a face of about ``SIDE`` pixels; less in larger
faces. In smaller faces it is more, and little of it is measured: enlarged noise looks like detail."""
SHARPNESS = (2.6e-4, 1.7)
"""Detail in the worse direction over the variance of the coarse shape. The median of LFW is 5e-3."""
CLARITY = (2.7, 3.8)
"""Standard deviation of the coarse shape over that of the noise. The median of LFW is 57."""
YAW = (0.8, 4.0)
"""Horizontal offset of the nose from the middle of the eyes, over the distance of the eyes."""
PITCH = (0.6, 2.5)
"""Height of the nose between eyes (0) and mouth (1), as its distance from ``LEVEL``."""
LEVEL = 0.65
"""Height of the nose without loss: faces that look up are worse, those that look a little down are not."""
CONTRAST = (1.6, 2.6)
"""Standard deviation of the gray."""
UNCLIPPED = (0.25, 2.2)
"""Share of the pixels that are not overexposed."""
WHITE = 250
DETECTION = (0.1, 1.0)
"""Difference of the detector's score from its score for a certain face: 1 for ``mtcnn``, with which a covered
face scores lower by .01 at the eyes, by .02 on one side."""
VISIBLE = (0.57, 8.0)
"""Share of the box's area inside the picture. Photos cut at each of the four edges keep .98 of their matches where
.88 of the box is inside, .96 at .78, .89 at .69, .68 at .59 (150 people of ``peopleDevTrain``, at a FAR of 1e-3; the
detector then repeated the photo's edge beyond it)."""

COMPRESSION = (6.2, 2.7)
"""Standard deviation of the coarse shape over the height of the steps between the blocks of a JPEG, scaled to
a face with ``BLOCKS`` of them between the eyes. LFW saved at a JPEG quality of 10 has 18, at 4 has 9."""
BLOCKS = 43 / 8
BLOCK_SIDES = (160, 256)
"""Side in pixels, at least and at most, of the part of the photo in which blocks are looked for: few are hard to tell
from other edges."""
PROPORTIONS = (1.1, 1.9)
"""Factor by which a face looks squeezed, as a natural logarithm; embedders undo a part."""

PARTS = ("size", "sharpness", "clarity", "pose", "exposure", "detection", "visible", "compression", "proportions")

DARK, BRIGHT = 0.25, 0.75
"""Mean gray below and above which a bad exposure is called dark or bright."""

POOR = 0.8
"""Score below which an enrollment warns: the worst 2.3 % of LFW's view 1. Of the pairs of one person with such a photo
6 % are missed at a FAR of 1e-3, of the others .6 %."""


def qualities(picture: RGB, faces: Sequence[Face], *, certain: float = 1.0) -> tuple[Quality, ...]:
    """Measure each face of an RGB picture, as :func:`measure` does."""
    return tuple(measure(picture, face, certain=certain) for face in faces)


def measure(picture: RGB, face: Face, *, certain: float = 1.0) -> Quality:
    """Measure one face of an RGB picture; scores of ``certain`` or more mean that its detector has no doubt.

    The part of the box outside the picture is left out, and lowers ``visible``.
    """
    crop = quarter_turned(gray_crop(picture, face.box), face.landmarks)
    sharp, clear = detail(crop)
    large, posed, lit = size(face.landmarks), pose(face.landmarks), exposure(crop)
    sure, inside = keeps_below(certain - face.score, *DETECTION), visible(picture, face.box)
    whole, shaped = compression(picture, face, crop), proportions(face.landmarks)
    return Quality(
        score=min(large, sharp) * clear * posed * lit * sure * inside * whole * shaped,
        size=large,
        sharpness=sharp,
        clarity=clear,
        pose=posed,
        exposure=lit,
        detection=sure,
        visible=inside,
        compression=whole,
        proportions=shaped,
        brightness=float(crop.mean()) / 255,
    )


def keeps(value: float, half: float, steep: float) -> float:
    """Return the share of the matches kept: 0 at 0 and below, a half at ``half``, towards 1 above."""
    if value <= 0:
        return 0.0
    return 1 / (1 + math.exp(min(steep * (math.log(half) - math.log(value)), 700.0)))


def keeps_below(value: float, half: float, steep: float) -> float:
    """Return the share of the matches kept where more is worse: 1 at 0 and below, a half at ``half``, 0 far above."""
    return 1 - keeps(value, half, steep)


def gray_crop(picture: RGB, box: Floats) -> Gray:
    """Crop a box from a picture, as gray ``(SIDE, SIDE)``; black outside the picture."""
    from visavis.opencv import cv2

    height, width = picture.shape[:2]
    left, top, right, bottom = whole_pixels(box, width, height)
    if left >= right or top >= bottom:
        return np.zeros((SIDE, SIDE), np.uint8)
    crop = _pick(picture, _thin(top, bottom), _thin(left, right))
    shrinks = min(crop.shape[:2]) >= SIDE
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def quarter_turned(crop: Gray, landmarks: Floats) -> Gray:
    """Turn a crop by quarters until its face is upright within 45 degrees, as :func:`detail` expects."""
    eyes, mouth = _find_eyes_and_mouth(landmarks)
    quarters = round(math.atan2(mouth[0] - eyes[0], mouth[1] - eyes[1]) / (math.pi / 2))
    return np.ascontiguousarray(np.rot90(crop, -quarters))


def _thin(start: int, stop: int) -> slice:
    """Return the slice that skips pixels of a very large face: averaging all pixels would dominate the time."""
    step = max((stop - start) // (2 * SIDE), 1)
    return slice(start + (stop - start - 1) % step // 2, stop, step)


def _pick(picture: RGB, rows: slice, columns: slice) -> RGB:
    """Return these pixels of a picture; copied channel by channel where some are skipped: three times as fast."""
    from visavis.opencv import cv2

    if rows.step == columns.step == 1:
        return picture[rows, columns]
    planes = [np.ascontiguousarray(picture[rows, columns, channel]) for channel in range(3)]
    return np.asarray(cv2.merge(planes), np.uint8)


def _find_eyes_and_mouth(landmarks: Floats) -> tuple[Point, Point]:
    """Return the middle of the eyes and that of the corners of the mouth."""
    left_eye, right_eye, _, left_corner, right_corner = landmarks.tolist()
    eyes = (left_eye[0] + right_eye[0]) / 2, (left_eye[1] + right_eye[1]) / 2
    return eyes, ((left_corner[0] + right_corner[0]) / 2, (left_corner[1] + right_corner[1]) / 2)


def eye_distance(landmarks: Floats) -> float:
    """Return the pixels between the eyes; for a turned face, estimate them by the distance of eyes and mouth."""
    eyes, mouth = _find_eyes_and_mouth(landmarks)
    apart = math.dist(landmarks[0], landmarks[1])
    # in ArcFace's template the eyes are 35.2 apart, the mouth 40.7 below them
    return max(apart, math.dist(eyes, mouth) * 35.2 / 40.7)


def size(landmarks: Floats) -> float:
    """Score the resolution by the distance of the eyes."""
    return keeps(eye_distance(landmarks), *SIZE)


def detail(crop: Gray) -> tuple[float, float]:
    """Score sharpness and clarity of a gray crop: detail that is neither blurred away nor lost in noise.

    Both are relative to the variance of the coarse shape, hence independent of the contrast. The detail that noise adds
    is subtracted, and the worse of two directions counts, so that a shaken picture is not sharp.
    """
    from visavis.opencv import cv2

    gray = crop.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(gray, (6 * round(sigma) + 1,) * 2, sigma) for sigma in BAND)
    shape = max(float(cv2.meanStdDev(coarse)[1].item()) ** 2, 1e-6)
    band, noise = fine - coarse, noise_level(crop)
    clear = keeps_below(noise / math.sqrt(shape), 1 / CLARITY[0], CLARITY[1])
    if shape < 1:
        return 1.0, clear  # a uniform crop: the exposure lowers the score instead
    feigned = NOISE_GAIN * noise**2
    across = _mean_square(band[:, 1:], band[:, :-1]) - feigned
    down = _mean_square(band[1:], band[:-1]) - feigned
    return keeps(min(across * math.sqrt(UPRIGHT), down / math.sqrt(UPRIGHT)) / shape, *SHARPNESS), clear


def _mean_square(a: Floats, b: Floats) -> float:
    """Return the mean square of a difference; many times faster than in NumPy at this size."""
    from visavis.opencv import cv2

    return float(cv2.norm(a, b, cv2.NORM_L2SQR)) / a.size


def noise_level(crop: Gray) -> float:
    """Estimate the noise's standard deviation, by a filter that cancels flats, slopes and edges.

    J. Immerkær, Fast noise variance estimation, Computer Vision and Image Understanding 64 (1996).
    """
    from visavis.opencv import cv2

    second = np.array([1, -2, 1], np.float32)
    residue = cv2.sepFilter2D(crop, cv2.CV_32F, second, second)[1:-1, 1:-1]
    return float(cv2.norm(residue, cv2.NORM_L1)) / residue.size * math.sqrt(math.pi / 2) / 6


def pose(landmarks: Floats) -> float:
    """Score frontality, near 1 for a face that looks at the camera; roll (a head tilted sideways) does not count."""
    (left, right), (eyes, mouth) = landmarks[:2].tolist(), _find_eyes_and_mouth(landmarks)
    across, down = (right[0] - left[0], right[1] - left[1]), (mouth[0] - eyes[0], mouth[1] - eyes[1])
    nose = float(landmarks[2, 0]) - eyes[0], float(landmarks[2, 1]) - eyes[1]
    apart, length = math.hypot(*across), math.hypot(*down)
    if apart == 0 or length == 0:
        return 0.0
    aside = abs(nose[0] * across[0] + nose[1] * across[1]) / apart**2
    off_level = abs((nose[0] * down[0] + nose[1] * down[1]) / length**2 - LEVEL)
    return keeps_below(aside, *YAW) * keeps_below(off_level, *PITCH)


def exposure(crop: Gray) -> float:
    """Score the light by the spread of the gray and the share that is not overexposed.

    The mean is not used: it depends on the skin as much as on the light.
    """
    from visavis.opencv import cv2

    unclipped = np.count_nonzero(crop < WHITE) / crop.size
    contrast = float(cv2.meanStdDev(crop)[1].item())
    return keeps(contrast, *CONTRAST) * keeps(unclipped, *UNCLIPPED) / keeps(1.0, *UNCLIPPED)


def visible(picture: RGB, box: Floats) -> float:
    """Score how much of a box lies inside the picture: 1 for all of it, 0 for none."""
    return keeps(fraction_inside(picture, box), *VISIBLE) / keeps(1.0, *VISIBLE)


def fraction_inside(picture: RGB, box: Floats) -> float:
    """Return the share in 0..1 of a box's area that lies inside the picture; 0 for an empty box."""
    left, top, right, bottom = (float(side) for side in box)
    width = min(right, picture.shape[1]) - max(left, 0.0)
    height = min(bottom, picture.shape[0]) - max(top, 0.0)
    area = (right - left) * (bottom - top)
    return min(max(width, 0.0) * max(height, 0.0) / area, 1.0) if area > 0 else 0.0


def compression(picture: RGB, face: Face, crop: Gray) -> float:
    """Score the loss by JPEG compression, from the steps between its blocks in the picture's own pixels.

    ``crop`` is the face's :func:`gray_crop`. Steps count less the more blocks there are between the eyes.
    """
    from visavis.opencv import cv2

    edges = measure_block_edges(_crop_around(picture, face.box))
    shape = float(cv2.meanStdDev(cv2.GaussianBlur(crop, (0, 0), BAND[1]))[1].item())
    if edges.height <= 0 or shape < 1:
        return 1.0
    blocks = eye_distance(face.landmarks) / edges.period
    return keeps(shape / edges.height * blocks / BLOCKS, *COMPRESSION)


def _crop_around(picture: RGB, box: Floats) -> Gray:
    """Return a face and its surroundings in gray, in the picture's own pixels ``(h, w)``: ``BLOCK_SIDES`` wide."""
    from visavis.opencv import cv2

    center, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
    half = min(max(side, BLOCK_SIDES[0]), BLOCK_SIDES[1]) / 2
    square = np.concatenate([center - half, center + half])
    left, top, right, bottom = whole_pixels(square, picture.shape[1], picture.shape[0])
    if left >= right or top >= bottom:
        return np.zeros((0, 0), np.uint8)
    return np.asarray(cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_RGB2GRAY), np.uint8)


def proportions(landmarks: Floats) -> float:
    """Score whether the picture is squeezed in one direction: a frontal face is then far narrower or wider."""
    return keeps_below(abs(float(align.squeeze(landmarks[None])[0])), *PROPORTIONS)


def reasons(quality: Quality, face: Face) -> tuple[str, ...]:
    """Describe the parts that cause a quarter or more of the loss of a face's score, the worst first."""
    return tuple(describe_part(name, quality, face) for name in worst_parts(quality))


def worst_parts(quality: Quality) -> list[str]:
    """Return the parts that cause a quarter or more of the loss of a score, the worst first."""
    losses = {name: _loss(getattr(quality, name)) for name in PARTS}
    enough = _loss(quality.score) / 4
    named = [name for name, loss in losses.items() if 0 < loss >= enough]
    return sorted(named, key=lambda name: -losses[name])


def _loss(share: float) -> float:
    return -math.log(share) if share > 0 else math.inf


def describe_part(part: str, quality: Quality, face: Face) -> str:
    """Describe the fault of a part of a face's quality."""
    match part:
        case "size":
            return f"small: {eye_distance(face.landmarks):.0f} pixels between the eyes"
        case "exposure" if quality.brightness < DARK:
            return "too dark"
        case "exposure":
            return "too bright" if quality.brightness > BRIGHT else "without contrast"
        case _:
            return {
                "sharpness": "blurred",
                "clarity": "grainy",
                "pose": "turned away",
                "detection": "not surely a face",
                "visible": "cut off by the edge of the photo",
                "compression": "compressed too much",
                "proportions": "squeezed",
            }[part]
