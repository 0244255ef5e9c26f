"""Photos to faces and embeddings: order, statuses, batches; and the questions asked of two photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest

import visavis
from cli.fakes import BLUE, DARK_RED, DETECTOR, GRAY, MODEL, RED, Colors, Squares, but_quality, photo
from detectors import drawn
from visavis import compare, images, pipeline, verification
from visavis.defaults import EMBEDDER
from visavis.detectors import DETECTORS, Detector
from visavis.detectors._any_orientation import AnyOrientation
from visavis.embedders import EMBEDDERS
from visavis.errors import (
    ImageError,
    MissingImageError,
    NoFaceError,
    TooLargeImageError,
    UnknownNameError,
    UnreadableImageError,
    UsageError,
    WeightsError,
)
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face, Floats, PhotoFaces


class Logging(Squares):
    """Finds squares, and remembers how many pictures each call brought and what was asked for."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.min_faces: list[float] = []

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        self.calls.append(len(pictures))
        self.min_faces.append(min_face)
        return super().detect(pictures, min_face=min_face)


class Counting(Colors):
    """The direction of colors, and how many crops each call brought."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def embed(self, crops: RGB) -> Floats:
        self.calls.append(len(crops))
        return super().embed(crops)


class Faulty(Colors):
    """An embedder of someone else, which answers with the same row to every crop."""

    def __init__(self, row: Sequence[float]) -> None:
        self._row = row

    def embed(self, crops: RGB) -> Floats:
        return np.array([self._row] * len(crops), np.float32)


GRAY_PICTURE = np.full((40, 40, 3), 128, np.uint8)


@pytest.fixture
def detector() -> Logging:
    return Logging()


@pytest.fixture
def embedder() -> Counting:
    return Counting()


@pytest.fixture
def fake(detector: Logging, embedder: Counting) -> Recognizer:
    return Recognizer(detector=detector, embedder=embedder)


@pytest.fixture
def mixed(tmp_path: Path) -> list[Path]:
    """Photos with two faces, none and one; between them what is no photo."""
    text = tmp_path / "b.txt"
    text.write_text("no picture")
    (tmp_path / "e.png" / "nothing").mkdir(parents=True)
    return [
        photo(tmp_path / "a.png", (RED, 10, 10, 60), (BLUE, 100, 40, 90)),
        text,
        tmp_path / "c.png",
        photo(tmp_path / "d.png"),
        tmp_path / "e.png" / "nothing",
        photo(tmp_path / "f.png", (DARK_RED, 30, 30, 40)),
    ]


STATUSES = ["ok", "unreadable", "missing", "no_face", "unreadable", "ok"]
DIRECTIONS = {color: np.array(color) / np.linalg.norm(color) for color in (RED, DARK_RED, BLUE)}


# --- detect and represent


def test_answers_come_in_the_order_of_the_photos(fake: Recognizer, mixed: list[Path]) -> None:
    for answers in (list(fake.detect(mixed)), list(fake.represent(mixed))):
        assert [one.status for one in answers] == STATUSES
        assert [one.name for one in answers] == [str(path) for path in mixed]
        assert [len(one.faces) for one in answers] == [2, 0, 0, 0, 0, 1]
        assert [len(one.quality) for one in answers] == [2, 0, 0, 0, 0, 1]


def test_what_cannot_be_read_says_why(fake: Recognizer, mixed: list[Path]) -> None:
    for one in fake.represent(mixed):
        if one.status == "ok":
            assert one.message == ""
        else:
            assert one.message.endswith(".")
        assert (one.photo is None) == (one.status in ("unreadable", "missing"))
        assert (one.embeddings is None) == (one.photo is None)


def test_detection_embeds_nothing(fake: Recognizer, embedder: Counting, mixed: list[Path]) -> None:
    assert all(one.embeddings is None for one in fake.detect(mixed))
    assert embedder.calls == []


def test_each_photo_gets_the_embeddings_of_its_own_faces(fake: Recognizer, mixed: list[Path]) -> None:
    first, *_, empty, _, last = fake.represent(mixed)
    assert first.embeddings is not None
    np.testing.assert_allclose(first.embeddings, [DIRECTIONS[BLUE], DIRECTIONS[RED]], atol=0.02)  # the larger is first
    assert empty.embeddings is not None
    assert empty.embeddings.shape == (0, 3)
    assert last.embeddings is not None
    np.testing.assert_allclose(last.embeddings, [DIRECTIONS[DARK_RED]], atol=0.02)


def small(faces: int) -> RGB:
    """A picture of 90 x 40 pixels with so many faces: none, a red one, or a red and a blue one."""
    picture = np.full((40, 90, 3), GRAY, np.uint8)
    for number, color in enumerate((RED, BLUE)[:faces]):
        picture[5 : 35 + number, 5 + 40 * number : 35 + 41 * number] = color
    return picture


def test_photos_go_to_the_networks_in_batches(fake: Recognizer, detector: Logging, embedder: Counting) -> None:
    answers = list(fake.represent([small(n % 3) for n in range(40)]))
    assert detector.calls == [16, 16, 8]
    assert embedder.calls == [15, 16, 8]  # 0 1 2 0 1 2 ...: faces of 16, 16 and 8 photos
    for n, one in enumerate(answers):
        assert one.embeddings is not None
        expected = [DIRECTIONS[color] for color in (BLUE, RED)[2 - n % 3 :]] if n % 3 else np.empty((0, 3))
        np.testing.assert_allclose(one.embeddings, expected, atol=0.02)


def test_large_photos_close_a_batch_early(fake: Recognizer, detector: Logging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH_PIXELS", 3 * 90 * 40)
    assert len(list(fake.detect([small(0) for _ in range(8)]))) == 8
    assert detector.calls == [3, 3, 2]


def test_no_more_is_read_than_is_asked_for(fake: Recognizer) -> None:
    read: list[int] = []

    def sources() -> Iterator[RGB]:
        for n in range(100):
            read.append(n)
            yield small(1)

    answers = fake.detect(sources())
    assert read == []
    next(answers)
    assert len(read) == 16


def test_nothing_but_unreadable_photos(fake: Recognizer, embedder: Counting, tmp_path: Path) -> None:
    missing = [tmp_path / f"{n}.png" for n in range(20)]
    for answers in (fake.detect(missing), fake.represent(missing)):
        assert [one.status for one in answers] == ["missing"] * 20
    assert embedder.calls == []


def test_no_photos_no_answers(fake: Recognizer, detector: Logging) -> None:
    assert list(fake.detect([])) == list(fake.represent([])) == []
    assert detector.calls == []


def test_photos_come_from_anywhere(fake: Recognizer, tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png", (RED, 10, 10, 60))
    pixels = images.read(path).pixels
    answers = list(fake.detect([str(path), path.read_bytes(), pixels]))
    assert [one.name for one in answers] == [str(path), "bytes", "array"]
    assert [len(one.faces) for one in answers] == [1, 1, 1]


def test_the_smallest_face_is_handed_on(fake: Recognizer, detector: Logging, tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png", (RED, 10, 10, 60), (BLUE, 100, 10, 30))
    assert [len(one.faces) for one in fake.detect([path], min_face=40)] == [1]
    assert [len(one.faces) for one in fake.represent([path], min_face=25)] == [2]
    fake.verify(path, path, min_face=33, threshold=0.5)
    assert detector.min_faces == [40, 25, 33]


def test_an_error_of_the_programmer_is_no_status() -> None:
    class Broken(Squares):
        def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        list(Recognizer(detector=Broken()).detect([np.zeros((30, 30, 3), np.uint8)]))


def test_the_embedder_is_loaded_while_faces_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector waits for the embedder to be loaded; what hinders that is raised as it was."""
    loaded, fault = Event(), WeightsError("no weights.")

    class Waiting(Squares):
        def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
            assert loaded.wait(120)
            return super().detect(pictures, min_face=min_face)

    def load(*, threads: int | None = None) -> Colors:
        loaded.set()
        if faulty:
            raise fault
        return Colors()

    monkeypatch.setitem(EMBEDDERS._factories, "test-late", load)
    for faulty in (False, True):
        loaded.clear()
        answers = Recognizer(detector=Waiting(), embedder="test-late").represent([GRAY_PICTURE])
        if faulty:
            with pytest.raises(WeightsError) as caught:
                next(answers)
            assert caught.value is fault
        else:
            assert next(answers).status == "no_face"


