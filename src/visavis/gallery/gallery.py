"""The class Gallery: the methods that users call, with their documentation.

A method calls a function that takes the open gallery, in a module named after what it does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from numpy.typing import ArrayLike

from visavis import defaults
from visavis._closing import Closing
from visavis.compare import Calibration
from visavis.encryption import KeyFile
from visavis.errors import GalleryError, UsageError
from visavis.gallery import (
    _enroll,
    _identify,
    _indexed_photos,
    _integrity,
    _people,
    _search,
    archive,
    misplaced_photos,
)
from visavis.gallery._enroll import EnrollOptions
from visavis.gallery._identify import IdentifyOptions
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._resolve_person import Who
from visavis.gallery.check_input import make_details
from visavis.gallery.feedback import Feedback
from visavis.gallery.model_change import ModelChange
from visavis.gallery.sql import audit_log
from visavis.gallery.types import (
    AuditEntry,
    ClusteredFaces,
    Doubt,
    Enrollment,
    ForgottenPhoto,
    IdentifiedPhoto,
    IndexedPhoto,
    Person,
    Problem,
    SearchThreshold,
    Stats,
    StoredFaces,
    Template,
)
from visavis.types import Candidate, Identification, Lookalike, Quality

if TYPE_CHECKING:
    from visavis.detectors import Detector
    from visavis.images import Source
    from visavis.pipeline import Recognizer


class Gallery(Feedback, ModelChange, Closing):
    """People and their face templates in one store, safe to share between threads and processes.

    ::

        with Gallery("sqlite:///faces.db") as gallery:
            gallery.enroll("Ann", ["ann1.jpg", "ann2.jpg"])
            gallery.identify("group.jpg")

    Every change is one transaction: complete when the call returns, without effect when it raises. A search
    sees everything that any process stored before the search began. A gallery holds embeddings of one model and
    stores its name.
    """

    def __init__(  # noqa: PLR0913
        self,
        url: str | os.PathLike[str] = "sqlite:///faces.db",
        *,
        model: str | None = None,
        recognizer: Recognizer | None = None,
        detector: str | Detector | None = None,
        threads: int | None = None,
        index: str = "exact",
        create: bool = True,
        actor: str | None = None,
        key_file: KeyFile = None,
    ) -> None:
        """Open the gallery at ``url`` (``sqlite:///file``, a path, or ``postgresql://...``); create it if missing.

        ``create=False`` never creates one. ``model`` names the embedder (default: the gallery's own; for a new gallery
        that of :mod:`visavis.defaults`). Photos are read by ``recognizer``; without it, by a recognizer of the
        gallery's model, made when first needed, with this ``detector`` and number of ``threads`` (defaults: those of
        :class:`visavis.Recognizer`). ``index`` names the search index, as NAME or NAME:PLACE. ``actor`` is the user
        that the audit log records (default: this process's user). ``key_file`` (default: ``VISAVIS_KEY_FILE``) encrypts
        a SQLite file. Raises GalleryError if the store cannot be used, has another key or model, UsageError if a
        recognizer comes with a detector or threads.
        """
        self.opened = OpenGallery(
            url,
            model=model,
            recognizer=recognizer,
            detector=detector,
            threads=threads,
            index=index,
            create=create,
            actor=actor,
            key_file=key_file,
        )

    @property
    def url(self) -> str:
        """The URL of the gallery, without a password."""
        return self.opened.database.url

    @property
    def model(self) -> str:
        """The id of the model that made the embeddings."""
        return self.opened.model

    @property
    def recognizer(self) -> Recognizer:
        """The recognizer that makes embeddings of photos; created at the first use."""
        return self.opened.recognizer

    @property
    def calibration(self) -> Calibration | None:
        """The calibration in use: the gallery's own, else that shipped for its model; None: uncalibrated."""
        return self.opened.calibration

    def close(self) -> None:
        """Close the store and the index; the gallery cannot be used afterwards."""
        self.opened.close()

    def __repr__(self) -> str:
        try:
            return f"Gallery({self.url!r}, model={self.model!r}, people={len(self)})"
        except GalleryError:  # closed, or not reachable
            return f"Gallery({self.url!r}, model={self.model!r})"

    def __reduce__(self) -> NoReturn:
        raise UsageError(
            "an open gallery cannot be copied or sent to another process: hand over its url, and open it there."
        )

    # Enroll

    def enroll(  # noqa: PLR0913 - those of add, and of photos
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
        """Store the largest face of each photo as a template of a person, all in one transaction.

        One source is one photo; a folder stands for the photos in it and below it. ``face`` chooses a face by its
        number, from 1 as detected (else UsageError).

        ``name`` is a name, the id of a person, or a :class:`Person` of the gallery. See :meth:`add` for the person who
        gets the templates, ``new``, details and duplicates. Photos without a usable face are listed in
        ``skipped``; if no photo is usable, their error is raised (NoFaceError ...) and nothing is changed. A face of a
        quality below ``min_quality`` cannot be used (status "poor_quality", PoorQualityError); a poor face that is
        stored has a line in ``notes``.

        A photo that seems to show another person (see :meth:`doubts`) is stored, with a line in ``doubts`` and
        ``notes``; with ``strict`` it is skipped ("doubtful", DoubtfulPhotoError), as is a face measured as too poor
        for any answer ("poor_quality"). ``notes`` also name photos that another person was enrolled with.
        """
        details = make_details(note=note or None, consent=consent, consented=consented, metadata=metadata)
        options = EnrollOptions(person_id, new, details, strict, face)
        return _enroll.enroll_photos(self.opened, name, photos, options, min_face=min_face, min_quality=min_quality)

    def add(
        self,
        name: str,
        templates: Sequence[Template],
        *,
        person_id: int | None = None,
        new: bool = False,
        note: str = "",
        consent: str | None = None,
        consented: date | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> Enrollment:
        """Store templates of a person, in one transaction.

        The person is that of ``person_id``, else the only person called ``name``, else a new one. ``new`` adds a
        person even if the gallery has this name, or one that is written like it (SimilarNameError without it).
        A face of a photo that is stored already is not stored again: if it is unassigned, it becomes this person's,
        else it is listed in ``duplicates``, with the person it belongs to. Embeddings are scaled to length 1. ``note``,
        ``consent`` (free text), ``consented`` (its day) and ``metadata`` (what JSON can hold) replace stored values
        if given.

        Raises UsageError if several people have that name, an embedding is wrong, or a new person would have no
        template.
        """
        details = make_details(note=note or None, consent=consent, consented=consented, metadata=metadata)
        return _enroll.add_templates(self.opened, name, templates, person_id=person_id, new=new, details=details)

    def add_many(self, people: Iterable[tuple[str, Sequence[Template]]]) -> list[Enrollment]:
        """Store templates of many people in one transaction: much faster than one call of :meth:`add` a person.

        A name refers to the only person called so, else to a new one; a name that comes twice is one person. Results
        are in the order in which names come first. A new person without a new face is not stored: the result
        has the person id 0. Raises UsageError as :meth:`add`, and then nothing is stored.
        """
        return _enroll.add_people(self.opened, people)

    # Identify and search

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
        """Identify the faces of a photo, one answer a face; an empty list if there is no face. Raises ImageError.

        A person is named once in a photo: see :meth:`identify_photos`.
        """
        options = IdentifyOptions(fpir, threshold, margin, top)
        return _identify.identify_photo(self.opened, photo, options, min_face=min_face, repeats=repeats)

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
        """Identify the faces of photos; yield a result for each photo, in order, also for an unreadable one.

        One source is one photo; a folder stands for the photos in it and below it.
        Of several faces of a photo that are near to one person, the nearest has the name; the others are unknown, and
        their ``notes`` say why. With ``repeats`` all are named: for collages, mirrors, and photos of photos.
        Poor faces have a stricter threshold where that was measured, and faces too poor for any answer are
        unknown: see :meth:`identify_embeddings`. Otherwise a name has a note that it is doubtful if the picture seems
        to be squeezed.
        """
        options = IdentifyOptions(fpir, threshold, margin, top)
        return _identify.identify_photos(self.opened, photos, options, min_face=min_face, repeats=repeats)

    def identify_embeddings(
        self,
        embeddings: ArrayLike,
        *,
        fpir: float = defaults.FPIR,
        threshold: float | None = None,
        margin: float = 0.0,
        top: int = defaults.TOP_NAMES,
        qualities: Sequence[Quality | float | None] | None = None,
    ) -> list[Identification]:
        """Identify each row of ``embeddings (n, d)``: name the nearest person if near enough, else answer unknown.

        Near enough is a cosine distance up to ``threshold``; by default that of :meth:`threshold`. A face is unknown
        too if the second person is farther by less than ``margin`` (a cosine distance). If the model's calibration
        includes poor photos, the default threshold is stricter where both the face and the person's templates are
        poor, and faces poorer than was measured are unknown, with a note; an explicit ``threshold`` names
        them without a probability. How poor a face is follows from its embedding and the ``qualities`` of the probes:
        all parts or the score alone (None: not known). An answer's ``distance`` is that of the nearest person, named or
        not; its ``probability`` is None unless a person is named and more likely than not, if one search in two is
        for a stranger.
        """
        options = IdentifyOptions(fpir, threshold, margin, top)
        return _identify.identify_embeddings(self.opened, embeddings, options, qualities=qualities)

    def search(
        self, embeddings: ArrayLike, *, top: int = defaults.TOP_NAMES, among: Sequence[Who] | None = None
    ) -> list[list[Candidate]]:
        """Return the ``top`` people nearest to each row of ``embeddings (n, d)``, nearest first, each once.

        ``among`` (ids, names or people) limits the search to these people. A candidate's probability is that of the
        search: see :meth:`visavis.Calibration.search_probabilities`.
        """
        return _search.search(self.opened, embeddings, top=top, among=among)

    def similar(
        self, photo: Source, *, top: int = defaults.TOP_LOOKALIKES, min_face: float = defaults.MIN_FACE
    ) -> list[list[Lookalike]]:
        """Return the ``top`` look-alikes of each face of a photo, at any distance. Raises ImageError."""
        return _search.find_lookalikes_of_photo(self.opened, photo, top=top, min_face=min_face)

    def lookalikes(
        self, embeddings: ArrayLike, *, top: int = defaults.TOP_LOOKALIKES, besides: str | None = None
    ) -> list[list[Lookalike]]:
        """Return the ``top`` faces nearest to each row of ``embeddings (n, d)``, named or not, nearest first.

        Faces of the photo ``besides`` (its SHA-256) are skipped.
        """
        return _search.find_lookalikes(self.opened, embeddings, top=top, besides=besides)

    # Thresholds

    def threshold(self, *, fpir: float = defaults.FPIR) -> SearchThreshold:
        """Return the distance up to which a search names a person; it names a stranger at rate ``fpir``.

        The distance is smaller in a larger gallery, where more people may resemble a stranger. Raises UsageError
        if the model is not calibrated.
        """
        return _search.find_threshold(self.opened, fpir)

    def calibrate(self, table: Calibration | None) -> None:
        """Use the thresholds of ``table`` from now on, in all processes; None: those shipped for the model.

        Raises UsageError for a table of another model, or of embeddings of another length.
        """
        self.opened.set_calibration(table)

    # People

    def __len__(self) -> int:
        """Return the number of people."""
        return _people.count_people(self.opened)

    def __iter__(self) -> Iterator[Person]:
        """Yield all people, by id."""
        return iter(self.people())

    def __contains__(self, who: object) -> bool:
        """Return whether there is such a person, by id or name; also True if several people have the name."""
        return _people.has_person(self.opened, who)

    def people(self, *who: Who) -> list[Person]:
        """Return all people, by id; or only the people of ``who``, in that order (see :meth:`find`)."""
        return _people.list_people(self.opened, who)

    def person(self, person_id: int) -> Person:
        """Return the person of an id; UnknownNameError if there is no such id."""
        return _people.get_person(self.opened, person_id)

    def find(self, who: Who) -> Person:
        """Return the person that ``who`` refers to: an id (3, "3" or "#3"), a name, or a person of the gallery.

        Raises UnknownNameError if there is no such person, UsageError with the ids if several people have the name.
        """
        return _people.list_people(self.opened, [who])[0]

    def similar_names(self, name: str, *, equal: bool = False) -> list[Person]:
        """Return the people with a name that differs from ``name`` only in case, spaces or Unicode form, by id.

        With ``equal``, return the people of exactly this name, too.
        """
        return _people.find_people_of_similar_name(self.opened, name, equal=equal)

    def find_similar_names(self, names: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
        """Return ids and names of the people with names written like these, by their form without case and spaces.

        That form is :func:`visavis.gallery.names.fold_name`.
        """
        return _people.find_similar_names(self.opened, names)

    def rename(self, who: Who, name: str) -> None:
        """Change the name of a person (see :meth:`find`); the id stays.

        Names are not unique: :meth:`similar_names` returns the people who have this name or a similar one.
        """
        _people.rename_person(self.opened, who, name)

    def describe(
        self,
        who: Who,
        *,
        note: str | None = None,
        consent: str | None = None,
        consented: date | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Replace the stored details of a person (see :meth:`find`) that are given."""
        details = make_details(note=note, consent=consent, consented=consented, metadata=metadata)
        _people.describe_person(self.opened, who, details)

    def merge(self, who: Who | Sequence[Who], into: Who) -> None:
        """Move all templates of one person, or of several, to the person ``into``, and remove the former; all or none.

        The name and notes of ``into`` stay. The audit log records which id was merged into which. Raises
        UnknownNameError if a person does not exist, UsageError if a person would be merged into itself.
        """
        _people.merge_people(self.opened, who, into)

    def move(self, template_ids: Sequence[int], to: Who) -> None:
        """Move templates of other people, and unassigned faces, to a person (see :meth:`find`), all or none.

        Raises UsageError if a person would have no template left: merge the two, or remove that person.
        """
        _people.move_templates(self.opened, template_ids, to)

    def name_faces(self, name: str, template_ids: Sequence[int], *, new: bool = False) -> Person:
        """Assign faces to the only person called ``name``, else to a new one; return the person.

        ``new`` is as in :meth:`add`. Raises UsageError if several people have that name, and as :meth:`move`.
        """
        return _people.name_faces(self.opened, name, template_ids, new=new)

    def remove(self, *who: Who) -> None:
        """Remove people (see :meth:`find`), all or none, without a trace in the file.

        Names, notes, consents, templates and photos are removed, these also from the embedding cache. Warns if
        traces are left until the next opening.
        Only a line in the audit log with id and date stays; the id is never used again. Photos that also show
        other people stay. The file is written anew (see :meth:`compact`): remove many people in one call.

        pgvector and Milvus drop their embeddings at the next search; the table of a former model of another length
        (``visavis_<key>_<length>``) keeps them: drop it.
        """
        _people.remove_people(self.opened, who)

    def remove_template(self, template_id: int, *, with_person: bool = False) -> None:
        """Remove one template.

        Each person has a template: the last of a person is removed only ``with_person``; UsageError without it.
        """
        _people.remove_template(self.opened, template_id, with_person=with_person)

    # Indexed photos and their faces

    def find_indexed(self, sha256s: Iterable[str]) -> set[str]:
        """Return the hashes of those photos that are indexed already."""
        return _indexed_photos.find_indexed(self.opened, sha256s)

    def add_photos(self, photos: Sequence[IndexedPhoto]) -> int:
        """Store photos with their faces, unassigned, in one transaction; return the number of new photos.

        Photos that are indexed already are skipped, and so are faces that a person was enrolled with. Raises
        UsageError if an embedding is wrong, and then stores nothing.
        """
        return _indexed_photos.add_photos(self.opened, photos)

    def faces(self, *, unassigned: bool = False) -> StoredFaces:
        """Return all faces, or only the unassigned ones, by template id."""
        return _indexed_photos.read_faces(self.opened, unassigned=unassigned)

    def cluster(
        self,
        *,
        far: float | None = None,
        threshold: float | None = None,
        min_quality: float = 0.0,
        seed: int = 0,
    ) -> ClusteredFaces:
        """Cluster all faces by person, and store the clusters; see :func:`visavis.cluster`.

        Faces that were clustered before keep their clusters; new faces join these or form new clusters.
        The threshold of a rate ``far`` is that of the gallery's own table, if it has one.
        """
        return _indexed_photos.cluster_faces(
            self.opened, far=far, threshold=threshold, min_quality=min_quality, seed=seed
        )

    def set_clusters(self, ids: Sequence[int], clusters: Sequence[int]) -> None:
        """Store the cluster of each of these faces (template ids), -1 for none, in one transaction."""
        _indexed_photos.set_clusters(self.opened, ids, clusters)

    def locate_photos(
        self,
        hashed: Iterable[tuple[str, str]],
        *,
        read: Callable[[str], bytes] = _indexed_photos.read_file,
    ) -> int:
        """Store the current paths of photos, pairs of SHA-256 and path; return the number of changed paths.

        A photo with this SHA-256 gets the new path, unless ``read`` still finds it at the stored path. Another photo
        that is stored with a path of ``hashed`` has no path from then on.
        """
        return _indexed_photos.locate_photos(self.opened, hashed, read=read)

    def find_photos(self, *photos: str | os.PathLike[str]) -> list[tuple[str, dict[int, str]]]:
        """Return for each photo, a path or a hash of 8 digits or more, its SHA-256 and the names in it, by person id.

        A path is the stored one, or that of a file with the same bytes. Raises UnknownNameError if there is
        no such photo, UsageError if several photos match.
        """
        return _indexed_photos.find_photos(self.opened, photos)

    def forget(self, *photos: str | os.PathLike[str], named: bool = False) -> list[ForgottenPhoto]:
        """Remove photos with all their templates, all or none, without a trace in the file.

        Photos are found as by :meth:`find_photos`. Templates of people are removed only with ``named``; a person
        without another template is removed too. The audit log records the hash of the photo and the people who lost
        templates. Raises UsageError if a photo has templates of people and ``named`` is False.
        """
        return _indexed_photos.forget_photos(self.opened, photos, named=named)

    # Checks

    def doubts(
        self, name: str, templates: Sequence[Template], *, person_id: int | None = None, new: bool = False
    ) -> list[Doubt]:
        """Return the templates that may not be of the person that :meth:`add` would store them for.

        A template is doubtful if it is far from the person's other photos (also those of ``templates``), or nearer
        to another person. Faces that are stored already are skipped, and so are templates too poor for any answer,
        stored ones too. Distances of an uncalibrated model mean nothing, so there are no doubts then.
        """
        doubts = misplaced_photos.find_doubts(self.opened, name, templates, person_id=person_id, new=new)
        return [*doubts.values()]

    def check(self) -> list[Problem]:
        """Return the problems of the store, the index and the people; an empty list if there are none.

        A problem of the kind "doubtful" is a template that seems to be of another person: far from its person's other
        templates, or nearer to another person. These are looked for only if there is no other problem and the
        model is calibrated. Templates too poor for any answer are skipped.
        """
        return _integrity.check(self.opened)

    def repair(self) -> list[Problem]:
        """Correct the index by the records; return the problems that remain, as :meth:`check` does.

        Records cannot be repaired, since nothing else holds their content: restore them from a copy.
        """
        return _integrity.repair(self.opened)

    # The store

    def stats(self) -> Stats:
        """Return statistics of the gallery."""
        return self.opened.read_stats()

    def audit(self) -> list[AuditEntry]:
        """Return the entries of the audit log, in order; no entry holds a name of a person in the gallery."""
        with self.opened.database.read() as conn:
            return audit_log.read_audit_log(conn)

    def compact(self) -> None:
        """Erase all traces of what was removed, as each removal does; GalleryError if others read.

        A file is written anew: a second for 100 MB, and room for two copies.
        """
        self.opened.compact()

    def export(self, folder: str | os.PathLike[str], *, key_file: KeyFile = None) -> None:
        """Write all people, faces and photos to a new folder: ``gallery.json`` and ``embeddings.npz``.

        :meth:`import_from` makes the same gallery of it, to the bit. The audit log is not exported. ``key_file``
        (default: the gallery's) encrypts the files.
        Raises UsageError if the folder exists and is not empty.
        """
        archive.export_gallery(self.opened, Path(folder), key_file)

    def import_from(self, folder: str | os.PathLike[str], *, key_file: KeyFile = None) -> None:
        """Store what :meth:`export` wrote, all or nothing, with the same ids.

        ``key_file`` is as there. Raises UsageError if the folder is no export, its embeddings are of another model, or
        this gallery is not empty.
        """
        archive.import_gallery(self.opened, Path(folder), key_file)
