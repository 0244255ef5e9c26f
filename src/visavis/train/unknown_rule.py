"""When a face is "unknown": a rule whose error rate is measured on people who were left out.

A classifier always has a likeliest person. The rule names a face only if that person's probability is high enough, or
the distance to that person low enough, whichever keeps more of the own people at the wanted rate of named strangers. To
measure it, people are left out in folds: the head is fitted to the others, the photos of the left out are strangers,
and held-out photos of the others are own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visavis import compare, defaults
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.intervals import wilson_of_people
from visavis.train.classifier_answers import HeadAnswers, answer
from visavis.train.classifier_fit import FitOptions, compact_labels, fit_head
from visavis.train.heads import Head
from visavis.train.labeled_photos import Labels
from visavis.train.splits import people_folds, stratified_folds
from visavis.types import Doubles, Floats

RuleKind = Literal["probability", "distance"]
RULE_KINDS: tuple[RuleKind, ...] = ("probability", "distance")

FOLDS = 5
LEAST_PEOPLE = 5
"""People that measuring takes: one is left out, and several remain to be taken for."""
UNMEASURED_PROBABILITY = defaults.MIN_PROBABILITY
"""Least probability where nothing was measured: the person is then likelier than all others together."""


@dataclass(frozen=True, slots=True)
class StrangerRate:
    """What the rule does: of ``strangers`` photos of people left out ``named`` got a name, of ``own`` photos ``kept``.

    The threshold for each fold of people was chosen on the other folds, so the rate is one of people it has not seen.
    ``rate_interval`` is a 95 % interval for other people like these.
    """

    people: int
    strangers: int
    named: int
    rate_interval: Interval
    own: int
    kept: int

    @property
    def rate(self) -> float:
        """Share of the strangers' photos that are given a name."""
        return self.named / self.strangers

    @property
    def kept_share(self) -> float:
        """Share of the own photos that are still given a name."""
        return self.kept / self.own


@dataclass(frozen=True, slots=True)
class UnknownRule:
    """Name a face if its probability is ``threshold`` or more, or its distance ``threshold`` or less.

    ``fpir`` is the wanted rate of named strangers, ``measured`` what was measured, None where it could not be, and
    ``basis`` a sentence on where the threshold is from.
    """

    kind: RuleKind
    threshold: float
    fpir: float
    basis: str
    measured: StrangerRate | None = None

    def accepts(self, probabilities: Doubles, distances: Doubles) -> NDArray[np.bool_]:
        """Return which faces are given the name of their likeliest person ``(n,)``."""
        if self.kind == "probability":
            return np.asarray(probabilities >= self.threshold)
        return np.asarray(distances <= self.threshold)


@dataclass(frozen=True, slots=True, eq=False)
class StrangerProbes:
    """Photos scored by a head that was fitted without them: their answers, people, and folds of people.

    ``stranger`` are those of people left out of the fit.
    """

    answers: HeadAnswers
    people: Labels
    stranger: NDArray[np.bool_]
    folds: Labels

    def scores(self, kind: RuleKind) -> Doubles:
        """Return how much speaks for a name ``(n,)``: the probability, or the negative distance."""
        return self.answers.confidence if kind == "probability" else -self.answers.distances

    def select(self, rows: NDArray[np.bool_]) -> StrangerProbes:
        """Return the probes of a mask."""
        return StrangerProbes(self.answers.select(rows), self.people[rows], self.stranger[rows], self.folds[rows])


def make_rule(
    features: Floats, labels: Labels, head: Head, options: FitOptions, *, temperature: float, fpir: float, model: str
) -> UnknownRule:
    """Measure the rule of a head on people left out; fall back to the threshold shipped for ``model`` if too few.

    ``model`` is the embedder's model id, or empty for features without a shipped threshold.
    """
    people = len(np.unique(labels))
    own = np.bincount(labels)[labels] > 1
    if people < LEAST_PEOPLE or not own.any() or not np.isfinite(temperature):
        why = "one photo a person" if people >= LEAST_PEOPLE else f"{people} people"
        return make_unmeasured_rule(people, fpir=fpir, model=model, why=why)
    return choose_rule(collect_probes(features, labels, head, options, temperature=temperature), fpir=fpir)