def test_without_a_detector_no_embedder_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_detector(*, threads: int | None = None) -> Squares:
        raise WeightsError("no detector.")

    monkeypatch.setitem(DETECTORS._factories, "test-none", no_detector)
    monkeypatch.setitem(EMBEDDERS._factories, "test-late", lambda threads: pytest.fail("it is loaded"))
    with pytest.raises(WeightsError, match="no detector"):
        next(Recognizer(detector="test-none", embedder="test-late").represent([GRAY_PICTURE]))


def test_networks_are_loaded_when_needed_and_once() -> None:
    lazy = Recognizer(embedder=MODEL, threads=1)
    assert lazy.embedder is lazy.embedder
    assert lazy.embedder.name == MODEL
    assert "detector" not in vars(lazy)


def test_wrong_names_are_refused_at_once() -> None:
    with pytest.raises(UnknownNameError, match="no detector is called 'mtcn'; did you mean mtcnn"):
        Recognizer(detector="mtcn")
    with pytest.raises(UnknownNameError, match="no model is called 'dlib-resnett'; did you mean dlib-resnet"):
        Recognizer(embedder="dlib-resnett@2")
    for call in (visavis.detect, visavis.embed, lambda photo, **more: visavis.verify(photo, photo, **more)):
        with pytest.raises(UnknownNameError, match="no detector is called 'yunett'"):
            call("missing.jpg", detector="yunett")


