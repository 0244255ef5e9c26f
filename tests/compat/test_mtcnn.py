"""The stand-in for mtcnn: the published example, both versions' options, and what means nothing here."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from visavis import compat, images
from visavis.compat.mtcnn import MTCNN
from visavis.compat.mtcnn.exceptions import InvalidImage
from visavis.compat.mtcnn.stages import StageONet, StagePNet, StageRNet
from visavis.compat.mtcnn.utils import plotting
from visavis.compat.mtcnn.utils.images import load_image
from visavis.errors import UsageError

PUBLISHED = {
    "box": [277, 90, 48, 63],
    "keypoints": {
        "nose": (303, 131),
        "mouth_right": (313, 141),
        "right_eye": (314, 114),
        "left_eye": (291, 117),
        "mouth_left": (296, 143),
    },
}
"""Of ivan.jpg, by the README of mtcnn."""


@pytest.fixture(autouse=True)
def notes_anew() -> Iterator[None]:
    compat.note.cache_clear()
    yield
    compat.note.cache_clear()


@pytest.fixture(scope="module")
def ivan(data: Path) -> np.ndarray:
    return images.read(data / "photos/groups/ivan.jpg").pixels


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN()


def test_the_published_example(detector: MTCNN, ivan: np.ndarray) -> None:
    (face,) = detector.detect_faces(ivan)
    assert list(face) == ["box", "confidence", "keypoints"]
    assert np.abs(np.array(face["box"]) - PUBLISHED["box"]).max() <= 6
    assert face["confidence"] >= 0.99
    assert face["keypoints"].keys() == PUBLISHED["keypoints"].keys()
    for name, point in PUBLISHED["keypoints"].items():
        assert np.abs(np.array(face["keypoints"][name]) - point).max() <= 2.5, name
    assert json.loads(json.dumps(face))["box"] == face["box"]
    assert {type(value) for value in face["box"]} == {int}
    assert {type(point) for point in face["keypoints"].values()} == {tuple}


def test_no_faces(detector: MTCNN, data: Path) -> None:
    path = data / "photos/groups/no-faces.jpg"
    assert detector.detect_faces(images.read(path).pixels) == []
    assert detector.detect_faces(str(path)) == []
    assert detector.detect_faces(path.read_bytes(), output_type="numpy").shape == (0, 16)


def test_the_forms_of_an_answer_agree(detector: MTCNN, ivan: np.ndarray) -> None:
    (face,) = detector.detect_faces(ivan)
    x, y, width, height = face["box"]
    (corners,) = detector.predict(ivan, box_format="xyxy")
    assert np.abs(np.array(corners["box"]) - [x, y, x + width, y + height]).max() <= 1
    (row,) = detector.detect_faces(ivan, output_type="numpy")
    assert row[0] == 0
    assert row[1:5] == pytest.approx(face["box"], abs=0.51)
    assert row[5] == face["confidence"]
    assert row[6:].reshape(2, 5).T[2] == pytest.approx(face["keypoints"]["nose"], abs=0.51)
    (row,) = detector.detect_faces(ivan, output_type="numpy", box_format="xyxy")
    assert row[1:5] == pytest.approx(corners["box"], abs=0.51)


def test_a_list_of_pictures_of_different_sizes(detector: MTCNN, ivan: np.ndarray) -> None:
    alone = detector.detect_faces(ivan)
    flat = np.full((60, 90, 3), 128, np.uint8)
    assert detector.detect_faces([flat, ivan], batch_stack_justification="topleft") == [[], alone]
    rows = detector.detect_faces([ivan, flat, ivan], output_type="numpy")
    assert rows[:, 0].tolist() == [0, 2]


def test_what_a_picture_may_be(detector: MTCNN, ivan: np.ndarray, data: Path) -> None:
    """Floats in 0..255, a fourth channel, one channel, and what has numpy() as TensorFlow's tensors do."""

    class Tensor:
        def numpy(self) -> np.ndarray:
            return ivan.astype(np.float32)

    faces = detector.detect_faces(ivan)
    for other in (ivan.astype(np.float64), np.dstack([ivan, ivan[..., 0]]), Tensor(), load_image(ivan)):
        assert detector.detect_faces(other) == faces
    assert load_image(str(data / "photos/groups/ivan.jpg")).dtype == np.float32
    assert len(detector.detect_faces(ivan.mean(axis=2))) == 1


