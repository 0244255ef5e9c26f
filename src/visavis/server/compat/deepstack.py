"""DeepStack: detect, recognize, register, list, delete and match faces, with forms and a key among their fields."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from visavis.gallery.acting import acting_as
from visavis.gallery.gallery import Gallery
from visavis.gallery.template_listing import list_names
from visavis.gallery.types import Template
from visavis.server.auth import ServicesOf, admit
from visavis.server.compat.people import find_by_name, gallery_of, store_templates
from visavis.server.compat.selected_faces import find_faces, identify_faces
from visavis.server.compat.similarity import compare_faces, scale
from visavis.server.config import Compat
from visavis.server.forms import read_form
from visavis.server.photo_input import NamedPhoto, hold_memory
from visavis.server.problems import ProblemError
from visavis.server.roles import ENROLL, READ
from visavis.server.routes import Router
from visavis.server.services import Services
from visavis.types import Identification

router = Router(prefix="/v1/vision/face", include_in_schema=False)

MIN_CONFIDENCE, MIN_SCORE = 0.67, 0.55
"""What DeepStack takes for the same person, and for a face, where the request does not say."""
UNKNOWN = "unknown"
"""The ``userid`` of a face that is not recognized."""


@dataclass(frozen=True, slots=True)
class DeepStackForm:
    """A form: its photos, by whatever names, and its fields; and when it arrived, for the ``duration``."""

    photos: Sequence[NamedPhoto]
    fields: Mapping[str, str]
    started: float

    def first_photo(self) -> NamedPhoto:
        """Return the photo, the first of several; raises ProblemError where there is none."""
        if not self.photos:
            raise _refuse("No valid image file found")
        return self.photos[0]

    def userid(self) -> str:
        """Return the name of a person; raises ProblemError where there is none."""
        userid = self.fields.get("userid", "").strip()
        if not userid:
            raise _refuse("userid not specified")
        return userid

    def confidence(self, default: float) -> float:
        """Return ``min_confidence``; raises ProblemError for what is no number up to 1."""
        text = self.fields.get("min_confidence", "")
        try:
            value = float(text) if text else default
        except ValueError:
            value = float("nan")
        if value > 1:
            raise _refuse("min_confidence cannot be greater than 1")
        if not value >= 0:
            raise _refuse("Invalid value for min_confidence")
        return value

    def succeed(self, **content: object) -> dict[str, Any]:
        """Return an answer."""
        return {"success": True, **content, "duration": round(perf_counter() - self.started, 4)}


def _refuse(message: str) -> ProblemError:
    return ProblemError(400, "deepstack", message)


async def read_deepstack_form(request: Request, services: ServicesOf) -> DeepStackForm:
    """Read a form, also one without photos, and no body at all."""
    started = perf_counter()
    photos: list[NamedPhoto] = []
    fields: dict[str, str] = {}
    form = await read_form(request, photos=services.config.limits.photos)
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            photos.append(NamedPhoto(await value.read(), value.filename or name))
        else:
            fields[name] = value
    return DeepStackForm(photos, fields, started)


Form = Annotated[DeepStackForm, Depends(read_deepstack_form)]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request with its gallery; ``actor`` is the name of its key."""

    form: DeepStackForm
    gallery: Gallery
    actor: str
    rates: Compat


def _visit(request: Request, services: Services, form: DeepStackForm, right: str) -> Visit:
    """Admit a request: by the field ``api_key``, or by a header as below /v1."""
    principal = admit(request, services, right, key_text=form.fields.get("api_key") or None)
    return Visit(form, services.gallery(gallery_of(principal)), principal.name, services.config.compat)


def visit_to_read(request: Request, services: ServicesOf, form: Form) -> Visit:
    """Admit a request that asks."""
    return _visit(request, services, form, READ)


def visit_to_change(request: Request, services: ServicesOf, form: Form) -> Visit:
    """Admit a request that changes people."""
    return _visit(request, services, form, ENROLL)


async def _hold_to_read(request: Request, visit: Annotated[Visit, Depends(visit_to_read)]) -> AsyncIterator[Visit]:
    async with hold_memory(request, visit.form.photos):
        yield visit


async def _hold_to_change(request: Request, visit: Annotated[Visit, Depends(visit_to_change)]) -> AsyncIterator[Visit]:
    async with hold_memory(request, visit.form.photos):
        yield visit


