"""What ``visavis.read`` returns goes into every function that takes a photo, and gives the answer of the path."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import pictures
import visavis
from architecture.source import READS_SOURCE, modules
from visavis.classify import Classifier, classify
from visavis.errors import TooLargeImageError, UsageError
from visavis.images import captured, encoded, name_of, not_a_folder
from visavis.images.photo_files import as_many, check_list, each_photo, is_single
from visavis.liveness import LivenessCheck
from visavis.photo_liveness import judge_photos
from visavis.pipeline import Recognizer
from visavis.plain import plain
from visavis.quantize import collect_crops

Paths = tuple[Path, Path, Path]
Sources = tuple[Any, Any, Any]
"""Two photos of one man and one of another."""


@pytest.fixture(scope="module")
def paths(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Smaller copies of the samples, stored turned, with the EXIF that turns them upright."""
    folder = tmp_path_factory.mktemp("turned")
    for name, orientation in (("obama", 6), ("obama2", 3), ("biden", 8)):
        with Image.open(sample_photos / f"{name}.jpg") as image:
            image.thumbnail((480, 480))
            turned = pictures.stored(np.asarray(image.convert("RGB")), orientation)
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif.get_ifd(0x8769)[0x9003] = "2020:01:01 00:00:00"
        pictures.write(folder, f"{name}.jpg", pictures.jpeg(turned, exif=exif))
    return folder / "obama.jpg", folder / "obama2.jpg", folder / "biden.jpg"


def enrolled(sources: Sources, folder: Path) -> Any:
    """All that a gallery keeps of photos, and its answers about another."""
    with visavis.Gallery(folder / "faces.db") as gallery:
        gallery.enroll("Ann", list(sources[:2]))
        again = gallery.enroll("Ann", sources[0])
        (person,) = gallery.people()
        templates = [(one.photo, one.photo_sha256, one.box, one.quality) for one in person.templates]
        answers = [gallery.identify(sources[2]), list(gallery.identify_photos(sources)), gallery.similar(sources[1])]
        explanation = [gallery.why(sources[2], "Ann"), gallery.rejection_effect(sources[2], "Ann")]
        gallery.reject(sources[2], "Ann")
        explanation += [(one.photo, one.photo_sha256, one.box) for one in gallery.rejections()]
    (folder / "faces.db").unlink()
    return templates, again.duplicates, answers, explanation


def judged(sources: Sources, folder: Path) -> Any:
    class Brightness:
        def probabilities(self, picture: np.ndarray, faces: Sequence[visavis.Face]) -> np.ndarray:
            return np.array([[0, picture.mean() / 255, 0] for _ in faces])

    networks: Any = Brightness()
    answers = judge_photos(sources, LivenessCheck(networks=networks), recognizer=Recognizer())
    return [judgments for _, judgments in answers]


def ranked(sources: Sources, folder: Path) -> Any:
    characteristics = visavis.representative(list(sources[:2]))
    return characteristics, visavis.average_face(characteristics, size=32)


def classified(sources: Sources, folder: Path) -> Any:
    class Means:
        def run(self, batch: np.ndarray) -> list[np.ndarray]:
            return [batch.reshape(len(batch), -1, 3).mean(axis=1).astype(np.float32)]

    session: Any = Means()
    return list(classify(sources, model=Classifier("means", session, ("R", "G", "B"), crops=square_crops), top=3))


def square_crops(picture: np.ndarray, faces: Any) -> np.ndarray:
    return np.stack([visavis.Photo(picture, "", "").crop(face)[:8, :8] for face in faces])


def verified_each(sources: Sources, folder: Path) -> Any:
    recognizer = Recognizer()
    return list(recognizer.verify_each(sources[0], sources[1:], rule=recognizer.rule()))


