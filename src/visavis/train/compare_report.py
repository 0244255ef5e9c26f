"""What a comparison of architectures measured, as one value that becomes JSON, a table and a page."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path

from visavis.evaluate.results import Interval
from visavis.evaluate.stats.intervals import wilson
from visavis.train.classifier_report import ClassifierReport
from visavis.train.config import Settings
from visavis.train.health import Epoch

DIGITS = 6
"""Significant digits of numbers in JSON."""


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A held-out photo that got the name of another person."""

    photo: str
    person: str
    named: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedNetwork:
    """What an architecture reached.

    ``right`` of ``tested`` held-out photos are nearest to the mean of their own person's training photos; None where
    the run gave no network, for the reason in ``illness``. A run can be ill and give a network: one that stopped early.
    ``seconds`` is the time of the training steps, ``file_bytes`` the size of the ONNX file.
    """

    architecture: str
    parameters: int
    seconds: float
    epochs: tuple[Epoch, ...]
    illness: str = ""
    file_bytes: int | None = None
    right: int | None = None
    tested: int = 0
    wrong: tuple[WrongAnswer, ...] = ()

    @property
    def accuracy(self) -> float | None:
        """Share of the held-out photos that got the right name."""
        return None if self.right is None or not self.tested else self.right / self.tested

    @property
    def accuracy_interval(self) -> Interval | None:
        """Wilson's 95 % interval of the accuracy, with photos taken for independent."""
        return None if self.accuracy is None or self.right is None else wilson(self.right, self.tested)

    @property
    def last(self) -> Epoch | None:
        """The last epoch, with the TAR among held-out photos; None if there is none."""
        return self.epochs[-1] if self.epochs else None

    def line(self) -> dict[str, object]:
        """Return the results as JSON, with the accuracy after each epoch as ``curve``."""
        last = self.last
        return {
            "architecture": self.architecture,
            "accuracy": _round(self.accuracy),
            "accuracy_interval": _round_all(self.accuracy_interval),
            "right": self.right,
            "tested": self.tested,
            "tar": None if last is None else _round(last.tar),
            "epochs": len(self.epochs),
            "seconds": _round(self.seconds),
            "parameters": self.parameters,
            "file_bytes": self.file_bytes,
            "illness": self.illness,
            "curve": [_round(epoch.accuracy) for epoch in self.epochs],
            "wrong": [asdict(answer) for answer in self.wrong],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedClassifier:
    """A classifier on embeddings, with the seconds that embedding and fitting took; no report for a ``reason``."""

    report: ClassifierReport | None
    seconds: float
    file_bytes: int | None = None
    reason: str = ""

    def line(self) -> dict[str, object]:
        """Return the results as JSON."""
        report = self.report
        return {
            "model": None if report is None else report.model,
            "head": None if report is None else report.chosen,
            "accuracy": None if report is None else _round(report.accuracy),
            "accuracy_interval": None if report is None else _round_all(report.accuracy_interval),
            "seconds": _round(self.seconds),
            "file_bytes": self.file_bytes,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkComparison:
    """Architectures side by side, in the order in which they were named, and the classifier (None: interrupted)."""

    folder: Path
    settings: Settings
    people: int
    train_photos: int
    test_photos: int
    networks: tuple[ComparedNetwork, ...]
    classifier: ComparedClassifier | None
    notes: tuple[str, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether it ended before all architectures were trained."""
        return self.classifier is None

    def line(self) -> dict[str, object]:
        """Return everything as JSON."""
        return {
            "people": self.people,
            "train_photos": self.train_photos,
            "test_photos": self.test_photos,
            "seed": self.settings.seed,
            "networks": [network.line() for network in self.networks],
            "classifier": None if self.classifier is None else self.classifier.line(),
            "out": str(self.folder),
            "notes": list(self.notes),
        }


def _round(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.{DIGITS}g}")


def _round_all(values: Interval | None) -> list[float | None] | None:
    return None if values is None else [_round(value) for value in values]
