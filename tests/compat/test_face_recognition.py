"""The stand-in for face_recognition: dlib's own points, chips and embeddings, and the seven functions' manners."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import pictures
from visavis import compat, images
from visavis.compat import face_recognition as fr
from visavis.compat.face_recognition import _chips, api, face_detection_cli, face_recognition_cli
from visavis.errors import UsageError

OBAMA = (142, 617, 409, 349)
"""dlib's own box on obama.jpg, by face_recognition's tests."""

Photo = Callable[[str], np.ndarray]


@pytest.fixture(scope="module")
def photo(sample_photos: Path) -> Photo:
    known: dict[str, np.ndarray] = {}

    def load(name: str) -> np.ndarray:
        if name not in known:
            known[name] = fr.load_image_file(str(sample_photos / f"{name}.jpg"))
        return known[name]

    return load


# Pictures


def test_pictures_are_arrays_that_can_be_drawn_on(sample_photos: Path) -> None:
    path = sample_photos / "obama.jpg"
    picture = fr.load_image_file(path)
    assert picture.shape == (1137, 910, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.writeable
    with path.open("rb") as file:
        assert np.array_equal(fr.load_image_file(file), picture)
    with PIL.Image.open(path) as image:
        assert np.array_equal(picture, np.array(image.convert("RGB")))
        assert np.array_equal(fr.load_image_file(path, mode="L"), np.array(image.convert("L")))


def test_pictures_are_turned_upright() -> None:
    """Theirs are not: a telephone's photo of a face lies on its side there."""
    image = PIL.Image.new("RGB", (20, 10), "red")
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    file.seek(0)
    assert fr.load_image_file(file).shape == (20, 10, 3)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fr.load_image_file(str(tmp_path / "none.jpg"))
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(PIL.UnidentifiedImageError, match=r"text\.jpg"):
        fr.load_image_file(tmp_path / "text.jpg")


@pytest.mark.parametrize("picture", [np.zeros((5, 5, 3)), np.zeros((5, 5, 2), np.uint8), np.zeros(5, np.uint8)])
def test_arrays_that_are_no_pictures(picture: np.ndarray) -> None:
    with pytest.raises(UsageError, match="must be 8bit gray or RGB image"):
        fr.face_locations(picture)


# Boxes


def test_boxes_are_near_dlibs(photo: Photo) -> None:
    (box,) = fr.face_locations(photo("obama"))
    assert {type(side) for side in box} == {int}
    assert np.abs(np.array(box) - OBAMA).max() <= 20
    top, right, bottom, left = box
    assert right - left == pytest.approx(bottom - top, abs=1)


def test_boxes_are_trimmed_to_the_picture(photo: Photo) -> None:
    """As theirs; what is looked for landmarks in is not."""
    (box,) = fr.face_locations(photo("obama_partial_face"))
    assert box[3] == 0
    (raw,) = api._raw_face_locations(photo("obama_partial_face"))
    assert raw.left() < 0
    assert (raw.width(), raw.height()) == (raw.right() - raw.left() + 1, raw.bottom() - raw.top() + 1)


def test_boxes_of_many_pictures(photo: Photo) -> None:
    """Of different sizes, which theirs may not have."""
    pictures = [photo("obama"), np.zeros((90, 80, 3), np.uint8), photo("biden")]
    assert fr.batch_face_locations(pictures, batch_size=2) == [fr.face_locations(one) for one in pictures]


def test_upsampling_finds_smaller_faces(photo: Photo) -> None:
    """About 40 pixels without, half as many with each; the face of 268 pixels is reduced to 45, 27 and 17."""
    found = {
        factor: [
            len(fr.face_locations(np.array(PIL.Image.fromarray(photo("obama")).reduce(factor)), times))
            for times in range(3)
        ]
        for factor in (6, 10, 16)
    }
    assert found == {6: [1, 1, 1], 10: [0, 1, 1], 16: [0, 0, 1]}


