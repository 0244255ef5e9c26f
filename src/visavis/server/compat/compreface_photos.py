"""CompreFace: recognize and detect the faces of a photo, verify two photos."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from visavis.server.auth import ServicesOf
from visavis.server.compat import compreface_errors as errors
from visavis.server.compat.compreface_options import (
    PREFIX,
    FaceOptionsOf,
    PhotoFile,
    ReadCollection,
    TwoPhotos,
    add_versions,
    describe_face,
    require_faces,
    require_part,
)
from visavis.server.compat.selected_faces import identify_faces
from visavis.server.compat.similarity import compare_faces, scale
from visavis.server.resources.options import Reader
from visavis.server.routes import Router
from visavis.types import Identification

router = Router(prefix=PREFIX, include_in_schema=False)

PLACEHOLDER = {"subject": "unknown", "similarity": 0.0}
"""The subject of a face in an empty collection: clients read the first entry without a check."""
ALL = -1
"""The ``prediction_count`` that stands for all subjects."""


@router.post("/recognition/recognize")
def recognize(
    _: Reader,
    collection: ReadCollection,
    services: ServicesOf,
    photos: PhotoFile,
    options: FaceOptionsOf,
    prediction_count: Annotated[int, Query(le=1_000_000)] = 1,
) -> dict[str, Any]:
    """Return each face with the nearest subjects; from a similarity of .5 on it is that person."""
    if prediction_count == 0 or prediction_count < ALL:
        message = "Prediction count should be any positive number or -1"
        raise errors.CompreFaceError(400, errors.PREDICTION_COUNT, message)
    gallery = collection.gallery
    selected = require_faces(gallery, require_part(photos, "file"), options)
    top = max(len(gallery), 1) if prediction_count == ALL else prediction_count
    answers = identify_faces(gallery, selected, fpir=services.config.compat.fpir, top=top)
    faces = [
        {**describe_face(selected, index, options), "subjects": describe_subjects(answer)}
        for index, answer in enumerate(answers)
    ]
    return add_versions({"result": faces}, gallery, options)


def describe_subjects(answer: Identification) -> list[dict[str, Any]]:
    """Return the candidates of a face with their similarities; a placeholder in an empty collection.

    A face that is too poor to be recognized has a threshold of 0: its similarities stay below .5.
    """
    if not answer.candidates:
        return [PLACEHOLDER]
    return [
        {
            "subject": candidate.name,
            "similarity": scale(
                candidate.distance,
                answer.threshold,
                is_match=answer.known and candidate.distance <= answer.threshold,
            ),
        }
        for candidate in answer.candidates
    ]


@router.post("/detection/detect")
def detect(_: Reader, collection: ReadCollection, photos: PhotoFile, options: FaceOptionsOf) -> dict[str, Any]:
    """Return the faces of a photo."""
    gallery = collection.gallery
    selected = require_faces(gallery, require_part(photos, "file"), options, embed=False)
    faces = [describe_face(selected, index, options) for index in range(len(selected.answer.faces))]
    return add_versions({"result": faces}, gallery, options)


@router.post("/verification/verify")
def verify(
    _: Reader, collection: ReadCollection, services: ServicesOf, photos: TwoPhotos, options: FaceOptionsOf
) -> dict[str, Any]:
    """Compare the only face of the source with all faces of the target; from .5 on it is the same person."""
    gallery, far = collection.gallery, services.config.compat.far
    parts = [require_part(photos, name) for name in ("source_image", "target_image")]
    source, target = (require_faces(gallery, part, options) for part in parts)
    if len(source.answer.faces) > 1:
        raise errors.several_faces()
    reference = source.template(0)
    similarities = compare_faces(gallery.model, gallery.calibration, reference, target.templates(), far=far)
    matches = [
        {**describe_face(target, index, options), "similarity": similarity}
        for index, similarity in enumerate(similarities)
    ]
    result = {"source_image_face": describe_face(source, 0, options), "face_matches": matches}
    return {"result": [add_versions(result, gallery, options)]}