@pytest.mark.parametrize("picture", [None, 3, np.zeros((5, 5, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_what_a_picture_may_not_be(detector: MTCNN, picture: object) -> None:
    with pytest.raises(InvalidImage, match="Image not valid"):
        detector.detect_faces(picture)


def test_boxes_are_fitted_to_the_picture(detector: MTCNN, ivan: np.ndarray) -> None:
    """Of a face cut off by the edge; the landmarks only if that is wanted."""
    x, _, width, _ = detector.detect_faces(ivan)[0]["box"]
    cut = ivan[:, x + width // 4 :]
    (fitted,) = detector.detect_faces(cut, output_type="numpy", box_format="xyxy")
    assert fitted[1] == 0
    (free,) = detector.detect_faces(cut, output_type="numpy", box_format="xyxy", fit_to_image=False)
    (raw,) = detector.detect_faces(cut, output_type="numpy", box_format="xyxy", postprocess=False)
    assert free[1] < 0
    assert np.array_equal(free, raw)


def test_landmarks_are_brought_in_only_if_that_is_wanted(detector: MTCNN, ivan: np.ndarray) -> None:
    mouth = detector.detect_faces(ivan)[0]["keypoints"]["mouth_left"][1]
    cut = ivan[: mouth - 2]
    (loose,) = detector.detect_faces(cut, output_type="numpy")
    (tight,) = detector.detect_faces(cut, output_type="numpy", limit_boundaries_landmarks=True)
    assert loose[14] > tight[14] == mouth - 3
    assert np.array_equal(loose[:11], tight[:11])


def test_small_faces_are_left_out(ivan: np.ndarray) -> None:
    """By the option of either version, wherever it stands."""
    assert MTCNN(min_face_size=200).detect_faces(ivan) == []
    assert MTCNN(None, 200).detect_faces(ivan) == []
    assert MTCNN().detect_faces(ivan, min_face_size=200) == []
    detector = MTCNN(min_face_size=200)
    detector.min_face_size = 20
    assert len(detector.detect_faces(ivan)) == 1


def test_the_last_threshold_is_the_scripts(ivan: np.ndarray) -> None:
    few, more = MTCNN().detect_faces(ivan), MTCNN(steps_threshold=[0.6, 0.7, 0.3]).detect_faces(ivan)
    assert len(more) > len(few)
    assert more[: len(few)] == few
    assert MTCNN().detect_faces(ivan, threshold_onet=0.3) == more


def test_stages() -> None:
    assert MTCNN().stages == [StagePNet, StageRNet, StageONet]
    assert MTCNN("face_detection_only").stages == MTCNN([StagePNet, StageRNet]).stages == [StagePNet, StageRNet]
    assert MTCNN().get_stage(stage_id=2) is StageRNet
    assert MTCNN("face_detection_only").get_stage(stage_name="Stage ONET") is None
    for wrong in ("face_detection", [StageONet]):
        with pytest.raises(UsageError, match="stages"):
            MTCNN(stages=wrong)


def test_boxes_alone(ivan: np.ndarray) -> None:
    detector = MTCNN(stages="face_detection_only")
    (face,) = detector.detect_faces(ivan)
    assert list(face) == ["box", "confidence"]
    assert detector.detect_faces(ivan, output_type="numpy").shape == (1, 6)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"weights_file": "mtcnn_weights.npy"}, "weights_file"),
        ({"device": "GPU:0"}, "device"),
        ({"steps_threshold": [0.5, 0.7, 0.7]}, "threshold_pnet=0.5"),
        ({"scale_factor": 0.8}, "scale_factor=0.8"),
    ],
)
def test_options_without_effect_are_noted_once(options: dict[str, object], named: str) -> None:
    with pytest.warns(compat.CompatWarning, match=f"^{named} changes nothing here"):
        MTCNN(**options)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MTCNN(**options)  # type: ignore[arg-type]


def test_defaults_are_noted_nowhere(ivan: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MTCNN(None, 20, [0.6, 0.7, 0.7], 0.709).detect_faces(ivan, nms_rnet=0.7, min_size=12)


def test_wrong_options() -> None:
    with pytest.raises(UsageError, match="three in all, got 2"):
        MTCNN(steps_threshold=[0.6, 0.7])
    with pytest.raises(UsageError, match="no option 'treshold_onet'"):
        MTCNN().detect_faces(np.zeros((40, 40, 3), np.uint8), treshold_onet=0.5)


def test_answers_are_drawn(detector: MTCNN, ivan: np.ndarray) -> None:
    (face,) = detector.detect_faces(ivan)
    x, y, width, height = face["box"]
    drawn = plotting.plot(load_image(ivan), [face])
    assert drawn is not None
    assert drawn.dtype == np.uint8
    yellow = (drawn == (255, 255, 0)).all(axis=2)
    rows, columns = np.nonzero(yellow)
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (x, y, x + width, y + height)
    assert all(yellow[py, px] for px, py in face["keypoints"].values())
    assert np.array_equal(drawn[~yellow], ivan[~yellow])
    assert np.array_equal(drawn, plotting.plot(ivan, face))
    (corners,) = detector.detect_faces(ivan, box_format="xyxy")
    assert np.array_equal(plotting.plot(ivan, corners, input_as_width_height=False), drawn)
    red = plotting.plot_bbox(ivan, [-5, 10, 30, 1000], "#F00")
    assert (red[10:560, 25] == (255, 0, 0)).all()
    assert plotting.plot(ivan, []) is None


def test_notes_point_at_the_script(ivan: np.ndarray) -> None:
    """However deep in the stand-in the option was found."""
    with pytest.warns(compat.CompatWarning) as told:
        MTCNN(device="GPU:0", scale_factor=0.8).detect_faces(ivan, nms_onet=0.5)
    assert [one.filename for one in told] == [__file__] * 3


@pytest.mark.parametrize(
    ("picture", "why"), [(b"not_an_image", "is text, not a picture"), ("nowhere.jpg", "does not exist")]
)
def test_what_is_no_picture_shows_no_face_and_a_warning_says_so(picture: str | bytes, why: str) -> None:
    compat.note.cache_clear()
    with pytest.warns(compat.CompatWarning, match=f"{why}.* No face was found in it"):
        assert MTCNN().detect_faces(picture) == []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert MTCNN().detect_faces([picture, np.zeros((30, 30, 3), np.uint8)]) == [[], []]
        assert MTCNN().detect_faces(picture, output_type="numpy").shape == (0, 16)
