"""Explain why a face of a photo was, or was not, recognized as a person of the gallery."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from visavis import quality as qualities
from visavis.compare import Calibration
from visavis.doubts import eyes_are_covered
from visavis.gallery import _resolve_person
from visavis.gallery._identify import IdentifyOptions, NamingRule, ProbeQuality, answer_faces, make_rule, measure_probes
from visavis.gallery._negatives import NearNegative, find_nearest_negative
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._resolve_person import Who
from visavis.gallery._search import SearchResult, search_people
from visavis.gallery.feedback_types import Explanation, FaceExplanation, Fault, NearTemplate
from visavis.gallery.sql import records
from visavis.gallery.types import Person
from visavis.images import Source, not_a_folder
from visavis.types import Floats, Identification, PhotoFaces
from visavis.verification import NOTED_SHARE, require_photo

SMALLEST_FACE = 12
"""Side in pixels down to which faces are looked for again where none was found: smaller ones are not recognized."""

FAULTS = {
    "size": ("small", "a larger face: come closer, or use the photo in its full size"),
    "sharpness": ("blurred", "a sharp photo: in focus, with face and camera held still"),
    "clarity": ("grainy", "a photo with less noise: in more light"),
    "pose": ("turned", "a face turned to the camera"),
    "exposure": ("flat", "a face in even light, neither dark nor overexposed"),
    "detection": ("uncertain", "a face that is not covered"),
    "visible": ("cut", "a photo that shows the whole face"),
    "compression": ("compressed", "the original file: this one is compressed too much"),
    "proportions": ("squeezed", "a photo in its original proportions"),
    "covered": ("covered", "a photo without sunglasses: the eyes seem to be covered"),
}
"""By part of a quality: the kind of the fault, and what photo would be better."""


class _FaceData(NamedTuple):
    """What the explanation of a face of ``photo`` follows from; ``face`` is its number, from 0.

    ``share`` is the share of the threshold that applies to this face and the expected person; None: too poor.
    ``negative`` is a rejected face that is nearer than the person.
    """

    photo: PhotoFaces
    face: int
    embedding: Floats
    probe: ProbeQuality
    answer: Identification
    distance: float
    share: float | None
    negative: NearNegative | None = None


def explain_photo(
    opened: OpenGallery, photo: Source, who: Who, options: IdentifyOptions, *, min_face: float
) -> Explanation:
    """Do as :meth:`visavis.gallery.Gallery.why`."""
    with opened.database.read() as conn:
        (expected,) = records.read_people(conn, _resolve_person.find_person(conn, who))
    source = not_a_folder(photo)
    (read,) = opened.recognizer.represent([source], min_face=min_face)
    pixels = require_photo(read)
    if read.embeddings is None or not read.faces:
        return _explain_missing_face(opened, pixels, expected, min_face)
    result, answers = answer_faces(opened, read, read.embeddings, options, repeats=False)
    rule = make_rule(result, options, model=opened.model)
    own = search_people(opened, read.embeddings, 1, [expected.id]).hits
    faces = []
    for number, (probe, answer, hits) in enumerate(
        zip(measure_probes(result, read.quality or None), answers, own, strict=True)
    ):
        distance = next((hit.distance for hit in hits), math.inf)
        share = rule.share(probe, expected.id)
        data = _FaceData(read, number, result.probes[number], probe, answer, distance, share)
        faces.append(_explain_face(opened, data, expected, result, rule))
    nearest = min(faces, key=lambda face: (not face.recognized, face.distance))
    return Explanation(
        photo=read.name,
        recognized=nearest.recognized,
        person_id=expected.id,
        name=expected.name,
        reason=nearest.reason,
        message=nearest.message,
        advice=nearest.advice,
        faces=tuple(faces),
    )


def _explain_missing_face(opened: OpenGallery, photo: Source, expected: Person, min_face: float) -> Explanation:
    """Explain that no face was found; look for smaller ones."""
    small: Sequence[PhotoFaces] = ()
    if min_face > SMALLEST_FACE:
        small = [*opened.recognizer.detect([photo], min_face=SMALLEST_FACE)]
    name = getattr(photo, "name", "the photo")
    if small and small[0].faces:
        largest = small[0].faces[small[0].largest]
        side = min(largest.width, largest.height)
        reason = "too_small"
        message = f"the largest face is {side:.0f} pixels wide, and faces are looked for from {min_face:g} pixels."
        advice = f"Use {FAULTS['size'][1]}."
    else:
        reason, message = "no_face", f"no face was found in {name}."
        advice = (
            "Use a photo with a larger face, turned to the camera, uncovered and whole; a photo that lies on its side "
            "needs a detector of any orientation."
        )
    return Explanation(name, False, expected.id, expected.name, reason, message, advice, ())


def _explain_face(
    opened: OpenGallery, data: _FaceData, expected: Person, result: SearchResult, rule: NamingRule
) -> FaceExplanation:
    answer = data.answer
    other = next((candidate for candidate in answer.candidates if candidate.person_id != expected.id), None)
    is_nearest = other is None or data.distance <= other.distance
    limit = rule.limit if rule.fixed else rule.limit * (data.share or 0.0)
    recognized = answer.person_id == expected.id
    negative = find_nearest_negative(result.negatives.get(expected.id), data.embedding)
    data = data._replace(negative=negative if negative and negative.distance < data.distance else None)
    reason = "recognized" if recognized else _find_reason(data, rule, limit, is_nearest=is_nearest)
    faults = find_faults(data.photo, data.face, rule.table)
    passes = is_nearest and reason not in {"named_already", "rejected"}
    passing = find_passing_fpir(rule.table, data.distance, data.share, result.people) if passes else None
    box = data.photo.faces[data.face].box.tolist()
    return FaceExplanation(
        recognized=recognized,
        reason=reason,
        message=_make_message(reason, data, expected, rule, limit),
        advice="" if recognized else _advise(reason, faults, expected, rule),
        box=(box[0], box[1], box[2], box[3]),
        quality=data.photo.quality[data.face].score if data.photo.quality else None,
        person_id=answer.person_id,
        name=answer.name,
        distance=data.distance,
        threshold=limit,
        fpir=passing,
        faults=tuple(faults),
        nearest=_find_nearest_template(opened, data.embedding, expected.id),
        nearest_other=None if other is None else _find_nearest_template(opened, data.embedding, other.person_id),
    )


def _find_reason(data: _FaceData, rule: NamingRule, limit: float, *, is_nearest: bool) -> str:
    if data.share is None and not rule.fixed:
        return "too_poor"
    if data.answer.known:
        return "other_person"
    if data.distance > limit:
        return "poor_photo" if data.distance <= rule.limit else "too_far"
    if not is_nearest:
        return "other_person"
    return "rejected" if data.negative else "named_already"


def _make_message(reason: str, data: _FaceData, expected: Person, rule: NamingRule, limit: float) -> str:
    name, far = expected.name, f"the distance to {expected.name} is {data.distance:.4f}"
    if reason == "other_person":
        nearest = data.answer.candidates[0]
        return f"{nearest.name} is nearer ({nearest.distance:.4f}) than {name} ({data.distance:.4f})."
    if reason == "too_poor" and data.probe.share is None:
        return "this face is poorer than was measured, so there is no answer."
    if data.negative and reason == "rejected":
        near = f"rejection {data.negative.rejection_id}, distance {data.negative.distance:.4f}"
        return f"{far}, but a face that was rejected as {name} is nearer ({near})."
    return {
        "recognized": f"recognized as {name} (distance {data.distance:.4f}, threshold {limit:.4f}).",
        "too_poor": f"the photos that {name} is enrolled with, or both together, are too poor for an answer.",
        "poor_photo": (
            f"{far}; with poor photos on both sides the threshold is {limit:.4f} instead of {rule.limit:.4f}."
        ),
        "too_far": f"{far}, the threshold {limit:.4f}.",
        "named_already": f"another face of this photo is nearer to {name}, and a person is in a photo once.",
    }[reason]


def _advise(reason: str, faults: Sequence[Fault], expected: Person, rule: NamingRule) -> str:
    """Say which photo would help."""
    kinds = dict(FAULTS.values())
    kinds |= {"dark": kinds["flat"], "bright": kinds["flat"]}
    sentences = []
    if reason == "named_already":
        sentences.append("In a collage or a mirror, allow a person twice (repeats).")
    elif reason == "rejected":
        sentences.append(f"If this is {expected.name}, undo the rejection.")
    elif faults:
        better = list(dict.fromkeys(kinds[fault.kind] for fault in faults))
        sentences.append(f"Use {'; '.join(better)}.")
    if reason in {"poor_photo", "too_poor"} and (rule.shares or {}).get(expected.id, 1.0) != 1.0:
        sentences.append(f"Enroll better photos of {expected.name}: sharp, well lit, turned to the camera.")
    if reason == "other_person":
        sentences.append("Compare the enrolled photos of both people: one may be of the wrong person.")
        sentences.append(f"Enroll more photos of {expected.name}.")
    if reason in {"too_far", "poor_photo"} and not faults:
        sentences.append(f"If this is {expected.name}, enroll this photo, or one taken like it (light, age, pose).")
    return " ".join(sentences)


def find_faults(photo: PhotoFaces, face: int, table: Calibration | None) -> list[Fault]:
    """Return the faults of a face's picture, those of its quality first, the worst first.

    A part of the quality is a fault if it makes the score poor, or the calibrated threshold clearly stricter.
    """
    faults = []
    if photo.quality:
        quality = photo.quality[face]
        parts = qualities.worst_parts(quality) if quality.score < qualities.POOR else []
        for part in (*parts, *(part for part in qualities.PARTS if part not in parts)):
            share = table.poor.share_of_part(part, getattr(quality, part)) if table and table.poor else 1.0
            if part in parts or share is None or share < NOTED_SHARE:
                message = qualities.describe_part(part, quality, photo.faces[face])
                faults.append(Fault(_find_kind(part, message), message, share))
    if photo.photo is not None and eyes_are_covered(photo.photo.pixels, photo.faces[face]):
        faults.append(Fault("covered", "the eyes seem to be covered", 1.0))
    return faults


def _find_kind(part: str, message: str) -> str:
    return {"too dark": "dark", "too bright": "bright"}.get(message, FAULTS[part][0])


def find_passing_fpir(table: Calibration | None, distance: float, share: float | None, people: int) -> float | None:
    """Return the lowest FPIR at which a search among ``people`` names a face at this cosine distance.

    ``share`` is the share of the threshold that applies. A distance below all measured thresholds passes at the lowest
    measured rate. Returns None above all measured thresholds, for a model without a table, and for a face that is too
    poor.
    """
    if table is None or not share or distance / share > table.thresholds[0]:
        return None
    far = table.far_at(distance / share)
    far = table.lowest_far if far is None else far
    fpir = 1.0 if far >= 1 else -math.expm1(people * math.log1p(-far))
    return fpir if fpir < 1 else None


def _find_nearest_template(opened: OpenGallery, embedding: Floats, person_id: int) -> NearTemplate:
    """Return the template of a person that is nearest to an embedding ``(d,)`` of length 1."""
    with opened.database.read() as conn:
        opened.require_model(conn)
        name = _resolve_person.name_of_id(conn, person_id)
        (person,) = records.read_people(conn, person_id)
        embeddings, _ = records.read_embeddings(conn, person_id, len(embedding))
    distances = np.clip(1 - embeddings.astype(np.float64) @ embedding.astype(np.float64), 0, 2)
    row = int(distances.argmin())
    template = person.templates[row]
    return NearTemplate(template.id, template.photo, person_id, name, float(distances[row]))
