"""What a photo shows beside who it is: quality, points, liveness, the people of a classifier."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, create_model

from visavis import classify as classes
from visavis import defaults, landmarks
from visavis.classify import FaceNames
from visavis.defaults import EMBEDDER
from visavis.errors import UnknownNameError
from visavis.images import shown
from visavis.liveness import Liveness, LivenessCheck
from visavis.server.auth import ServicesOf
from visavis.server.photo_answers import FaceAnswer, PhotoLine, QualityFace, add_to_faces, explain_quality
from visavis.server.photo_input import OnePhoto, photo_body
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import MIN_FACE, MinFace, Reader, Top
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.services import Services
from visavis.types import PhotoFaces

router = Router(prefix=V1, tags=["photos"])
OPTIONS: dict[str, Any] = {
    "response_model_exclude_unset": True,
    "responses": responses(404, 413, 415, 501),
    "openapi_extra": photo_body(many=["photo"]),
}

ClassifierName = Annotated[str, Query(max_length=100, description="A network, or a classifier of this server.")]
Probability = Annotated[float | None, Query(ge=0, le=1, description="Least probability of a name.")]
RealFrom = Annotated[float, Query(ge=0, le=1, description="Score from which a face is real.")]


class QualityPhoto(PhotoLine):
    """A photo with the quality of its faces."""

    faces: list[QualityFace]


class QualityPhotos(BaseModel):
    """An answer for each photo, in the order of the request."""

    photos: list[QualityPhoto]


class PointsFace(FaceAnswer):
    """A face with ``points``, x and y in pixels, in the order of dlib's files."""

    points: list[list[float]]


class PointsPhoto(PhotoLine):
    """A photo with the points of its faces."""

    faces: list[PointsFace]


class PointsPhotos(BaseModel):
    """An answer for each photo, in the order of the request."""

    photos: list[PointsPhoto]


class LivenessPhoto(PhotoLine):
    """A photo with an answer for each face."""

    faces: list[model_of(Liveness)]  # type: ignore[valid-type]


class LivenessPhotos(BaseModel):
    """An answer for each photo, in the order of the request."""

    photos: list[LivenessPhoto]


ClassifiedFaceAnswer = create_model("ClassifiedFaceAnswer", __base__=(FaceAnswer, model_of(FaceNames)))
"""A face with the likeliest people of the classifier, and whether the first one is the answer."""


class ClassifiedPhotoAnswer(PhotoLine):
    """A photo with the people of a classifier."""

    faces: list[ClassifiedFaceAnswer]  # type: ignore[valid-type]


class ClassifiedPhotos(BaseModel):
    """An answer for each photo, in the order of the request."""

    photos: list[ClassifiedPhotoAnswer]


@router.post("/quality", response_model=QualityPhotos, **OPTIONS)
def quality(photos: OnePhoto, services: ServicesOf, _: Reader, min_face: MinFace = MIN_FACE) -> dict[str, Any]:
    """Measure how well each face can be recognized, and say what is wrong with it."""
    answers = services.recognizer(EMBEDDER).detect(photos.all("photo"), min_face=min_face)
    return {"photos": [explain_quality(photo) for photo in answers]}


@router.post("/landmarks", response_model=PointsPhotos, **OPTIONS)
def find_landmarks(
    photos: OnePhoto,
    services: ServicesOf,
    _: Reader,
    points: Annotated[int, Query(description="68 or 5 points a face.")] = 68,
    min_face: MinFace = MIN_FACE,
) -> dict[str, Any]:
    """Find 68 or 5 points of each face."""
    predictor = landmarks.load_predictor(points=points)
    lines = []
    for photo in services.recognizer(EMBEDDER).detect(photos.all("photo"), min_face=min_face):
        shapes: Any = ()
        if photo.photo is not None:
            shapes = predictor.predict(photo.photo.pixels, landmarks.dlib_boxes(photo.faces))
        lines.append(add_to_faces(photo, [{"points": shape} for shape in shapes]))
    return {"photos": lines}


@router.post("/liveness", response_model=LivenessPhotos, **OPTIONS)
def liveness(
    photos: OnePhoto,
    services: ServicesOf,
    _: Reader,
    threshold: RealFrom = defaults.REAL_FROM,
    min_face: MinFace = MIN_FACE,
) -> dict[str, Any]:
    """Judge whether faces are real, not photos or screens."""
    check = LivenessCheck(threshold=threshold, networks=services.spoof_networks)
    answers = services.recognizer(EMBEDDER).detect(photos.all("photo"), min_face=min_face)
    return {"photos": [_judge(photo, check, services) for photo in answers]}


def _judge(photo: PhotoFaces, check: LivenessCheck, services: Services) -> dict[str, Any]:
    def judge(items: Any) -> list[tuple[Liveness, ...]]:
        return [check.judge(*item) for item in items]

    judged: Any = ()
    if photo.photo is not None and photo.faces:
        item = (photo.photo.pixels, photo.faces, photo.quality)
        (judged,) = services.inference.run(("liveness", id(check)), [item], len(photo.faces), judge)
    return {**photo.to_dict(), "faces": [answer.to_dict() for answer in judged]}


@router.post("/classify", response_model=ClassifiedPhotos, **OPTIONS)
def classify(
    photos: OnePhoto,
    services: ServicesOf,
    principal: Reader,
    model: ClassifierName = defaults.CLASSIFIER,
    top: Top = defaults.TOP_NAMES,
    min_probability: Probability = None,
    min_face: MinFace = MIN_FACE,
) -> dict[str, Any]:
    """Name the people of a network or of a classifier in photos, or answer that they are unknown."""
    if not services.classifier_sources.may_ask(model, principal.galleries):
        raise UnknownNameError(f"there is no classifier {shown(model)} that this key may ask.")
    answers = classes.classify(
        photos.all("photo"), model=services.classifier(model), top=top, min_probability=min_probability,
        recognizer=services.recognizer(EMBEDDER), min_face=min_face,
    )  # fmt: skip
    return {"photos": [add_to_faces(photo, [face.to_dict() for face in faces]) for photo, faces in answers]}
