"""The kiosk of the server's site: who stands before it punches, by face, by PIN or by badge."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from visavis.attendance.kiosk import credentials
from visavis.attendance.kiosk.head_challenge import HeadState
from visavis.attendance.kiosk.punches import (
    KioskOrder,
    KioskPunch,
    find_recognized,
    is_employed,
    record_punch,
    undo_punch,
)  # fmt: skip
from visavis.attendance.kiosk.queued import QueuedPunch, check_signature, correct_time, mark_undecided
from visavis.attendance.kiosk.recognized import punch_recognized
from visavis.attendance.kiosk.refusals import RefusalKind, record_refusal
from visavis.attendance.kiosk.settings import read_kiosk_settings
from visavis.attendance.kiosk.types import KioskAnswer, KioskDescription, KioskSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.server.auth import Principal, ServicesOf, requires
from visavis.server.kiosk_frames import find_site_gallery, judge_frames, view_challenge_frames
from visavis.server.photo_input import OnePhoto, photo_body
from visavis.server.problems import ProblemError, responses
from visavis.server.resources import V1
from visavis.server.roles import PUNCH
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.services import Services
from visavis.server.site_view import require_site

router = Router(prefix=f"{V1}/kiosk", tags=["kiosk"])
RANDOM_ID = r"^[0-9a-f]{32}$"
WAIT_SECONDS = 60

Kiosk = Annotated[Principal, Depends(requires(PUNCH))]
PunchIdQuery = Annotated[str, Query(pattern=RANDOM_ID, description="Id of the punch, drawn at random: 32 digits.")]
AttemptId = Annotated[str, Query(pattern=RANDOM_ID, description="Id of the attempts of one person, drawn at random.")]
ChosenDirection = Annotated[
    Literal["in", "out"] | None, Query(description="What the person has chosen; else it follows from the last punch.")
]
FrameTimes = Annotated[
    str, Query(pattern=r"^\d{1,6}(,\d{1,6}){0,7}$", description="When each was taken, in ms since the challenge began.")
]
MadeId = Annotated[str, Path(pattern=RANDOM_ID)]


class Waited(BaseModel):
    """When a punch was made and is sent, by the clock of the kiosk, in milliseconds since 1970; and its signature.

    ``offset`` is the server's clock less that of the kiosk when it last reached it before.
    """

    model_config = ConfigDict(extra="forbid")

    made: int = Field(ge=0, le=10**13)
    sent: int = Field(ge=0, le=10**13)
    signature: str = Field(max_length=64)
    offset: int | None = Field(None, ge=-(10**13), le=10**13)


class WaitedFrames(Waited):
    """Of which punch the frames are that waited."""

    punch_id: str = Field(pattern=RANDOM_ID)
    direction: Literal["in", "out"] | None = None


class CredentialPunch(BaseModel):
    """A punch by ``number`` and ``pin``, or by ``badge``. ``waited`` says that it waited without a connection."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=RANDOM_ID)
    number: str = Field("", max_length=100)
    pin: str = Field("", max_length=20)
    badge: str = Field("", max_length=64)
    direction: Literal["in", "out"] | None = None
    waited: Waited | None = None


class SigningKey(BaseModel):
    """The key of HMAC-SHA-256 with which a kiosk signs punches that wait, in hexadecimal."""

    key: str


@router.get("", response_model=model_of(KioskDescription), responses=responses(404))
def describe_kiosk(services: ServicesOf, _: Kiosk) -> dict[str, Any]:
    """Return the settings of kiosks."""
    return describe_kiosk_of(services).to_dict()


def describe_kiosk_of(services: Services) -> KioskDescription:
    """Return what the kiosks of a server show and offer; raises ProblemError without a site."""
    site = require_site(services)
    recognizes = find_site_gallery(services.config, site) is not None
    settings = read_kiosk_settings(site)
    return KioskDescription(site.settings.name, site.zone, datetime.now(UTC), recognizes, settings)


@router.post("/signing-key", response_model=SigningKey, responses=responses(404))
def read_signing_key(services: ServicesOf, kiosk: Kiosk) -> dict[str, str]:
    """Return the key with which this kiosk signs punches that wait for a connection."""
    return {"key": require_site(services).key.derive_kiosk_key(kiosk.name).hex()}