TAKERS: dict[str, Callable[[Sources, Path], Any]] = {
    "pipeline.detect": lambda sources, _: visavis.detect(sources[0]),
    "pipeline.embed": lambda sources, _: visavis.embed(sources[0]),
    "pipeline.extract": lambda sources, _: visavis.extract(sources[0], size=64),
    "pipeline.verify": lambda sources, _: [
        visavis.verify(sources[0], sources[1]),
        visavis.verify(sources[0], list(sources[1:])),
    ],
    "pipeline.Recognizer.detect": lambda sources, _: [
        *Recognizer().detect(sources[0]),
        *Recognizer().detect(sources),
    ],
    "pipeline.Recognizer.represent": lambda sources, _: list(Recognizer().represent(sources)),
    "pipeline.Recognizer.verify": lambda sources, _: Recognizer().verify(sources[0], sources[2]),
    "pipeline.Recognizer.verify_each": verified_each,
    "photo_liveness.check_liveness": judged,
    "photo_liveness.judge_photos": judged,
    "ranking.lookalikes.similar": lambda sources, _: visavis.similar(sources[0], sources),
    "ranking.lookalikes.probe": lambda sources, _: visavis.similar(sources[1], sources[2]),
    "ranking.representatives.representative": ranked,
    "clustering._cluster.cluster": lambda sources, _: visavis.cluster(sources),
    "classify.classify": classified,
    "quantize.collect_crops": lambda sources, _: collect_crops(sources, Recognizer(), count=1),
    "quantize.quantize": lambda sources, _: collect_crops(sources, Recognizer(), count=3),
    "gallery.gallery.Gallery.enroll": enrolled,
    "gallery.gallery.Gallery.identify": enrolled,
    "gallery.gallery.Gallery.identify_photos": enrolled,
    "gallery.gallery.Gallery.similar": enrolled,
    "gallery.feedback.Feedback.why": enrolled,
    "gallery.feedback.Feedback.reject": enrolled,
    "gallery.feedback.Feedback.rejection_effect": enrolled,
    "images.load.read": lambda sources, _: visavis.read(sources[0]),
    "images.load.captured": lambda sources, _: captured(sources[0]),
    "images.load.not_a_folder": lambda sources, _: name_of(not_a_folder(sources[0])),
}
"""Each function with a parameter of the type ``Source``, and a use of it."""

WITHOUT_BYTES = {"images.load.encoded"}
DELEGATED = {
    "gallery._enroll.enroll_photos",
    "gallery._identify.identify_photo",
    "gallery._identify.identify_photos",
    "gallery._search.find_lookalikes_of_photo",
    "gallery.why.explain_photo",
    "gallery._rejections.reject_face",
    "gallery._rejections.measure_effect",
    "ranking.lookalikes.rank_photos",
    "client._photos.read_upload",
    "server.compat.selected_faces.find_faces",
    "client._photos.read_uploads",
    "client._requests.require_uploads",
    *(
        f"client.{name}"  # tests/server compares their answers with those of the library
        for name in (
            "photo_calls.PhotoCalls.detect",
            "photo_calls.PhotoCalls.embed",
            "photo_calls.PhotoCalls.represent",
            "photo_calls.PhotoCalls.verify",
            "photo_calls.PhotoCalls.quality",
            "photo_calls.PhotoCalls.classify",
            "photo_calls.PhotoCalls.landmarks",
            "photo_calls.PhotoCalls.check_liveness",
            "photo_calls.PhotoCalls.similar",
            "photo_calls.PhotoCalls.representative",
            "people_calls.PeopleCalls.identify",
            "people_calls.PeopleCalls.identify_photos",
            "people_calls.PeopleCalls.enroll",
            "feedback_calls.FeedbackCalls.why",
            "feedback_calls.FeedbackCalls.rejection_effect",
            "feedback_calls.FeedbackCalls.reject",
            "kiosk_calls.KioskCalls.punch_by_face",
            "kiosk_calls.KioskCalls.follow_challenge",
            "kiosk_calls.KioskCalls.send_waiting_frames",
        )
    ),
    "train.classifier_model.EmbeddingClassifier.identify",
}
"""What the methods of a gallery call, and what calls ``Recognizer.represent`` and nothing else with its photos."""


@pytest.mark.slow(seconds=13)
@pytest.mark.parametrize("taker", TAKERS.values(), ids=TAKERS.keys())
def test_the_answer_is_that_of_the_path(taker: Callable[[Sources, Path], Any], paths: Paths, tmp_path: Path) -> None:
    names = tuple(map(str, paths))
    of_photos = taker(tuple(map(visavis.read, names)), tmp_path)
    assert same(of_photos, taker(names, tmp_path))


def same(first: Any, second: Any) -> bool:
    """Compare two answers to the last bit, whatever they are made of."""
    return bool(plain(first) == plain(second)) and type(first) is type(second)


@READS_SOURCE
def test_every_function_that_takes_a_source_is_tested() -> None:
    takers = set()
    for module in modules().values():
        for scope, function in functions(module.tree):
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            annotations = [ast.unparse(argument.annotation) for argument in arguments if argument.annotation]
            private = function.name.startswith("_")
            if not private and any("Source" in words(annotation) for annotation in annotations):
                takers.add(".".join([module.name.removeprefix("visavis."), *scope, function.name]))
    assert takers == TAKERS.keys() | WITHOUT_BYTES | DELEGATED


