"""Strangers keep their numbers: unknown people of tracks, stored in a gallery as unassigned faces, for some days.

A sighting is an indexed photo of one face, the template of a track, whose path says which stranger it is, how often the
stranger was seen by then, where and when. So it is encrypted, exported and erased with the gallery, found by all
processes that share it, and named by ``visavis gallery name``. A stranger's number is the id of its first template.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from visavis import compare
from visavis._checks import check_whole
from visavis.errors import UnknownNameError, UsageError
from visavis.gallery.types import IndexedPhoto, Template
from visavis.plain import Plain
from visavis.types import Floats, Quality

if TYPE_CHECKING:
    from visavis.gallery import Gallery
    from visavis.gallery.types import Person

MOST_STRANGERS = 1000
"""Strangers that are remembered: beyond it, those who were not seen for the longest time are forgotten."""
MOST_SIGHTINGS = 8
"""Sightings that are stored of one stranger: the first, and the latest ones."""
LEAST_QUALITY = 0.4
"""Quality of the best face of a track that may become a stranger: poor faces look like each other."""
SAME_VISIT_S = 60.0
"""Seconds between two tracks of one stranger, in one run, that are one sighting."""
NEAREST = 20
"""Stored faces among which a stranger is looked for."""

_SIGHTING = re.compile(r"stranger(?: (\d{1,18}))?, sighting (\d{1,9}), (\S{1,40}), (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StrangerSighting(Plain):
    """One time that a stranger was seen: the ``count``-th time, ``at`` (UTC), by ``camera``."""

    stranger: int
    count: int
    at: datetime
    camera: str
    template_id: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Stranger(Plain):
    """An unknown person who was seen before: how often, first and last when, by which cameras."""

    number: int
    sightings: int
    first: datetime
    last: datetime
    cameras: tuple[str, ...]
    template_ids: tuple[int, ...] = field(default=())


class Strangers:
    """The strangers of a gallery, remembered for ``days`` after they were last seen.

    ``fpir`` is the rate at which a stranger who is new gets the number of another; ``threshold`` a cosine distance
    instead of it. Raises UsageError for an uncalibrated model without a threshold.
    """

    def __init__(
        self,
        gallery: Gallery,
        *,
        days: int,
        fpir: float,
        threshold: float | None = None,
        most: int = MOST_STRANGERS,
    ) -> None:
        self._gallery = gallery
        self._days = check_whole(days, "days is a whole number of days", least=1)
        self._most = check_whole(most, "most is a number of strangers", least=1)
        self._fpir, self._threshold = fpir, threshold
        if threshold is None and gallery.calibration is None:
            raise compare.uncalibrated(gallery.model, "so no threshold for strangers follows from an fpir")
        self._visits: dict[int, float] = {}
        self._templates = 0
        self._expired_on: datetime | None = None

    def find(self, template: Floats, quality: Quality, *, excluded: Collection[int] = ()) -> int | None:
        """Return the number of the stranger that a template ``(d,)`` is of; None for one who is new.

        ``excluded`` are strangers who are in sight at the same time.
        """
        self.forget_old()
        limit = self._limit(template, quality)
        (faces,) = self._gallery.lookalikes(template[None], top=NEAREST)
        for face in faces:
            sighting = None if face.person_id is not None else parse_sighting(face.photo, face.template_id)
            if sighting is not None and face.distance <= limit and sighting.stranger not in excluded:
                return sighting.stranger
        return None

    def remember(
        self,
        template: Floats,
        quality: Quality,
        *,
        number: int | None,
        camera: str,
        seconds: float,
        at: datetime | None,
    ) -> int | None:
        """Store a sighting of a stranger, a new one if ``number`` is None; return the number, None for a poor face.

        ``seconds`` are those of the run: tracks of one stranger shortly after each other are one sighting.
        """
        if self._threshold is None and (quality.score < LEAST_QUALITY or self._limit(template, quality) <= 0):
            return number
        last = None if number is None else self._visits.get(number)
        if number is None or last is None or seconds - last > SAME_VISIT_S:
            number = self._store(template, quality, number, camera, datetime.now(UTC) if at is None else at)
        self._visits[number] = seconds
        return number

    def forget_old(self, now: datetime | None = None) -> int:
        """Forget strangers who were not seen for the days, at most once an hour; return how many."""
        now = datetime.now(UTC) if now is None else now
        if self._expired_on is not None and now - self._expired_on < timedelta(hours=1):
            return 0
        self._expired_on = now
        strangers = sorted(list_strangers(self._gallery), key=lambda stranger: stranger.last)
        surplus = max(len(strangers) - self._most, 0)
        old = [
            stranger
            for place, stranger in enumerate(strangers)
            if place < surplus or now - stranger.last > timedelta(days=self._days)
        ]
        gone = {stranger.number for stranger in old}
        hashes = [sighting.sha256 for sighting in read_sightings(self._gallery) if sighting.stranger in gone]
        if hashes:
            self._gallery.forget(*hashes)
        self._templates = sum(len(stranger.template_ids) for stranger in strangers) - len(hashes)
        self._visits = {number: seconds for number, seconds in self._visits.items() if number not in gone}
        return len(old)

    def _limit(self, template: Floats, quality: Quality) -> float:
        """Return the greatest distance of a stored template of the same stranger; 0 for a face too poor."""
        if self._threshold is not None:
            return self._threshold
        table = self._gallery.calibration
        if table is None:
            return 0.0
        share = table.threshold_share(template, quality)
        return table.search_threshold(self._fpir, max(self._templates, 1)) * (share or 0.0)

    def _store(self, template: Floats, quality: Quality, number: int | None, camera: str, at: datetime) -> int:
        stored = [] if number is None else [item for item in read_sightings(self._gallery) if item.stranger == number]
        count = max((sighting.count for sighting in stored), default=0) + 1
        who = "" if number is None else f" {number}"
        path = f"stranger{who}, sighting {count}, {at.astimezone(UTC).isoformat(timespec='seconds')}, {camera}"
        sha256 = token_hex(32)
        face = Template(template, sha256, path, quality=quality.score)
        self._gallery.add_photos([IndexedPhoto(path, sha256, "ok", (face,))])
        self._templates += 1
        latest = sorted(stored, key=lambda sighting: sighting.count)
        if len(latest) >= MOST_SIGHTINGS:
            self._gallery.forget(*(sighting.sha256 for sighting in latest[1 : len(latest) - MOST_SIGHTINGS + 2]))
        if number is not None:
            return number
        return next(item.stranger for item in read_sightings(self._gallery) if item.sha256 == sha256)


def open_strangers(
    gallery: Gallery | None, *, days: int | None, fpir: float, threshold: float | None
) -> Strangers | None:
    """Return the strangers of a gallery, None where ``days`` is None; UsageError without a gallery."""
    if days is None:
        return None
    if gallery is None:
        raise UsageError("strangers are remembered in a gallery: name one.")
    return Strangers(gallery, days=days, fpir=fpir, threshold=threshold)


def read_sightings(gallery: Gallery) -> Iterator[StrangerSighting]:
    """Yield the sightings that a gallery stores of strangers who have no name yet, by template id."""
    faces = gallery.faces(unassigned=True)
    for template_id, photo, sha256 in zip(faces.ids.tolist(), faces.photos, faces.sha256, strict=True):
        sighting = parse_sighting(photo, template_id, sha256 or "")
        if sighting is not None:
            yield sighting


def parse_sighting(photo: str, template_id: int | None, sha256: str = "") -> StrangerSighting | None:
    """Return the sighting that the path of an indexed photo describes; None for other photos."""
    match = _SIGHTING.fullmatch(photo)
    if match is None or template_id is None:
        return None
    number, count, moment, camera = match.groups()
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return StrangerSighting(template_id if number is None else int(number), int(count), at, camera, template_id, sha256)


def list_strangers(gallery: Gallery) -> list[Stranger]:
    """Return the strangers of a gallery who have no name yet, the latest first."""
    sightings: dict[int, list[StrangerSighting]] = {}
    for sighting in read_sightings(gallery):
        sightings.setdefault(sighting.stranger, []).append(sighting)
    strangers = [
        Stranger(
            number=number,
            sightings=max(sighting.count for sighting in of_stranger),
            first=min(sighting.at for sighting in of_stranger),
            last=max(sighting.at for sighting in of_stranger),
            cameras=tuple(sorted({sighting.camera for sighting in of_stranger})),
            template_ids=tuple(sighting.template_id for sighting in of_stranger),
        )
        for number, of_stranger in sightings.items()
    ]
    return sorted(strangers, key=lambda stranger: stranger.last, reverse=True)


def name_stranger(gallery: Gallery, number: int, name: str, *, new: bool = False) -> Person:
    """Turn a stranger into a person: assign all its templates; UnknownNameError if there is no such stranger."""
    stranger = next((stranger for stranger in list_strangers(gallery) if stranger.number == number), None)
    if stranger is None:
        raise UnknownNameError(f"there is no stranger {number} in this gallery: visavis gallery strangers lists them.")
    return gallery.name_faces(name, stranger.template_ids, new=new)
