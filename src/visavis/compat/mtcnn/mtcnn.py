"""The class ``MTCNN`` of ``mtcnn`` 0.1 and 1.0, on the detector ``mtcnn`` of this package.

Sources: the signatures and the READMEs of both versions. The networks are the same; boxes differ by a few pixels, since
the detector averages overlapping boxes and crops its inputs more exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from visavis.compat import note
from visavis.compat.mtcnn.stages import StageONet, StagePNet, StageRNet
from visavis.compat.mtcnn.utils.images import pixels_of
from visavis.detectors import DETECTORS, Detector
from visavis.errors import ImageError, UsageError
from visavis.types import RGB, Face

Detection: TypeAlias = dict[str, Any]
Rows: TypeAlias = NDArray[np.float64]
Stage: TypeAlias = "type[StagePNet | StageRNet | StageONet]"

STAGES: dict[str, list[Stage]] = {
    "face_detection_only": [StagePNet, StageRNet],
    "face_and_landmarks_detection": [StagePNet, StageRNet, StageONet],
}
KEYPOINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
MIN_FACE, SCALE_FACTOR = 20, 0.709
FIXED = {
    "min_size": 12, "scale_factor": SCALE_FACTOR, "nms_pnet1": 0.5, "nms_pnet2": 0.7, "nms_rnet": 0.7,
    "nms_onet": 0.7, "threshold_pnet": 0.6, "threshold_rnet": 0.7,
}  # fmt: skip
"""Options of the stages that are fixed in this detector, with their defaults."""


@cache
def _load_detector(min_score: float | None) -> Detector:
    """Load the detector, with its own threshold (.9) by default: .7 and .8 of the originals fit other scores."""
    return DETECTORS.create("mtcnn") if min_score is None else DETECTORS.create("mtcnn", min_score=min_score)


class MTCNN:
    """Find faces with five landmarks in RGB pictures.

    The arguments are those of 1.0 (``stages``, ``device``) and of 0.1 (``weights_file``, ``min_face_size``,
    ``steps_threshold``, ``scale_factor``); the first two positions accept those of both versions.
    """

    def __init__(
        self,
        stages: Any = None,
        device: str | float = "CPU:0",
        steps_threshold: Sequence[float] | None = None,
        scale_factor: float = SCALE_FACTOR,
        *,
        weights_file: Any = None,
        min_face_size: float = MIN_FACE,
    ) -> None:
        if isinstance(device, (int, float)):  # the second position of 0.1
            min_face_size, device = device, "CPU:0"
        if stages is not None and not _is_stages(stages):  # the first position of 0.1
            weights_file, stages = stages, None
        if weights_file is not None:
            note("weights_file changes nothing here: the weights are those that the mtcnn package carries.")
        if "CPU" not in device.upper():
            note("device changes nothing here: the networks run on the CPU.")
        self._stages = _check_stages(stages)
        self._device = device
        self._least = None if steps_threshold is None else _check_thresholds(steps_threshold)
        self.min_face_size = min_face_size
        _note_fixed({"scale_factor": scale_factor})

    @property
    def min_face_size(self) -> float:
        """Return the side in pixels of the smallest face to find."""
        return self._min_face_size

    @min_face_size.setter
    def min_face_size(self, size: float) -> None:
        self._min_face_size = float(size)

    @property
    def device(self) -> str:
        """Return the device as passed to the constructor."""
        return self._device

    @property
    def stages(self) -> list[Stage]:
        """Return the networks in use, as classes of ``stages.py``."""
        return self._stages

    def get_stage(self, stage_id: int | None = None, stage_name: str | None = None) -> Stage | None:
        """Return the stage with this number or name, None if there is none."""
        return next((stage for stage in self._stages if stage_id == stage.id or stage_name == stage.name), None)

    def predict(self, image: Any, **options: Any) -> Any:
        """Call :meth:`detect_faces`."""
        return self.detect_faces(image, **options)

    def detect_faces(
        self,
        image: Any,
        fit_to_image: bool = True,
        limit_boundaries_landmarks: bool = False,
        box_format: str = "xywh",
        output_type: str = "json",
        postprocess: bool = True,
        batch_stack_justification: str = "center",
        **thresholds: float,
    ) -> Any:
        """Return the faces of a picture, or of each picture of a list, best first.

        A picture is an RGB array, a path or bytes. A face is ``{"box": [x, y, w, h], "confidence", "keypoints":
        {"left_eye": (x, y), ...}}`` in whole pixels; with ``output_type="numpy"`` a row of ``(n, 16)``: number of the
        picture, box, confidence, five x, five y. Pictures are not stacked, so ``batch_stack_justification`` has no
        effect. A file or bytes that cannot be read give no face and a warning with the reason. Raises InvalidImage for
        None and other objects, UsageError for an unknown option.
        """
        inputs = image if isinstance(image, list) else [image]
        pictures = [_read_or_black(picture) for picture in inputs]
        least = thresholds.pop("threshold_onet", self._least)
        min_face = float(thresholds.pop("min_face_size", self._min_face_size))
        _note_fixed(thresholds)
        detected = _load_detector(least).detect(pictures, min_face=max(min_face, 1.0))
        fit = postprocess and fit_to_image
        parts = [
            _clip_rows(_to_rows(number, faces), picture, landmarks=limit_boundaries_landmarks)
            if fit
            else _to_rows(number, faces)
            for number, (picture, faces) in enumerate(zip(pictures, detected, strict=True))
        ]
        if output_type == "numpy":
            return self._to_array(parts, as_size=box_format == "xywh")
        answers = [[self._to_detection(row, as_size=box_format == "xywh") for row in rows] for rows in parts]
        return answers if isinstance(image, list) else answers[0]

    def _to_array(self, parts: Sequence[Rows], *, as_size: bool) -> Rows:
        rows = np.concatenate([np.empty((0, 16)), *parts])
        if as_size:
            rows[:, 3:5] -= rows[:, 1:3]
        return rows if StageONet in self._stages else rows[:, :6]

    def _to_detection(self, row: Rows, *, as_size: bool) -> Detection:
        box = row[1:5] - [0, 0, *row[1:3]] if as_size else row[1:5]
        answer: Detection = {"box": _to_integers(box), "confidence": float(row[5])}
        if StageONet in self._stages:
            points = zip(_to_integers(row[6:11]), _to_integers(row[11:16]), strict=True)
            answer["keypoints"] = dict(zip(KEYPOINTS, points, strict=True))
        return answer


def _read_or_black(image: Any) -> RGB:
    """Return the pixels of a picture; one black pixel if it cannot be read, as 1.0 finds no face there either."""
    try:
        return pixels_of(image)
    except ImageError as error:
        note(f"{error} No face was found in it.")
        return np.zeros((1, 1, 3), np.uint8)


def _is_stages(stages: Any) -> bool:
    return isinstance(stages, (list, tuple)) or stages in STAGES or "detection" in str(stages)


def _check_stages(stages: Any) -> list[Stage]:
    if stages is None:
        return STAGES["face_and_landmarks_detection"]
    if isinstance(stages, str):
        if stages not in STAGES:
            raise UsageError(f"Invalid stages option: {stages}. Must be one of {list(STAGES)}.")
        return STAGES[stages]
    kinds = [stage if isinstance(stage, type) else type(stage) for stage in stages]
    if kinds not in list(STAGES.values()):
        raise UsageError(
            f"stages can be the first two networks or all three, got {[stage.__name__ for stage in kinds]}."
        )
    return kinds


def _check_thresholds(steps: Sequence[float]) -> float:
    if len(steps) != 3:
        raise UsageError(f"steps_threshold holds one threshold a network, three in all, got {len(steps)}.")
    _note_fixed({"threshold_pnet": steps[0], "threshold_rnet": steps[1]})
    return float(steps[2])


def _note_fixed(options: dict[str, float]) -> None:
    for name, value in options.items():
        if name not in FIXED:
            raise UsageError(f"detect_faces has no option {name!r}; there are: threshold_onet, {', '.join(FIXED)}.")
        if value != FIXED[name]:
            note(f"{name}={value} changes nothing here: this detector has it fixed at {FIXED[name]}.")


def _to_rows(number: int, faces: Sequence[Face]) -> Rows:
    """Return rows ``(n, 16)``: number of the picture, x1, y1, x2, y2, confidence, five x, five y."""
    rows = [[number, *face.box, face.score, *face.landmarks[:, 0], *face.landmarks[:, 1]] for face in faces]
    return np.array(rows, np.float64).reshape(-1, 16)


def _clip_rows(rows: Rows, picture: RGB, *, landmarks: bool) -> Rows:
    """Clip boxes, and landmarks if requested, to the picture."""
    height, width = picture.shape[:2]
    fitted = rows.copy()
    fitted[:, [1, 3]] = rows[:, [1, 3]].clip(0, width - 1)
    fitted[:, [2, 4]] = rows[:, [2, 4]].clip(0, height - 1)
    if landmarks:
        fitted[:, 6:11] = rows[:, 6:11].clip(0, width - 1)
        fitted[:, 11:] = rows[:, 11:].clip(0, height - 1)
    return fitted


def _to_integers(values: Rows) -> list[int]:
    return [int(value) for value in values.round()]