def test_the_other_detector_is_the_same_one_and_that_is_noted(photo: Photo) -> None:
    compat.note.cache_clear()
    with pytest.warns(compat.CompatWarning, match="model='cnn'"):
        boxes = fr.face_locations(photo("obama"), model="cnn")
    assert boxes == fr.face_locations(photo("obama"), model="cnn")
    assert boxes == fr.face_locations(photo("obama"))
    (found,) = api._raw_face_locations(photo("obama"), model="cnn")
    assert found.rect.top() == boxes[0][0]
    assert found.confidence > 0.9


def test_gray_and_mirrored_pictures(photo: Photo) -> None:
    """Views of arrays too, as of a camera's BGR frames."""
    (box,) = fr.face_locations(photo("obama"))
    (gray,) = fr.face_locations(photo("obama").mean(axis=2).astype(np.uint8))
    assert np.abs(np.array(gray) - box).max() <= 12
    (mirrored,) = fr.face_locations(photo("obama")[:, ::-1])
    top, right, bottom, left = mirrored
    assert np.abs(np.array([top, 910 - left, bottom, 910 - right]) - box).max() <= 25


# Landmarks


def test_five_points_are_dlibs(photo: Photo) -> None:
    """On dlib's own box they are those that face_recognition's tests name."""
    (parts,) = fr.face_landmarks(photo("obama"), [OBAMA], model="small")
    assert list(parts) == ["nose_tip", "left_eye", "right_eye"]
    assert parts["nose_tip"] == [(496, 295)]
    assert [len(points) for points in parts.values()] == [1, 2, 2]
    assert {type(value) for point in parts["left_eye"] for value in point} == {int}


CHIN = [
    (369, 220), (372, 254), (378, 289), (384, 322), (395, 353), (414, 382), (437, 407), (464, 424), (495, 428),
    (527, 420), (552, 399), (576, 372), (594, 344), (604, 314), (610, 282), (613, 250), (615, 219),
]  # fmt: skip
"""Of obama.jpg, by face_recognition's tests."""


