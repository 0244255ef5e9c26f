"""Train a classifier on the features of labeled photos, measure it on photos that it has not seen, and save it.

>>> run = train_classifier("people/")                        # doctest: +SKIP
>>> run.report.accuracy, run.report.rule.measured            # doctest: +SKIP
>>> run.save("run/")                                         # doctest: +SKIP
>>> load_classifier("run/").identify("party.jpg")            # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis import atomic, defaults, permissions
from visavis._checks import check_number, check_whole
from visavis.errors import UsageError, reason_of
from visavis.evaluate.data.templates import ShowProgress
from visavis.images import shown
from visavis.pipeline import Recognizer
from visavis.printable import dump_json
from visavis.train.classifier_answers import FittedHead, HeadAnswers, answer
from visavis.train.classifier_data import LabeledFaces, map_people, merge_faces, read_faces, read_people_to_add
from visavis.train.classifier_features import FeatureKind
from visavis.train.classifier_file import load_classifier, save_classifier
from visavis.train.classifier_fit import FitOptions, HeadScore, choose_head, compact_labels
from visavis.train.classifier_measures import measure
from visavis.train.classifier_model import ClassifiedFace, EmbeddingClassifier
from visavis.train.classifier_report import ClassifierReport, WrongPhoto
from visavis.train.heads import HEADS, find_head
from visavis.train.heads.head import check_extra
from visavis.train.labeled_photos import Labels, list_few, read_labeled_photos
from visavis.train.splits import every_tenth, stratified_folds
from visavis.train.unknown_rule import UnknownRule, make_rule

__all__ = [
    "ClassifiedFace",
    "ClassifierOptions",
    "ClassifierReport",
    "ClassifierRun",
    "EmbeddingClassifier",
    "FeatureKind",
    "PhotoSplit",
    "add_people",
    "load_classifier",
    "train_classifier",
]

FOLDS = 10


class PhotoSplit(StrEnum):
    """How test photos are set aside: every tenth photo of a person, or each photo once, in folds."""

    every_tenth = "every-10th"
    k_fold = "k-fold"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierOptions:
    """Options of a training run.

    ``heads`` are tried (all of :data:`visavis.train.heads.HEADS` by default); ``balance`` makes rare people weigh as
    much as frequent ones; ``fpir`` is the wanted rate of strangers who are given a name; ``folds`` is for the split
    k-fold. Raises UsageError for invalid values.
    """

    split: PhotoSplit = PhotoSplit.every_tenth
    features: FeatureKind = FeatureKind.embeddings
    heads: tuple[str, ...] = field(default=tuple(HEADS))
    balance: bool = False
    folds: int = FOLDS
    fpir: float = defaults.FPIR
    min_face: float = defaults.MIN_FACE
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole(self.folds, "folds is a whole number", least=2)
        check_number(self.fpir, "fpir is a rate", least=1e-6, most=0.5)
        check_number(self.min_face, "min_face is a side in pixels", least=1)
        for kind, value in ((PhotoSplit, self.split), (FeatureKind, self.features)):
            if value not in list(kind):
                raise UsageError(f"no {kind.__name__} is called {value!r}; there are: {', '.join(kind)}.")
        self.fit()

    def fit(self) -> FitOptions:
        """Return the options of a fit."""
        angular = self.features == FeatureKind.embeddings
        return FitOptions(heads=tuple(self.heads), balance=self.balance, angular=angular, seed=self.seed)


@dataclass(frozen=True, slots=True, eq=False)
class ClassifierRun:
    """A trained classifier, and what was measured about it."""

    classifier: EmbeddingClassifier
    report: ClassifierReport

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write ``report.json``, ``report.html`` and at last the classifier into a folder; return the folder.

        Each file is written whole or not at all. UsageError if one cannot be written.
        """
        from visavis.train.classifier_page import page

        place = Path(folder)
        try:
            permissions.make_folder(place)
            text = dump_json(self.report.line(), indent=1, allow_nan=True)
            atomic.write_text(place / "report.json", text + "\n")
            atomic.write_text(place / "report.html", page(self.report).text())
        except OSError as error:
            raise UsageError(f"{shown(str(place))} cannot be written: {reason_of(error)}.") from error
        save_classifier(self.classifier, place)
        return place


