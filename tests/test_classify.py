"""Closed sets of people: probabilities by hand, names that are clean, strangers, and the networks' own heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedders.published import GOLDEN, WITHIN, difference, keras_file
from golden import networks
from visavis import classify
from visavis.align import square_crops
from visavis.classify import CLASSIFIERS, Classifier, FaceNames, has_files, softmax
from visavis.errors import UsageError, WeightsError
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face
from visavis.weights import classes, store
from visavis.weights.catalog import classic

PEOPLE = ("Ann", "Ben", "Cleo", "Dora")


class Sums:
    """A network that answers with figures made of a crop's mean colors: R, G, B and nothing."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def run(self, batch: RGB) -> list[np.ndarray]:
        self.batches.append(len(batch))
        means = batch.reshape(len(batch), -1, 3).mean(axis=1) / 51
        return [np.concatenate([means, np.zeros((len(batch), 1))], axis=1).astype(np.float32)]


class Squares:
    """A detector that finds the faces it was told of, in the order of the pictures."""

    name = "squares"

    def __init__(self, *boxes: Sequence[tuple[int, int, int, int]]) -> None:
        self.boxes = list(boxes)

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        found = [self.boxes.pop(0) for _ in pictures]
        return [[Face(np.array(box, np.float32), 0.9, np.zeros((5, 2), np.float32)) for box in one] for one in found]


def crops_of(picture: RGB, faces: Sequence[Face]) -> RGB:
    return square_crops(picture, faces, size=4, margin=0)


def classifier(network: Sums | None = None, *, batch: int = 2) -> Classifier:
    session: Any = network or Sums()
    return Classifier("test", session, PEOPLE, crops=crops_of, batch=batch)


def flat(*colors: tuple[int, int, int]) -> RGB:
    return np.array(colors, np.uint8)[:, None, None, :].repeat(4, axis=1).repeat(4, axis=2)


RED, DULL = (255, 0, 0), (51, 51, 0)
"""To the network: 5, 0, 0, 0 and 1, 1, 0, 0."""


def test_probabilities_by_hand() -> None:
    found = classifier().probabilities(flat(RED, DULL))
    e, e5 = np.e, np.e**5
    expected = [[e5 / (e5 + 3), *[1 / (e5 + 3)] * 3], [*[e / (2 * e + 2)] * 2, *[1 / (2 * e + 2)] * 2]]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32


def test_large_and_small_logits() -> None:
    found = softmax(np.array([[1000, 999, -1000], [-1000, -1000, -1000]], np.float32))
    np.testing.assert_allclose(found, [[0.731059, 0.268941, 0], [1 / 3] * 3], atol=1e-6)
    assert softmax(np.empty((0, 3), np.float32)).shape == (0, 3)


def test_the_likeliest_come_first_and_equals_in_their_order() -> None:
    red, dull = classifier().classify(flat(RED, DULL), top=3)
    assert [name for name, _ in red.names] == ["Ann", "Ben", "Cleo"]
    assert [name for name, _ in dull.names] == ["Ann", "Ben", "Cleo"]
    assert red.names[0][1] == pytest.approx(0.980186, abs=1e-5)
    assert all(type(probability) is float for _, probability in red.names)


def test_a_face_is_known_where_one_person_has_more_than_all_others() -> None:
    red, dull = classifier().classify(flat(RED, DULL))
    assert (red.known, red.name) == (True, "Ann")
    assert (dull.known, dull.name) == (False, None)  # .366: as likely Ann as Ben
    assert dull.names[0][0] == "Ann"


@pytest.mark.parametrize(("least", "known"), [(0.0, True), (0.36, True), (0.37, False), (1.0, False)])
def test_the_least_probability_is_the_callers(least: float, known: bool) -> None:
    (dull,) = classifier().classify(flat(DULL), min_probability=least)
    assert dull.known is known


@pytest.mark.parametrize(("top", "count"), [(1, 1), (4, 4), (9, 4)])
def test_as_many_as_were_asked_for(top: int, count: int) -> None:
    (one,) = classifier().classify(flat(RED), top=top)
    assert len(one.names) == count


