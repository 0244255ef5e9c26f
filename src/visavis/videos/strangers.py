"""Strangers keep their numbers: unknown people of tracks, stored in a gallery as unassigned faces, for some days.

A sighting is an indexed photo of one face, the template of a track, whose path says which stranger it is, how often the
stranger was seen by then, where and when. So it is encrypted, exported and erased with the gallery, found by all
processes that share it, and named by ``visavis gallery name``. A stranger's number is the id of its first template.

What makes it a sighting is its hash: no photo has one that ends in :data:`MARK`, whatever its path.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from visavis import compare
from visavis._checks import check_whole
from visavis.errors import UnknownNameError, UsageError
from visavis.gallery.add_after_search import add_photo_after_search
from visavis.gallery.types import FaceCrop, IndexedPhoto, StoredFaces, Template
from visavis.gallery.unassigned_faces import forget_unassigned_photos, read_unassigned_photos
from visavis.plain import Plain
from visavis.types import Floats, Lookalike, Quality
from visavis.videos.sightings import seconds_between

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
"""Seconds between two tracks of one stranger, in one run, that are one sighting, in whichever camera."""
MARK = hashlib.sha256(b"visavis: a sighting of a stranger").hexdigest()[:32]
"""End of the hash of a sighting: 128 bits that the SHA-256 of no photo has."""
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


@dataclass(slots=True, eq=False)
class _Track:
    """A track to store: its stranger's ``number``, if it is known, and the ``excluded`` ones.

    ``moment`` is when it ended: seconds of a file, or UTC. ``count`` is that of its sighting, and ``surplus`` are the
    hashes of sightings that it replaces.
    """

    template: Floats
    quality: Quality
    camera: str
    moment: float | datetime
    number: int | None
    excluded: Collection[int]
    crop: FaceCrop | None = None
    count: int = 1
    surplus: tuple[str, ...] = ()


@dataclass(slots=True)
class _Visit:
    """The presence of a stranger in this run: the ``count``-th sighting, by ``cameras``, ``last`` seen then."""

    count: int
    last: float | datetime
    cameras: set[str]


class Strangers:
    """The strangers of a gallery, remembered for ``days`` after they were last seen.

    ``fpir`` is the rate at which a stranger who is new gets the number of another; ``threshold`` a cosine distance
    instead of it. ``keeps_pictures`` is whether sightings have a picture of the face, where the gallery keeps crops.
    Raises UsageError for an uncalibrated model without a threshold.
    """

    def __init__(
        self,
        gallery: Gallery,
        *,
        days: int,
        fpir: float,
        threshold: float | None = None,
        most: int = MOST_STRANGERS,
        keeps_pictures: bool = False,
    ) -> None:
        self.keeps_pictures = keeps_pictures
        self._gallery = gallery
        self._days = check_whole(days, "days is a whole number of days", least=1)
        self._most = check_whole(most, "most is a number of strangers", least=1)
        self._fpir, self._threshold = fpir, threshold
        if threshold is None and gallery.calibration is None:
            raise compare.uncalibrated(gallery.model, "so no threshold for strangers follows from an fpir")
        self._visits: dict[int, _Visit] = {}
        self._templates = 0
        self._expired_on: datetime | None = None

    def find(self, template: Floats, quality: Quality, *, excluded: Collection[int] = ()) -> int | None:
        """Return the number of the stranger that a template ``(d,)`` is of; None for one who is new.

        ``excluded`` are strangers who are in sight at the same time.
        """
        self.forget_old()
        (faces,) = self._gallery.lookalikes(template[None], top=NEAREST)
        return self._choose(faces, self._limit(template, quality), excluded)

    def remember(
        self,
        template: Floats,
        quality: Quality,
        *,
        number: int | None,
        camera: str,
        seconds: float,
        at: datetime | None,
        excluded: Collection[int] = (),
        crop: FaceCrop | None = None,
    ) -> int | None:
        """Store a sighting of a stranger; return the number, None for a poor face.

        If ``number`` is None, the stranger is looked for again: another camera or process may have stored one since
        (``excluded`` are as in :meth:`find`). ``seconds`` are those of the run, ``at`` is the time of a camera: tracks
        of one stranger shortly after each other are one sighting, stored once for each camera. ``crop`` is stored if
        the gallery keeps crops.
        """
        if self._threshold is None and (quality.score < LEAST_QUALITY or self._limit(template, quality) <= 0):
            return number
        moment = seconds if at is None else at
        visit = None if number is None else self._current_visit(number, moment)
        if visit is None or camera not in visit.cameras:
            number = self._store(_Track(template, quality, camera, moment, number, excluded, crop))
        if number is not None:
            self._visits[number].last = moment
        return number

    def forget_old(self, now: datetime | None = None) -> int:
        """Forget strangers who were not seen for the days, at most once an hour; return how many."""
        now = datetime.now(UTC) if now is None else now
        if self._expired_on is not None and now - self._expired_on < timedelta(hours=1):
            return 0
        self._expired_on = now
        gone = forget_old_strangers(self._gallery, days=self._days, most=self._most, now=now)
        self._templates = len(read_sightings(self._gallery))
        self._visits = {number: visit for number, visit in self._visits.items() if number not in gone}
        return len(gone)

    def _limit(self, template: Floats, quality: Quality) -> float:
        """Return the greatest distance of a stored template of the same stranger; 0 for a face too poor."""
        if self._threshold is not None:
            return self._threshold
        table = self._gallery.calibration
        if table is None:
            return 0.0
        share = table.threshold_share(template, quality)
        return table.search_threshold(self._fpir, max(self._templates, 1)) * (share or 0.0)

    @staticmethod
    def _choose(faces: Sequence[Lookalike], limit: float, excluded: Collection[int]) -> int | None:
        """Return the stranger of the nearest sighting within ``limit``, unless in sight at the same time."""
        for face in faces:
            sighting = _read_sighting(face.photo, face.template_id, face.sha256) if face.person_id is None else None
            if sighting is not None and face.distance <= limit and sighting.stranger not in excluded:
                return sighting.stranger
        return None

    def _current_visit(self, number: int, moment: float | datetime) -> _Visit | None:
        """Return the visit of a stranger that goes on at ``moment``; None for a new one."""
        visit = self._visits.get(number)
        return None if visit is None or abs(seconds_between(moment, visit.last)) > SAME_VISIT_S else visit

    def _store(self, track: _Track) -> int | None:
        """Store a track as a sighting, unless its stranger turns out to be stored already; return the number."""
        template_id = add_photo_after_search(
            self._gallery,
            track.template,
            lambda near, read_faces: self._make_photo(track, near, read_faces),
            top=NEAREST,
        )
        number = template_id if track.number is None else track.number
        if number is not None and template_id is not None:
            self._templates += 1
            visit = self._current_visit(number, track.moment)
            cameras = set() if visit is None else visit.cameras
            self._visits[number] = _Visit(track.count, track.moment, cameras | {track.camera})
        forget_unassigned_photos(self._gallery.opened, track.surplus)
        self._templates -= len(track.surplus)
        return number

    def _make_photo(
        self, track: _Track, near: Sequence[Lookalike], read_faces: Callable[[], StoredFaces]
    ) -> IndexedPhoto | None:
        """Return the sighting to store of a track, by the faces nearest to it; None where it is stored already."""
        if track.number is None:
            track.number = self._choose(near, self._limit(track.template, track.quality), track.excluded)
        visit = None if track.number is None else self._current_visit(track.number, track.moment)
        if visit is not None and track.camera in visit.cameras:
            return None
        stored: list[StrangerSighting] = []
        if track.number is not None:
            faces = read_faces()
            rows = zip(faces.ids.tolist(), faces.photos, faces.sha256, strict=True)
            stored = [item for item in _list_sightings(rows) if item.stranger == track.number]
        last = max((sighting.count for sighting in stored), default=0)
        track.count = last + 1 if visit is None else visit.count
        ordered = sorted(stored, key=lambda sighting: (sighting.count, sighting.at))
        if len(ordered) >= MOST_SIGHTINGS:
            track.surplus = tuple(sighting.sha256 for sighting in ordered[1 : len(ordered) - MOST_SIGHTINGS + 2])
        return _make_sighting(track)


def open_strangers(
    gallery: Gallery | None, *, days: int | None, fpir: float, threshold: float | None, keeps_pictures: bool = False
) -> Strangers | None:
    """Return the strangers of a gallery, None where ``days`` is None; UsageError without a gallery."""
    if days is None:
        return None
    if gallery is None:
        raise UsageError("strangers are remembered in a gallery: name one.")
    return Strangers(gallery, days=days, fpir=fpir, threshold=threshold, keeps_pictures=keeps_pictures)


def read_sightings(gallery: Gallery) -> list[StrangerSighting]:
    """Return the sightings that a gallery stores of strangers who have no name yet, by template id."""
    return _list_sightings(read_unassigned_photos(gallery.opened, hash_end=MARK))


def _list_sightings(rows: Iterable[tuple[int, str, str | None]]) -> list[StrangerSighting]:
    """Return the sightings among faces: id, path and hash of each."""
    sightings = (_read_sighting(photo, template_id, sha256) for template_id, photo, sha256 in rows)
    return [sighting for sighting in sightings if sighting is not None]


def _make_sighting(track: _Track) -> IndexedPhoto:
    """Return a sighting as a gallery stores it."""
    who = "" if track.number is None else f" {track.number}"
    at = track.moment if isinstance(track.moment, datetime) else datetime.now(UTC)
    time = at.astimezone(UTC).isoformat(timespec="seconds")
    path = f"stranger{who}, sighting {track.count}, {time}, {track.camera}"
    sha256 = token_hex(32 - len(MARK) // 2) + MARK
    face = Template(track.template, sha256, path, quality=track.quality.score, crop=track.crop)
    return IndexedPhoto(path, sha256, "ok", (face,))


def _read_sighting(photo: str, template_id: int | None, sha256: str | None) -> StrangerSighting | None:
    """Return the sighting that the path of an indexed photo describes; None for photos, whatever their path."""
    match = _SIGHTING.fullmatch(photo)
    if match is None or template_id is None or sha256 is None or not sha256.endswith(MARK):
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


def find_stranger(gallery: Gallery, number: int) -> Stranger:
    """Return a stranger who has no name yet; UnknownNameError if there is no such stranger."""
    stranger = next((stranger for stranger in list_strangers(gallery) if stranger.number == number), None)
    if stranger is None:
        raise UnknownNameError(f"there is no stranger {number} in this gallery: visavis gallery strangers lists them.")
    return stranger


def name_stranger(gallery: Gallery, number: int, name: str, *, new: bool = False) -> Person:
    """Turn a stranger into a person: assign all its templates; UnknownNameError if there is no such stranger."""
    return gallery.name_faces(name, find_stranger(gallery, number).template_ids, new=new)


def forget_old_strangers(
    gallery: Gallery, *, days: int, most: int = MOST_STRANGERS, now: datetime | None = None
) -> set[int]:
    """Forget strangers who were not seen for the days, and those beyond the ``most`` latest; return their numbers."""
    now = datetime.now(UTC) if now is None else now
    strangers = list_strangers(gallery)
    old = {stranger.number for stranger in strangers if now - stranger.last > timedelta(days=days)}
    old |= {stranger.number for stranger in strangers[most:]}
    return forget_strangers(gallery, old)


def forget_strangers(gallery: Gallery, numbers: Collection[int]) -> set[int]:
    """Remove all that is stored of strangers, without a trace; return the numbers of those who were there.

    A stranger who is named meanwhile stays.
    """
    numbers_by_hash = {item.sha256: item.stranger for item in read_sightings(gallery) if item.stranger in numbers}
    return {numbers_by_hash[sha256] for sha256 in forget_unassigned_photos(gallery.opened, numbers_by_hash)}


def forget_sightings_of_camera(gallery: Gallery, camera: str) -> int:
    """Remove what a camera has seen of strangers who have no name, without a trace; return the number of sightings."""
    hashes = [sighting.sha256 for sighting in read_sightings(gallery) if sighting.camera == camera]
    return len(forget_unassigned_photos(gallery.opened, hashes))
