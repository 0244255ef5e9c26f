"""Verifications and identifications: the answer in words, its distance on a scale, the candidates in a table."""

from __future__ import annotations

from visavis._show import percent
from visavis.display import parts
from visavis.types import Identification, PhotoVerification, Verification

CROP_SIDE = 112
"""Side of the crops of a verification on the page."""


def show_verification(answer: Verification) -> str:
    """Return both faces if they were kept, the answer in words, and the distance on a scale."""
    crops = "".join(
        parts.picture(crop, alt=f"face {letter}", side=CROP_SIDE, most=parts.CROP_BYTES)
        for letter, crop in zip("ab", answer.crops, strict=False)
    )
    return parts.box(crops, *_describe(answer))


def show_photo_verification(answer: PhotoVerification) -> str:
    """Return the name of the photo and its answer, or the reason why there is none."""
    head = parts.line(answer.photo)
    if answer.verification is None:
        words = "no face: not this person" if answer.same is False else "no answer"
        return parts.box(head, parts.line(words, strong=True), parts.line(answer.message))
    return parts.box(head, *_describe(answer.verification))


def show_identification(answer: Identification) -> str:
    """Return the name or that the face is unknown, the nearest distance on a scale, and all candidates."""
    words = str(answer.name) if answer.known else "unknown: no person of the gallery is near enough"
    if not answer.candidates and answer.distance is None:
        words = "unknown: the gallery is empty"
    nearest = "" if answer.distance is None else _scale(answer.distance, answer.threshold, "distance")
    rows = [
        (number, candidate.name, candidate.person_id, f"{candidate.distance:.4f}", percent(candidate.probability))
        for number, candidate in enumerate(answer.candidates, 1)
    ]
    candidates = parts.table(("", "candidate", "person", "distance", "probability"), rows) if rows else ""
    return parts.box(parts.line(words, strong=True), nearest, candidates, parts.notes(answer.notes))


def _describe(answer: Verification) -> list[str]:
    """Return the answer in words, the scale, the rates and the notes."""
    words = "the same person" if answer.same else answer.reason or "different people"
    rate = "" if answer.far is None else f"strangers pass at a rate of {answer.far:.2g}; "
    sure = "" if answer.probability is None else f"probability of one person: {percent(answer.probability)}; "
    return [
        parts.line(words, strong=True),
        _scale(answer.distance, answer.threshold, f"{answer.metric} distance"),
        parts.line(f"{rate}{sure}model {answer.model}, detector {answer.detector}"),
        parts.notes(answer.notes),
    ]


def _scale(distance: float, threshold: float, unit: str) -> str:
    """Return the scale; nothing for a threshold or a distance that says nothing (0, NaN)."""
    return parts.scale(distance, threshold, unit=unit) if threshold > 0 and distance == distance else ""  # noqa: PLR0124
