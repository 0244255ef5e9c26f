"""Identify faces: search for the nearest people, apply the rule, and in a photo name each person once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from numpy.typing import ArrayLike

from visavis import compare
from visavis._checks import check_number, check_whole
from visavis.doubts import SQUEEZED, WHY_STRICTER, is_squeezed
from visavis.errors import UsageError
from visavis.gallery._negatives import take_rejected_names
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._search import SearchResult, compute_threshold, list_candidates, search_people
from visavis.gallery.index import Hit
from visavis.gallery.types import IdentifiedPhoto
from visavis.images import Source, not_a_folder
from visavis.types import Candidate, Face, Floats, Identification, PhotoFaces, Quality
from visavis.verification import require_photo

LIKELY = 0.5
"""The least probability that is shown with a named person."""


@dataclass(frozen=True, slots=True)
class IdentifyOptions:
    """The options of :meth:`visavis.gallery.Gallery.identify_embeddings`; UsageError for those that are not valid."""

    fpir: float
    threshold: float | None
    margin: float
    top: int

    def __post_init__(self) -> None:
        check_whole(self.top, "top is a whole number", least=1)
        compare.to_cosine(self.margin, "cosine")
        if self.threshold is None:
            compare.check_fpir(self.fpir)
        else:
            compare.to_cosine(self.threshold, "cosine")


class ProbeQuality(NamedTuple):
    """The ``share`` of the threshold that applies to a face, by its quality, and the ``quality``.

    The share is None for a face poorer than was measured; the quality is None if it is not known.
    """

    share: float | None = 1.0
    quality: Quality | float | None = None


@dataclass(frozen=True, slots=True)
class NamingRule:
    """The rule by which a search names its nearest candidate.

    ``limit`` is the greatest cosine distance, ``margin`` how much farther the second candidate must be, ``people`` the
    number of people searched. ``table`` gives probabilities; None: uncalibrated. ``shares`` are the shares of the limit
    that apply to people with poor templates, by id: see :meth:`visavis.Calibration.threshold_share`; None: the quality
    of photos does not matter. A ``fixed`` limit applies to photos of any quality.
    """

    limit: float
    margin: float
    people: int
    table: compare.Calibration | None
    shares: Mapping[int, float | None] | None = None
    fixed: bool = False

    def share(self, probe: ProbeQuality, person_id: int) -> float | None:
        """Return the share of the limit that applies to a probe and a person; None: too poor for an answer."""
        if self.table is None or self.shares is None:
            return 1.0
        return self.table.threshold_share_of_pair(probe.share, self.shares.get(person_id, 1.0))


def identify_photo(
    opened: OpenGallery, photo: Source, options: IdentifyOptions, *, min_face: float, repeats: bool
) -> list[Identification]:
    """Do as :meth:`visavis.gallery.Gallery.identify`."""
    (result,) = identify_photos(opened, [not_a_folder(photo)], options, min_face=min_face, repeats=repeats)
    require_photo(result.photo)
    return list(result.identifications)


def identify_photos(
    opened: OpenGallery,
    photos: Source | Iterable[Source],
    options: IdentifyOptions,
    *,
    min_face: float,
    repeats: bool,
) -> Iterator[IdentifiedPhoto]:
    """Do as :meth:`visavis.gallery.Gallery.identify_photos`."""
    for photo in opened.recognizer.represent(photos, min_face=min_face):
        answers: Sequence[Identification] = ()
        if photo.embeddings is not None and len(photo.embeddings):
            _, answers = answer_faces(opened, photo, photo.embeddings, options, repeats=repeats)
        yield IdentifiedPhoto(photo, tuple(map(_add_box, answers, photo.faces)))


def answer_faces(
    opened: OpenGallery, photo: PhotoFaces, embeddings: Floats, options: IdentifyOptions, *, repeats: bool
) -> tuple[SearchResult, list[Identification]]:
    """Search for the faces of a photo with these ``embeddings (n, d)``; return the search and an answer a face."""
    result = _search(opened, embeddings, options)
    answers = _answer(result, options, photo.quality or None, model=opened.model)
    if not repeats:
        answers = name_each_person_once(answers)
    if not _has_stricter_thresholds(result, options):
        answers = list(map(_note_squeezed, answers, photo.faces))
    return result, take_rejected_names(answers, result.probes, result.negatives)


def identify_embeddings(
    opened: OpenGallery,
    embeddings: ArrayLike,
    options: IdentifyOptions,
    *,
    qualities: Sequence[Quality | float | None] | None,
) -> list[Identification]:
    """Do as :meth:`visavis.gallery.Gallery.identify_embeddings`."""
    result = _search(opened, embeddings, options)
    answers = _answer(result, options, qualities, model=opened.model)
    return take_rejected_names(answers, result.probes, result.negatives)


def _search(opened: OpenGallery, embeddings: ArrayLike, options: IdentifyOptions) -> SearchResult:
    return search_people(opened, embeddings, max(options.top, 2))


def _answer(
    result: SearchResult,
    options: IdentifyOptions,
    qualities: Sequence[Quality | float | None] | None,
    *,
    model: str,
) -> list[Identification]:
    rule = make_rule(result, options, model=model)
    return [
        _identify_probe(hits, result.names, rule, top=options.top, probe=probe)
        for hits, probe in zip(result.hits, measure_probes(result, qualities), strict=True)
    ]


def make_rule(result: SearchResult, options: IdentifyOptions, *, model: str) -> NamingRule:
    """Return the rule of a search; UsageError without a threshold for a model without a table."""
    if options.threshold is None:
        limit = compute_threshold(result.table, options.fpir, result.people, model=model).distance
    else:
        limit = compare.to_cosine(options.threshold, "cosine")
    return NamingRule(
        limit,
        compare.to_cosine(options.margin, "cosine"),
        result.people,
        result.table,
        result.shares,
        fixed=options.threshold is not None,
    )


def measure_probes(result: SearchResult, qualities: Sequence[Quality | float | None] | None) -> Iterator[ProbeQuality]:
    """Yield the share of the threshold for each face; UsageError unless each face has one quality."""
    face_qualities = [None] * len(result.hits) if qualities is None else qualities
    if len(face_qualities) != len(result.hits):
        raise UsageError(f"each face has one quality: got {len(face_qualities)} for {len(result.hits)} faces.")
    for quality in face_qualities:
        if quality is not None and not isinstance(quality, Quality):
            check_number(quality, "a quality is a Quality, None or a score", least=0, most=1)
    for embedding, quality in zip(result.probes, face_qualities, strict=True):
        share = 1.0 if result.table is None else result.table.threshold_share(embedding, quality)
        yield ProbeQuality(share, quality)


def _identify_probe(
    hits: Sequence[Hit], names: Mapping[int, str], rule: NamingRule, *, top: int, probe: ProbeQuality
) -> Identification:
    nearest = next((hit.person_id for hit in hits if hit.person_id in names), None)
    share = 1.0 if nearest is None else rule.share(probe, nearest)
    candidates = list_candidates(hits, names, rule.table, rule.people, share=share or 1.0)
    return apply_rule(candidates, rule, top=top, probe=probe, share=share)


def _has_stricter_thresholds(result: SearchResult, options: IdentifyOptions) -> bool:
    """Return whether a search has a stricter threshold for poor photos; never with the caller's threshold."""
    return options.threshold is None and result.table is not None and result.table.poor is not None