@router.post(
    "/frames",
    response_model=model_of(KioskAnswer),
    responses=responses(404, 413, 415),
    openapi_extra=photo_body(many=["photo"]),
)
def recognize(
    photos: OnePhoto,
    services: ServicesOf,
    kiosk: Kiosk,
    punch_id: PunchIdQuery,
    attempt: AttemptId,
    direction: ChosenDirection = None,
) -> dict[str, Any]:
    """Record the punch of the person that all frames show, or answer with advice, or that the person is unknown.

    With fewer frames than the settings ask for, the answer is advice alone: "hold" where more frames can be sent.
    """
    site, gallery = require_site(services), _require_gallery(services, kiosk)
    settings = read_kiosk_settings(site)
    result = judge_frames(services, gallery, settings, photos.all("photo"))
    if result.state == "attack":
        record_refusal(site, attempt, "attack", kiosk=kiosk.name)
    if result.state == "unknown":
        record_refusal(site, attempt, "stranger", kiosk=kiosk.name)
    if result.person_id is None:
        return result.describe().to_dict()
    now = datetime.now(UTC)
    if settings.liveness == "active":
        with site.database.read() as conn:
            recognized = find_recognized(conn, result.person_id, now, site.zone)
        if not isinstance(recognized, Employee):
            record_refusal(site, attempt, recognized, kiosk=kiosk.name)
            return result.describe().to_dict()
        challenge = services.kiosk_challenges.begin(
            result, result.person_id, kiosk=kiosk.name, punch_id=punch_id, direction=direction
        )
        return KioskAnswer("straight", challenge=challenge).to_dict()
    order = KioskOrder(punch_id, now, "face", direction, result.distance, result.probability, result.liveness)
    punch = punch_recognized(site, result.person_id, order, attempt=attempt, device=kiosk.name)
    return (punch if isinstance(punch, KioskPunch) else result).describe().to_dict()


@router.post(
    "/challenges/{challenge_id}/frames",
    response_model=model_of(KioskAnswer),
    responses=responses(404, 413, 415),
    openapi_extra=photo_body(many=["photo"]),
)
def follow_challenge(
    photos: OnePhoto, services: ServicesOf, kiosk: Kiosk, challenge_id: MadeId, times: FrameTimes
) -> dict[str, Any]:
    """Take further frames of a challenge; return what the person has to do, or the punch once it is passed.

    A challenge is used once; the same frame is used once, in all challenges. One that fails is counted, without a name.
    """
    site, gallery = require_site(services), _require_gallery(services, kiosk)
    started = services.kiosk_challenges.find(challenge_id, kiosk=kiosk.name)
    frames, seconds = photos.all("photo"), [int(time) / 1000 for time in times.split(",")]
    if len(seconds) != len(frames) or seconds != sorted(seconds):
        raise ProblemError(422, "invalid_value", "times has a time for each photo, in their order.")
    with started.challenge.lock:
        are_new = services.kiosk_challenges.use([frame.getvalue() for frame in frames])
        views = view_challenge_frames(services, gallery, read_kiosk_settings(site), frames, seconds)
        state: HeadState = started.challenge.add(views, now=monotonic()) if are_new else "challenge_failed"
    if state != "passed" and state != "challenge_failed":  # noqa: PLR1714 - that is what mypy understands
        return KioskAnswer(state, challenge=challenge_id).to_dict()
    is_first = services.kiosk_challenges.end(challenge_id)
    if is_first and state == "challenge_failed":
        record_refusal(site, started.punch_id, "challenge_failed", kiosk=kiosk.name)
    if not is_first or state == "challenge_failed":
        return KioskAnswer("challenge_failed").to_dict()
    result = started.attempt
    order = KioskOrder(
        started.punch_id, datetime.now(UTC), "face", started.direction,
        result.distance, result.probability, result.liveness, "challenge passed",
    )  # fmt: skip
    punch = punch_recognized(site, started.person_id, order, attempt=started.punch_id, device=kiosk.name)
    return (punch if isinstance(punch, KioskPunch) else result).describe().to_dict()


