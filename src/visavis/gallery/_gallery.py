"""The gallery itself: who is in it, and who a face is. Its parts are :class:`People`, :class:`Searching`, ..."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from visavis._checks import checked_number
from visavis.gallery import _photos, _resolve_person, archive
from visavis.gallery._answers import each_person_once, with_doubt
from visavis.gallery._edit_people import People
from visavis.gallery._find_misplaced import Doubting
from visavis.gallery._photo_locations import Located
from visavis.gallery._resolve_person import Who
from visavis.gallery._unnamed_faces import Indexed
from visavis.gallery.check_input import clean_name, location
from visavis.gallery.types import Enrollment, IdentifiedPhoto, NearFace, Skipped
from visavis.images import not_a_folder
from visavis.types import Face, Identification

if TYPE_CHECKING:
    from visavis.images import Source


class Told(TypedDict, total=False):
    """What is told of a person beside the name, as :meth:`Gallery.add` takes it."""

    note: str
    consent: str | None
    consented: date | None
    metadata: Mapping[str, object] | None


class Gallery(People, Doubting, Indexed, Located):
    """People and their face templates in one store, safe to share between threads and processes.

    ::

        with Gallery("sqlite:///faces.db") as gallery:
            gallery.enroll("Ann", ["ann1.jpg", "ann2.jpg"])
            gallery.identify("group.jpg")

    Every change is one transaction: stored whole when the call returns, not at all when it raises. A search
    sees everything that any process has stored before it began. A gallery holds embeddings of one model and
    remembers which.
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

        ``name`` is a name, the id of a person who is there, or that :class:`Person`. Whose the templates become, what
        ``new`` means and what is a duplicate: see :meth:`add`.
        Photos without a face that can be used are told of in ``skipped``; where there is no other, their
        error is raised (NoFaceError, MissingImageError ...) and nothing is changed. A face of a quality below
        ``min_quality`` cannot be used (status "poor_quality", PoorQualityError); a poor one that is stored has a
        line in ``notes`` that says why.

        A photo that seems to show somebody else (see :meth:`doubts`) is stored, with a line in ``doubts`` and in
        ``notes``; with ``strict`` it is not stored, and among ``skipped`` (status "doubtful", DoubtfulPhotoError).
        So is a face that is too poor for any answer, with the status "poor_quality", where that was measured.
        ``notes`` also say which photos another person was enrolled with.
        """
        if not isinstance(name, str):
            person = self.find(name)
            name, person_id = person.name, person.id if person_id is None else person_id
        name = clean_name(name)
        min_quality = checked_number(min_quality, "min_quality is a number", least=0, most=1)
        with self._store.read() as conn:  # a wrong name or id is told of before the work, not after it
            _resolve_person.to_enroll(conn, name, person_id=person_id, new=new)
        taken = _photos.largest_faces(
            self.recognizer.represent(photos, min_face=min_face),
            min_quality=min_quality,
            table=self.calibration,
            strict=strict,
        )
        told = Told(note=note, consent=consent, consented=consented, metadata=metadata)
        return self._enroll_taken(name, taken, person_id=person_id, new=new, strict=strict, told=told)

    def _enroll_taken(
        self, name: str, taken: _photos.Taken, *, person_id: int | None, new: bool, strict: bool, told: Told
    ) -> Enrollment:
        """Store what was taken from photos, and report the doubts; ``strict`` leaves out the photos in doubt."""
        doubts = self._doubted(name, taken.templates, person_id=person_id, new=new)
        if strict:
            taken, doubts = _photos.without_doubtful(taken, doubts), {}
        templates = [replace(one, photo=location(one.photo)) for one in taken.templates]
        done = self.add(name, templates, person_id=person_id, new=new, **told)
        return _photos.reported(done, taken, doubts)

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
        """Say who is in a photo, one answer a face; none where it shows no face. Raises ImageError.

        A person is named once in a photo: see :meth:`identify_photos`.
        """
        (one,) = self.identify_photos(
            [not_a_folder(photo)],
            fpir=fpir,
            threshold=threshold,
            margin=margin,
            top=top,
            min_face=min_face,
            repeats=repeats,
        )
        if one.photo.photo is None:
            raise _photos.unusable([Skipped(one.photo.name, one.photo.status, one.photo.message)])
        return list(one.identifications)

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
        """Say who is in each photo, in order, as they are done; an unreadable one is an answer too.

        One source is one photo; a folder stands for the photos in it and below it.
        Of several faces of a photo that are near to one person, the nearest has the name; the others are unknown, and
        their ``notes`` say why. With ``repeats`` all are named: for collages, mirrors, and photos of photos.
        Poor faces are held to a stricter threshold where that was measured, and faces too poor for any answer are
        unknown: see :meth:`identify_embeddings`. Otherwise a name is noted as doubtful where the picture seems to be
        squeezed.
        """
        for one in self.recognizer.represent(photos, min_face=min_face):
            answers: Sequence[Identification] = ()
            if one.embeddings is not None and len(one.embeddings):
                answers = self.identify_embeddings(
                    one.embeddings,
                    fpir=fpir,
                    threshold=threshold,
                    margin=margin,
                    top=top,
                    qualities=one.quality or None,
                )
            named = answers if repeats else each_person_once(answers)
            if not self._follows_quality(threshold):
                named = list(map(with_doubt, named, one.faces))
            yield IdentifiedPhoto(one, tuple(map(_placed, named, one.faces)))

    def similar(self, photo: Source, *, top: int = 10, min_face: float = 20) -> list[list[NearFace]]:
        """Return the faces of the gallery that look most like each face of a photo, near or not. Raises ImageError."""
        (one,) = self.recognizer.represent([not_a_folder(photo)], min_face=min_face)
        if one.photo is None:
            raise _photos.unusable([Skipped(one.name, one.status, one.message)])
        return self.lookalikes(one.embeddings, top=top) if one.embeddings is not None and len(one.embeddings) else []

    # To another gallery

    def export(self, folder: str | os.PathLike[str]) -> None:
        """Write all people, faces and photos to a new folder: ``gallery.json`` and ``embeddings.npz``.

        :meth:`import_from` makes the same gallery of it, to the bit, wherever it is. The audit log stays here.
        UsageError where the folder is there already and not empty.
        """
        with self._store.read() as conn:
            archive.write(conn, Path(folder))

    def import_from(self, folder: str | os.PathLike[str]) -> None:
        """Take in what :meth:`export` wrote, all or nothing; ids stay.

        UsageError where the folder holds no such thing, its embeddings are of another model, or this gallery is not
        empty.
        """
        taken = archive.read(Path(folder))
        with self._store.write() as conn:
            archive.put(conn, taken, model=self.model)
            self._audit(conn, "import", None, f"{len(taken.people)} people, {len(taken.templates)} templates")


def _placed(answer: Identification, face: Face) -> Identification:
    """Return the answer with the box of its face."""
    x1, y1, x2, y2 = face.box.tolist()
    return replace(answer, box=(x1, y1, x2, y2))
