"""How many photos a caller means: every function that takes photos, given one, many, folders, and nothing."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visavis
from architecture.source import READS_SOURCE, modules
from cli.fakes import BLUE, DARK_RED, DETECTOR, MODEL, RED, photo
from visavis import bulk, classify, pipeline, quantize
from visavis.defaults import EMBEDDER
from visavis.errors import ImageError, MissingImageError, UnreadableImageError, UsageError, VisavisError
from visavis.liveness import LivenessCheck
from visavis.photo_liveness import judge_photos
from visavis.pipeline import Recognizer


class Named(classify.Classifier):
    """A classifier that knows one person, and has no network."""

    def __init__(self) -> None:
        pass

    def crops(self, picture: Any, faces: Any) -> Any:
        return np.zeros((len(faces), 8, 8, 3), np.uint8)

    def classify(self, crops: Any, **options: Any) -> list[classify.FaceNames]:
        return [classify.FaceNames((("Ann", 1.0),), known=True) for _ in crops]


class Desk:
    """The functions under test, with networks that need no weights; each returns the photos that show a face."""

    def __init__(self, folder: Path) -> None:
        self.recognizer = Recognizer(detector=DETECTOR, embedder=MODEL)
        self.folder = folder
        self.galleries = 0
        self.probe = photo(folder / "probe.png", (BLUE, 20, 20, 80))

    def gallery(self) -> visavis.Gallery:
        """Open a new gallery."""
        self.galleries += 1
        return visavis.Gallery(self.folder / f"faces{self.galleries}.db", recognizer=self.recognizer)

    def gallery_of_ann(self) -> visavis.Gallery:
        """Open a new gallery with one person."""
        gallery = self.gallery()
        gallery.enroll("Ann", self.probe)
        return gallery

    def cluster(self, photos: Any) -> list[str]:
        found = visavis.cluster(photos, model=MODEL, threshold=0.01)
        return [*found.faces.photos] or _raise(found.skipped[0].message)

    def similar(self, photos: Any) -> list[str]:
        return sorted(one.photo for one in visavis.similar(self.probe, photos, model=MODEL))

    def representative(self, photos: Any) -> list[str]:
        return sorted(one.photo for one in visavis.representative(photos, model=MODEL))

    def detect(self, photos: Any) -> list[str]:
        return _shown(list(self.recognizer.detect(photos)))

    def represent(self, photos: Any) -> list[str]:
        return _shown(list(self.recognizer.represent(photos)))

    def verify_each(self, photos: Any) -> list[str]:
        rule = self.recognizer.rule(threshold=2)
        answers = list(self.recognizer.verify_each(self.probe, photos, rule=rule))
        return _shown([photo for _, photo, _ in answers])

    def classify(self, photos: Any) -> list[str]:
        answers = classify.classify(photos, model=Named(), recognizer=self.recognizer)
        return _shown([answer for answer, _ in answers])

    def judge(self, photos: Any) -> list[str]:
        class AllReal:
            def probabilities(self, picture: np.ndarray, faces: Sequence[visavis.Face]) -> np.ndarray:
                return np.array([[0, 1, 0] for _ in faces])

        networks: Any = AllReal()
        judged = judge_photos(photos, LivenessCheck(networks=networks), recognizer=self.recognizer)
        return _shown([answer for answer, _ in judged])

    def enroll(self, photos: Any) -> list[str]:
        with self.gallery() as gallery:
            gallery.enroll("Ann", photos)
            return [template.photo for template in gallery.people()[-1].templates]

    def identify_photos(self, photos: Any) -> list[str]:
        with self.gallery() as gallery:
            return _shown([one.photo for one in gallery.identify_photos(photos, threshold=0.01)])

    def index(self, photos: Any) -> list[str]:
        """Only listed here: tests of bulk compute."""
        found = list(bulk.sources.walk(photos))
        wrong = [one.message for one in found if isinstance(one, bulk.Outcome)]
        return _raise(wrong[0]) if wrong else [str(one) for one in found]

    def calibration_crops(self, photos: Any) -> list[str]:
        crops = quantize.collect_crops(photos, self.recognizer, count=1)
        return ["somewhere"] if len(crops) else []


def _raise(message: str) -> list[str]:
    raise ImageError(message)


def _shown(answers: list[visavis.PhotoFaces]) -> list[str]:
    found = [one.name for one in answers if one.faces]
    return found or _raise(answers[0].message)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path)
    for model in (MODEL, EMBEDDER):
        monkeypatch.setitem(pipeline._shared, ("mtcnn", model), made.recognizer)
    return made


@pytest.fixture
def album(tmp_path: Path) -> Path:
    photo(tmp_path / "album" / "a.png", (RED, 10, 10, 60))
    photo(tmp_path / "album" / "deep" / "b.png", (DARK_RED, 10, 10, 60))
    photo(tmp_path / "album" / "@eaDir" / "a.png", (RED, 5, 5, 30))
    return tmp_path / "album"


MANY: dict[str, Callable[[Desk, Any], list[str]]] = {
    "clustering._cluster.cluster": Desk.cluster,
    "ranking.lookalikes.similar": Desk.similar,
    "ranking.representatives.representative": Desk.representative,
    "pipeline.Recognizer.detect": Desk.detect,
    "pipeline.Recognizer.represent": Desk.represent,
    "pipeline.Recognizer.verify_each": Desk.verify_each,
    "classify.classify": Desk.classify,
    "photo_liveness.judge_photos": Desk.judge,
    "gallery.gallery.Gallery.enroll": Desk.enroll,
    "gallery.gallery.Gallery.identify_photos": Desk.identify_photos,
    "bulk.indexing.index": Desk.index,
    "quantize.quantize": Desk.calibration_crops,
    "quantize.collect_crops": Desk.calibration_crops,
}
"""All public functions that take many photos."""

PATHS_ONLY = {"bulk.indexing.index"}
DELEGATED = {
    "gallery._enroll.enroll_photos",
    "gallery._identify.identify_photos",
    "train.classifier_model.EmbeddingClassifier.identify",
    "ranking.lookalikes.rank_photos",
    "client._photos.read_uploads",
    "client._requests.require_uploads",
    *(f"client.photo_calls.PhotoCalls.{name}" for name in ("representative", "similar", "represent", "classify")),
    "client.photo_calls.PhotoCalls.quality",
    "client.people_calls.PeopleCalls.enroll",
    "client.people_calls.PeopleCalls.identify_photos",
    *(f"client.kiosk_calls.KioskCalls.{name}" for name in ("punch_by_face", "follow_challenge", "send_waiting_frames")),
}
"""What the methods of a gallery call, what calls ``Recognizer.represent`` and nothing else with its photos, and the
client, whose answers tests/server compares with those of the library."""
UNNAMED = {"quantize.quantize", "quantize.collect_crops"}
"""What does not say of which photo an answer is."""

each = pytest.mark.parametrize("name", MANY)


def functions(tree: ast.AST, within: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield f"{within}.{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{within}.{node.name}")


@READS_SOURCE
def test_every_function_of_many_photos_is_in_the_table() -> None:
    found = set()
    for module, source in modules().items():
        for name, function in functions(source.tree, module.removeprefix("visavis.")):
            kinds = [ast.unparse(one.annotation) for one in function.args.args if one.annotation]
            public = not function.name.startswith("_")
            if public and any("Iterable[Source]" in kind or "Sequence[Source]" in kind for kind in kinds):
                found.add(name)
    assert found == (MANY.keys() - PATHS_ONLY) | DELEGATED


@each
@pytest.mark.parametrize("kind", [str, Path])
def test_a_missing_photo_is_one_photo_and_no_letters(desk: Desk, name: str, kind: Callable[[str], object]) -> None:
    if name in PATHS_ONLY:
        assert MANY[name](desk, kind("nope.jpg")) == ["nope.jpg"]
        return
    with pytest.raises(VisavisError) as caught:
        MANY[name](desk, kind("nope.jpg"))
    text = str(caught.value)
    assert "'nope.jpg' does not exist" in text or "no face was found in any of the photos" in text or (
        name in UNNAMED and "1 photos show 0" in text
    )  # fmt: skip


@each
def test_one_photo_stands_for_itself(desk: Desk, album: Path, name: str) -> None:
    path = album / "a.png"
    expected = ["somewhere"] if name in UNNAMED else [str(path)]
    assert MANY[name](desk, str(path)) == expected
    assert MANY[name](desk, path) == expected


@each
def test_one_picture_is_not_taken_apart(desk: Desk, album: Path, name: str) -> None:
    path = album / "a.png"
    with Image.open(path) as image:
        image.load()
    for one in (path.read_bytes(), np.asarray(image), image):
        if name in PATHS_ONLY:
            with pytest.raises(UsageError, match="paths and URLs"):
                MANY[name](desk, one)
        else:
            assert len(MANY[name](desk, one)) == 1


@each
def test_folders_stand_for_the_photos_below(desk: Desk, album: Path, name: str) -> None:
    expected = ["somewhere"] if name in UNNAMED else [str(album / "a.png"), str(album / "deep" / "b.png")]
    assert MANY[name](desk, str(album)) == expected
    assert MANY[name](desk, album) == expected
    assert MANY[name](desk, [album / "a.png", str(album / "deep")]) == expected


@each
def test_a_folder_without_photos_is_never_silently_empty(desk: Desk, tmp_path: Path, name: str) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(VisavisError) as caught:
        MANY[name](desk, [str(tmp_path / "none")])
    text = str(caught.value)
    assert "holds no photo" in text or "no face was found in any" in text or "1 photos show 0" in text


@each
@pytest.mark.parametrize("nonsense", [None, 5, object()])
def test_what_is_no_photo_is_one_sentence(desk: Desk, name: str, nonsense: object) -> None:
    with pytest.raises(UsageError, match="photos are a path"):
        MANY[name](desk, nonsense)


def test_one_unreadable_photo_never_stops_the_rest(desk: Desk, album: Path) -> None:
    (album / "broken.png").write_bytes(b"nothing")
    (album / "none").mkdir()
    for name in MANY.keys() - PATHS_ONLY - UNNAMED:
        found = MANY[name](desk, [album / "gone.png", album / "none", album])
        assert found == [str(album / "a.png"), str(album / "deep" / "b.png")], name


ONE: dict[str, Callable[[Desk, Any], object]] = {
    "read": lambda _, one: visavis.read(one),
    "detect": lambda _, one: visavis.detect(one),
    "embed": lambda _, one: visavis.embed(one),
    "extract": lambda _, one: visavis.extract(one),
    "verify, the first": lambda desk, one: visavis.verify(one, desk.probe, threshold=0.01),
    "verify, the second": lambda desk, one: visavis.verify(desk.probe, one, threshold=0.01),
    "verify, with many": lambda desk, one: visavis.verify(one, [desk.probe], threshold=0.01),
    "Recognizer.verify": lambda desk, one: desk.recognizer.verify(desk.probe, one, threshold=0.01),
    "similar": lambda desk, one: visavis.similar(one, [desk.probe], model=MODEL),
    "Gallery.identify": lambda desk, one: desk.gallery().identify(one, threshold=0.01),
    "Gallery.why": lambda desk, one: desk.gallery_of_ann().why(one, "Ann", threshold=0.01),
    "Gallery.similar": lambda desk, one: desk.gallery().similar(one),
}


@pytest.mark.parametrize("name", ONE)
def test_a_folder_is_not_one_photo(desk: Desk, album: Path, name: str) -> None:
    for folder in (album, str(album), album / "deep"):
        with pytest.raises(UnreadableImageError, match=r"is a folder, where one photo is expected: .* cluster"):
            ONE[name](desk, folder)
    with pytest.raises(MissingImageError, match=r"'nope\.jpg' does not exist"):
        ONE[name](desk, "nope.jpg")