def test_verify_takes_a_detector_and_a_smallest_face(tmp_path: Path) -> None:
    red = photo(tmp_path / "red.png", (RED, 40, 50, 60))
    answer = visavis.verify(red, red, threshold=0.1, model=MODEL, detector=DETECTOR, min_face=50)
    assert (answer.same, answer.detector, answer.model) == (True, DETECTOR, MODEL)
    with pytest.raises(NoFaceError):
        visavis.verify(red, red, threshold=0.1, model=MODEL, detector=DETECTOR, min_face=70)
    assert visavis.embed(red, model=MODEL, detector=DETECTOR).shape == (1, 3)


# --- verify


@pytest.fixture
def red(tmp_path: Path) -> Path:
    return photo(tmp_path / "red.png", (RED, 10, 10, 60))


@pytest.fixture
def dark_red(tmp_path: Path) -> Path:
    return photo(tmp_path / "dark.png", (DARK_RED, 100, 80, 50))


@pytest.fixture
def blue(tmp_path: Path) -> Path:
    return photo(tmp_path / "blue.png", (BLUE, 60, 20, 80))


def test_near_embeddings_are_the_same_and_far_ones_are_not(
    fake: Recognizer, red: Path, dark_red: Path, blue: Path
) -> None:
    near, far = fake.verify(red, dark_red, threshold=0.1), fake.verify(red, blue, threshold=0.1)
    assert near.same
    assert near.distance == pytest.approx(1 - DIRECTIONS[RED] @ DIRECTIONS[DARK_RED], abs=0.01)
    assert not far.same
    assert far.distance == pytest.approx(1, abs=0.02)
    assert (near.model, near.detector) == (MODEL, Squares.name)
    assert (near.faces_a, near.faces_b, but_quality(near.notes)) == (1, 1, [])
    assert (near.far, near.probability) == (None, None)  # nobody has calibrated colors


def test_a_photo_is_itself(fake: Recognizer, red: Path) -> None:
    found = fake.verify(red, red, threshold=0.0)
    assert found.distance == pytest.approx(0, abs=1e-6)
    assert found.threshold == 0  # and not a default in its place


@pytest.mark.parametrize("metric", compare.METRICS)
def test_distance_and_threshold_are_in_the_metric_asked_for(
    fake: Recognizer, red: Path, dark_red: Path, metric: str
) -> None:
    cosine = fake.verify(red, dark_red, threshold=0.5).distance
    loose, strict = (
        fake.verify(red, dark_red, metric=metric, threshold=compare.from_cosine(c, metric))
        for c in (cosine + 1e-4, cosine - 1e-4)
    )
    assert loose.same
    assert not strict.same
    assert loose.metric == metric
    assert loose.distance == pytest.approx(compare.from_cosine(cosine, metric), abs=1e-5)
    assert loose.threshold == pytest.approx(compare.from_cosine(cosine + 1e-4, metric), abs=1e-6)


class SmallestFirst(Squares):
    """Finds squares, and is surest of the smallest."""

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        return [faces[::-1] for faces in super().detect(pictures, min_face=min_face)]


