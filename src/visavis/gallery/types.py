"""What goes into a gallery and what it answers with: frozen values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from visavis.gallery.index import Ids
from visavis.plain import Plain, flat, plain
from visavis.types import Clustering, Face, Floats, Identification, PhotoFaces


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One face to be stored: ``embedding`` ``(d,)`` of any length but 0, and where it is from.

    ``photo_sha256`` (hex digest of the photo's encoded bytes) is what a second enrollment of the same photo is
    noticed by; None: unknown, never taken for a duplicate. ``box`` is ``(4,)`` x1, y1, x2, y2 in pixels of
    that photo and tells the faces of a group photo apart. ``quality`` is the score in 0..1.
    """

    embedding: Floats
    photo_sha256: str | None = None
    photo: str = ""
    box: Floats | None = None
    quality: float | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """What is told of a person beside the name; None: nothing is said of it.

    ``consent`` is free text, ``consented`` the day it was given; ``metadata`` is whatever JSON can hold.
    """

    note: str | None = None
    consent: str | None = None
    consented: date | None = None
    metadata: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class IndexedPhoto:
    """A photo whose faces are to be stored, nobody's yet; ``status`` is "ok" or "no_face".

    ``sha256`` (hex) is of the photo's encoded bytes: what it is known by.
    """

    photo: str
    sha256: str
    status: str
    faces: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class ForgottenPhoto:
    """A photo that was removed from a gallery with its ``templates`` (their number).

    ``photo`` is the path that was stored, "" for none. ``people`` are id and name of those who had a template of it;
    ``removed`` are the ids of those who had no other, and are gone as well.
    """

    sha256: str
    photo: str
    templates: int
    people: tuple[tuple[int, str], ...]
    removed: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class StoredFaces:
    """Faces of a gallery, one row each, by template id.

    ``ids (n,)``, ``people (n,)`` (0: nobody's), ``clusters (n,)`` (-1: in none), ``embeddings (n, d)`` of length 1,
    ``boxes (n, 4)`` and ``quality (n,)`` (NaN where not known).
    """

    ids: Ids
    people: Ids
    clusters: Ids
    embeddings: Floats
    photos: tuple[str, ...]
    sha256: tuple[str | None, ...]
    boxes: Floats
    quality: Floats


class ClusteredFaces(NamedTuple):
    """Clusters of all faces of a gallery; ``ids (n,)`` are their templates, ``people`` their names (None: nobody's).

    Its truth value is that of the clustering: whether there are clusters.
    """

    clustering: Clustering
    ids: Ids
    people: tuple[str | None, ...]

    def __bool__(self) -> bool:
        return bool(self.clustering)


@dataclass(frozen=True, slots=True)
class NearFace(Plain):
    """A face of the gallery at a cosine distance; ``person_id`` and ``name`` are None where it is nobody's."""

    template_id: int
    distance: float
    person_id: int | None
    name: str | None
    photo: str
    photo_sha256: str | None
    box: tuple[float, float, float, float] | None
    quality: float | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, when; ``person_id`` says to whom, if to anybody."""

    at: datetime
    actor: str | None
    action: str
    person_id: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """What a gallery knows of a template, without its embedding; ``box`` is x1, y1, x2, y2 in pixels."""

    id: int
    photo: str
    photo_sha256: str | None
    box: tuple[float, float, float, float] | None
    quality: float | None
    created: datetime


@dataclass(frozen=True, slots=True)
class Person(Plain):
    """One person of a gallery; never without a template.

    ``consent`` is free text, ``consented`` the day it was given; None if not recorded.
    """

    id: int
    name: str
    note: str
    consent: str | None
    created: datetime
    templates: tuple[StoredTemplate, ...]
    consented: date | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A face that was not stored again: the same photo is there already, as a template of ``person_id``."""

    photo: str
    photo_sha256: str
    person_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A photo that no template came from; ``status`` as in PhotoFaces, or "poor_quality" or "doubtful"."""

    photo: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """What speaks against a photo being of the person it is enrolled for.

    ``message`` says it in a sentence to follow the name of the ``photo``: "is far from the other photos of ...".
    ``distance`` is that to the person's other photos (None: there are none). ``person_id``, ``name`` and
    ``other_distance`` are of somebody else whom the photo looks more like (None: nobody).
    """

    photo: str
    message: str
    distance: float | None
    person_id: int | None
    name: str | None
    other_distance: float | None


@dataclass(frozen=True, slots=True)
class Enrollment(Plain):
    """What one enrollment did: ids of the templates added, what was there already, what could not be used.

    ``new`` says whether the person was made by it. ``doubts`` are photos that were stored and seem to be of somebody
    else; ``notes`` tell of them too. Its truth value is whether a template was added.
    """

    person_id: int
    name: str
    new: bool
    added: tuple[int, ...]
    duplicates: tuple[Duplicate, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    def __bool__(self) -> bool:
        return len(self.added) > 0


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedPhoto:
    """One photo with an answer a face, in the order of ``photo.faces``; none where its status is not "ok".

    Its truth value is whether a face was named; whether there are faces is that of ``photo``.
    """

    photo: PhotoFaces
    identifications: tuple[Identification, ...]

    def __bool__(self) -> bool:
        return any(self.identifications)

    @property
    def names(self) -> tuple[str | None, ...]:
        """The name of each face; None: unknown."""
        return tuple(answer.name for answer in self.identifications)

    def __iter__(self) -> Iterator[tuple[Face, Identification]]:
        """Yield each face (box, landmarks, score) with the answer who it is."""
        return iter(zip(self.photo.faces, self.identifications, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return what ``visavis identify --json`` prints, with all digits."""
        photo = self.photo
        line = {"photo": photo.name, "status": photo.status, "captured": plain(photo.captured)}
        line["faces"] = plain(self.identifications)
        if photo.notes:
            line["notes"] = list(photo.notes)
        return line if photo.status == "ok" else {**line, "message": photo.message}

    def rows(self) -> list[dict[str, Any]]:
        """Return a flat row a face; one without a face where there is none."""
        line = self.to_dict()
        faces, notes = line.pop("faces"), line.pop("notes", [])
        rows = [
            {**line, "face": number, **flat({**face, "notes": [*notes, *face["notes"]]})}
            for number, face in enumerate(faces, 1)
        ]
        return rows or [flat({**line, "notes": notes} if notes else line)]


@dataclass(frozen=True, slots=True)
class SearchThreshold:
    """Cosine ``distance`` up to which a search among ``people`` names somebody.

    That names a stranger at rate ``fpir``, if each comparison errs at rate ``far``. ``measured`` is False
    where so low a ``far`` was not measured: ``distance`` is then the strictest that was, and strangers are
    named more often.
    """

    distance: float
    fpir: float
    people: int
    far: float
    measured: bool


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures of a gallery. ``dimension`` is None until a face is stored; ``bytes`` its size on disk.

    ``templates`` are of ``people``; ``unnamed`` faces are nobody's yet, from ``photos`` that were indexed.

    ``thresholds`` says whose table of thresholds is used ("own", "shipped" or "uncalibrated"), ``measured_on`` on what
    data it was measured.
    """

    url: str
    model: str
    dimension: int | None
    people: int
    templates: int
    unnamed: int
    photos: int
    change: int
    bytes: int
    thresholds: str
    measured_on: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that :meth:`Gallery.check` found; ``kind`` is a word to sort by, ``message`` a sentence."""

    kind: str
    message: str
