"""From photos: what is taken, what is skipped, who is found; without the networks, and with them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from faultless import FAULTLESS
from visavis.compare import Calibration
from visavis.errors import MissingImageError, NoFaceError, PoorQualityError, UnreadableImageError, UsageError
from visavis.gallery import Gallery, Skipped
from visavis.gallery._enroll import select_largest_faces
from visavis.gallery.check_input import make_path_absolute
from visavis.pipeline import Recognizer
from visavis.poor_photos import PoorPhotos
from visavis.types import Face, Photo, PhotoFaces, Quality

from .faces import DIMENSION, MODEL, digest, embedding, template

PHOTOS = Path(os.environ.get("VISAVIS_TEST_DATA", Path(__file__).parents[2].parent / "shared/data")) / "photos"


def face(size: float) -> Face:
    return Face(np.array([0, 0, size, size], np.float32), 0.9, np.zeros((5, 2), np.float32))


def judged(score: float) -> Quality:
    return replace(FAULTLESS, score=score, sharpness=score)


class Album:
    """Stands in for a recognizer: a source is a text of "seed:size" a face, "missing" or "garbage"."""

    embedder = SimpleNamespace(name=MODEL)

    def represent(self, sources: Iterable[str], *, min_face: float = 20) -> Iterator[PhotoFaces]:
        for source in sources:
            if source in {"missing", "garbage"}:
                status = {"missing": "missing", "garbage": "unreadable"}[source]
                yield PhotoFaces(source, status, message=f"{source} cannot be read.")
                continue
            shown = [tuple(map(int, one.split(":"))) for one in source.split()]
            shown = [(seed, size) for seed, size in shown if size >= min_face]
            yield PhotoFaces(
                source,
                "ok" if shown else "no_face",
                Photo(np.zeros((2, 2, 3), np.uint8), source, digest(hash(source))),
                tuple(face(size) for _, size in shown),
                tuple(judged(size / 100) for _, size in shown),
                np.array([embedding(seed) for seed, _ in shown], np.float32).reshape(-1, DIMENSION),
                "" if shown else "no face was found.",
            )


@pytest.fixture
def album(path: Path) -> Iterator[Gallery]:
    with Gallery(path, recognizer=cast(Recognizer, Album())) as opened:
        assert opened.model == MODEL
        yield opened


def test_the_largest_face_of_each_photo_is_stored_and_the_rest_is_told(album: Gallery) -> None:
    done = album.enroll("Ann", ["1:50 2:80", "missing", "3:40", "4:10"], note="n", consent="c")
    ann = album.person(done.person_id)
    assert [(one.photo, one.quality, one.box) for one in ann.templates] == [
        ("1:50 2:80", 0.8, (0.0, 0.0, 80.0, 80.0)),
        ("3:40", 0.4, (0.0, 0.0, 40.0, 40.0)),
    ]
    assert (ann.note, ann.consent, done.new) == ("n", "c", True)
    assert done.notes == (
        "1:50 2:80 shows 2 faces: the largest was used.",
        "3:40: poor quality 0.40 (blurred): it may not be recognized.",
    )
    assert done.skipped == (
        Skipped("missing", "missing", "missing cannot be read."),
        Skipped("4:10", "no_face", "no face was found."),
    )
    assert album.lookalikes(embedding(2)[None])[0][0].distance < 1e-6
    assert album.lookalikes(embedding(1)[None])[0][0].distance > 0.1
    assert len(album.enroll("Ann", ["4:10"], min_face=5).added) == 1


def test_a_chosen_face_is_stored_instead_of_the_largest(album: Gallery) -> None:
    enrollment = album.enroll("Ann", ["1:80 2:90"], face=1)
    assert [(face.quality, face.box) for face in album.person(enrollment.person_id).templates] == [
        (0.8, (0.0, 0.0, 80.0, 80.0))
    ]
    assert enrollment.notes == ()
    assert album.lookalikes(embedding(1)[None])[0][0].distance < 1e-6
    for number in (0, 3):
        with pytest.raises(UsageError, match=f"has no face {number}: it shows 2"):
            album.enroll("Ann", ["1:80 2:90"], face=number)
    with pytest.raises(NoFaceError):
        album.enroll("Ann", ["4:10"], face=1)
    assert [len(person.templates) for person in album.people()] == [1]


@pytest.mark.parametrize(
    ("photos", "error", "message"),
    [
        (["1:10"], NoFaceError, r"^no face was found in 1:10\.$"),
        (
            ["missing", "missing"],
            MissingImageError,
            r"^none of 2 photos has a face that can be used: missing cannot be read; missing",
        ),
        (["garbage"], UnreadableImageError, r"^garbage cannot be read\.$"),
        (
            ["garbage", "1:10"],
            NoFaceError,
            r"^none of 2 photos .*: garbage cannot be read; no face was found in 1:10\.$",
        ),
        ([], UsageError, "no photo"),
    ],
)
def test_nothing_usable_raises_and_changes_nothing(
    album: Gallery, photos: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        album.enroll("Ann", photos)
    assert album.people() == []


def test_faces_below_the_wanted_quality_are_refused_in_words(album: Gallery) -> None:
    done = album.enroll("Ann", ["1:40", "2:80", "3:90"], min_quality=0.7)
    assert [one.photo for one in album.person(done.person_id).templates] == ["2:80", "3:90"]
    assert done.skipped == (
        Skipped("1:40", "poor_quality", "poor quality 0.40 (blurred), less than the 0.70 asked for."),
    )
    assert done.notes == ()
    with pytest.raises(
        PoorQualityError, match=r"^1:40: poor quality 0\.40 \(blurred\), less than the 0\.70 asked for\.$"
    ):
        album.enroll("Bob", ["1:40"], min_quality=0.7)
    with pytest.raises(
        PoorQualityError, match=r"^none of 2 photos .*: 1:40: poor quality 0\.40 .*; 2:30: poor quality"
    ):
        album.enroll("Bob", ["1:40", "2:30"], min_quality=0.7)
    with pytest.raises(NoFaceError, match=r"missing cannot be read; 1:40: poor quality"):
        album.enroll("Bob", ["missing", "1:40"], min_quality=0.7)
    assert [one.name for one in album.people()] == ["Ann"]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_a_quality_beyond_0_to_1_means_nothing(album: Gallery, wrong: float) -> None:
    with pytest.raises(UsageError, match="min_quality is a number from 0 to 1"):
        album.enroll("Ann", ["missing"], min_quality=wrong)


def test_a_face_whose_quality_was_not_measured_is_stored_without() -> None:
    one = next(Album().represent(["1:50"]))
    taken = select_largest_faces([replace(one, quality=())], min_quality=0.9)
    assert ([template.quality for template in taken.templates], taken.skipped, taken.notes) == ([None], (), ())


def test_a_name_that_means_nobody_is_told_before_the_work(album: Gallery) -> None:
    def never() -> Iterator[str]:
        raise AssertionError("a photo was read")
        yield ""

    album.enroll("Ann", ["1:50"])
    for wrong in ({"name": ""}, {"name": "Bob", "person_id": 1}, {"name": "Ann", "person_id": 9}):
        with pytest.raises(UsageError):
            album.enroll(photos=never(), **wrong)  # type: ignore[arg-type]


def test_a_second_time_the_photo_is_noticed(album: Gallery) -> None:
    album.enroll("Ann", ["1:50"])
    again = album.enroll("Ann", ["1:50", "missing"])
    assert (again.added, [one.photo for one in again.duplicates], len(again.skipped)) == ((), ["1:50"], 1)
    with pytest.raises(UsageError, match=r"1:50 as 'Ann' \(id 1\)"):
        album.enroll("Bob", ["1:50"])


def test_identify_answers_a_face_at_a_time(album: Gallery) -> None:
    album.enroll("Ann", ["1:50"])
    album.enroll("Bob", ["2:50"])
    answers = album.identify("3:90 2:60 1:50", threshold=0.1)
    assert [one.name for one in answers] == [None, "Bob", "Ann"]
    assert album.identify("1:10", threshold=0.1) == []
    with pytest.raises(MissingImageError, match="missing cannot be read"):
        album.identify("missing", threshold=0.1)


def test_identify_photos_goes_on_after_a_bad_one(album: Gallery) -> None:
    album.enroll("Ann", ["1:50"])
    answers = list(album.identify_photos(["garbage", "1:60 2:50", "1:5"], threshold=0.1, top=1))
    assert [one.photo.status for one in answers] == ["unreadable", "ok", "no_face"]
    assert [[who.name for who in one.identifications] for one in answers] == [[], ["Ann", None], []]


def test_similar_ranks_faces_without_a_threshold(album: Gallery) -> None:
    for seed, name in enumerate(("Ann", "Bob", "Cy"), start=1):
        album.enroll(name, [f"{seed}:50"])
    (ranked,) = album.similar("2:70", top=2)
    others = {name: 1 - float(embedding(2) @ embedding(seed)) for seed, name in ((1, "Ann"), (3, "Cy"))}
    nearest = min(others, key=lambda name: others[name])
    assert [one.name for one in ranked] == ["Bob", nearest]
    assert ranked[1].distance == pytest.approx(others[nearest], abs=1e-6)
    assert album.similar("2:5") == []
    with pytest.raises(UnreadableImageError):
        album.similar("garbage")


@pytest.mark.skipif(not (PHOTOS / "presidents").is_dir(), reason="needs the photos of VISAVIS_TEST_DATA")
def test_real_photos_with_the_default_networks(path: Path) -> None:
    obama, tutorial = PHOTOS / "presidents", PHOTOS / "tutorial"
    with Gallery(path) as gallery:
        gallery.enroll("Barack Obama", [obama / "obama.jpg", obama / "obama3.jpg"])
        gallery.enroll("Sharon Stone", [tutorial / "sharon_stone1.jpg"])
        again = gallery.enroll("Sharon Stone", [tutorial / "sharon_stone1.jpg"])
        assert (again.added, len(again.duplicates)) == ((), 1)
        photos = [obama / "obama2.jpg", tutorial / "sharon_stone3.jpg", tutorial / "channing_tatum.jpg"]
        answers = list(gallery.identify_photos(photos))
        assert [[who.name for who in one.identifications] for one in answers] == [
            ["Barack Obama"],
            ["Sharon Stone"],
            [None],
        ]
        assert gallery.stats().dimension == 128
        assert gallery.check() == []


def test_nobody_is_named_twice_in_a_photo(album: Gallery) -> None:
    album.enroll("Ann", ["1:50"])
    album.enroll("Bob", ["2:50"])
    answers = album.identify("1:90 2:60 1:50", threshold=0.1)
    assert [one.name for one in answers] == ["Ann", "Bob", None]
    assert "but face 1 of this photo looks more like Ann" in answers[2].notes[0]
    answers = album.identify("1:90 2:60 1:50", threshold=0.1, repeats=True)
    assert [(one.name, one.notes) for one in answers] == [("Ann", ()), ("Bob", ()), ("Ann", ())]


class Squeezed(Album):
    """The same faces, seen from the front, in pictures of ``height`` times their height."""

    height = 0.5

    def represent(self, sources: Iterable[str], *, min_face: float = 20) -> Iterator[PhotoFaces]:
        points = np.array([[-10, 0], [10, 0], [0, 12], [-8, 22], [8, 22]], np.float32) * [1, self.height]
        for one in super().represent(sources, min_face=min_face):
            yield replace(one, faces=tuple(replace(each, landmarks=points) for each in one.faces))


@pytest.mark.parametrize(("height", "noted"), [(0.5, True), (1.0, False), (2.0, True)])
def test_names_in_squeezed_pictures_are_noted_as_doubtful(path: Path, height: float, noted: bool) -> None:
    said = "the picture seems to be squeezed: strangers pass more often."
    recognizer = Squeezed()
    recognizer.height = height
    with Gallery(path, recognizer=cast(Recognizer, recognizer)) as gallery:
        assert gallery.enroll("Ann", ["1:99"]).notes == ((f"1:99: {said}",) if noted else ())
        ann, stranger = gallery.identify("1:99 2:98", threshold=0.1)
        assert (ann.name, ann.notes) == ("Ann", (said,) if noted else ())
        assert (stranger.name, stranger.notes) == (None, ())


def test_squeezed_pictures_are_not_noted_where_the_threshold_follows_them(path: Path) -> None:
    with Gallery(path, recognizer=cast(Recognizer, Squeezed())) as gallery:
        poor = PoorPhotos((0.0,) * DIMENSION, ((0.5, 1.0),))
        gallery.calibrate(Calibration(MODEL, (0.5, 1e-3), (0.6, 0.4), slope=-20, intercept=8, poor=poor))
        assert gallery.enroll("Ann", ["1:99"]).notes == ()
        assert gallery.identify("1:99")[0].notes == ()
        (ann,) = gallery.identify("1:99", threshold=0.1)  # a threshold of one's own follows nothing
        assert ann.notes == ("the picture seems to be squeezed: strangers pass more often.",)


# Poor photos, by what was measured: a score of .6 leaves .5 of a threshold, one of .9 all, below .3 nothing is said.


@pytest.fixture
def measured(album: Gallery) -> Gallery:
    curve = ((0.3, 0.3), (0.6, 0.5), (0.9, 1.0))
    poor = PoorPhotos((0.0,) * DIMENSION, ((0.0, 1.0),), (("sharpness", curve), ("score", curve)))
    album.calibrate(Calibration(MODEL, (0.5, 1e-3), (0.6, 0.4), slope=-20, intercept=8, poor=poor))
    return album


def near(seed: int, distance: float) -> np.ndarray:
    """A unit vector at a cosine distance from that of the seed."""
    one, other = embedding(seed).astype(np.float64), embedding(seed + 1).astype(np.float64)
    across = other - (other @ one) * one
    return (1 - distance) * one + np.sqrt(1 - (1 - distance) ** 2) * across / np.linalg.norm(across)


def test_a_poor_probe_of_a_poor_template_is_held_to_a_stricter_threshold(measured: Gallery) -> None:
    measured.enroll("Ann", ["1:60"])
    limit = measured.threshold().distance
    probes = np.stack([near(1, 0.7 * limit)] * 4)
    good, unknown, poor, hopeless = measured.identify_embeddings(probes, qualities=[0.95, None, judged(0.6), 0.29])
    assert [one.name for one in (good, unknown, poor, hopeless)] == ["Ann", "Ann", None, None]
    assert [one.threshold for one in (good, poor, hopeless)] == pytest.approx([limit, 0.5 * limit, 0])
    assert poor.notes == (
        f"the threshold is {0.5 * limit:.4f} instead of {limit:.4f}: to the network these faces look like poor ones. "
        "A better photo may be recognized.",
    )
    assert hopeless.notes == ("this photo of a face is too poor to say who it is (quality 0.29).",)
    assert hopeless.distance == pytest.approx(0.7 * limit, abs=1e-5)
    assert good.probability is not None
    assert poor.probability is hopeless.probability is None


def test_with_good_templates_a_poor_probe_is_held_to_the_usual_threshold(measured: Gallery) -> None:
    measured.enroll("Ann", ["1:95"])
    limit = measured.threshold().distance
    (found,) = measured.identify_embeddings(near(1, 0.9 * limit)[None], qualities=[0.4])
    assert (found.name, found.threshold) == ("Ann", pytest.approx(limit))


def test_templates_too_poor_are_told_of_at_enrollment_and_name_nobody(measured: Gallery) -> None:
    done = measured.enroll("Ann", ["1:25"])
    assert done.notes == (
        "1:25: too poor for any answer, no search will name the person by it: blurred (quality 0.25).",
    )
    (found,) = measured.identify("1:95")
    assert (found.name, found.notes) == (
        None,
        ("the photos that Ann is enrolled with are too poor to say: enroll better ones.",),
    )
    (found,) = measured.identify("1:95", threshold=0.2)
    assert (found.name, found.threshold, found.probability) == ("Ann", 0.2, None)
    assert found.notes == (
        "the photos that Ann is enrolled with are too poor to say: enroll better ones. The threshold "
        "decides; its error rate there was not measured.",
    )


def test_by_a_given_threshold_the_probability_follows_the_quality(measured: Gallery) -> None:
    measured.enroll("Ann", ["1:60"])
    probes = np.stack([near(1, 0.1)] * 3)
    good, poor, hopeless = measured.identify_embeddings(probes, qualities=[0.95, 0.6, 0.29], threshold=0.3)
    assert [(one.name, one.threshold) for one in (good, poor, hopeless)] == [("Ann", 0.3)] * 3
    assert good.probability == pytest.approx(1 / (1 + np.exp(20 * 0.1 - 8)), rel=1e-4)
    assert poor.probability == pytest.approx(1 / (1 + np.exp(20 * 0.1 / 0.5 - 8)), rel=1e-4)
    assert hopeless.probability is None


def test_templates_too_poor_are_refused_where_that_is_asked_for(measured: Gallery) -> None:
    done = measured.enroll("Ann", ["1:25", "2:80"], strict=True)
    assert [(one.photo, one.status) for one in done.skipped] == [("1:25", "poor_quality")]
    with pytest.raises(PoorQualityError, match="too poor for any answer"):
        measured.enroll("Bob", ["3:25"], strict=True)


def test_the_share_of_a_person_is_the_mean_of_those_of_the_templates_that_are_measured(measured: Gallery) -> None:
    measured.enroll("Ann", ["1:95", "2:60", "3:25"])
    (found,) = measured.identify_embeddings(embedding(1)[None], qualities=[0.6], fpir=0.4)
    assert found.threshold == pytest.approx(measured.threshold(fpir=0.4).distance * (1 - np.sqrt(0.5 * 0.25)))


def test_a_calibration_of_other_embeddings_is_refused(album: Gallery) -> None:
    album.add("Ann", [template(1)])
    poor = PoorPhotos((1.0,) * (DIMENSION - 1), ((0.9, 1.0), (1.0, 0.5)))
    with pytest.raises(UsageError, match="of embeddings of 15 values, and these have 16: they are of another model"):
        album.calibrate(Calibration(MODEL, (0.5, 1e-3), (0.6, 0.4), slope=-20, intercept=8, poor=poor))


def test_the_embedding_tells_of_poor_photos_without_any_quality(album: Gallery) -> None:
    """A likeness of .9 leaves all, one of 1 a half."""
    direction = tuple(embedding(1).astype(float).tolist())
    poor = PoorPhotos(direction, ((0.9, 1.0), (1.0, 0.5), (1.1, 0.5)))
    album.calibrate(Calibration(MODEL, (0.5, 1e-3), (0.6, 0.4), slope=-20, intercept=8, poor=poor))
    album.add("Ann", [template(1)])
    album.add("Bob", [template(2)])
    ann, bob = album.identify_embeddings(np.stack([embedding(1), embedding(2)]))
    limit = album.threshold().distance
    assert (ann.name, bob.name) == ("Ann", "Bob")
    assert (ann.threshold, bob.threshold) == pytest.approx((0.5 * limit, limit), rel=1e-4)


def test_each_face_has_one_quality(measured: Gallery) -> None:
    measured.enroll("Ann", ["1:95"])
    with pytest.raises(UsageError, match="got 2 for 1 faces"):
        measured.identify_embeddings(embedding(1)[None], qualities=[0.6, 0.7])
    for wrong in ("poor", float("nan"), 1.5, True):
        with pytest.raises(UsageError, match=r"^a quality is a Quality, None or a score from 0 to 1, got "):
            measured.identify_embeddings(embedding(1)[None], qualities=[wrong])


def test_only_what_is_a_file_has_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "bytes"):
        Path(name).touch()
    for path in ("a.jpg", "./a.jpg", str(tmp_path / "a.jpg")):
        assert make_path_absolute(path) == str(tmp_path / "a.jpg")
    for name in ("bytes", "array", "-", "upload.jpg", "https://example.com/a.jpg", ""):
        assert make_path_absolute(name) == name


@pytest.mark.parametrize(
    "options", [{"fpir": 5.0}, {"fpir": 0}, {"top": 0}, {"threshold": 3.0}, {"margin": -1}], ids=str
)
def test_options_are_checked_whether_or_not_there_is_a_face(options: dict[str, Any], gallery: Gallery) -> None:
    """Before a photo is read: one without a face would else be answered whatever the options are."""
    with pytest.raises(UsageError):
        gallery.identify_photos(["missing"], **options)
