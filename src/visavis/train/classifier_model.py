"""A trained classifier: names the faces of photos among the people it was trained on, or calls them unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from visavis import defaults
from visavis._show import Shown
from visavis.classify import FaceNames, check_options
from visavis.errors import UsageError
from visavis.images import Source
from visavis.pipeline import Recognizer
from visavis.plain import Plain
from visavis.train.classifier_answers import FittedHead, HeadAnswers, answer
from visavis.train.classifier_features import FeatureKind, describe_faces
from visavis.train.classifier_fit import FitOptions
from visavis.train.labeled_photos import Labels
from visavis.train.unknown_rule import UnknownRule
from visavis.types import RGB, Face, Floats, PhotoFaces


@dataclass(frozen=True, slots=True)
class ClassifiedFace(Plain):
    """Answer of a classifier for a face: the name (None: unknown), and what the rule compared.

    ``candidates`` are the likeliest people with their probabilities, best first; ``probability`` and ``distance`` are
    those of the first. ``rule`` is "probability" or "distance", which is compared with ``threshold``.
    The truth value is ``known``.
    """

    name: str | None
    probability: float
    distance: float
    rule: str
    threshold: float
    candidates: tuple[tuple[str, float], ...]

    @property
    def known(self) -> bool:
        """Whether the face was given a name."""
        return self.name is not None

    def __bool__(self) -> bool:
        return self.known


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrainingPhotos(Shown):
    """What a classifier was fitted on: features ``(n, d)``, labels ``(n,)`` and hashes of the photos.

    A classifier keeps them, since a person can only be added by fitting the head again with the photos of everybody.
    """

    values: Floats
    labels: Labels
    sha256: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False, repr=False)
class EmbeddingClassifier:
    """A classifier on embeddings of ``model``, or on landmarks, ready to name faces. Threads may share it.

    It can be used as the ``model`` of :func:`visavis.classify.classify`. ``rule`` decides what is unknown. A face that
    no person resembles is unknown, at the rate that ``rule.measured`` states.
    """

    people: tuple[str, ...]
    kind: FeatureKind
    model: str
    detector: str
    min_face: float
    fitted: FittedHead
    rule: UnknownRule
    training: TrainingPhotos
    options: FitOptions

    def __repr__(self) -> str:
        basis = self.model if self.kind is FeatureKind.embeddings else "68 landmarks"
        return f"EmbeddingClassifier({len(self.people)} people, {self.name} on {self.kind} of {basis})"

    @property
    def name(self) -> str:
        """Name of the head."""
        return self.fitted.head.name

    @cached_property
    def recognizer(self) -> Recognizer:
        """Detector and embedder that the classifier was trained with; networks are loaded when first needed."""
        return Recognizer(detector=self.detector, embedder=self.model)

    def with_recognizer(self, recognizer: Recognizer) -> EmbeddingClassifier:
        """Return the classifier with another recognizer; UsageError for another model, whose embeddings do not fit."""
        if self.kind is FeatureKind.embeddings and recognizer.model != self.model:
            raise UsageError(
                f"this classifier is of embeddings of {self.model}, not of {recognizer.model}: leave out the model."
            )
        changed = replace(self)
        changed.__dict__["recognizer"] = recognizer
        return changed

    def crops(self, picture: RGB, faces: Sequence[Face]) -> Floats:
        """Return what :meth:`classify` takes for detected faces: their features ``(n, d)``."""
        return describe_faces(self.kind, self.recognizer, picture, faces)

    def classify(
        self, features: Floats, *, top: int = defaults.TOP_NAMES, min_probability: float | None = None
    ) -> list[FaceNames]:
        """Return the ``top`` likeliest people of faces with features ``(n, d)``.

        A face is known by the classifier's own rule, or where its probability is ``min_probability`` or more.
        """
        check_options(top, min_probability)
        answers = answer(self.fitted, features, top=top)
        accepted = self.rule.accepts(answers.confidence, answers.distances)
        if min_probability is not None:
            accepted = answers.confidence >= min_probability
        return [FaceNames(self._list_candidates(answers, row), bool(accepted[row])) for row in range(len(answers))]

    def identify_features(self, features: Floats, *, top: int = defaults.TOP_NAMES) -> list[ClassifiedFace]:
        """Return the answer for each face with features ``(n, d)``; UsageError for features of another dimension."""
        if features.ndim != 2 or features.shape[1] != self.fitted.center.shape[0]:
            raise UsageError(f"features must be (n, {self.fitted.center.shape[0]}), got {features.shape}.")
        if not np.isfinite(features).all():
            raise UsageError("features must be finite numbers.")
        answers = answer(self.fitted, features, top=top)
        accepted = self.rule.accepts(answers.confidence, answers.distances)
        faces = []
        for row in range(len(answers)):
            candidates = self._list_candidates(answers, row)
            faces.append(
                ClassifiedFace(
                    candidates[0][0] if accepted[row] else None,
                    candidates[0][1],
                    float(answers.distances[row]),
                    self.rule.kind,
                    self.rule.threshold,
                    candidates,
                )
            )
        return faces

    def identify(
        self, sources: Source | Iterable[Source], *, top: int = defaults.TOP_NAMES, min_face: float | None = None
    ) -> Iterator[tuple[PhotoFaces, list[ClassifiedFace]]]:
        """Yield each photo with an answer for each of its faces, in order; a folder stands for the photos inside it.

        ``min_face`` is the side of the smallest face in pixels (default: that of the training). A photo that cannot be
        read is an answer with its status.
        """
        check_options(top)
        side = self.min_face if min_face is None else min_face
        if self.kind is FeatureKind.embeddings:
            for photo in self.recognizer.represent(sources, min_face=side):
                features = photo.embeddings if photo.faces else None
                yield photo, [] if features is None else self.identify_features(features, top=top)
            return
        for photo in self.recognizer.detect(sources, min_face=side):
            if photo.photo is None or not photo.faces:
                yield photo, []
            else:
                yield photo, self.identify_features(self.crops(photo.photo.pixels, photo.faces), top=top)

    def _list_candidates(self, answers: HeadAnswers, row: int) -> tuple[tuple[str, float], ...]:
        pairs: Iterable[tuple[Any, Any]] = zip(answers.top[row], answers.probabilities[row], strict=True)
        return tuple((self.people[person], float(probability)) for person, probability in pairs)
