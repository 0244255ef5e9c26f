"""The class Client: calls named, typed and answered as those of the library and of a gallery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from visavis import atomic, defaults
from visavis.classify import FaceNames
from visavis.client._connection import Connection
from visavis.client._photos import Upload, batch_uploads, make_form, read_upload, read_uploads
from visavis.client.parse import parse, parse_characteristic, parse_lookalike, parse_photo
from visavis.errors import image_error
from visavis.gallery.types import AuditEntry, Enrollment, Person, SearchThreshold, Skipped, Stats
from visavis.images import Source
from visavis.liveness import Liveness
from visavis.printable import dump_json
from visavis.types import Characteristic, Face, Floats, Identification, Lookalike, PhotoFaces, Verification

Who = int | str | Person
"""A reference to a person: an id, a name that only one person has, or a person of the gallery."""


class Client:
    """A visavis server, asked as the library is: the same names, options, results and exceptions.

    ::

        with visavis.Client("http://127.0.0.1:8000", key="vv_...") as client:
            client.enroll("Ann", ["ann1.jpg", "ann2.jpg"])
            client.identify("group.jpg")

    Photos are read on this machine and sent; of a path the server gets the name of the file alone. A photo of a result
    has no pixels. A server that is busy is asked again a few times. Errors of the server are those of the library:
    NoFaceError, UnknownNameError ...; a server that cannot be reached is a ServerError.
    """

    def __init__(self, url: str, key: str | None = None, gallery: str = "default", *, seconds: float = 60.0) -> None:
        """Speak to the server at ``url`` with an API ``key``, about one of its galleries.

        ``seconds`` is the time limit of a try. Nothing is sent before the first call.
        """
        self.gallery = gallery
        self._connection = Connection(url, key, seconds=seconds)

    @property
    def url(self) -> str:
        """The URL of the server."""
        return self._connection.url

    def close(self) -> None:
        """Close the connections to the server."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r}, gallery={self.gallery!r})"

    # Photos

    def detect(self, source: Source, *, min_face: float = defaults.MIN_FACE) -> list[Face]:
        """Return the faces of one photo: see :func:`visavis.detect`."""
        return list(self._ask_photo("/detect", source, min_face=min_face)[0].faces)

    def embed(self, source: Source, *, min_face: float = defaults.MIN_FACE) -> Floats:
        """Return unit embeddings ``(n, d)`` of all faces of one photo: see :func:`visavis.embed`."""
        photo, _ = self._ask_photo("/detect", source, min_face=min_face, embeddings=True)
        return np.empty((0, 0), np.float32) if photo.embeddings is None or not photo else photo.embeddings

    def represent(
        self, sources: Source | Iterable[Source], *, min_face: float = defaults.MIN_FACE
    ) -> Iterator[PhotoFaces]:
        """Yield each photo with its faces and their embeddings: see :meth:`visavis.Recognizer.represent`."""
        for photo, _ in self._ask_photos("/detect", sources, min_face=min_face, embeddings=True):
            yield photo

    def verify(
        self,
        a: Source,
        b: Source,
        *,
        far: float = defaults.FAR,
        threshold: float | None = None,
        min_face: float = defaults.MIN_FACE,
        any_face: bool = False,
    ) -> Verification:
        """Decide whether the largest faces of two photos are one person: see :func:`visavis.verify`."""
        files = [read_upload(a).part("a"), read_upload(b).part("b")]
        options = {"far": far, "threshold": threshold, "min_face": min_face, "any_face": any_face}
        return parse(Verification, self._connection.send("POST", "/verify", files=files, params=options))

    def classify(
        self,
        sources: Source | Iterable[Source],
        *,
        model: str = defaults.CLASSIFIER,
        top: int = defaults.TOP_NAMES,
        min_probability: float | None = None,
        min_face: float = defaults.MIN_FACE,
    ) -> Iterator[tuple[PhotoFaces, list[FaceNames]]]:
        """Yield each photo with the people of a network or of a classifier of the server: see ``visavis.classify``."""
        options = {"model": model, "top": top, "min_probability": min_probability, "min_face": min_face}
        for photo, lines in self._ask_photos("/classify", sources, **options):
            yield photo, [parse(FaceNames, line) for line in lines]

    def landmarks(self, source: Source, *, points: int = 68, min_face: float = defaults.MIN_FACE) -> Floats:
        """Return 68 or 5 points of each face of one photo, ``(n, points, 2)`` in pixels."""
        _, lines = self._ask_photo("/landmarks", source, points=points, min_face=min_face)
        return np.array([line["points"] for line in lines], np.float32).reshape(-1, points, 2)

    def check_liveness(
        self, source: Source, *, threshold: float = defaults.REAL_FROM, min_face: float = defaults.MIN_FACE
    ) -> list[Liveness]:
        """Judge whether each face of one photo is real: see :func:`visavis.check_liveness`."""
        upload = read_upload(source)
        options = {"threshold": threshold, "min_face": min_face}
        answer = self._connection.send("POST", "/liveness", files=[upload.part("photo")], params=options)
        (line,) = answer["photos"]
        _require_readable(line["status"], line.get("message", ""))
        return [parse(Liveness, face) for face in line["faces"]]

    def similar(
        self,
        photo: Source,
        others: Source | Iterable[Source] | None = None,
        *,
        top: int = defaults.TOP_LOOKALIKES,
        min_face: float = defaults.MIN_FACE,
    ) -> list[Lookalike]:
        """Return the look-alikes of the largest face of a photo: see :func:`visavis.similar`.

        They are sought among the photos ``others``, without these among all faces of the gallery.
        """
        files = [read_upload(photo).part("photo")]
        options: dict[str, Any] = {"top": top, "min_face": min_face}
        if others is None:
            answer = self._ask_gallery("POST", "/gallery/similar", files=files, params=options)
        else:
            files += make_form("others", _require_uploads(others)[0])
            answer = self._connection.send("POST", "/similar", files=files, params=options)
        return [parse_lookalike(line) for line in answer["faces"]]

    def representative(
        self, photos: Source | Iterable[Source], *, min_face: float = defaults.MIN_FACE
    ) -> list[Characteristic]:
        """Rank the faces of one person by how characteristic they are: see :func:`visavis.representative`."""
        files = make_form("photo", _require_uploads(photos)[0])
        answer = self._connection.send("POST", "/representative", files=files, params={"min_face": min_face})
        return [parse_characteristic(line) for line in answer["faces"]]

    # A gallery

    def identify(
        self,
        photo: Source,
        *,
        fpir: float = defaults.FPIR,
        threshold: float | None = None,
        margin: float = 0.0,
        top: int = defaults.TOP_NAMES,
        min_face: float = defaults.MIN_FACE,
        repeats: bool = False,
    ) -> list[Identification]:
        """Identify the faces of a photo, one answer a face: see :meth:`visavis.Gallery.identify`."""
        options = {
            "fpir": fpir, "threshold": threshold, "margin": margin, "top": top, "min_face": min_face,
            "repeats": repeats,
        }  # fmt: skip
        files = [read_upload(photo).part("photo")]
        (line,) = self._ask_gallery("POST", "/identify", files=files, params=options)["photos"]
        _require_readable(line["status"], line.get("message", ""))
        return [parse(Identification, face) for face in line["faces"]]

    def enroll(  # noqa: PLR0913 - those of the gallery
        self,
        name: Who,
        photos: Source | Iterable[Source],
        *,
        person_id: int | None = None,
        new: bool = False,
        note: str = "",
        consent: str | None = None,
        consented: date | None = None,
        metadata: Mapping[str, object] | None = None,
        min_face: float = defaults.MIN_FACE,
        min_quality: float = 0.0,
        strict: bool = False,
    ) -> Enrollment:
        """Store the largest face of each photo as a template of a person: see :meth:`visavis.Gallery.enroll`."""
        if not isinstance(name, str):
            person = self.find(name)
            name, person_id = person.name, person.id if person_id is None else person_id
        uploads, skipped = _require_uploads(photos)
        fields = {
            "name": name, "note": note or None, "consent": consent,
            "consented": None if consented is None else consented.isoformat(),
            "metadata": None if metadata is None else dump_json(metadata),
        }  # fmt: skip
        options = {
            "person_id": person_id, "new": new, "strict": strict, "min_face": min_face, "min_quality": min_quality
        }  # fmt: skip
        form = {key: value for key, value in fields.items() if value is not None}
        answer = self._ask_gallery("POST", "/people", files=make_form("photo", uploads), data=form, params=options)
        enrollment = parse(Enrollment, answer)
        return replace(enrollment, skipped=(*skipped, *enrollment.skipped))

    def people(self, *who: Who) -> list[Person]:
        """Return all people, by id; or only the people of ``who``: see :meth:`visavis.Gallery.people`."""
        if who:
            references = [str(person.id if isinstance(person, Person) else person) for person in who]
            return self._read_people({"who": references})[0]
        people: list[Person] = []
        after: int | None = 0
        while after is not None:
            page, after = self._read_people({"after": after, "limit": 1000})
            people += page
        return people

    def find(self, who: Who) -> Person:
        """Return the person that ``who`` refers to: see :meth:`visavis.Gallery.find`."""
        return self.people(who)[0]

    def person(self, person_id: int) -> Person:
        """Return the person of an id; UnknownNameError if there is no such id."""
        return parse(Person, self._ask_gallery("GET", f"/people/{int(person_id)}"))

    def __len__(self) -> int:
        """Return the number of people."""
        return self.stats().people

    def rename(self, who: Who, name: str) -> None:
        """Change the name of a person; the id stays."""
        self._ask_gallery("PATCH", f"/people/{self.find(who).id}", json={"name": name})

    def describe(
        self,
        who: Who,
        *,
        note: str | None = None,
        consent: str | None = None,
        consented: date | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Replace the stored details of a person that are given."""
        day = None if consented is None else consented.isoformat()
        details = {"note": note, "consent": consent, "consented": day, "metadata": metadata}
        changes = {key: value for key, value in details.items() if value is not None}
        self._ask_gallery("PATCH", f"/people/{self.find(who).id}", json=changes)

    def merge(self, who: Who, into: Who) -> None:
        """Move all templates of a person to the person ``into``, and remove the former."""
        target = self.find(into).id
        self._ask_gallery("POST", f"/people/{self.find(who).id}/merge", params={"into": target})

    def move(self, template_ids: Sequence[int], to: Who) -> None:
        """Move templates of other people, and unassigned faces, to a person, all or none."""
        self._ask_gallery("POST", f"/people/{self.find(to).id}/faces", json={"template_ids": [*template_ids]})

    def name_faces(self, name: str, template_ids: Sequence[int], *, new: bool = False) -> Person:
        """Assign unassigned faces to the only person called ``name``, else to a new one; return the person."""
        order = {"name": name, "template_ids": [*template_ids], "new": new}
        return parse(Person, self._ask_gallery("POST", "/faces/name", json=order))

    def remove(self, *who: Who) -> None:
        """Remove people, all or none, without a trace: see :meth:`visavis.Gallery.remove`."""
        if who:
            ids = [person.id for person in self.people(*who)]
            self._ask_gallery("DELETE", "/people", params={"person_id": ids})

    def remove_template(self, template_id: int) -> None:
        """Remove one template; UsageError if it is the last of a person."""
        self._ask_gallery("DELETE", f"/faces/{int(template_id)}")

    def threshold(self, *, fpir: float = defaults.FPIR) -> SearchThreshold:
        """Return the distance up to which a search names a person: see :meth:`visavis.Gallery.threshold`."""
        path = f"/galleries/{self.gallery}/threshold"
        return parse(SearchThreshold, self._connection.send("GET", path, params={"fpir": fpir}))

    def stats(self) -> Stats:
        """Return statistics of the gallery; its ``url`` is its name on the server."""
        return parse(Stats, self._connection.send("GET", f"/galleries/{self.gallery}"))

    def audit(self) -> list[AuditEntry]:
        """Return the entries of the audit log, in order; needs the key of an administrator."""
        entries: list[AuditEntry] = []
        after: int | None = 0
        while after is not None:
            options = {"after": after, "limit": 1000}
            page = self._connection.send("GET", f"/galleries/{self.gallery}/audit", params=options)
            entries += [parse(AuditEntry, line) for line in page["entries"]]
            after = page["next"]
        return entries

    def back_up(self, path: Path | str) -> None:
        """Write a ZIP file with all people, faces and photos; ``visavis gallery import`` takes what it unpacks to.

        Needs the key of an administrator.
        """
        answer = self._connection.fetch("GET", f"/galleries/{self.gallery}/backup")
        atomic.write_bytes(Path(path), answer.content)

    def _read_people(self, options: dict[str, Any]) -> tuple[list[Person], int | None]:
        page = self._ask_gallery("GET", "/people", params=options)
        return [parse(Person, line) for line in page["people"]], page["next"]

    def _ask_gallery(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, **options: Any) -> Any:
        return self._connection.send(method, path, params={"gallery": self.gallery, **(params or {})}, **options)

    def _ask_photo(self, path: str, source: Source, **options: Any) -> tuple[PhotoFaces, list[dict[str, Any]]]:
        """Return the answer for one photo, with the lines of its faces; raises ImageError where it cannot be read."""
        upload = read_upload(source)
        (line,) = self._connection.send("POST", path, files=[upload.part("photo")], params=options)["photos"]
        _require_readable(line["status"], line.get("message", ""))
        embedded = "embeddings" in options
        return parse_photo(line, name=upload.name, embedded=embedded), line["faces"]

    def _ask_photos(
        self, path: str, sources: Source | Iterable[Source], **options: Any
    ) -> Iterator[tuple[PhotoFaces, list[dict[str, Any]]]]:
        """Yield the answers for photos, in order, also for those that cannot be read."""
        for batch in batch_uploads(read_uploads(sources)):
            uploads = [item for item in batch if isinstance(item, Upload)]
            files = make_form("photo", uploads)
            answers = self._connection.send("POST", path, files=files, params=options)["photos"] if uploads else []
            lines = iter(answers)
            for item in batch:
                if isinstance(item, PhotoFaces):
                    yield item, []
                else:
                    line = next(lines)
                    yield parse_photo(line, name=item.name, embedded="embeddings" in options), line["faces"]


def _require_readable(status: str, message: str) -> None:
    """Raise the error of a photo that the server could not read; one without a face is an answer."""
    if status not in {"ok", "no_face"}:
        raise image_error(status)(message)


def _require_uploads(sources: Source | Iterable[Source]) -> tuple[list[Upload], tuple[Skipped, ...]]:
    """Return the photos that can be read and the others; raises the error of the first where none can."""
    items = list(read_uploads(sources))
    uploads = [item for item in items if isinstance(item, Upload)]
    faults = [item for item in items if isinstance(item, PhotoFaces)]
    if not uploads and faults:
        raise image_error(faults[0].status)(faults[0].message)
    return uploads, tuple(Skipped(fault.name, fault.status, fault.message) for fault in faults)
