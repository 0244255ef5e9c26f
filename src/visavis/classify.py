"""CLASSIFY: name the people that a network was trained on, or answer "unknown".

A closed-set network distributes a probability of 1 among its people for every face. That of a stranger is spread over
many people, or falls to a look-alike. So there is one rule: a face is known where one person has at least
``min_probability``. The default of one half means: more than all others together. A classifier of one's own
(:mod:`visavis.train.classifier`) has a rule that was measured on strangers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from visavis import defaults, runtime
from visavis._checks import check_number, check_whole
from visavis.embedders import vggface
from visavis.embedders.trained import Recipe, run_in_batches
from visavis.images import Source
from visavis.nets import resnet50, senet50, vgg16
from visavis.nets.ops import Ops, T
from visavis.pipeline import Recognizer
from visavis.plain import Plain
from visavis.registry import Registry
from visavis.types import RGB, Face, Floats, PhotoFaces
from visavis.weights import store
from visavis.weights.catalog import classic as rows
from visavis.weights.classes import class_names
from visavis.weights.row import WeightSpec

BATCH_FACES = 32
"""Number of faces, of several photos, that are classified together."""


@dataclass(frozen=True, slots=True)
class FaceNames(Plain):
    """The likeliest people of a face, best first, with their probabilities; ``known``: the first one is the answer.

    The truth value is ``known``.
    """

    names: tuple[tuple[str, float], ...]
    known: bool

    @property
    def name(self) -> str | None:
        """Name of the person; None where the face is unknown."""
        return self.names[0][0] if self.known and self.names else None

    def __bool__(self) -> bool:
        return self.known

    def rows(self) -> list[dict[str, Any]]:
        """Return one row: the name (None: unknown), and the likeliest person with its probability, named or not."""
        likeliest, probability = self.names[0] if self.names else (None, None)
        return [{"known": self.known, "name": self.name, "likeliest": likeliest, "probability": probability}]


class FaceClassifier(Protocol):
    """What :func:`classify` needs of a classifier: faces become an array, and the array becomes names.

    ``min_probability`` None stands for the classifier's own rule.
    """

    def crops(self, picture: RGB, faces: Sequence[Face], /) -> NDArray[Any]:
        """Return an array with a row a face."""
        ...

    def classify(
        self, crops: NDArray[Any], /, *, top: int = defaults.TOP_NAMES, min_probability: float | None = None
    ) -> list[FaceNames]:
        """Return the ``top`` likeliest people of each face."""
        ...


class Classifier:
    """Classify faces among the people of a network. Ready once constructed; threads may share it.

    ``session`` returns logits ``(n, k)`` for crops; ``people`` are the k names, in that order.
    """

    def __init__(
        self,
        name: str,
        session: runtime.Session,
        people: Sequence[str],
        *,
        crops: Callable[[RGB, Sequence[Face]], RGB],
        batch: int = 16,
    ) -> None:
        self.name, self.people = name, tuple(people)
        self._session, self._crops, self._batch = session, crops, batch

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        """Crop the faces as this network takes them: ``(n, s, s, 3)`` RGB uint8."""
        return self._crops(picture, faces)

    def probabilities(self, crops: RGB) -> Floats:
        """Return the probability of each person ``(n, k)``; rows sum to 1."""
        logits = run_in_batches(self._session, crops, batch=self._batch, dimension=len(self.people))
        return softmax(logits)

    def classify(
        self, crops: RGB, *, top: int = defaults.TOP_NAMES, min_probability: float | None = None
    ) -> list[FaceNames]:
        """Return the ``top`` likeliest people of each crop. Raises UsageError for invalid options.

        ``min_probability`` is one half by default.
        """
        check_options(top, min_probability)
        least = defaults.MIN_PROBABILITY if min_probability is None else min_probability
        return [self._name_face(row, top, least) for row in self.probabilities(crops)]

    def _name_face(self, row: Floats, top: int, least: float) -> FaceNames:
        best = np.argsort(-row, kind="stable")[:top]
        return FaceNames(tuple((self.people[i], float(row[i])) for i in best), known=bool(row[best[0]] >= least))


def softmax(logits: Floats) -> Floats:
    """Return probabilities ``(n, k)``; the sums are computed in float64."""
    grown = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True, initial=-np.inf))
    shares: Floats = (grown / grown.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def check_options(top: int, min_probability: float | None = None) -> None:
    """Raise UsageError for options that are not valid."""
    check_whole(top, "top is a whole number", least=1)
    if min_probability is not None:
        check_number(min_probability, "min_probability is a number", least=0, most=1)


def classify(
    sources: Source | Iterable[Source],
    *,
    model: str | FaceClassifier = defaults.CLASSIFIER,
    top: int = defaults.TOP_NAMES,
    min_probability: float | None = None,
    recognizer: Recognizer | None = None,
    min_face: float = defaults.MIN_FACE,
) -> Iterator[tuple[PhotoFaces, list[FaceNames]]]:
    """Yield each photo with the names of its faces, in order; the network takes faces of several photos together.

    A source is one photo; a folder stands for the photos in it and below it. ``model`` is the name of a network, or a
    classifier, also a trained one. ``min_probability`` is one half for networks by default; a trained classifier has a
    rule of its own.
    The network is loaded at the first face. A photo that cannot be read is an answer with its status.
    """
    check_options(top, min_probability)
    classifier = None if isinstance(model, str) else model
    for group in _group_photos((recognizer or Recognizer()).detect(sources, min_face=min_face)):
        crops = []
        for answer in group:
            if answer.photo is not None and answer.faces:
                classifier = CLASSIFIERS.create(str(model)) if classifier is None else classifier
                crops.append(classifier.crops(answer.photo.pixels, answer.faces))
        named = iter(
            classifier.classify(np.concatenate(crops), top=top, min_probability=min_probability)
            if classifier is not None and crops
            else []
        )
        for answer in group:
            yield answer, [next(named) for _ in answer.faces]


def _group_photos(answers: Iterable[PhotoFaces]) -> Iterator[list[PhotoFaces]]:
    """Collect photos until they show enough faces together, or there are ``BATCH_FACES`` photos."""
    group: list[PhotoFaces] = []
    for answer in answers:
        group.append(answer)
        if sum(len(photo.faces) for photo in group) >= BATCH_FACES or len(group) >= BATCH_FACES:
            yield group
            group = []
    if group:
        yield group


# --- the networks

CLASSIFIERS: Registry[Classifier] = Registry("classifier", entry_points="visavis.classifiers", builtin={})


def _classify_vgg16(ops: Ops[T], x: T) -> tuple[T, ...]:
    return vgg16.vgg16_top(ops, x)[1:]


def _classify_resnet50(ops: Ops[T], x: T) -> tuple[T, ...]:
    return resnet50.resnet50_top(ops, x)[1:]


def _classify_senet50(ops: Ops[T], x: T) -> tuple[T, ...]:
    return senet50.senet50_top(ops, x)[1:]


def _make_recipe(features: Recipe, row: WeightSpec, net: Callable[..., tuple[object, ...]], people: int) -> Recipe:
    return replace(features, name=f"{features.name}-classes", rows=(row,), net=net, dimension=people)


VGG16 = _make_recipe(vggface.VGG16, rows.VGG16, _classify_vgg16, vgg16.PEOPLE)
RESNET50 = _make_recipe(vggface.RESNET50, rows.RESNET50, _classify_resnet50, resnet50.PEOPLE)
SENET50 = _make_recipe(vggface.SENET50, rows.SENET50, _classify_senet50, resnet50.PEOPLE)


NETWORKS = {
    vggface.VGG16.name: (VGG16, rows.VGGFACE_LABELS),
    vggface.RESNET50.name: (RESNET50, rows.VGGFACE2_LABELS),
    vggface.SENET50.name: (SENET50, rows.VGGFACE2_LABELS),
}
"""Recipe and names of the people of each built-in classifier."""


def accept_license(model: str) -> None:
    """Accept, once, the license of the files of a built-in classifier; ignore other names."""
    if model in NETWORKS:
        for row in NETWORKS[model][0].rows:
            store.accept(row)


def has_files(model: str) -> bool:
    """Return whether all files of a classifier are on this machine; those of other packages have none to look for."""
    if model not in NETWORKS:
        return True
    recipe, labels = NETWORKS[model]
    return all(store.locate(row) is not None for row in (*recipe.rows, labels))


def _load(name: str, threads: int | None) -> Classifier:
    recipe, labels = NETWORKS[name]
    runtime.thread_count(threads)  # raises UsageError for an invalid number
    with store.all_missing(partial(class_names, labels, count=recipe.dimension)):
        session = recipe.session(threads=threads)
    people = class_names(labels, count=recipe.dimension)
    return Classifier(name, session, people, crops=recipe.crops, batch=recipe.batch)


@CLASSIFIERS.register(vggface.VGG16.name)
def vggface_vgg16(*, threads: int | None = None) -> Classifier:
    """Load VGG16 with the 2,622 people of VGG-Face."""
    return _load(vggface.VGG16.name, threads)


@CLASSIFIERS.register(vggface.RESNET50.name)
def vggface2_resnet50(*, threads: int | None = None) -> Classifier:
    """Load ResNet-50 with the 8,631 people of VGGFace2."""
    return _load(vggface.RESNET50.name, threads)


@CLASSIFIERS.register(vggface.SENET50.name)
def vggface2_senet50(*, threads: int | None = None) -> Classifier:
    """Load SENet-50 with the 8,631 people of VGGFace2."""
    return _load(vggface.SENET50.name, threads)
