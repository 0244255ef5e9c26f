"""Verification: whether two photos show one person."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends

from visavis import defaults
from visavis.errors import UsageError
from visavis.server.auth import ServicesOf
from visavis.server.photo_input import PhotoInput, photo_body, photo_input
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import MIN_FACE, FaceNumber, Far, MinFace, Reader, Threshold
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.types import PhotoFaces, Verification
from visavis.verification import compare_photos, require_faces

router = Router(prefix=V1, tags=["photos"])
Pair = Annotated[PhotoInput, Depends(photo_input("a", "b", fields=()), scope="function")]


@router.post(
    "/verify",
    response_model=model_of(Verification),
    responses=responses(413, 415),
    openapi_extra=photo_body("a", "b"),
)
def verify(
    pair: Pair,
    services: ServicesOf,
    _: Reader,
    far: Far = defaults.FAR,
    threshold: Threshold = None,
    min_face: MinFace = MIN_FACE,
    *,
    any_face: bool = False,
    face_a: FaceNumber = None,
    face_b: FaceNumber = None,
) -> dict[str, Any]:
    """Compare the largest faces of photos ``a`` and ``b``; with ``any_face``, all faces of ``b``.

    ``face_a`` and ``face_b`` choose another face than the largest. A photo without a face is a problem of the code
    "no_face".
    """
    recognizer = services.recognizer(defaults.EMBEDDER)
    if any_face and face_b is not None:
        raise UsageError("any_face compares all faces of b: leave face_b out.")
    if face_a is not None or face_b is not None:
        rule = recognizer.rule(far=far, threshold=threshold, any_face=any_face)
        answers = recognizer.represent([pair.only("a"), pair.only("b")], min_face=min_face)
        return compare_photos(rule, *map(_select_face, answers, (face_a, face_b))).to_dict()
    answer = recognizer.verify(
        pair.only("a"), pair.only("b"), far=far, threshold=threshold, min_face=min_face, any_face=any_face
    )
    return answer.to_dict()


def _select_face(photo: PhotoFaces, number: int | None) -> PhotoFaces:
    """Return the photo with the face of this number alone; None: as it is."""
    return photo if number is None else require_faces(photo).select(number)