@pytest.mark.parametrize(
    ("options", "said"),
    [({"top": 0}, "top is a whole number of 1 or more, got 0"), ({"min_probability": 1.5}, "from 0 to 1, got 1.5")],
)
def test_options_that_mean_nothing(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        classifier().classify(flat(RED), **options)
    with pytest.raises(UsageError, match=said):
        list(classify.classify([], **options))


def test_batches_change_nothing() -> None:
    network = Sums()
    crops = flat(RED, DULL, (0, 255, 0), (0, 0, 255), (9, 9, 200))
    together = classifier(network, batch=2).classify(crops)
    assert network.batches == [2, 2, 1]
    assert together == [one for crop in crops for one in classifier().classify(crop[None])]
    assert classifier().classify(crops[:0]) == []


def picture(*colors: tuple[int, int, int]) -> RGB:
    """A square of 20 pixels a color, side by side."""
    return np.concatenate([np.full((20, 20, 3), color, np.uint8) for color in colors], axis=1)


def boxes(count: int) -> list[tuple[int, int, int, int]]:
    return [(20 * n, 0, 20 * n + 20, 20) for n in range(count)]


def test_faces_of_several_photos_go_together_and_come_back_to_theirs() -> None:
    network = Sums()
    detector = Squares(boxes(2), [], boxes(1))
    sources: list[Any] = [picture(RED, (0, 255, 0)), picture(RED), "missing.jpg", picture((0, 0, 255))]
    answers = list(
        classify.classify(sources, model=classifier(network, batch=8), recognizer=Recognizer(detector=detector))
    )
    assert [one.status for one, _ in answers] == ["ok", "no_face", "missing", "ok"]
    assert [[face.name for face in faces] for _, faces in answers] == [["Ann", "Ben"], [], [], ["Cleo"]]
    assert network.batches == [3]


def test_many_photos_are_answered_as_they_come() -> None:
    network = Sums()
    count = 3 * classify.BATCH_FACES
    detector = Squares(*[boxes(1)] * count)
    answers = classify.classify(
        [picture(RED)] * count, model=classifier(network, batch=99), recognizer=Recognizer(detector=detector)
    )
    assert [faces for _, (*faces,) in answers] == [
        [FaceNames(faces[0].names, known=True)] for faces in [_red()]
    ] * count
    assert network.batches == [classify.BATCH_FACES] * 3


def _red() -> list[FaceNames]:
    return classifier().classify(flat(RED))


# Names


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (" A_Fine_Frenzy", "A_Fine_Frenzy"),
        ("b' Sharon_Stone'", "Sharon_Stone"),
        ('b" Conan_O\'Brien"', "Conan_O'Brien"),
        ('"14th_Dalai_Lama"', "14th_Dalai_Lama"),
        (" '\"Aamir_Khan\"' ", "Aamir_Khan"),
        (" 神戸蘭子", "神戸蘭子"),
        ("bob", "bob"),
        ("b", "b"),
        ("'", "'"),
        ("O'Neal", "O'Neal"),
    ],
)
def test_clean_names(found: str, name: str) -> None:
    assert classes.clean(found) == name
    assert classes.clean(name) == name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights, the only place where there are any."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    monkeypatch.setenv("VISAVIS_ACCEPT_LICENSE", "1")
    return tmp_path


@pytest.mark.parametrize("kind", ["<U39", "S39", "O"])
def test_names_of_a_list(folder: Path, kind: str) -> None:
    np.save(folder / classic.VGGFACE_LABELS.file, np.array([" Ann", "b'Ben'", '"Cleo"'], kind))
    assert classes.class_names(classic.VGGFACE_LABELS, count=3) == ("Ann", "Ben", "Cleo")


