"""The gallery itself: who is in it, and who a face is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from numpy.typing import ArrayLike
from sqlalchemy import Connection

from visavis import compare
from visavis.embedders import model_id
from visavis.errors import GalleryError, UnknownNameError, UsageError
from visavis.gallery import _answers, _check, _photos, _whom, records
from visavis.gallery._following import Following
from visavis.gallery._input import clean_name, ready, storable, told_apart, unit_rows
from visavis.gallery.index import Hit
from visavis.gallery.store import Store
from visavis.gallery.types import (
    Enrollment,
    IdentifiedPhoto,
    Person,
    Problem,
    SearchThreshold,
    Skipped,
    Stats,
    Template,
)
from visavis.types import Candidate, Identification

if TYPE_CHECKING:
    from visavis.images import Source
    from visavis.pipeline import Recognizer

DEFAULT_MODEL = "dlib-resnet"


class _Found(NamedTuple):
    """Hits a probe, the names of all people in them, and how many templates there were to search among."""

    hits: list[list[Hit]]
    names: dict[int, str]
    templates: int


class Gallery:
    """People and their face templates in one store, safe to share between threads and processes.

    ::

        with Gallery("sqlite:///faces.db") as gallery:
            gallery.enroll("Ann", ["ann1.jpg", "ann2.jpg"])
            gallery.identify("group.jpg")

    Every change is one transaction: stored whole when the call returns, not at all when it raises. A search
    sees everything that any process has stored before it began. A gallery holds vectors of one model and
    remembers which.
    """

    def __init__(
        self,
        url: str | os.PathLike[str] = "sqlite:///faces.db",
        *,
        model: str | None = None,
        recognizer: Recognizer | None = None,
        index: str = "exact",
        create: bool = True,
    ) -> None:
        """Open the gallery at ``url`` (``sqlite:///file``, or a path); made where there is none.

        ``create=False`` never makes one. ``model`` names the embedder (default: the gallery's own;
        "dlib-resnet" for a new one), ``recognizer`` is used for photos (default: one of that model, made when
        first needed), ``index`` names the kind of search. Raises GalleryError where the store cannot be used
        or holds vectors of another model.
        """
        if model is not None and "@" in model:
            model = model_id(model)  # a gallery of dlib-resnet@2 is one of dlib-resnet
        if recognizer is not None:
            if model not in {None, recognizer.embedder.name}:
                raise UsageError(f"the recognizer embeds with {recognizer.embedder.name}, not with {model}.")
            model = recognizer.embedder.name
        self._following = Following(index)
        self._recognizer = recognizer
        self._lock = RLock()
        self._store = Store(url, model=DEFAULT_MODEL if model is None else model, create=create)
        try:
            self.model = self._own_model(model)
        except BaseException:
            self.close()
            raise

    def _own_model(self, wanted: str | None) -> str:
        with self._store.read() as conn:
            own = records.meta(conn).model
        if wanted not in {None, own}:
            raise GalleryError(
                f"{self._store.path} holds vectors of {own}, which do not compare with those of {wanted}: "
                f"open it with {own}, or use another gallery."
            )
        return own

    @property
    def url(self) -> str:
        """Where the gallery is."""
        return self._store.url

    def close(self) -> None:
        """Close the store; the gallery is of no use afterwards."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Who is in it

    def people(self) -> list[Person]:
        """Return everybody, by id."""
        with self._store.read() as conn:
            return records.people(conn)

    def person(self, person_id: int) -> Person:
        """Return one person; UnknownNameError where there is no such id."""
        with self._store.read() as conn:
            _whom.by_id(conn, person_id)
            return records.people(conn, person_id)[0]

    def find(self, who: int | str) -> Person:
        """Return the person that ``who`` means: an id (3, "3" or "#3") or a name.

        Raises UnknownNameError where there is nobody, UsageError where several are meant.
        """
        with self._store.read() as conn:
            return records.people(conn, _whom.to_find(conn, who))[0]

    def stats(self) -> Stats:
        """Return the figures of the gallery."""
        with self._store.read() as conn:
            meta, (people, templates) = records.meta(conn), records.count(conn)
            own = records.calibration(conn) is not None
        table = self.calibration
        return Stats(
            url=self.url,
            model=meta.model,
            dimension=meta.dimension,
            people=people,
            templates=templates,
            change=meta.change,
            bytes=self._store.size(),
            thresholds="own" if own else "uncalibrated" if table is None else "shipped",
            measured_on=None if table is None else str(table.provenance.get("data", "unknown data")),
        )

    def check(self) -> list[Problem]:
        """Look for everything that can be wrong in the store and the index; an empty list if nothing is."""
        with self._lock:
            return _check.problems(self._store, self._following)

    # Changes, one transaction each

    def add(
        self,
        name: str,
        templates: Sequence[Template],
        *,
        person_id: int | None = None,
        new: bool = False,
        note: str = "",
        consent: str | None = None,
    ) -> Enrollment:
        """Store templates of a person, in one transaction.

        The person is that of ``person_id``, else the only one called ``name``, else a new one; ``new`` makes
        another person of a name that is there already. A template whose photo and face are there is not
        stored again but told of in ``duplicates``, whoever it belongs to. Vectors are scaled to length 1.
        ``note`` and ``consent`` (free text) replace what was noted where given.

        Raises UsageError where several have that name, a vector is wrong, or a new person would have no
        template.
        """
        name, new_templates = clean_name(name), ready(templates)
        photos = {one.photo_sha256 for one in new_templates if one.photo_sha256 is not None}
        with self._store.write() as conn:
            known = _whom.to_enroll(conn, name, person_id=person_id, new=new)
            fresh, again = told_apart(new_templates, records.owners(conn, self.model, photos))
            if known is None and not fresh:
                raise UsageError(_answers.nothing_new(name, again))
            _agree_on_dimension(conn, len(new_templates[0].vector))
            who = records.put_person(conn, known, name, note=storable(note), consent=consent and storable(consent))
            added = records.add_templates(conn, who, self.model, fresh) if fresh else []
            if added:
                records.audit(conn, "enroll", who, f"templates {added[0]} to {added[-1]}")
        return Enrollment(who, name, known is None, tuple(added), _answers.duplicates(again, who, name))

    def rename(self, person_id: int, name: str) -> None:
        """Call a person something else; UnknownNameError where there is no such id."""
        name = clean_name(name)
        with self._store.write() as conn:
            _whom.by_id(conn, person_id)
            records.change_person(conn, person_id, name=name)
            records.audit(conn, "rename", person_id)

    def remove(self, *person_ids: int) -> None:
        """Remove people, all or none: names, notes, consents and templates, without a trace in the file.

        What stays is a line in the audit log with the id and the date; the id is never given again. The file
        is written anew (see :meth:`compact`), so remove many in one call.
        """
        with self._store.write() as conn:
            for person_id in person_ids:
                _whom.by_id(conn, person_id)
                gone = records.remove_person(conn, person_id)
                records.audit(conn, "remove", person_id, f"{gone} templates")
        self._compact_after_removal()

    def remove_template(self, template_id: int) -> None:
        """Remove one template; UsageError where it is its person's last, since nobody is without one."""
        with self._store.write() as conn:
            owner = records.owner_of(conn, template_id)
            if owner is None:
                raise UnknownNameError(f"there is no template {template_id} in this gallery.")
            if records.template_ids(conn, owner) == [template_id]:
                raise UsageError(f"template {template_id} is the last of person {owner}: remove the person.")
            records.remove_templates(conn, [template_id])
            records.audit(conn, "remove template", owner, f"template {template_id}")
        self._compact_after_removal()

    def compact(self) -> None:
        """Write the file anew, without traces of what was removed; every removal does this by itself.

        Takes about a second for 100 MB, and room on the disk for two more copies.
        """
        self._store.compact()

    def _compact_after_removal(self) -> None:
        try:
            self._store.compact()
        except GalleryError as error:
            raise GalleryError(
                f"the removal is done, but traces are left in the file: {error} Compact it later."
            ) from error

    # Who is it?

    def search(self, vectors: ArrayLike, *, top: int = 5) -> list[list[Candidate]]:
        """Return the ``top`` people nearest to each row of ``vectors (n, d)``, nearest first, each once."""
        found = self._search(vectors, top)
        table = self.calibration
        return [_answers.candidates(hits, found.names, table) for hits in found.hits]

    def threshold(self, *, fpir: float = 0.01) -> SearchThreshold:
        """Return the distance up to which a search names somebody; it names a stranger at rate ``fpir``.

        That follows from the number of templates: each is one more that a stranger may be like. Raises UsageError
        where the model was not calibrated.
        """
        with self._store.read() as conn:
            _, templates = records.count(conn)
        return _answers.threshold(self.calibration, fpir, templates, model=self.model)

    def identify_vectors(
        self, vectors: ArrayLike, *, fpir: float = 0.01, threshold: float | None = None, top: int = 5
    ) -> list[Identification]:
        """Say who each row of ``vectors (n, d)`` is: the nearest person if near enough, else unknown.

        Near enough is a cosine distance up to ``threshold``; by default that of :meth:`threshold`. An
        answer's ``distance`` and ``probability`` are those of the nearest person, named or not.
        """
        found, table = self._search(vectors, top), self.calibration
        if threshold is None:
            limit = _answers.threshold(table, fpir, found.templates, model=self.model).distance
        else:
            limit = compare.to_cosine(threshold, "cosine")
        return [_answers.identification(_answers.candidates(hits, found.names, table), limit) for hits in found.hits]

    def _search(self, vectors: ArrayLike, top: int) -> _Found:
        if top < 1:
            raise UsageError(f"top must be 1 or more, got {top}.")
        # The lock comes first: the index is then never ahead of the view that names are read from.
        with self._lock, self._store.read() as conn:
            probes = unit_rows(vectors, records.meta(conn).dimension)
            index = self._following.caught_up(conn)
            hits = [[] for _ in probes] if index is None else index.search(probes, top)
            names = records.names(conn, {hit.person_id for some in hits for hit in some})
            return _Found(hits, names, records.count(conn)[1])

    @property
    def calibration(self) -> compare.Calibration | None:
        """Thresholds in use: the gallery's own, else those shipped for its model; None: uncalibrated."""
        with self._store.read() as conn:
            own = records.calibration(conn)
        return compare.calibration(self.model) if own is None else _answers.stored_calibration(own)

    def calibrate(self, table: compare.Calibration | None) -> None:
        """Go by thresholds of one's own from now on, in all processes; None: by those shipped for the model.

        Raises UsageError for a table of another model.
        """
        if table is not None:
            compare.own_or_shipped(table, self.model)
        with self._store.write() as conn:
            records.set_calibration(conn, None if table is None else json.dumps(table.table()))
            records.audit(conn, "calibrate", None, "shipped" if table is None else "own")

    # Photos

    @property
    def recognizer(self) -> Recognizer:
        """What turns photos into vectors; made when first asked for."""
        with self._lock:
            if self._recognizer is None:
                from visavis.pipeline import Recognizer

                self._recognizer = Recognizer(embedder=self.model)
            return self._recognizer

    def enroll(
        self,
        name: str,
        photos: Sequence[Source],
        *,
        person_id: int | None = None,
        new: bool = False,
        note: str = "",
        consent: str | None = None,
        min_face: float = 20,
        min_quality: float = 0.0,
    ) -> Enrollment:
        """Store the largest face of each photo as a template of a person, all in one transaction.

        Whose they become, what ``new`` means and what is a duplicate: see :meth:`add`.
        Photos without a face that can be used are told of in ``skipped``; where there is no other, their
        error is raised (NoFaceError, MissingImageError ...) and nothing is changed. A face of a quality below
        ``min_quality`` cannot be used (status "poor_quality", PoorQualityError); a poor one that is stored has a
        line in ``notes`` that says why.
        """
        name = clean_name(name)
        if not 0 <= min_quality <= 1:
            raise UsageError(f"min_quality must be in 0..1, got {min_quality:g}.")
        with self._store.read() as conn:  # a wrong name or id is told of before the work, not after it
            _whom.to_enroll(conn, name, person_id=person_id, new=new)
        taken = _photos.largest_faces(self.recognizer.represent(photos, min_face=min_face), min_quality=min_quality)
        done = self.add(name, taken.templates, person_id=person_id, new=new, note=note, consent=consent)
        return replace(done, skipped=taken.skipped, notes=taken.notes)

    def identify(
        self,
        photo: Source,
        *,
        fpir: float = 0.01,
        threshold: float | None = None,
        top: int = 5,
        min_face: float = 20,
    ) -> list[Identification]:
        """Say who is in a photo, one answer a face; none where it shows no face. Raises ImageError."""
        (one,) = self.identify_photos([photo], fpir=fpir, threshold=threshold, top=top, min_face=min_face)
        if one.photo.photo is None:
            raise _photos.unusable([Skipped(one.photo.name, one.photo.status, one.photo.message)])
        return list(one.identifications)

    def identify_photos(
        self,
        photos: Iterable[Source],
        *,
        fpir: float = 0.01,
        threshold: float | None = None,
        top: int = 5,
        min_face: float = 20,
    ) -> Iterator[IdentifiedPhoto]:
        """Say who is in each photo, in order, as they are done; an unreadable one is an answer too."""
        for one in self.recognizer.represent(photos, min_face=min_face):
            answers: Sequence[Identification] = ()
            if one.vectors is not None and len(one.vectors):
                answers = self.identify_vectors(one.vectors, fpir=fpir, threshold=threshold, top=top)
            yield IdentifiedPhoto(one, tuple(answers))

    def similar(self, photo: Source, *, top: int = 10, min_face: float = 20) -> list[list[Candidate]]:
        """Return the people who look most like each face of a photo, near or not. Raises ImageError."""
        (one,) = self.recognizer.represent([photo], min_face=min_face)
        if one.photo is None:
            raise _photos.unusable([Skipped(one.name, one.status, one.message)])
        return self.search(one.vectors, top=top) if one.vectors is not None and len(one.vectors) else []


def _agree_on_dimension(conn: Connection, dimension: int) -> None:
    """Hold new vectors to the length of the first that were stored."""
    own = records.meta(conn).dimension
    if own is None:
        records.set_dimension(conn, dimension)
    elif own != dimension:
        raise UsageError(f"this gallery holds vectors of {own} values, got {dimension}.")
