"""The class Gallery: enroll from photos, identify faces in photos, export and import."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from visavis._checks import check_number
from visavis.gallery import _photos, _resolve_person, archive
from visavis.gallery._answers import name_each_person_once, note_squeezed
from visavis.gallery._edit_people import People
from visavis.gallery._find_misplaced import MisplacedPhotos
from visavis.gallery._photo_locations import PhotoLocations
from visavis.gallery._resolve_person import Who
from visavis.gallery._unnamed_faces import UnnamedFaces
from visavis.gallery.check_input import clean_name, location
from visavis.gallery.types import Enrollment, IdentifiedPhoto, NearFace, Skipped
from visavis.images import not_a_folder
from visavis.types import Face, Identification

if TYPE_CHECKING:
    from visavis.images import Source


class PersonDetails(TypedDict, total=False):
    """Details of a person, as keyword arguments of :meth:`Gallery.add`."""

    note: str
    consent: str | None
    consented: date | None
    metadata: Mapping[str, object] | None


class Gallery(People, MisplacedPhotos, UnnamedFaces, PhotoLocations):
    """People and their face templates in one store, safe to share between threads and processes.

    ::

        with Gallery("sqlite:///faces.db") as gallery:
            gallery.enroll("Ann", ["ann1.jpg", "ann2.jpg"])
            gallery.identify("group.jpg")

    Every change is one transaction: complete when the call returns, without effect when it raises. A search
    sees everything that any process stored before the search began. A gallery holds embeddings of one model and
    stores its name.
    """

    def enroll(  # noqa: PLR0913 - those of add, and two of photos
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
        min_face: float = 20,
        min_quality: float = 0.0,
        strict: bool = False,
    ) -> Enrollment:
        """Store the largest face of each photo as a template of a person, all in one transaction.

        One source is one photo; a folder stands for the photos in it and below it.

        ``name`` is a name, the id of a person in the gallery, or that :class:`Person`. See :meth:`add` for the person
        who gets the templates, for ``new`` and for duplicates.
        Photos without a usable face are listed in ``skipped``; if no photo is usable, their
        error is raised (NoFaceError, MissingImageError ...) and nothing is changed. A face of a quality below
        ``min_quality`` cannot be used (status "poor_quality", PoorQualityError); a poor face that is stored has a
        line in ``notes`` that says why.

        A photo that seems to show another person (see :meth:`doubts`) is stored, with a line in ``doubts`` and in
        ``notes``; with ``strict`` it is skipped (status "doubtful", DoubtfulPhotoError). ``strict`` also skips
        a face that is too poor for any answer, if that was measured, with the status "poor_quality".
        ``notes`` also name the photos that another person was enrolled with.
        """
        if not isinstance(name, str):
            person = self.find(name)
            name, person_id = person.name, person.id if person_id is None else person_id
        name = clean_name(name)
        min_quality = check_number(min_quality, "min_quality is a number", least=0, most=1)
        with self._store.read() as conn:  # report a wrong name or id before the work, not after it
            _resolve_person.find_to_enroll(conn, name, person_id=person_id, new=new)
        faces = _photos.select_largest_faces(
            self.recognizer.represent(photos, min_face=min_face),
            min_quality=min_quality,
            table=self.calibration,
            strict=strict,
        )
        details = PersonDetails(note=note, consent=consent, consented=consented, metadata=metadata)
        return self._enroll_templates(name, faces, person_id=person_id, new=new, strict=strict, details=details)

    def _enroll_templates(
        self,
        name: str,
        photos: _photos.PhotoTemplates,
        *,
        person_id: int | None,
        new: bool,
        strict: bool,
        details: PersonDetails,
    ) -> Enrollment:
        """Store templates of photos, and report the doubts; ``strict`` skips the photos in doubt."""
        doubts = self._find_doubts(name, photos.templates, person_id=person_id, new=new)
        if strict:
            photos, doubts = _photos.skip_doubtful(photos, doubts), {}
        templates = [replace(template, photo=location(template.photo)) for template in photos.templates]
        enrollment = self.add(name, templates, person_id=person_id, new=new, **details)
        return _photos.add_notes(enrollment, photos, doubts)

    def identify(
        self,
        photo: Source,
        *,
        fpir: float = 0.01,
        threshold: float | None = None,
        margin: float = 0.0,
        top: int = 5,
        min_face: float = 20,
        repeats: bool = False,
    ) -> list[Identification]:
        """Identify the faces of a photo, one answer a face; an empty list if there is no face. Raises ImageError.

        A person is named once in a photo: see :meth:`identify_photos`.
        """
        (result,) = self.identify_photos(
            [not_a_folder(photo)],
            fpir=fpir,
            threshold=threshold,
            margin=margin,
            top=top,
            min_face=min_face,
            repeats=repeats,
        )
        if result.photo.photo is None:
            raise _photos.unusable_error([Skipped(result.photo.name, result.photo.status, result.photo.message)])
        return list(result.identifications)

    def identify_photos(
        self,
        photos: Source | Iterable[Source],
        *,
        fpir: float = 0.01,
        threshold: float | None = None,
        margin: float = 0.0,
        top: int = 5,
        min_face: float = 20,
        repeats: bool = False,
    ) -> Iterator[IdentifiedPhoto]:
        """Identify the faces of photos; yield a result for each photo, in order, also for an unreadable one.

        One source is one photo; a folder stands for the photos in it and below it.
        Of several faces of a photo that are near to one person, the nearest has the name; the others are unknown, and
        their ``notes`` say why. With ``repeats`` all are named: for collages, mirrors, and photos of photos.
        Poor faces have a stricter threshold where that was measured, and faces too poor for any answer are
        unknown: see :meth:`identify_embeddings`. Otherwise a name has a note that it is doubtful if the picture seems
        to be squeezed.
        """
        for photo in self.recognizer.represent(photos, min_face=min_face):
            answers: Sequence[Identification] = ()
            if photo.embeddings is not None and len(photo.embeddings):
                answers = self.identify_embeddings(
                    photo.embeddings,
                    fpir=fpir,
                    threshold=threshold,
                    margin=margin,
                    top=top,
                    qualities=photo.quality or None,
                )
            named = answers if repeats else name_each_person_once(answers)
            if not self._follows_quality(threshold):
                named = list(map(note_squeezed, named, photo.faces))
            yield IdentifiedPhoto(photo, tuple(map(_add_box, named, photo.faces)))

    def similar(self, photo: Source, *, top: int = 10, min_face: float = 20) -> list[list[NearFace]]:
        """Return the ``top`` look-alikes of each face of a photo, at any distance. Raises ImageError."""
        (result,) = self.recognizer.represent([not_a_folder(photo)], min_face=min_face)
        if result.photo is None:
            raise _photos.unusable_error([Skipped(result.name, result.status, result.message)])
        embeddings = result.embeddings
        return self.lookalikes(embeddings, top=top) if embeddings is not None and len(embeddings) else []

    # Export and import

    def export(self, folder: str | os.PathLike[str]) -> None:
        """Write all people, faces and photos to a new folder: ``gallery.json`` and ``embeddings.npz``.

        :meth:`import_from` makes the same gallery of it, to the bit. The audit log is not exported.
        Raises UsageError if the folder exists and is not empty.
        """
        with self._store.read() as conn:
            archive.write(conn, Path(folder))

    def import_from(self, folder: str | os.PathLike[str]) -> None:
        """Store what :meth:`export` wrote, all or nothing, with the same ids.

        Raises UsageError if the folder is no export, its embeddings are of another model, or this gallery is not
        empty.
        """
        exported = archive.read(Path(folder))
        with self._store.write() as conn:
            archive.put(conn, exported, model=self.model)
            self._audit(conn, "import", None, f"{len(exported.people)} people, {len(exported.templates)} templates")


def _add_box(answer: Identification, face: Face) -> Identification:
    """Return the answer with the box of its face."""
    x1, y1, x2, y2 = face.box.tolist()
    return replace(answer, box=(x1, y1, x2, y2))