# A face has the name of the nearest person, or none


def apply_rule(
    candidates: Sequence[Candidate],
    rule: NamingRule,
    *,
    top: int,
    probe: ProbeQuality,
    share: float | None = 1.0,
) -> Identification:
    """Name the nearest candidate if ``rule`` allows it; keep the ``top`` nearest in the answer.

    ``share`` is the rule's share for the probe and the nearest candidate.

    An answer has a probability only if the probability supports it: a person named with a probability below one half
    has a note instead, and neither an unknown face nor its candidates have a probability.
    """
    if not candidates:
        return Identification(None, None, None, threshold=rule.limit, probability=None)
    best = candidates[0]
    apart = candidates[1].distance - best.distance if len(candidates) > 1 else None
    limit = rule.limit if rule.fixed else rule.limit * (share or 0.0)
    answer = Identification(
        name=best.name,
        person_id=best.person_id,
        distance=best.distance,
        threshold=limit,
        probability=best.probability,
        candidates=tuple(candidates[:top]),
        margin=apart,
    )
    if share is None and not rule.fixed:
        return _mark_unknown(answer, _explain_too_poor(rule, probe, best))
    if limit < best.distance <= rule.limit:
        return _mark_unknown(answer, _explain_stricter_limit(rule, limit))
    if not best.distance <= limit or (apart is not None and apart < rule.margin):
        return _mark_unknown(answer)
    if share is None:
        note = f"{_explain_too_poor(rule, probe, best)} The threshold decides; its error rate there was not measured."
    elif best.probability is not None and not best.probability >= LIKELY:
        note = _explain_unlikely(candidates, rule)
    else:
        return answer
    return replace(_drop_probability(answer), notes=(note,))


