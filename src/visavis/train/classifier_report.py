"""What a training run of a classifier found out, as one value that becomes JSON, a table and a page."""

from __future__ import annotations

from dataclasses import dataclass

from visavis._show import Shown
from visavis.evaluate.results import Interval
from visavis.train.classifier_file import describe_rate
from visavis.train.classifier_fit import HeadScore
from visavis.train.classifier_measures import Measures, PersonRates, ReliabilityBin
from visavis.train.heads import find_head
from visavis.train.unknown_rule import UnknownRule
from visavis.types import Floats

DIGITS = 6
CONFUSION_PEOPLE = 50
"""Most people whose confusion matrix is printed in full; the mistakes of each person are listed in any case."""


@dataclass(frozen=True, slots=True, eq=False)
class WrongPhoto:
    """A test photo that got the wrong name, with the box ``(4,)`` of its face."""

    photo: str
    person: str
    named: str
    probability: float
    accepted: bool
    box: Floats


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClassifierReport(Shown):
    """Results of one run.

    ``split`` says how test photos were set aside. ``scores`` are of the training photos alone, ``measures`` of the
    test photos (None: there are none), of which ``named_rightly`` got the right name under ``rule`` too, and ``named``
    got any. ``strangers`` are test photos of people who were not trained, ``strangers_named`` those that got a name.
    """

    source: str
    split: str
    features: str
    model: str
    chosen: str
    balance: bool
    people: int
    train_photos: int
    test_photos: int
    scores: tuple[HeadScore, ...]
    measures: Measures | None
    wrong: tuple[WrongPhoto, ...]
    named: int
    named_rightly: int
    strangers: int
    strangers_named: int
    rule: UnknownRule
    notes: tuple[str, ...] = ()

    @property
    def accuracy(self) -> float | None:
        """Share of the test photos whose likeliest person is right; None without test photos."""
        return None if self.measures is None else self.measures.accuracy

    @property
    def accuracy_interval(self) -> Interval | None:
        """Wilson's 95 % interval of the accuracy, with photos taken for independent."""
        return None if self.measures is None else self.measures.accuracy_interval

    @property
    def balancing(self) -> str:
        """How rare people were made to weigh as much as frequent ones; empty if they were not."""
        return find_head(self.chosen).balancing if self.balance else ""

    def line(self) -> dict[str, object]:
        """Return everything as JSON."""
        measures = self.measures
        line = {
            "chosen": self.chosen,
            "accuracy": self.accuracy,
            "top5": None if measures is None else measures.top5,
            "people": self.people,
            "train_photos": self.train_photos,
            "test_photos": self.test_photos,
            "split": self.split,
            "features": self.features,
            "model": self.model,
            "balance": self.balance,
            "balancing": self.balancing,
            "accuracy_interval": None if measures is None else list(measures.accuracy_interval),
            "macro_f1": None if measures is None else measures.macro_f1,
            "ece": None if measures is None else measures.ece,
            "reliability": []
            if measures is None
            else [_describe_bin(reliability) for reliability in measures.reliability],
            "heads": [_describe_score(score) for score in self.scores],
            "unknown": self._describe_rule(),
            "per_person": [] if measures is None else [_describe_person(person) for person in measures.people],
            "confusion": measures.confusion().tolist()
            if measures and len(measures.people) <= CONFUSION_PEOPLE
            else None,
            "wrong": [_describe_wrong(photo) for photo in self.wrong],
            "notes": list(self.notes),
        }
        return {key: _round_numbers(value) for key, value in line.items()}

    def _describe_rule(self) -> dict[str, object]:
        return {
            "rule": self.rule.kind,
            "threshold": self.rule.threshold,
            "fpir": self.rule.fpir,
            "basis": self.rule.basis,
            "measured": None if self.rule.measured is None else describe_rate(self.rule.measured),
            "test_named": self.named,
            "test_named_rightly": self.named_rightly,
            "test_strangers": self.strangers,
            "test_strangers_named": self.strangers_named,
        }


def _round_numbers(value: object) -> object:
    """Round all numbers within a JSON value to ``DIGITS`` significant digits."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, list):
        return [_round_numbers(item) for item in value]
    return {key: _round_numbers(item) for key, item in value.items()} if isinstance(value, dict) else value


def _describe_bin(reliability: ReliabilityBin) -> dict[str, object]:
    names = ("low", "high", "photos", "probability", "accuracy")
    return {name: getattr(reliability, name) for name in names}


def _describe_score(score: HeadScore) -> dict[str, object]:
    return {
        "name": score.name,
        "accuracy": score.accuracy,
        "right": score.right,
        "photos": score.photos,
        "recall": score.recall if score.photos else None,
        "log_loss": score.log_loss if score.photos else None,
        "seconds": round(score.seconds, 3),
        "reason": score.reason,
    }


def _describe_person(person: PersonRates) -> dict[str, object]:
    return {
        "name": person.name,
        "train": person.train,
        "test": person.test,
        "right": person.right,
        "named": person.named,
        "recall": person.recall,
        "precision": person.precision,
        "f1": person.f1,
        "mistaken_for": [list(pair) for pair in person.mistaken_for],
    }


def _describe_wrong(photo: WrongPhoto) -> dict[str, object]:
    return {
        "photo": photo.photo,
        "person": photo.person,
        "named": photo.named,
        "probability": photo.probability,
        "accepted": photo.accepted,
    }