def words(annotation: str) -> list[str]:
    return annotation.replace("[", " ").replace("]", " ").split()


def functions(tree: ast.Module) -> list[tuple[list[str], ast.FunctionDef]]:
    top = [([], node) for node in tree.body if isinstance(node, ast.FunctionDef)]
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return top + [([c.name], node) for c in classes for node in c.body if isinstance(node, ast.FunctionDef)]


def test_name_hash_and_orientation_stay(paths: Paths) -> None:
    photo = visavis.read(paths[0])
    assert photo.height > photo.width
    assert photo.sha256 == hashlib.sha256(paths[0].read_bytes()).hexdigest()
    again = visavis.read(photo)
    assert (again.name, again.sha256, again.captured) == (str(paths[0]), photo.sha256, photo.captured)
    assert again.pixels is photo.pixels
    assert photo.captured == datetime(2020, 1, 1)
    assert visavis.read(photo, name="Ann").name == "Ann"
    assert visavis.read(photo, name="Ann").sha256 == photo.sha256


def test_a_gallery_keeps_the_hash_of_the_file(paths: Paths, tmp_path: Path) -> None:
    with visavis.Gallery(tmp_path / "faces.db") as gallery:
        gallery.enroll("Ann", visavis.read(paths[0]))
        again = gallery.enroll("Ann", paths[0])
        (template,) = gallery.find("Ann").templates
    assert (template.photo, template.photo_sha256) == (str(paths[0]), visavis.read(paths[0]).sha256)
    assert [face.photo for face in again.duplicates] == [str(paths[0])]


def test_a_photo_from_an_array_has_the_hash_of_its_pixels(paths: Paths, tmp_path: Path) -> None:
    pixels = visavis.read(paths[0]).pixels
    photo = visavis.read(pixels, name="camera 1")
    assert photo.sha256 == hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    with visavis.Gallery(tmp_path / "faces.db") as gallery:
        gallery.enroll("Ann", photo)
        assert len(gallery.enroll("Ann", pixels).duplicates) == 1
        (template,) = gallery.find("Ann").templates
    assert (template.photo, template.photo_sha256) == ("camera 1", photo.sha256)


def test_photos_of_one_name_are_clustered_apart_and_one_photo_once(paths: Paths) -> None:
    first, second = (visavis.read(visavis.read(path).pixels, name="camera") for path in paths[:2])
    clustering = visavis.cluster([first, second, first, paths[2]])
    assert clustering.faces.photos == ("camera", "camera 2", str(paths[2]))
    again = visavis.cluster([second, visavis.read(paths[2]), visavis.read(paths[0])], previous=clustering)
    assert again.faces.photos == ("camera", "camera 2", str(paths[2]), str(paths[0]))


def test_one_photo_is_one_and_not_many() -> None:
    photo = visavis.read(pictures.scene())
    assert is_single(photo)
    assert list(each_photo(photo)) == as_many(photo) == [photo]
    assert list(each_photo([photo, photo])) == [photo, photo]
    with pytest.raises(UsageError, match="photos are given as a list"):
        check_list(photo)


def test_a_limit_of_pixels_holds_where_the_file_is_decoded() -> None:
    data = pictures.encode(pictures.scene())
    with pytest.raises(TooLargeImageError):
        visavis.read(data, max_pixels=100)
    assert visavis.read(visavis.read(data), max_pixels=100).width == 64


def test_a_photo_has_no_encoded_bytes() -> None:
    with pytest.raises(UsageError, match=r"^'b.png' is decoded already, .*: give the path or the bytes\.$"):
        encoded(visavis.read(pictures.scene(), name="b.png"))


def test_pixels_of_a_view_are_laid_out_anew() -> None:
    photo = visavis.Photo(pictures.scene()[:, ::-1], "mirrored", "0" * 64)
    read = visavis.read(photo)
    assert read.pixels.flags.c_contiguous
    np.testing.assert_array_equal(read.pixels, photo.pixels)


@pytest.mark.parametrize("pixels", [pictures.scene()[..., 0], pictures.scene() / 255, pictures.scene()[:0]])
def test_a_photo_has_pixels_of_one_kind(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^pixels must be uint8 \(h, w, 3\), got "):
        visavis.Photo(pixels, "a", "0" * 64)