@pytest.mark.parametrize("finder", [Squares, SmallestFirst])
def test_of_several_faces_the_largest_is_used_and_that_is_said(
    finder: type[Squares], tmp_path: Path, blue: Path
) -> None:
    fake = Recognizer(detector=finder(), embedder=Colors())
    several = photo(tmp_path / "several.png", (RED, 10, 10, 60), (BLUE, 100, 40, 90), (DARK_RED, 250, 10, 40))
    found = fake.verify(several, blue, threshold=0.1)
    assert found.same
    assert (found.faces_a, found.faces_b) == (3, 1)
    said = [f"{several} shows 3 faces: the largest was used."]
    assert but_quality(found.notes) == said
    assert but_quality(fake.verify(blue, several, threshold=0.1).notes) == said
    assert but_quality(fake.verify(several, several, threshold=0.1).notes) == 2 * said


def test_a_model_without_a_table_needs_a_threshold(fake: Recognizer, red: Path) -> None:
    with pytest.raises(UsageError, match=f"{MODEL} is uncalibrated"):
        fake.verify(red, red)


@pytest.mark.parametrize("row", [(0, 0, 0), (np.nan, 1, 0), (np.inf, 0, 0)])
def test_an_embedding_of_no_face_is_an_error_and_no_distance(row: Sequence[float], red: Path) -> None:
    recognizer = Recognizer(detector=Squares(), embedder=Faulty(row))
    with pytest.raises(
        WeightsError, match=f"^{MODEL} computes an embedding that is zero or not finite: its network is"
    ):
        recognizer.verify(red, red, threshold=0.5)
    photo_faces = next(iter(Recognizer(detector=Squares(), embedder=Colors()).represent(red)))
    faulty = replace(photo_faces, embeddings=np.array([row], np.float32))
    rule = recognizer.rule(threshold=0.5)
    for first, second in ((faulty, photo_faces), (photo_faces, faulty)):
        with pytest.raises(UsageError, match=r"^embedding 0 is zero or not finite: it stands for no face"):
            verification.compare_photos(rule, first, second)


def test_an_unknown_metric_is_refused(fake: Recognizer, red: Path) -> None:
    with pytest.raises(UsageError, match="no metric is called 'euclid'"):
        fake.verify(red, red, threshold=0.1, metric="euclid")


def test_no_face_in_either_photo(fake: Recognizer, red: Path, tmp_path: Path) -> None:
    empty = photo(tmp_path / "empty.png")
    for pair in ((red, empty), (empty, red)):
        with pytest.raises(NoFaceError) as caught:
            fake.verify(*pair, threshold=0.1)
        assert str(caught.value) == f"no face was found in {empty}."


