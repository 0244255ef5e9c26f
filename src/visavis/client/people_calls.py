"""Calls about the people of a gallery: enroll, identify, read, change and remove them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from visavis import defaults
from visavis.client._photos import make_form, read_upload
from visavis.client._requests import GalleryRequests, Who, require_readable, require_uploads
from visavis.client.parse import parse, parse_photo
from visavis.gallery.types import Enrollment, IdentifiedPhoto, Person
from visavis.images import Source
from visavis.printable import dump_json
from visavis.types import Identification, PhotoFaces


class PeopleCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about people."""

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
        require_readable(line["status"], line.get("message", ""))
        return [parse(Identification, face) for face in line["faces"]]

    def identify_photos(
        self,
        photos: Source | Iterable[Source],
        *,
        fpir: float = defaults.FPIR,
        threshold: float | None = None,
        margin: float = 0.0,
        top: int = defaults.TOP_NAMES,
        min_face: float = defaults.MIN_FACE,
        repeats: bool = False,
    ) -> Iterator[IdentifiedPhoto]:
        """Identify the faces of photos, a result for each: see :meth:`visavis.Gallery.identify_photos`.

        The faces have no embeddings.
        """
        options = {
            "fpir": fpir, "threshold": threshold, "margin": margin, "top": top, "min_face": min_face,
            "repeats": repeats, "detected": True, "gallery": self.gallery,
        }  # fmt: skip
        for item, line in self._ask_photos("/identify", photos, **options):
            if isinstance(item, PhotoFaces):
                yield IdentifiedPhoto(item, ())
            else:
                photo = parse_photo({**line, "faces": line["detected"]}, name=item.name)
                yield IdentifiedPhoto(photo, tuple(parse(Identification, face) for face in line["faces"]))

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
        face: int | None = None,
    ) -> Enrollment:
        """Store the largest face of each photo as a template of a person: see :meth:`visavis.Gallery.enroll`."""
        if not isinstance(name, str):
            person = self.find(name)
            name, person_id = person.name, person.id if person_id is None else person_id
        uploads, skipped = require_uploads(photos)
        fields = {
            "name": name, "note": note or None, "consent": consent,
            "consented": None if consented is None else consented.isoformat(),
            "metadata": None if metadata is None else dump_json(metadata),
        }  # fmt: skip
        options = {
            "person_id": person_id, "new": new, "strict": strict, "min_face": min_face, "min_quality": min_quality,
            "face": face,
        }  # fmt: skip
        form = {key: value for key, value in fields.items() if value is not None}
        answer = self._ask_gallery("POST", "/people", files=make_form("photo", uploads), data=form, params=options)
        enrollment = parse(Enrollment, answer)
        return replace(enrollment, skipped=(*skipped, *enrollment.skipped))

    def people(self, *who: Who) -> list[Person]:
        """Return all people, by id; or only the people of ``who``: see :meth:`visavis.Gallery.people`."""
        if not who:
            return [parse(Person, line) for line in self._ask_pages("/people", "people")]
        references = [str(person.id if isinstance(person, Person) else person) for person in who]
        page = self._ask_gallery("GET", "/people", params={"who": references})
        return [parse(Person, line) for line in page["people"]]

    def find(self, who: Who) -> Person:
        """Return the person that ``who`` refers to: see :meth:`visavis.Gallery.find`."""
        return self.people(who)[0]

    def person(self, person_id: int) -> Person:
        """Return the person of an id; UnknownNameError if there is no such id."""
        return parse(Person, self._ask_gallery("GET", f"/people/{int(person_id)}"))

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

    def remove(self, *who: Who) -> None:
        """Remove people, all or none, without a trace: see :meth:`visavis.Gallery.remove`."""
        ids = [person.id for person in self.people(*who)] if who else []
        if len(ids) == 1:
            self._ask_gallery("DELETE", f"/people/{ids[0]}")
        elif ids:
            params: dict[str, Any] = {"person_id": ids}
            self._ask_gallery("DELETE", "/people", params=params)