@pytest.mark.parametrize("made", [np.array(["Ann", "Ben"]), np.zeros(3), np.array([["Ann", "Ben", "Cleo"]])])
def test_a_list_of_something_else(folder: Path, made: np.ndarray) -> None:
    np.save(folder / classic.VGGFACE_LABELS.file, made)
    with pytest.raises(WeightsError, match=r"rcmalli_vggface_labels_v1\.npy is no list of 3 names: it holds"):
        classes.class_names(classic.VGGFACE_LABELS, count=3)


def test_the_published_list() -> None:
    """Where it is at hand. Class 0 is n000002: n000001 is among the people for tests."""
    path = store.locate(classic.VGGFACE2_LABELS)
    if path is None:
        pytest.skip(f"{classic.VGGFACE2_LABELS.file} is neither in the cache nor in a folder of VISAVIS_WEIGHTS")
    names = classes.class_names(classic.VGGFACE2_LABELS, count=8631)
    assert names[:4] == ("A_Fine_Frenzy", "A._A._Gill", "A._J._Buckley", "A._J._Pierzynski")
    assert names[-1] == "馬場典子"
    assert {"Sharon_Stone", "Channing_Tatum", "Noelle_Reno", "Anita_Lipnicka", "Tina_Maze"} <= {*names}
    assert [name for name in names if name != name.strip() or name.startswith(("b'", '"'))] == []


# The networks


def labels(folder: Path, row: Any, count: int) -> None:
    np.save(folder / row.file, np.array([f" Person_{n}" for n in range(count)]))


@pytest.mark.parametrize("name", ["resnet50", "senet50"])
def test_the_heads_of_vggface2(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with the top, of full size: keras-vggface's probabilities, and each output has the name of its place."""
    labels(folder, classic.VGGFACE2_LABELS, 8631)
    model = f"vggface2-{name}"
    row = replace(classic.VGGFACE2_LABELS, sha256="")  # not that list
    monkeypatch.setitem(classify.NETWORKS, model, (classify.NETWORKS[model][0], row))
    keras_file(folder / f"rcmalli_vggface_tf_{name}.h5", networks.resnet50(squeeze=name == "senet50"))
    head = CLASSIFIERS.create(model, threads=1)
    (folder / f"rcmalli_vggface_tf_{name}.h5").unlink()
    crops = networks.pictures(224)
    golden = np.load(GOLDEN / "keras_vggface.npz")[f"{name}.classifier"]
    probabilities = head.probabilities(crops)
    assert difference(f"{name}.classifier", probabilities, golden) < WITHIN
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    for row, found in zip(probabilities, head.classify(crops, top=3), strict=True):
        assert found.names[0] == (f"Person_{row.argmax()}", pytest.approx(float(row.max())))
        assert found.known is bool(row.max() >= 0.5)


def test_names_and_what_knows_them() -> None:
    assert CLASSIFIERS.names() == ["vggface-vgg16", "vggface2-resnet50", "vggface2-senet50"]
    assert [(recipe.dimension, recipe.rows) for recipe in (classify.VGG16, classify.RESNET50, classify.SENET50)] == [
        (2622, (classic.VGG16,)),
        (8631, (classic.RESNET50,)),
        (8631, (classic.SENET50,)),
    ]


def test_a_missing_network_is_told(folder: Path) -> None:
    with pytest.raises(WeightsError, match=r"^rcmalli_vggface_tf_senet50\.h5 is missing"):
        CLASSIFIERS.create("vggface2-senet50")


def test_a_classifier_has_its_files_once_all_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network and the names of its people; a classifier of another package has none to look for."""
    files = {"vggface2-resnet50", "vggface-labels"}
    monkeypatch.setattr(store, "locate", lambda spec: Path(spec.file) if spec.name in files else None)
    for added, expected in (
        (set(), []),
        ({"vggface2-labels"}, ["vggface2-resnet50"]),
        ({"vggface-vgg16"}, ["vggface-vgg16", "vggface2-resnet50"]),
    ):
        files |= added
        assert [name for name in CLASSIFIERS.names() if has_files(name)] == expected
    assert has_files("of another package")