ReadVisit = Annotated[Visit, Depends(_hold_to_read, scope="function")]
ChangeVisit = Annotated[Visit, Depends(_hold_to_change, scope="function")]
"""Requests that are admitted; the memory for their photos is given back before the answer is sent."""


@router.post("")
def detect(visit: ReadVisit) -> dict[str, Any]:
    """Return the faces of a photo."""
    least = visit.form.confidence(MIN_SCORE)
    selected = find_faces(visit.gallery.recognizer, visit.form.first_photo(), min_score=least, embed=False)
    faces = [
        {"confidence": round(face.score, 5), **selected.box(index)} for index, face in enumerate(selected.answer.faces)
    ]
    return visit.form.succeed(predictions=faces)


@router.post("/recognize")
def recognize(visit: ReadVisit) -> dict[str, Any]:
    """Return each face with the person it is, or as unknown; no face is an empty answer."""
    gallery, least = visit.gallery, visit.form.confidence(MIN_CONFIDENCE)
    selected = find_faces(gallery.recognizer, visit.form.first_photo())
    answers = identify_faces(gallery, selected, fpir=visit.rates.fpir, top=1)
    faces = [{**describe_person(answer, least), **selected.box(index)} for index, answer in enumerate(answers)]
    return visit.form.succeed(predictions=faces)


def describe_person(answer: Identification, least: float) -> dict[str, Any]:
    """Return the name of a face and the confidence: .67, DeepStack's own limit, is the threshold of the wanted rate.

    A face below ``least`` is unknown with the confidence 0, and so is a face that is too poor for any answer.
    """
    if answer.distance is None or not answer.threshold > 0:
        return {"confidence": 0, "userid": UNKNOWN}
    confidence = scale(answer.distance, answer.threshold, is_match=answer.known, divide=MIN_CONFIDENCE)
    if confidence < least:
        return {"confidence": 0, "userid": UNKNOWN}
    return {"confidence": confidence, "userid": answer.candidates[0].name}


@router.post("/register")
def register(visit: ChangeVisit) -> dict[str, Any]:
    """Store the largest face of each photo for a person; photos without a face are passed over."""
    gallery, form = visit.gallery, visit.form
    userid = form.userid()
    form.first_photo()
    searched = [find_faces(gallery.recognizer, photo, limit=1) for photo in form.photos]
    templates = [template for faces in searched for template in faces.templates(keep_crops=gallery.keeps_crops)]
    if not templates:
        raise _refuse("no face detected")
    with acting_as(visit.actor):
        enrollment = store_templates(gallery, userid, templates)
    if not enrollment and any(duplicate.person_id != enrollment.person_id for duplicate in enrollment.duplicates):
        raise _refuse("this face is registered for another userid already: delete it there first")
    return form.succeed(message="face added" if enrollment.new else "face updated")


@router.post("/list")
def list_people(visit: ReadVisit) -> dict[str, Any]:
    """Return the names of all people."""
    return visit.form.succeed(faces=list_names(visit.gallery.opened))


@router.post("/delete")
def delete(visit: ChangeVisit) -> dict[str, Any]:
    """Remove a person with all faces; an unknown name is no error."""
    person = find_by_name(visit.gallery, visit.form.userid())
    if person is not None:
        with acting_as(visit.actor):
            visit.gallery.remove(person.id)
    return visit.form.succeed()


@router.post("/match")
def match(visit: ReadVisit) -> dict[str, Any]:
    """Return the similarity of the largest faces of two photos: .67 is the threshold of the wanted rate."""
    gallery, photos = visit.gallery, visit.form.photos
    if len(photos) != 2:
        raise _refuse(f"expected two image files, got {len(photos)}")
    first, second = (_find_largest(gallery, photo) for photo in photos)
    (similarity,) = compare_faces(
        gallery.model, gallery.calibration, first, [second], far=visit.rates.far, divide=MIN_CONFIDENCE
    )
    return visit.form.succeed(similarity=similarity)


def _find_largest(gallery: Gallery, photo: NamedPhoto) -> Template:
    selected = find_faces(gallery.recognizer, photo, limit=1)
    if not selected.answer.faces:
        raise _refuse("no face found")
    return selected.template(0)