def train_classifier(
    source: str | os.PathLike[str],
    *,
    test: str | os.PathLike[str] | None = None,
    options: ClassifierOptions = ClassifierOptions(),
    recognizer: Recognizer | None = None,
    exclude: Sequence[str] = (),
    progress: ShowProgress | None = None,
) -> ClassifierRun:
    """Train a classifier on a folder with a folder a person, or a CSV of name and photo, and measure it.

    The head is chosen, and its probabilities are calibrated, by cross-validation on the training photos alone. Test
    photos are those of ``options.split``, or of ``test``, read like ``source``. After the split every-10th, and with
    ``test``, the classifier is the measured one; after k-fold it is fitted to all photos.

    Embeddings are those of ``recognizer`` (default: the default networks) and are remembered in the cache. Photos
    without a face, unreadable ones and copies are left out, with notes. Raises UsageError where fewer than two people
    remain, WeightsError where a network, landmarks or scikit-learn is missing.
    """
    if any(find_head(name).extra for name in options.heads):
        check_extra()  # before the photos are embedded
    recognizer = recognizer or Recognizer()
    faces, used, notes = read_faces(
        read_labeled_photos(source, exclude=exclude), options.features, recognizer,
        min_face=options.min_face, progress=progress,
    )  # fmt: skip
    if test is not None:
        tests, test_used, test_notes = read_faces(
            read_labeled_photos(test, exclude=exclude, split=False), options.features, recognizer,
            min_face=options.min_face, progress=progress,
        )  # fmt: skip
        trainer = Trainer(recognizer, options, source, f"test photos of {Path(test).name}", [*notes, *test_notes])
        return trainer.run(faces.select(used), tests.select(test_used))
    if options.split == PhotoSplit.k_fold:
        trainer = Trainer(recognizer, options, source, f"{options.folds}-fold", list(notes))
        return trainer.run_folds(faces.select(used))
    held = every_tenth(faces.labels)  # before photos were left out: the 1st, 11th ... of the folder
    trainer = Trainer(recognizer, options, source, PhotoSplit.every_tenth.value, list(notes))
    return trainer.run(faces.select(used & ~held), faces.select(used & held))


def add_people(
    classifier: EmbeddingClassifier,
    source: str | os.PathLike[str],
    *,
    exclude: Sequence[str] = (),
    progress: ShowProgress | None = None,
) -> ClassifierRun:
    """Return a classifier that knows the people of ``source`` too, fitted again with the stored and the new photos.

    ``source`` is read as in :func:`train_classifier`; a folder of photos is one person, called as the folder. The head
    stays, and is measured by stratified ten-fold. Raises UsageError where no new photo has a face.
    """
    options = ClassifierOptions(
        split=PhotoSplit.k_fold, features=classifier.kind, heads=(classifier.name,), balance=classifier.options.balance,
        fpir=classifier.rule.fpir, min_face=classifier.min_face, seed=classifier.options.seed,
    )  # fmt: skip
    labeled = read_people_to_add(source, exclude=exclude)
    faces, used, notes = read_faces(
        labeled, classifier.kind, classifier.recognizer, min_face=classifier.min_face, progress=progress
    )
    if not used.any():
        raise UsageError(f"nothing was added: no photo of {shown(str(source))} can be used. {' '.join(notes)}".rstrip())
    merged = merge_faces(classifier.training, classifier.people, faces.select(used))
    trainer = Trainer(classifier.recognizer, options, source, f"{options.folds}-fold", list(notes))
    run = trainer.run_folds(merged)
    kept = replace(run.classifier, options=replace(run.classifier.options, heads=classifier.options.heads))
    return ClassifierRun(kept, run.report)