@router.post(
    "/frames/waited",
    response_model=model_of(KioskAnswer),
    responses=responses(404, 413, 415),
    openapi_extra=photo_body(many=["photo"]),
)
def recognize_waited(
    photos: OnePhoto,
    services: ServicesOf,
    kiosk: Kiosk,
    waited: Annotated[WaitedFrames, Query()],
) -> dict[str, Any]:
    """Record the punch of the person in frames that waited without a connection, by the same rules, at its time.

    The answer has no name: the person has gone. Frames that name no employee who may punch by face are counted, and
    leave the day undecided for those without a punch; an attack does not. The same id can be sent again.
    """
    site, gallery = require_site(services), _require_gallery(services, kiosk)
    settings = read_kiosk_settings(site)
    if not settings.offline_frames:
        raise ProblemError(422, "method_off", "the kiosks of this site do not take this.")
    frames = photos.all("photo")
    digests = tuple(hashlib.sha256(frame.getvalue()).hexdigest() for frame in frames)
    queued = QueuedPunch(
        waited.punch_id, waited.made, waited.sent, "", "", "", waited.direction or "", waited.signature, digests,
        waited.offset,
    )  # fmt: skip
    check_signature(site, queued, kiosk=kiosk.name)
    at, note = correct_time(queued, datetime.now(UTC), most_days=settings.queue_days)
    result = judge_frames(services, gallery, settings, frames)
    refused: RefusalKind = "attack" if result.state == "attack" else "stranger"
    if result.person_id is None:
        record_refusal(site, waited.punch_id, refused, kiosk=kiosk.name, at=at)
    else:
        order = KioskOrder(
            waited.punch_id, at, "face", waited.direction,
            result.distance, result.probability, result.liveness, note,
        )  # fmt: skip
        punch = punch_recognized(site, result.person_id, order, attempt=waited.punch_id, device=kiosk.name)
        if isinstance(punch, KioskPunch):  # the person has gone: no name
            return KioskAnswer(punch.describe().state, punch.punch.id).to_dict()
        refused = punch
    if refused in ("stranger", "no_consent"):
        mark_undecided(site, waited.punch_id, at, kiosk=kiosk.name)
    return KioskAnswer("undecided").to_dict()


@router.post("/punches", response_model=model_of(KioskAnswer), responses=responses(404))
def punch(order: CredentialPunch, services: ServicesOf, kiosk: Kiosk) -> dict[str, Any]:
    """Record the punch of an employee who types a number and a PIN, or shows a badge.

    The same id can be sent again: the punch is recorded once. One that waited for a connection is put right by the
    error of the kiosk's clock.
    """
    site = require_site(services)
    settings = read_kiosk_settings(site)
    at, note = datetime.now(UTC), ""
    if order.waited is not None:
        queued = QueuedPunch(
            order.id, order.waited.made, order.waited.sent, order.number, order.pin, order.badge,
            order.direction or "", order.waited.signature, (), order.waited.offset,
        )  # fmt: skip
        check_signature(site, queued, kiosk=kiosk.name)
        at, note = correct_time(queued, at, most_days=settings.queue_days)
    employee = _identify(site, settings, order, kiosk.name)
    if not is_employed(employee, at, site.zone):
        record_refusal(site, order.id, "not_employed", kiosk=kiosk.name)
        raise _wrong()
    recorded = KioskOrder(order.id, at, "badge" if order.badge else "pin", order.direction, note=note)
    return record_punch(site, employee.number, recorded, kiosk=kiosk.name).describe().to_dict()


@router.post("/punches/{punch_id}/undo", status_code=204, responses=responses(404))
def undo(punch_id: MadeId, services: ServicesOf, kiosk: Kiosk) -> None:
    """Make a punch void that this kiosk has just recorded."""
    undo_punch(require_site(services), punch_id, kiosk=kiosk.name)


def _require_gallery(services: Services, kiosk: Principal) -> str:
    """Return the name of the site's gallery; raises ProblemError where the kiosk may not recognize faces in it."""
    gallery = find_site_gallery(services.config, require_site(services))
    if gallery is None or not kiosk.may_use(gallery):
        raise ProblemError(404, "no_recognition", "faces are not recognized here: the site has no gallery.")
    return gallery


def _identify(site: Site, settings: KioskSettings, order: CredentialPunch, kiosk: str) -> Employee:
    """Return who punches; raises ProblemError for a wrong PIN or badge, the same for a number that does not exist."""
    is_badge = bool(order.badge)
    if is_badge == bool(order.number and order.pin):
        raise ProblemError(422, "incomplete", "send number and pin, or badge.")
    if not (settings.badge if is_badge else settings.pin):
        raise ProblemError(422, "method_off", "the kiosks of this site do not take this.")
    if is_badge:
        answer = credentials.find_by_badge(site, order.badge, kiosk=kiosk, attempt=order.id)
    else:
        answer = credentials.find_by_pin(site, order.number, order.pin, kiosk=kiosk, attempt=order.id)
    if answer == "blocked":
        headers = {"Retry-After": str(WAIT_SECONDS)}
        raise ProblemError(429, "too_many_wrong", "too many wrong numbers, PINs or badges: wait some minutes.", headers)
    if not isinstance(answer, Employee):
        raise _wrong()
    return answer


def _wrong() -> ProblemError:
    return ProblemError(422, "wrong_credentials", "the number, the PIN or the badge is wrong.")