@pytest.mark.parametrize("second", [False, True])
def test_photos_that_cannot_be_read_raise_their_own_error(
    fake: Recognizer, red: Path, tmp_path: Path, second: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "a.txt"
    text.write_text("no picture")
    bad: list[tuple[Path, type[ImageError]]] = [
        (tmp_path / "nowhere.png", MissingImageError),
        (text, UnreadableImageError),
    ]
    for path, error in bad:
        with pytest.raises(error, match=path.name):
            fake.verify(*((red, path) if second else (path, red)), threshold=0.1)


def test_every_status_of_a_photo_has_its_error() -> None:
    for error in (MissingImageError, UnreadableImageError, TooLargeImageError, NoFaceError):
        answer = PhotoFaces(name="a", status=error.status, message="because.")
        with pytest.raises(error, match=r"because\."):
            verification.require_faces(answer)


def test_an_answer_without_embeddings_has_no_largest() -> None:
    with pytest.raises(ValueError, match="carries no embeddings"):
        verification.largest_embedding(PhotoFaces(name="a", status="ok"))


def test_a_list_of_photos_is_answered_photo_by_photo(
    red: Path, dark_red: Path, blue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = Counting()
    monkeypatch.setattr(pipeline, "shared_recognizer", lambda **_: Recognizer(detector=Squares(), embedder=embedder))
    photos = [dark_red, tmp_path / "nowhere.png", blue]
    answers = visavis.verify(red, photos, threshold=0.1)
    assert [answer.photo for answer in answers] == [str(photo) for photo in photos]
    assert [answer.same for answer in answers] == [True, None, False]
    assert [bool(answer) for answer in answers] == [True, False, False]
    assert answers[1].status == "missing"
    assert sum(embedder.calls) == 3  # the known photo once
    assert visavis.verify(red, tuple(photos), threshold=0.1)[0].distance == answers[0].distance
    assert visavis.verify(red, [], threshold=0.1) == []
    assert visavis.verify(red, dark_red, threshold=0.1).same  # one photo stays one answer


def test_in_a_list_the_known_photo_must_show_a_face(fake: Recognizer, red: Path, tmp_path: Path) -> None:
    empty = photo(tmp_path / "empty.png")
    with pytest.raises(NoFaceError, match="no face was found in"):
        list(fake.verify_each(empty, [red], rule=fake.rule(threshold=0.1)))


# --- the calibrated default model


DRAWN = drawn.picture(320, 240, (30, 20, 70))
OTHER = drawn.picture(320, 240, (100, 80, 60), (10, 20, 45))


@pytest.fixture(scope="module")
def default() -> Recognizer:
    return Recognizer()


def table() -> compare.Calibration:
    found = compare.calibration(EMBEDDER)
    assert found is not None
    return found


def share_left(recognizer: Recognizer) -> float:
    """Return what is left of the threshold between the two drawn photos, whose faces look poor to a network."""
    shares = []
    for answer in recognizer.represent([DRAWN, OTHER]):
        assert answer.embeddings is not None
        shares.append(table().threshold_share(answer.embeddings[answer.largest], answer.quality[answer.largest]))
    share = table().threshold_share_of_pair(*shares)
    assert share is not None
    return share


@pytest.mark.parametrize("far", [1e-2, 1e-3])
def test_the_threshold_is_that_of_the_far(default: Recognizer, far: float) -> None:
    found = default.verify(DRAWN, OTHER, far=far)
    share = share_left(default)
    assert 0.8 < share <= 1
    assert found.threshold == pytest.approx(table().threshold(far) * share)
    assert found.far == far
    assert found.probability == pytest.approx(table().probability(found.distance / share))
    assert found.same == (found.distance <= found.threshold)
    assert but_quality(found.notes) == ["array shows 2 faces: the largest was used."]


def test_a_threshold_in_another_metric_still_says_its_far(default: Recognizer) -> None:
    threshold = compare.from_cosine(table().threshold(1e-2) * share_left(default), "l2")
    found = default.verify(DRAWN, OTHER, threshold=threshold, metric="l2")
    assert found.threshold == pytest.approx(threshold)
    assert found.far == pytest.approx(1e-2, rel=1e-6)
    assert default.verify(DRAWN, OTHER, threshold=1.9).far is None


def test_a_far_that_was_not_measured_is_refused(default: Recognizer) -> None:
    with pytest.raises(UsageError, match=f"was not measured for {EMBEDDER}"):
        default.verify(DRAWN, OTHER, far=1e-12)


def test_verification_is_symmetric(default: Recognizer) -> None:
    one, other = default.verify(DRAWN, OTHER), default.verify(OTHER, DRAWN)
    assert one.distance == pytest.approx(other.distance, abs=1e-6)
    assert (one.same, one.threshold, one.faces_a, one.faces_b) == (
        other.same,
        other.threshold,
        other.faces_b,
        other.faces_a,
    )


def test_a_photo_and_its_copy_have_distance_zero(default: Recognizer) -> None:
    found = default.verify(DRAWN, DRAWN.copy())
    assert found.distance == pytest.approx(0, abs=1e-5)
    assert found.same
    assert found.probability is not None
    assert found.probability > 0.9


# --- functions of one photo


def test_functions_answer_as_the_default_recognizer_does(default: Recognizer) -> None:
    (expected,) = default.represent([OTHER])
    faces, embeddings = visavis.detect(OTHER), visavis.embed(OTHER)
    drawn.assert_same(faces, list(expected.faces))
    assert expected.embeddings is not None
    np.testing.assert_allclose(embeddings, expected.embeddings, atol=1e-5)
    assert embeddings.shape == (2, 128)
    assert visavis.verify(DRAWN, OTHER).distance == pytest.approx(default.verify(DRAWN, OTHER).distance, abs=1e-5)


def test_crops_show_each_face_with_its_margin() -> None:
    crops = visavis.extract(OTHER, size=80, margin=0.5)
    assert crops.shape == (2, 80, 80, 3)
    for crop, face in zip(crops, visavis.detect(OTHER), strict=True):
        ((found,), side) = (visavis.detect(crop), max(face.width, face.height))
        assert max(found.width, found.height) == pytest.approx(80 / 1.5, rel=0.2)
        assert side > 20
    assert visavis.extract(np.full((50, 60, 3), 128, np.uint8), size=32).shape == (0, 32, 32, 3)


def test_a_photo_without_faces_gives_nothing() -> None:
    plain = np.full((50, 60, 3), 128, np.uint8)
    assert visavis.detect(plain) == []
    assert visavis.embed(plain).shape == (0, 128)


@pytest.mark.parametrize("ask", [visavis.detect, visavis.embed, visavis.extract])
def test_a_photo_that_is_not_there_raises(ask: object, tmp_path: Path) -> None:
    with pytest.raises(MissingImageError, match=r"nowhere\.png"):
        ask(tmp_path / "nowhere.png")  # type: ignore[operator]


def test_the_smallest_face_is_an_option_of_all() -> None:
    assert visavis.detect(OTHER, min_face=200) == []
    assert len(visavis.embed(OTHER, min_face=200)) == 0
    assert len(visavis.extract(OTHER, min_face=200)) == 0


def test_recognizers_are_shared_by_name() -> None:
    one, other = pipeline.shared_recognizer(embedder=MODEL), pipeline.shared_recognizer(embedder=MODEL)
    assert one is other
    assert one is not pipeline.shared_recognizer()
    assert pipeline.shared_recognizer() is pipeline.shared_recognizer(detector="mtcnn", embedder=EMBEDDER)


def test_a_detector_of_another_kind_is_all_it_takes() -> None:
    detector: Detector = Squares()
    gray = np.full((60, 80, 3), GRAY, np.uint8)
    assert [one.status for one in Recognizer(detector=detector).detect([gray])] == ["no_face"]


# --- photographs


@pytest.mark.parametrize("other", ["obama2.jpg", "obama3.jpg"])
def test_one_president_is_himself(data: Path, default: Recognizer, other: str) -> None:
    folder = data / "photos" / "presidents"
    found = default.verify(folder / "obama.jpg", folder / other)
    assert found.same
    assert found.probability is not None
    assert found.probability > 0.9


@pytest.mark.parametrize("one", ["obama.jpg", "obama2.jpg", "obama3.jpg"])
def test_two_presidents_are_two(data: Path, default: Recognizer, one: str) -> None:
    folder = data / "photos" / "presidents"
    found = default.verify(folder / one, folder / "biden.jpg")
    assert not found.same
    assert found.probability is not None
    assert found.probability < 0.1


@pytest.mark.parametrize("other", ["sharon_stone3.jpg"])
def test_an_actress_is_herself_and_no_actor(data: Path, default: Recognizer, other: str) -> None:
    folder = data / "photos" / "tutorial"
    assert default.verify(folder / "sharon_stone1.jpg", folder / other).same
    assert not default.verify(folder / "sharon_stone1.jpg", folder / "channing_tatum.jpg").same


@pytest.mark.parametrize("size", [0, -3, 2.5, 10**6, float("nan")])
def test_a_size_that_is_none_is_refused_before_a_photo_is_looked_at(size: float) -> None:
    with pytest.raises(UsageError, match=r"size is a whole number of pixels from 1 to 16,384, got "):
        pipeline.extract("nowhere.jpg", size=size)  # type: ignore[arg-type]


@pytest.mark.parametrize("margin", [float("nan"), float("inf"), -1.0])
def test_a_margin_that_is_none_is_refused_before_a_photo_is_looked_at(margin: float) -> None:
    with pytest.raises(UsageError, match=r"margin is a part of the box's sides, above -1, got "):
        pipeline.extract("nowhere.jpg", margin=margin)


def test_an_unknown_metric_is_refused_before_a_photo_is_looked_at() -> None:
    with pytest.raises(UsageError, match=r"no metric is called 'euclid'; there are: cosine, l2, squared_l2, angle"):
        pipeline.verify("nowhere.jpg", "nowhere.jpg", metric="euclid")


class Doubtless(Squares):
    """Finds squares, and has no doubt of a face from the score of .98 on."""

    certain = 0.98


@pytest.mark.parametrize("turned", [False, True])
def test_the_quality_follows_the_scale_of_the_detector(tmp_path: Path, turned: bool) -> None:
    source = photo(tmp_path / "red.png", (RED, 40, 50, 60))

    def detection(detector: Detector) -> float:
        chosen = AnyOrientation(detector, "squares@any-orientation") if turned else detector
        (found,) = Recognizer(detector=chosen).detect(source)
        assert found.faces[0].score == pytest.approx(0.99)
        return found.quality[0].detection

    assert detection(Squares()) == pytest.approx(0.1 / 0.11)
    assert detection(Doubtless()) == 1
