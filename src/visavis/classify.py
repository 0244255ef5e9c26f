"""CLASSIFY: the people that a network was trained on, by name, and "nobody I know".

A closed-set network shares a probability of 1 among its people, whoever stands before it. A stranger's is spread over
many, or falls to whoever looks alike. So there is one rule: a face is known where one person has at least
``min_probability``. The default of one half means: more than all others together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from visavis import runtime
from visavis._checks import checked_number, checked_whole
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

MODEL = "vggface2-resnet50"
TOP = 5
MIN_PROBABILITY = 0.5
BATCH_FACES = 32
"""Faces of several photos that are classified together."""


@dataclass(frozen=True, slots=True)
class FaceNames(Plain):
    """The likeliest people of a face, best first, with their probabilities; ``known`` is whether the first is meant.

    Its truth value is ``known``.
    """

    names: tuple[tuple[str, float], ...]
    known: bool

    @property
    def name(self) -> str | None:
        """Who it is, or None: nobody that the network knows."""
        return self.names[0][0] if self.known and self.names else None

    def __bool__(self) -> bool:
        return self.known

    def rows(self) -> list[dict[str, Any]]:
        """Return one row: the name (None: unknown), and the likeliest person with its probability, named or not."""
        likeliest, probability = self.names[0] if self.names else (None, None)
        return [{"known": self.known, "name": self.name, "likeliest": likeliest, "probability": probability}]


class Classifier:
    """Tells which of its people a face is. Constructed means ready; may be used from several threads at once.

    ``session`` answers crops with logits ``(n, k)``; ``people`` are the k names, in that order.
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
        """Cut the faces out as this network wants them: ``(n, s, s, 3)`` RGB uint8."""
        return self._crops(picture, faces)

    def probabilities(self, crops: RGB) -> Floats:
        """Share of each person ``(n, k)``; rows sum to 1."""
        logits = run_in_batches(self._session, crops, batch=self._batch, dimension=len(self.people))
        return softmax(logits)

    def classify(self, crops: RGB, *, top: int = TOP, min_probability: float = MIN_PROBABILITY) -> list[FaceNames]:
        """The ``top`` likeliest people of each crop. UsageError for options that mean nothing."""
        check_options(top, min_probability)
        return [self._named(row, top, min_probability) for row in self.probabilities(crops)]

    def _named(self, row: Floats, top: int, least: float) -> FaceNames:
        best = np.argsort(-row, kind="stable")[:top]
        return FaceNames(tuple((self.people[i], float(row[i])) for i in best), known=bool(row[best[0]] >= least))


def softmax(logits: Floats) -> Floats:
    """Probabilities ``(n, k)``; the sums are made in float64."""
    grown = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True, initial=-np.inf))
    shares: Floats = (grown / grown.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def check_options(top: int, min_probability: float) -> None:
    """Raise UsageError for options that mean nothing."""
    checked_whole(top, "top is a whole number", least=1)
    checked_number(min_probability, "min_probability is a number", least=0, most=1)


def classify(
    sources: Source | Iterable[Source],
    *,
    model: str | Classifier = MODEL,
    top: int = TOP,
    min_probability: float = MIN_PROBABILITY,
    recognizer: Recognizer | None = None,
    min_face: float = 20,
) -> Iterator[tuple[PhotoFaces, list[FaceNames]]]:
    """Each photo with the names of its faces, in order; faces of several photos go through the network together.

    One source is one photo; a folder stands for the photos in it and below it.

    The network is loaded at the first face. A photo that cannot be read is an answer with its status.
    """
    check_options(top, min_probability)
    classifier = model if isinstance(model, Classifier) else None
    for group in _groups((recognizer or Recognizer()).detect(sources, min_face=min_face)):
        crops = []
        for one in group:
            if one.photo is not None and one.faces:
                classifier = classifier or CLASSIFIERS.create(str(model))
                crops.append(classifier.crops(one.photo.pixels, one.faces))
        named = iter(
            classifier.classify(np.concatenate(crops), top=top, min_probability=min_probability)
            if classifier and crops
            else []
        )
        for one in group:
            yield one, [next(named) for _ in one.faces]


def _groups(found: Iterable[PhotoFaces]) -> Iterator[list[PhotoFaces]]:
    """Photos until they show enough faces together, or are many."""
    group: list[PhotoFaces] = []
    for one in found:
        group.append(one)
        if sum(len(each.faces) for each in group) >= BATCH_FACES or len(group) >= BATCH_FACES:
            yield group
            group = []
    if group:
        yield group


# --- the networks

CLASSIFIERS: Registry[Classifier] = Registry("classifier", entry_points="visavis.classifiers", builtin={})


def _vgg16(ops: Ops[T], x: T) -> tuple[T, ...]:
    return vgg16.vgg16_top(ops, x)[1:]


def _resnet50(ops: Ops[T], x: T) -> tuple[T, ...]:
    return resnet50.resnet50_top(ops, x)[1:]


def _senet50(ops: Ops[T], x: T) -> tuple[T, ...]:
    return senet50.senet50_top(ops, x)[1:]


def _recipe(features: Recipe, row: WeightSpec, net: Callable[..., tuple[object, ...]], people: int) -> Recipe:
    return replace(features, name=f"{features.name}-classes", rows=(row,), net=net, dimension=people)


VGG16 = _recipe(vggface.VGG16, rows.VGG16, _vgg16, vgg16.PEOPLE)
RESNET50 = _recipe(vggface.RESNET50, rows.RESNET50, _resnet50, resnet50.PEOPLE)
SENET50 = _recipe(vggface.SENET50, rows.SENET50, _senet50, resnet50.PEOPLE)


def accept_license(model: str) -> None:
    """Accept, once, the license of the files of a built-in classifier; of one that is none nothing is said."""
    for features, recipe in ((vggface.VGG16, VGG16), (vggface.RESNET50, RESNET50), (vggface.SENET50, SENET50)):
        if features.name == model:
            for row in recipe.rows:
                store.accept(row)


def _load(name: str, recipe: Recipe, labels: WeightSpec, threads: int | None) -> Classifier:
    runtime.thread_count(threads)  # refuses what is no number of threads
    with store.all_missing(partial(class_names, labels, count=recipe.dimension)):
        session = recipe.session(threads=threads)
    people = class_names(labels, count=recipe.dimension)
    return Classifier(name, session, people, crops=recipe.crops, batch=recipe.batch)


@CLASSIFIERS.register(vggface.VGG16.name)
def vggface_vgg16(*, threads: int | None = None) -> Classifier:
    """VGG16 and the 2,622 people of VGG-Face."""
    return _load(vggface.VGG16.name, VGG16, rows.VGGFACE_LABELS, threads)


@CLASSIFIERS.register(vggface.RESNET50.name)
def vggface2_resnet50(*, threads: int | None = None) -> Classifier:
    """ResNet-50 and the 8,631 people of VGGFace2."""
    return _load(vggface.RESNET50.name, RESNET50, rows.VGGFACE2_LABELS, threads)


@CLASSIFIERS.register(vggface.SENET50.name)
def vggface2_senet50(*, threads: int | None = None) -> Classifier:
    """SENet-50 and the same people."""
    return _load(vggface.SENET50.name, SENET50, rows.VGGFACE2_LABELS, threads)
