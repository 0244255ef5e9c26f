"""Recognizes who stands before a kiosk: the frames of an attempt in the gallery of the server's site."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from visavis import defaults
from visavis.attendance.kiosk.attempt import (
    LARGEST,
    LARGEST_ACTIVE,
    SECOND,
    Attempt,
    FrameView,
    decide_attempt,
    find_advice,
    view_frame,
)  # fmt: skip
from visavis.attendance.kiosk.head_challenge import ChallengeFrame
from visavis.attendance.kiosk.types import KioskSettings
from visavis.attendance.settings import locate_url
from visavis.attendance.site import Site
from visavis.gallery.types import IdentifiedPhoto
from visavis.liveness import Liveness, LivenessCheck
from visavis.server.config import SQLITE, ServerConfig
from visavis.server.photo_input import NamedPhoto
from visavis.server.services import Services
from visavis.types import PhotoFaces

MIN_FACE = 60
"""Side in pixels of the smallest face that is looked for: smaller ones are too far away."""


def find_site_gallery(config: ServerConfig, site: Site) -> str | None:
    """Return the name that the gallery of a site has on this server; None where it has none."""
    if not site.settings.gallery:
        return None
    wanted = _locate(locate_url(site.settings.gallery, site.folder))
    return next((name for name, url in config.galleries.items() if _locate(url) == wanted), None)


def _locate(url: str) -> str:
    path = url.removeprefix(SQLITE)
    return url if "://" in path else str(Path(path).resolve())


def judge_frames(
    services: Services, gallery_name: str, settings: KioskSettings, photos: Sequence[NamedPhoto]
) -> Attempt:
    """Return what the frames of an attempt come to. The same frame twice is one frame."""
    frames = [*{photo.getvalue(): photo for photo in photos}.values()]
    gallery = services.gallery(gallery_name)
    if len(frames) < settings.frames:
        recognizer = services.recognizer(gallery.model)
        largest = _find_largest(settings)
        views = [
            FrameView(find_advice(photo, largest=largest)) for photo in recognizer.detect(frames, min_face=MIN_FACE)
        ]
    else:
        views = _view(services, settings, _identify(services, gallery_name, settings, frames))
    return decide_attempt(
        views, frames=settings.frames, liveness=settings.liveness != "off", real_from=defaults.REAL_FROM
    )


def view_challenge_frames(
    services: Services, gallery_name: str, settings: KioskSettings, photos: Sequence[NamedPhoto], times: Sequence[float]
) -> list[ChallengeFrame]:
    """Return what the frames of a challenge show, which were taken at these seconds since it began."""
    frames = []
    for answer, seconds in zip(_identify(services, gallery_name, settings, photos), times, strict=True):
        photo = answer.photo
        width = 0 if photo.photo is None else photo.photo.pixels.shape[1]
        person_id = answer.identifications[photo.largest].person_id if photo.faces else None
        near = [face for face in photo.faces if face.area > SECOND * photo.faces[photo.largest].area]
        is_straight = find_advice(photo, largest=_find_largest(settings)) is None
        frames.append(ChallengeFrame(seconds, near, width, person_id, is_straight))
    return frames


def _find_largest(settings: KioskSettings) -> float:
    return LARGEST_ACTIVE if settings.liveness == "active" else LARGEST


def _identify(
    services: Services, gallery_name: str, settings: KioskSettings, frames: Sequence[NamedPhoto]
) -> list[IdentifiedPhoto]:
    fpir = services.search_rates.read(gallery_name).fpir if settings.fpir is None else settings.fpir
    gallery = services.gallery(gallery_name)
    return [*gallery.identify_photos(frames, fpir=fpir, top=1, min_face=MIN_FACE)]


def _view(services: Services, settings: KioskSettings, answers: Sequence[IdentifiedPhoto]) -> list[FrameView]:
    largest = _find_largest(settings)
    is_judged = settings.liveness != "off" and all(
        find_advice(answer.photo, largest=largest) is None for answer in answers
    )
    check = LivenessCheck(networks=services.spoof_networks) if is_judged else None
    return [
        view_frame(
            answer.photo,
            answer.identifications,
            None if check is None else _judge(services, check, answer.photo),
            largest=largest,
        )
        for answer in answers
    ]


def _judge(services: Services, check: LivenessCheck, photo: PhotoFaces) -> Liveness:
    """Return the liveness of the largest face, on the thread of the networks."""
    if photo.photo is None:
        raise ValueError("a frame without a picture has no face to judge")
    row = photo.largest
    item = (photo.photo.pixels, [photo.faces[row]], [photo.quality[row]])
    judged: Sequence[tuple[Liveness, ...]] = services.inference.run(
        ("liveness", id(check)), [item], 1, partial(_judge_items, check)
    )
    return judged[0][0]


def _judge_items(check: LivenessCheck, items: Any) -> list[tuple[Liveness, ...]]:
    return [check.judge(*item) for item in items]
