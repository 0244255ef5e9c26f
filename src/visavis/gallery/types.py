"""Input and results of a gallery: frozen values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from visavis._show import Shown
from visavis.clustering.types import Clustering
from visavis.gallery.index import Ids
from visavis.plain import Plain, flat, plain
from visavis.types import Face, Floats, Identification, PhotoFaces


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FaceCrop(Shown):
    """The part of a photo around a face, from which any model can make an embedding.

    ``picture`` is an encoded PNG; ``box (4,)`` and ``landmarks (5, 2)`` are in pixels of it.
    """

    picture: bytes
    box: Floats
    landmarks: Floats

    def __post_init__(self) -> None:
        if self.box.shape != (4,) or self.landmarks.shape != (5, 2):
            raise ValueError(f"box must be (4,) and landmarks (5, 2), got {self.box.shape} and {self.landmarks.shape}")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Template(Shown):
    """A face to store: ``embedding`` ``(d,)`` of any length but 0, and where it is from.

    By ``photo_sha256`` (hex digest of the photo's encoded bytes) a second enrollment of the same photo is
    noticed; None: unknown, never a duplicate. ``box`` is ``(4,)`` x1, y1, x2, y2 in pixels of
    that photo and distinguishes the faces of a group photo. ``quality`` is the score in 0..1. ``crop`` is stored if
    the gallery keeps crops (see :meth:`visavis.gallery.Gallery.keep_crops`).
    """

    embedding: Floats
    photo_sha256: str | None = None
    photo: str = ""
    box: Floats | None = None
    quality: float | None = None
    crop: FaceCrop | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """Details of a person besides the name; None: not given.

    ``consent`` is free text, ``consented`` the day it was given; ``metadata`` is whatever JSON can hold.
    """

    note: str | None = None
    consent: str | None = None
    consented: date | None = None
    metadata: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class IndexedPhoto:
    """A photo with faces to store as unassigned; ``status`` is "ok" or "no_face".

    ``sha256`` (hex), of the photo's encoded bytes, identifies the photo.
    """

    photo: str
    sha256: str
    status: str
    faces: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class ForgottenPhoto:
    """A photo that was removed from a gallery with its ``templates`` (their number).

    ``photo`` is the path that was stored, "" for none. ``people`` are id and name of the people with a template of it;
    ``removed`` are the ids of the people without another template, who were removed as well.
    """

    sha256: str
    photo: str
    templates: int
    people: tuple[tuple[int, str], ...]
    removed: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StoredFaces(Shown):
    """Faces of a gallery, one row each, by template id.

    ``ids (n,)``, ``people (n,)`` (0: unassigned), ``clusters (n,)`` (-1: in none), ``embeddings (n, d)`` of length 1,
    ``boxes (n, 4)`` and ``quality (n,)`` (NaN: not known).
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
    """Clusters of all faces of a gallery; ``ids (n,)`` are the templates, ``people`` the names (None: unassigned).

    Its truth value is that of the clustering: whether there are clusters.
    """

    clustering: Clustering
    ids: Ids
    people: tuple[str | None, ...]

    def __bool__(self) -> bool:
        return bool(self.clustering)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry of the audit log; ``person_id`` is the person affected by the action, if any."""

    at: datetime
    actor: str | None
    action: str
    person_id: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """A template of a gallery without its embedding; ``box`` is x1, y1, x2, y2 in pixels."""

    id: int
    photo: str
    photo_sha256: str | None
    box: tuple[float, float, float, float] | None
    quality: float | None
    created: datetime


@dataclass(frozen=True, slots=True)
class Person(Plain):
    """A person of a gallery, with one template or more.

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
    """A face that was not stored again: the same face of the photo is a template of ``person_id`` already."""

    photo: str
    photo_sha256: str
    person_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A photo without a template; ``status`` as in PhotoFaces, or "poor_quality" or "doubtful"."""

    photo: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """The reason why a photo may not be of the person it is enrolled for.

    ``message`` is a sentence without its subject, the ``photo``: "is far from the other photos of ...".
    ``distance`` is that to the person's other photos (None: there are none). ``person_id``, ``name`` and
    ``other_distance`` are of another person who the photo looks more like (None: there is none).
    """

    photo: str
    message: str
    distance: float | None
    person_id: int | None
    name: str | None
    other_distance: float | None


@dataclass(frozen=True, slots=True)
class Enrollment(Plain):
    """The result of an enrollment: ids of the templates added, duplicates, and photos that could not be used.

    ``new`` is whether the person was created by it. ``doubts`` are photos that were stored and seem to be of another
    person; ``notes`` mention them too. ``assigned`` are those of ``added`` that the gallery had before, as unassigned
    faces. Its truth value is whether a template was added.
    """

    person_id: int
    name: str
    new: bool
    added: tuple[int, ...]
    duplicates: tuple[Duplicate, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    assigned: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return len(self.added) > 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IdentifiedPhoto(Shown):
    """A photo with an answer for each face, in the order of ``photo.faces``; no answers if its status is not "ok".

    Its truth value is whether a face was named; that of ``photo`` is whether there are faces.
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
        """Yield each face (box, landmarks, score) with its answer."""
        return iter(zip(self.photo.faces, self.identifications, strict=True))

    def _repr_html_(self) -> str:
        from visavis import display

        return display.identified_photo(self.photo, self.identifications)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``visavis identify --json`` prints, with all digits."""
        photo = self.photo
        line = {"photo": photo.name, "status": photo.status, "captured": plain(photo.captured)}
        line["faces"] = plain(self.identifications)
        if photo.notes:
            line["notes"] = list(photo.notes)
        return line if photo.status == "ok" else {**line, "message": photo.message}

    def rows(self) -> list[dict[str, Any]]:
        """Return a flat row for each face; for a photo without faces one row without a face."""
        line = self.to_dict()
        faces, notes = line.pop("faces"), line.pop("notes", [])
        rows = [
            {**line, "face": number, **flat({**face, "notes": [*notes, *face["notes"]]})}
            for number, face in enumerate(faces, 1)
        ]
        return rows or [flat({**line, "notes": notes} if notes else line)]


@dataclass(frozen=True, slots=True)
class SearchThreshold:
    """Cosine ``distance`` up to which a search among ``people`` names a person.

    The search names a stranger at rate ``fpir``, if each comparison errs at rate ``far``. ``measured`` is False
    if ``far`` is below the lowest measured rate: ``distance`` is then the strictest that was measured, and strangers
    are named more often.
    """

    distance: float
    fpir: float
    people: int
    far: float
    measured: bool


@dataclass(frozen=True, slots=True)
class Stats:
    """Statistics of a gallery. ``dimension`` is None until a face is stored; ``bytes`` is the size on disk.

    ``templates`` are of ``people``; ``unassigned`` faces, of ``photos`` that were indexed, have no person.

    ``thresholds`` says which table of thresholds is used ("own", "shipped" or "uncalibrated"), ``measured_on`` the
    data that it was measured on.
    """

    url: str
    model: str
    dimension: int | None
    people: int
    templates: int
    unassigned: int
    photos: int
    change: int
    bytes: int
    thresholds: str
    measured_on: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem that :meth:`Gallery.check` reports; ``kind`` is a word to sort by, ``message`` a sentence."""

    kind: str
    message: str