def _explain_too_poor(rule: NamingRule, probe: ProbeQuality, best: Candidate) -> str:
    """Explain which photos are poorer than was measured: the probe, the person's, or the pair."""
    quality = probe.quality.score if isinstance(probe.quality, Quality) else probe.quality
    score = "" if quality is None else f" (quality {quality:.2f})"
    enrolled = f"the photos that {best.name} is enrolled with"
    if probe.share is None:
        return f"this photo of a face is too poor to say who it is{score}."
    if rule.shares is not None and rule.shares.get(best.person_id, 1.0) is None:
        return f"{enrolled} are too poor to say: enroll better ones."
    return f"this photo of a face{score} and {enrolled} are together too poor to say."


def _explain_stricter_limit(rule: NamingRule, limit: float) -> str:
    """Explain that a face would have a name if the photos were good."""
    return (
        f"the threshold is {limit:.4f} instead of {rule.limit:.4f}: {WHY_STRICTER}. A better photo may be recognized."
    )


def _mark_unknown(answer: Identification, *notes: str) -> Identification:
    """Return the answer without a name and without probabilities, with ``notes`` added."""
    return replace(_drop_probability(answer), name=None, person_id=None, notes=(*answer.notes, *notes))


def _drop_probability(answer: Identification) -> Identification:
    stripped = tuple(replace(candidate, probability=None) for candidate in answer.candidates)
    return replace(answer, probability=None, candidates=stripped)


def _explain_unlikely(candidates: Sequence[Candidate], rule: NamingRule) -> str:
    """Explain why a person within the threshold has a probability below one half."""
    best, *others = candidates
    stranger = 1 - sum(candidate.probability or 0 for candidate in candidates)
    if others and (others[0].probability or 0) > stranger:
        return f"{others[0].name} is nearly as near as {best.name}: no probability is shown, as it is below one half."
    return (
        f"at this distance, among {rule.people} people, a stranger is likelier than "
        f"{best.name}: no probability is shown, as it is below one half."
    )


# Faces of a photo are different people: a name is given to one face at most


def name_each_person_once(answers: Sequence[Identification]) -> list[Identification]:
    """Keep each name for the face that is nearest to that person; the other faces become unknown, with a note.

    ``answers`` are those of all faces of a photo, in order. A face that loses its name does not get that of its
    second candidate, even within the threshold: in photos of two people with the same nearest person, the second
    candidate was wrong for 17 to 22 % of the faces, and in a collage it always is (docs/gallery.md).
    """
    nearest_face: dict[int, int] = {}
    for number, answer in enumerate(answers):
        if answer.person_id is not None:
            nearest = nearest_face.get(answer.person_id)
            if nearest is None or _distance(answer) < _distance(answers[nearest]):
                nearest_face[answer.person_id] = number
    return [
        answer
        if answer.person_id is None or nearest_face[answer.person_id] == number
        else _mark_unknown(answer, _explain_named_already(answer, nearest_face[answer.person_id], answers))
        for number, answer in enumerate(answers)
    ]


def _distance(answer: Identification) -> float:
    return float("inf") if answer.distance is None else answer.distance


def _explain_named_already(answer: Identification, nearest: int, answers: Sequence[Identification]) -> str:
    return (
        f"this face looks like {answer.name} (distance {_distance(answer):.4f}), but face {nearest + 1} of this photo "
        f"looks more like {answer.name} ({_distance(answers[nearest]):.4f}), and a person is in a photo once."
    )


def _note_squeezed(answer: Identification, face: Face) -> Identification:
    """Note that a name is doubtful if the picture seems to be squeezed: strangers look alike there."""
    if answer.person_id is None or not is_squeezed(face.landmarks):
        return answer
    return replace(answer, notes=(*answer.notes, f"{SQUEEZED}."))


def _add_box(answer: Identification, face: Face) -> Identification:
    """Return the answer with the box of its face."""
    x1, y1, x2, y2 = face.box.tolist()
    return replace(answer, box=(x1, y1, x2, y2))