def test_sixty_eight_points_are_dlibs(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_ACCEPT_LICENSE", "1")
    (parts,) = fr.face_landmarks(photo("obama"), [OBAMA])
    sizes = {
        "chin": 17, "left_eyebrow": 5, "right_eyebrow": 5, "nose_bridge": 4, "nose_tip": 5, "left_eye": 6,
        "right_eye": 6, "top_lip": 12, "bottom_lip": 12,
    }  # fmt: skip
    assert {name: len(points) for name, points in parts.items()} == sizes
    assert parts["chin"] == CHIN
    assert parts["top_lip"][0] == parts["bottom_lip"][6]
    (own,) = fr.face_landmarks(photo("obama"))
    assert np.abs(np.array(own["chin"]) - CHIN).max() <= 6


def test_another_number_of_points(photo: Photo) -> None:
    with pytest.raises(ValueError, match=r"Supported models are \['small', 'large'\]"):
        fr.face_landmarks(photo("obama"), model="huge")


# Encodings


def test_encodings_are_apart_as_dlibs(photo: Photo) -> None:
    known = {name: fr.face_encodings(photo(name)) for name in ("obama", "obama2", "obama3", "biden")}
    assert {len(one) for one in known.values()} == {1}
    obama, *others = (one[0] for one in known.values())
    assert obama.shape == (128,)
    assert obama.dtype == np.float64
    assert 1.2 < np.linalg.norm(obama) < 1.7  # as they leave the network
    assert fr.compare_faces(others, obama) == [True, True, False]
    distances = fr.face_distance(others, obama)
    assert distances[:2].max() < 0.45
    assert distances[2] > 0.75
    assert fr.compare_faces(others, obama, tolerance=0.3) == [False, False, False]


def test_encodings_of_known_places(photo: Photo) -> None:
    both = np.concatenate([photo("obama")[:900], photo("biden")[:900]], axis=1)
    boxes = fr.face_locations(both)
    assert len(boxes) == 2
    one, other = fr.face_encodings(both, boxes)
    swapped = fr.face_encodings(both, boxes[::-1])
    assert np.allclose(one, swapped[1], atol=1e-5)
    assert np.linalg.norm(one - other) > 0.75
    assert fr.face_encodings(both, []) == []
    assert fr.face_encodings(np.zeros((50, 50, 3), np.uint8)) == []


def test_jitter_is_a_mean_and_the_same_each_time(photo: Photo) -> None:
    plain = fr.face_encodings(photo("obama"))[0]
    shaken = fr.face_encodings(photo("obama"), num_jitters=8)[0]
    assert np.array_equal(shaken, fr.face_encodings(photo("obama"), num_jitters=8)[0])
    assert 0.01 < np.linalg.norm(shaken - plain) < 0.25


def test_68_points_give_nearly_the_same_encoding(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_ACCEPT_LICENSE", "1")
    small, large = (fr.face_encodings(photo("obama"), model=model)[0] for model in ("small", "large"))
    assert 0 < np.linalg.norm(small - large) < 0.3


def test_distances_by_hand() -> None:
    known = [np.array([0.0, 0.0]), np.array([3.0, 4.0])]
    assert fr.face_distance(known, np.array([0.0, 0.0])).tolist() == [0, 5]
    assert fr.compare_faces(known, np.array([0.0, 0.6])) == [True, False]
    for nothing in ([], np.array([])):
        assert fr.face_distance(nothing, np.zeros(2)).shape == (0,)
        assert fr.compare_faces(nothing, np.zeros(2)) == []


# Chips


DLIB = {
    "biden": ((241, 740, 562, 419), "c69c2b65f5aa3065", "e7caf96c8a43e2c0", [0.002126, 0.181517, 0.08943, -0.028907]),
    "obama": ((142, 617, 409, 349), "5ac6048fd30edebf", "8ca3a01e4f7ccc1e", [-0.091434, 0.130861, 0.013144, -0.057884]),
    "obama2": ((290, 438, 558, 171), "87aaa77a682fcc6f", "94e4ff7378495167", [-0.059435, 0.117754, 0.037352, -0.08683]),
    "obama3": ((277, 954, 598, 633), "b0b4ddda49ed3157", "37a24d1b11fbe22c", [-0.090028, 0.1249, 0.026283, -0.043561]),
    "obama_partial_face": (
        (142, 191, 365, -56), "906b9de72037d414", "68c3b1d94bc25539", [-0.088871, 0.165381, -0.00909, -0.058138],
    ),
}  # fmt: skip
"""By dlib 20.0 itself: its HOG box, digests of ``get_face_chip(image, points, 150, .25)`` of the chips by its 5 and its
68 points, and the first figures of ``compute_face_descriptor`` by the 5. Two are reduced by half first."""


@pytest.mark.parametrize("name", DLIB)
def test_chips_and_encodings_are_dlibs(photo: Photo, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("VISAVIS_ACCEPT_LICENSE", "1")
    box, *digests, figures = DLIB[name]
    found = []
    for model in ("small", "large"):
        (points,) = api._raw_face_landmarks(photo(name), [box], model)
        chip = _chips.cut_chips(photo(name), points.points[None])
        found.append(hashlib.sha256(chip.tobytes()).hexdigest()[:16])
    assert found == digests
    (encoding,) = fr.face_encodings(photo(name), [box])
    assert encoding[: len(figures)] == pytest.approx(figures, abs=1e-5)


def test_a_face_that_lies_as_the_mean_is_cut_out_as_it_is() -> None:
    """But for dlib's rectangle: 149 pixels around (75, 75), so each pixel is the mean of four neighbors, cut off."""
    places = (_chips.MEAN_5 + 0.25) / 1.5 * 150
    square = _chips._fit_square(places)
    assert square.corner == pytest.approx(0.5 + 0.5j)
    assert (square.side, square.angle) == pytest.approx((149, 0))
    picture = np.random.default_rng(0).integers(0, 256, (151, 151, 3), np.uint8)
    wide = picture.astype(int)
    means = (wide[:-1, :-1] + wide[:-1, 1:] + wide[1:, :-1] + wide[1:, 1:]) // 4
    assert np.array_equal(_chips._cut(picture, square), means)
    assert _chips.cut_chips(picture, np.empty((0, 5, 2), np.int64)).shape == (0, 150, 150, 3)


def test_large_faces_are_reduced_by_halves() -> None:
    """A slope stays that slope, whatever its size; which is where dlib's odd corner shows least."""
    slope = np.tile(np.arange(2000) // 10, (2000, 1)).astype(np.uint8)
    picture = np.dstack([slope, slope, slope])
    for size in (200, 350, 700, 1300):
        points = np.round((_chips.MEAN_5 + 0.25) / 1.5 * size + 300).astype(np.int64)
        (chip,) = _chips.cut_chips(picture, points[None])
        expected = (300 + (np.arange(150) + 0.5) * size / 150) / 10
        assert np.abs(chip[75, :, 0] - expected).max() <= 3.5
    assert _chips._reduce(picture).shape == (998, 998, 3)
    assert _chips._reduce(picture)[5, 100, 0] == slope[0, 202]


def test_chips_beyond_the_picture_are_black() -> None:
    white = np.full((40, 40, 3), 255, np.uint8)
    for shift, size in ((1000, 100), (1000, 5000), (-30, 60)):
        points = np.round((_chips.MEAN_5 + 0.25) / 1.5 * size + shift).astype(np.int64)
        (chip,) = _chips.cut_chips(white, points[None])
        assert set(np.unique(chip)) <= {0, 255}
        assert (chip == 0).any()


def test_jittered_chips_stay_near() -> None:
    ramp = np.tile(np.arange(150, dtype=np.uint8), (150, 1))
    chip = np.dstack([ramp, ramp, ramp])
    some = _chips.jitter(chip, count=6)
    assert some.shape == (6, 150, 150, 3)
    inner = some[:, 30:120, 30:120].astype(int)
    straight, mirrored = inner[::2], 149 - inner[1::2]
    for each in (straight, mirrored):
        assert np.abs(each - chip[30:120, 30:120]).max() <= 12
    assert len({one.tobytes() for one in some}) == 6


def test_a_picture_that_is_cut_off_is_loaded_as_far_as_it_goes(tmp_path: Path) -> None:
    """As theirs loads it: Pillow, told to load truncated pictures, puts the end marker where the data end."""
    data = pictures.jpeg(pictures.scene(160, 120))
    path = pictures.write(tmp_path, "cut.jpg", data[: len(data) * 2 // 3])
    compat.note.cache_clear()
    with pytest.warns(compat.CompatWarning, match=r"cut\.jpg' is cut off.* What there is of it was loaded"):
        loaded = fr.load_image_file(path)
    code = (
        "import sys, numpy as np; from PIL import Image, ImageFile; ImageFile.LOAD_TRUNCATED_IMAGES = True\n"
        "sys.stdout.buffer.write(np.array(Image.open(sys.argv[1]).convert('RGB')).tobytes())"
    )
    theirs = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True).stdout
    assert loaded.tobytes() == theirs
    assert not np.array_equal(loaded, images.read(data).pixels)


def test_a_buffer_is_loaded_wherever_it_stands() -> None:
    buffer = io.BytesIO()
    PIL.Image.fromarray(pictures.scene()).save(buffer, "PNG")
    for _ in range(2):
        assert np.array_equal(fr.load_image_file(buffer), pictures.scene())


def test_lines_of_the_commands_are_printable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "a\x1b]0;owned\x07\u202e.jpg"
    face_recognition_cli.print_result(evil, "Ann\x9b", 0.5, show_distance=True)
    face_recognition_cli.print_result(evil, "Ann", None)
    monkeypatch.setattr(api, "load_image_file", lambda file: file)
    monkeypatch.setattr(api, "face_locations", lambda picture, **options: [(1, 2, 3, 4)])
    face_detection_cli.test_image(evil)
    shown = "a\\x1b]0;owned\\x07\\u202e.jpg"
    assert capsys.readouterr().out == f"{shown},Ann\\x9b,0.5\n{shown},Ann\n{shown},1,2,3,4\n"
