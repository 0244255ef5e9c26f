"""Verification: whether two photos show one person."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from visavis import defaults
from visavis.server.auth import ServicesOf
from visavis.server.photo_input import PhotoInput, photo_body, photo_input
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import MIN_FACE, Far, MinFace, Reader, Threshold
from visavis.server.schema import model_of
from visavis.types import Verification

router = APIRouter(prefix=V1, tags=["photos"])
Pair = Annotated[PhotoInput, Depends(photo_input("a", "b", fields=()))]


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
) -> dict[str, Any]:
    """Compare the largest faces of photos ``a`` and ``b``; with ``any_face``, all faces of ``b``.

    A photo without a face is a problem of the code "no_face".
    """
    recognizer = services.recognizer(defaults.EMBEDDER)
    answer = recognizer.verify(
        pair.only("a"), pair.only("b"), far=far, threshold=threshold, min_face=min_face, any_face=any_face
    )
    return answer.to_dict()