@dataclass(slots=True)
class Trainer:
    """Runs the steps of a training, and collects notes."""

    recognizer: Recognizer
    options: ClassifierOptions
    source: str | os.PathLike[str]
    split: str
    notes: list[str]

    def run(self, train: LabeledFaces, tests: LabeledFaces) -> ClassifierRun:
        """Fit on ``train``, measure on ``tests``."""
        labels, people = self._check(train)
        tests = self._drop_copies(train, tests)
        fitted, scores = choose_head(train.values, labels, self.options.fit())
        rule = self._measure_rule(train, labels, fitted)
        truth = map_people(tests, people)
        answers = answer(fitted, tests.values) if len(tests) else None
        classifier = self._classifier(train, labels, people, fitted, rule)
        return ClassifierRun(classifier, self._report(classifier, tests, truth, answers, scores))

    def run_folds(self, faces: LabeledFaces) -> ClassifierRun:
        """Measure each photo by a classifier fitted without it, then fit on all."""
        labels, people = self._check(faces)
        fit = self.options.fit()
        folds = stratified_folds(labels, self.options.folds, seed=self.options.seed)
        held = folds >= 0
        parts: list[tuple[NDArray[np.intp], HeadAnswers]] = []
        for fold in np.unique(folds[held]):
            rows = np.flatnonzero(folds == fold)
            fitted, _ = choose_head(faces.values[folds != fold], labels[folds != fold], fit)
            parts.append((rows, answer(fitted, faces.values[rows])))
        fitted, scores = choose_head(faces.values, labels, fit)
        rule = self._measure_rule(faces, labels, fitted)
        order = np.argsort(np.concatenate([rows for rows, _ in parts])) if parts else None
        answers = None if order is None else _concatenate([part for _, part in parts]).select(order)
        tests = faces.select(held)
        classifier = self._classifier(faces, labels, people, fitted, rule)
        return ClassifierRun(classifier, self._report(classifier, tests, labels[held], answers, scores))

    def _check(self, train: LabeledFaces) -> tuple[Labels, tuple[str, ...]]:
        labels, people = compact_labels(train.labels, train.people)
        if len(people) < 2:
            names = f" ({people[0]})" if people else ""
            raise UsageError(
                f"a classifier needs usable photos of two people or more, and {shown(str(self.source))} has "
                f"{len(people)}{names}. {' '.join(self.notes)}".rstrip()
            )
        lost = sorted({*train.people} - {*people})
        if lost:
            self.notes.append(f"{len(lost):,} people have no usable photo to train on: {list_few(lost)}.")
        return labels, people

    def _drop_copies(self, train: LabeledFaces, tests: LabeledFaces) -> LabeledFaces:
        """Leave out test photos that are training photos too: they say nothing about new ones."""
        trained = {sha256 for sha256 in train.sha256 if sha256}
        leaks = np.array([sha256 in trained for sha256 in tests.sha256], np.bool_)
        if leaks.any():
            names = [Path(tests.photos[row]).name for row in np.flatnonzero(leaks)]
            self.notes.append(
                f"{len(names):,} test photos are training photos too (a leak), and left out: {list_few(names)}."
            )
        return tests.select(~leaks)

    def _measure_rule(self, train: LabeledFaces, labels: Labels, fitted: FittedHead) -> UnknownRule:
        if not fitted.calibrated:
            self.notes.append(
                "no person has two photos to train on: heads were not compared, and probabilities are rough."
            )
        angular = self.options.features == FeatureKind.embeddings
        return make_rule(
            train.values, labels, fitted.head, self.options.fit(),
            temperature=fitted.temperature if fitted.calibrated else np.nan, fpir=self.options.fpir,
            model=self.recognizer.model if angular else "",
        )  # fmt: skip

    def _classifier(
        self, train: LabeledFaces, labels: Labels, people: tuple[str, ...], fitted: FittedHead, rule: UnknownRule
    ) -> EmbeddingClassifier:
        stored = replace(train.training(), labels=labels)
        classifier = EmbeddingClassifier(
            people, FeatureKind(self.options.features), self.recognizer.model, self.recognizer.detector_name,
            self.options.min_face, fitted, rule, stored, self.options.fit(),
        )  # fmt: skip
        return classifier.with_recognizer(self.recognizer)

    def _report(
        self,
        classifier: EmbeddingClassifier,
        tests: LabeledFaces,
        truth: Labels,
        answers: HeadAnswers | None,
        scores: tuple[HeadScore, ...],
    ) -> ClassifierReport:
        people, rule = classifier.people, classifier.rule
        trained = truth >= 0
        accepted = (
            np.zeros(len(tests), np.bool_) if answers is None else rule.accepts(answers.confidence, answers.distances)
        )
        right = np.zeros(len(tests), np.bool_) if answers is None else answers.best == truth
        if not trained.all():
            self.notes.append(f"{int((~trained).sum()):,} test photos are of people who were not trained: strangers.")
        counts = np.bincount(classifier.training.labels, minlength=len(people))
        measures = (
            measure(answers.select(trained), truth[trained], people, counts) if answers and trained.any() else None
        )
        wrong = [] if answers is None else _list_wrong(tests, people, answers, accepted, trained & ~right)
        return ClassifierReport(
            source=str(self.source),
            split=self.split,
            features=classifier.kind.value,
            model=classifier.model if classifier.kind is FeatureKind.embeddings else "68 landmarks",
            chosen=classifier.name,
            balance=self.options.balance,
            people=len(people),
            train_photos=len(classifier.training),
            test_photos=int(trained.sum()),
            scores=scores,
            measures=measures,
            wrong=tuple(wrong),
            named=int((accepted & trained).sum()),
            named_rightly=int((accepted & trained & right).sum()),
            strangers=int((~trained).sum()),
            strangers_named=int((accepted & ~trained).sum()),
            rule=rule,
            notes=tuple(self.notes),
        )


def _concatenate(parts: Sequence[HeadAnswers]) -> HeadAnswers:
    return HeadAnswers(*(np.concatenate([getattr(part, name) for part in parts]) for name in HeadAnswers.__slots__))


def _list_wrong(
    tests: LabeledFaces,
    people: tuple[str, ...],
    answers: HeadAnswers,
    accepted: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
) -> list[WrongPhoto]:
    rows = sorted(np.flatnonzero(wrong).tolist(), key=lambda row: -answers.confidence[row])
    return [
        WrongPhoto(
            tests.photos[row],
            tests.people[tests.labels[row]],
            people[answers.best[row]],
            float(answers.confidence[row]),
            bool(accepted[row]),
            tests.boxes[row],
        )
        for row in rows
    ]