def collect_probes(
    features: Floats, labels: Labels, head: Head, options: FitOptions, *, temperature: float
) -> StrangerProbes:
    """Score every photo as a stranger once, and photos of other people as own, by heads fitted without them."""
    of_person = people_folds(labels, FOLDS, seed=options.seed)
    of_photo = stratified_folds(labels, FOLDS, seed=options.seed)
    parts = []
    for fold in np.unique(of_person):
        stranger = of_person == fold
        held = ~stranger & (of_photo == fold)
        fit_on = ~stranger & ~held
        compact, _ = compact_labels(labels[fit_on], [""] * (int(labels.max()) + 1))
        fitted = fit_head(head, features[fit_on], compact, options, temperature=temperature)
        rows = np.flatnonzero(stranger | held)
        answers = answer(fitted, features[rows], top=1)
        parts.append((answers, labels[rows], stranger[rows], np.full(len(rows), fold)))
    answers = HeadAnswers(
        *(np.concatenate([getattr(part[0], name) for part in parts]) for name in HeadAnswers.__slots__)
    )
    return StrangerProbes(answers, *(np.concatenate([part[n] for part in parts]) for n in (1, 2, 3)))


def choose_rule(probes: StrangerProbes, *, fpir: float) -> UnknownRule:
    """Return the rule chosen on all probes, with the rates of rules chosen on the other folds of people."""
    kind, threshold = _choose(probes, fpir)
    named = np.zeros(len(probes.people), np.bool_)
    for fold in np.unique(probes.folds):
        inside = probes.folds == fold
        of_others = _choose(probes.select(~inside), fpir)
        named[inside] = probes.select(inside).scores(of_others[0]) >= of_others[1]
    strangers, own = probes.stranger, ~probes.stranger
    trials = np.bincount(probes.people[strangers])
    successes = np.bincount(probes.people[strangers & named], minlength=len(trials))
    measured = StrangerRate(
        people=int((trials > 0).sum()),
        strangers=int(strangers.sum()),
        named=int((strangers & named).sum()),
        rate_interval=wilson_of_people(successes, trials),
        own=int(own.sum()),
        kept=int((own & named).sum()),
    )
    basis = f"measured on {measured.strangers:,} photos of {measured.people:,} people, left out in turn"
    return UnknownRule(kind, threshold if kind == "probability" else -threshold, fpir, basis, measured)


def _choose(probes: StrangerProbes, fpir: float) -> tuple[RuleKind, float]:
    """Return the kind of score that keeps more own photos at the wanted rate, and its threshold."""
    thresholds = {kind: least_score(probes.scores(kind), probes.stranger, fpir) for kind in RULE_KINDS}
    kept = {kind: int((probes.scores(kind)[~probes.stranger] >= thresholds[kind]).sum()) for kind in RULE_KINDS}
    best = max(RULE_KINDS, key=lambda kind: kept[kind])
    return best, thresholds[best]


def least_score(scores: Doubles, stranger: NDArray[np.bool_], fpir: float) -> float:
    """Return the lowest threshold that at most a share ``fpir`` of the strangers reach, half way to the next score."""
    strangers = np.sort(scores[stranger])[::-1]
    allowed = int(np.floor(fpir * len(strangers) + 1e-9))
    if allowed >= len(strangers):
        return float(scores.min())
    refused = strangers[allowed]
    higher = scores[scores > refused]
    return float((refused + higher.min()) / 2 if len(higher) else np.nextafter(refused, np.inf))


def make_unmeasured_rule(people: int, *, fpir: float, model: str, why: str) -> UnknownRule:
    """Return the rule for too few people to measure on: the threshold that is shipped for the embedder."""
    table = compare.calibration(model) if model else None
    lacking = f"not measured: {why}, and measuring takes {LEAST_PEOPLE} people or more with two photos"
    if table is None:
        return UnknownRule(
            "probability", UNMEASURED_PROBABILITY, fpir, f"{lacking}; a probability of one half, at no measured rate"
        )
    threshold = table.search_threshold(fpir, people)
    basis = f"{lacking}; the threshold shipped for {model}, at an FPIR of {fpir:g} among {people} people"
    return UnknownRule("distance", threshold, fpir, basis)
