"""Open a gallery: its database, model, index and recognizer, which all operations on a gallery use."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, select

from visavis import compare, encryption, runtime
from visavis.defaults import DETECTOR, EMBEDDER
from visavis.embedders import model_id
from visavis.errors import GalleryError, UsageError
from visavis.forking import ForkSafeLock
from visavis.gallery._index_sync import SyncedIndex
from visavis.gallery._negatives import Negatives
from visavis.gallery.acting import current_actor
from visavis.gallery.check_text import NAME_LENGTH, check_text
from visavis.gallery.sql import audit_log, records, rejections
from visavis.gallery.sql.database import Database
from visavis.gallery.sql.schema import PEOPLE, TEMPLATES
from visavis.gallery.sql.values import decode_embeddings
from visavis.gallery.types import Stats
from visavis.model_names import check_model_name
from visavis.printable import make_printable
from visavis.structured_text import parse_json
from visavis.types import Floats

if TYPE_CHECKING:
    from visavis.detectors import Detector
    from visavis.pipeline import Recognizer


KEPT_PEOPLE = 16_384
"""The greatest number of people kept. In larger galleries the search takes longer than reading the candidates."""
AHEAD = 400
"""Number of people read together with missing ones, from the second time that people are missing."""


class OpenGallery:
    """An open gallery, as the functions of this package take it.

    ``database`` holds the records and ``index`` searches them, one thread at a time, under ``lock``. ``model`` is the
    embedder of all embeddings; it never changes: once the gallery has another model, searches and changes fail, so that
    work which began before, in any thread, mixes no embeddings of two models. ``people_cache`` keeps people in memory
    between searches; None before the first search.
    """

    def __init__(  # noqa: PLR0913 - those of Gallery
        self,
        url: str | os.PathLike[str],
        *,
        model: str | None,
        recognizer: Recognizer | None,
        detector: str | Detector | None,
        threads: int | None,
        index: str,
        create: bool,
        actor: str | None,
        key_file: encryption.KeyFile = None,
    ) -> None:
        """Open the gallery at ``url``; see :class:`visavis.gallery.Gallery` for the options."""
        if model is not None and "@" in check_model_name(model):
            model = model_id(model)  # a gallery of dlib-resnet@2 is one of dlib-resnet
        if recognizer is not None:
            model = check_model_name(_check_recognizer(recognizer, model, detector, threads))
        elif detector is not None or threads is not None:
            runtime.thread_count(threads)
            _make_recognizer(EMBEDDER, detector, threads)  # raise for an unknown detector before a gallery is created
        self._recognizer, self._detector, self._threads = recognizer, detector, threads
        self._actor = _get_user() if actor is None else check_text(actor, "an actor", most=NAME_LENGTH, one_line=True)
        self.lock = ForkSafeLock()
        self.people_cache: PeopleCache | None = None
        cipher = encryption.read_key(encryption.named_key_file() if key_file is None else key_file)
        if cipher is not None and not index.startswith("exact"):
            raise UsageError(f"an encrypted gallery is searched exactly: the index {index} would hold its embeddings.")
        self.database = Database(url, model=EMBEDDER if model is None else model, create=create, cipher=cipher)
        try:
            self.index = SyncedIndex(index, url=os.fspath(url), reading=self.database.read, writing=self.database.write)
            self.model = self._agree_on_model(model)
            self._remove_expired_rejections()
        except BaseException:
            self.database.close()
            raise

    def _agree_on_model(self, requested: str | None) -> str:
        """Return the gallery's model; set the requested model in a gallery that was never changed."""
        with self.database.read() as conn:
            own = records.read_meta(conn)
        if requested is None or requested == own.model:
            return own.model
        if own.change == 0:  # for example if the first attempt failed, without the model's files
            with self.database.write() as conn:
                if records.set_model_of_unused_gallery(conn, requested):
                    return requested
        raise GalleryError(
            f"{self.database.place} holds embeddings of {own.model}, which do not compare with those of {requested}: "
            f"open it with {own.model}, or use another gallery."
        )

    def compact(self) -> None:
        """Remove expired rejections; erase the traces of all that was removed."""
        with self.database.write() as conn:
            rejections.remove_rejections(conn, rejections.find_expired(conn))
        self.database.compact()

    def _remove_expired_rejections(self) -> None:
        """Remove rejections whose retention is over; leave it to the next opening where that is not possible now."""
        with suppress(GalleryError):
            with self.database.read() as conn:
                expired = rejections.find_expired(conn)
            if expired:
                with self.database.erasing() as conn:
                    rejections.remove_rejections(conn, rejections.find_expired(conn))

    def close(self) -> None:
        """Close the database and the index."""
        with self.lock:
            self.index.close()
        self.database.close()

    @property
    def actor(self) -> str:
        """The user that the audit log records; see :func:`visavis.gallery.acting.acting_as`."""
        return current_actor() or self._actor

    @property
    def recognizer(self) -> Recognizer:
        """The recognizer that makes embeddings of photos; created at the first use."""
        with self.lock:
            if self._recognizer is None:
                self._recognizer = _make_recognizer(self.model, self._detector, self._threads)
            return self._recognizer

    @property
    def calibration(self) -> compare.Calibration | None:
        """The calibration in use; None: uncalibrated."""
        with self.database.read() as conn:
            return self.read_calibration(conn)

    def read_calibration(self, conn: Connection) -> compare.Calibration | None:
        """Return the gallery's own calibration, else that shipped for its model; GalleryError if it is damaged."""
        self.require_model(conn)
        own = records.read_calibration(conn)
        return compare.calibration(self.model) if own is None else parse_stored_calibration(own)

    def require_model(self, conn: Connection) -> records.Meta:
        """Return the row of ``meta``; GalleryError where the model was changed meanwhile."""
        return records.require_model(conn, self.model)

    def make_recognizer(self, model: str) -> Recognizer:
        """Return a recognizer of a model with the detector and the threads of this gallery."""
        if self._recognizer is not None:
            return _make_recognizer(model, self._recognizer.detector, self._recognizer.threads)
        return _make_recognizer(model, self._detector, self._threads)

    def set_calibration(self, table: compare.Calibration | None) -> None:
        """Do as :meth:`visavis.gallery.Gallery.calibrate`."""
        if table is not None:
            compare.own_or_shipped(table, self.model)
            with self.database.read() as conn:
                dimension = self.require_model(conn).dimension
            check_length(table, dimension)
        with self.database.write() as conn:
            self.require_model(conn)
            records.set_calibration(conn, None if table is None else json.dumps(table.table()))
            self.log(conn, "calibrate", None, "shipped" if table is None else "own")

    def read_stats(self) -> Stats:
        """Return statistics of the gallery."""
        with self.database.read() as conn:
            meta, counts = records.read_meta(conn), records.count_records(conn)
            own = records.read_calibration(conn) is not None
        table = self.calibration
        return Stats(
            url=self.database.url,
            model=meta.model,
            dimension=meta.dimension,
            people=counts.people,
            templates=counts.templates,
            unassigned=counts.unassigned,
            photos=counts.photos,
            change=meta.change,
            bytes=self.database.count_bytes(),
            thresholds="own" if own else "uncalibrated" if table is None else "shipped",
            measured_on=None if table is None else str(table.provenance.get("data", "unknown data")),
        )

    @contextmanager
    def read_for_search(self) -> Iterator[Connection]:
        """Begin a transaction to search in; update a durable index before."""
        self.index.update_durable()
        with self.database.read() as conn:
            yield conn

    def log(self, conn: Connection, action: str, person_id: int | None, detail: str = "") -> None:
        """Add an entry to the audit log."""
        audit_log.log_action(conn, action, person_id, detail, actor=self.actor)


def check_length(table: compare.Calibration, dimension: int | None) -> None:
    """Raise UsageError for a table that was measured on embeddings of another length than ``dimension`` (if known)."""
    if table.poor and dimension:
        table.poor.shares(np.zeros((1, dimension), np.float32))


@lru_cache(maxsize=8)
def parse_stored_calibration(text: str) -> compare.Calibration:
    """Return the table of thresholds that a gallery stores as JSON; GalleryError if it is damaged."""
    try:
        return compare.parse_calibration(parse_json(text))
    except ValueError as error:
        raise GalleryError(f"the gallery's own thresholds are damaged ({error}): calibrate it again.") from error


def _check_recognizer(
    recognizer: Recognizer, model: str | None, detector: str | Detector | None, threads: int | None
) -> str:
    """Return the model of the recognizer; UsageError if another option contradicts the recognizer."""
    if detector is not None or threads is not None:
        raise UsageError(
            "a recognizer has a detector and threads of its own: give a recognizer, or detector and threads, not both."
        )
    if model not in {None, recognizer.embedder.name}:
        raise UsageError(f"the recognizer embeds with {recognizer.embedder.name}, not with {model}.")
    return recognizer.embedder.name


def _make_recognizer(embedder: str, detector: str | Detector | None, threads: int | None) -> Recognizer:
    from visavis.pipeline import Recognizer

    return Recognizer(detector=DETECTOR if detector is None else detector, embedder=embedder, threads=threads)


def _get_user() -> str:
    try:
        return make_printable(getpass.getuser())[:NAME_LENGTH]  # from the environment
    except (OSError, KeyError):  # a container's user may have a number and no name
        return "unknown"


class PeopleCache:
    """People as of one change of a gallery, read when a search finds them.

    ``names`` are those of the people read so far, by id; ``embeddings`` are those of people with several templates (see
    :func:`visavis.compare.person_embedding`); ``shares`` are the mean shares of a threshold that apply to people's
    templates (None: all are poorer than was measured); ``negatives`` are the faces that were rejected as a person.
    Entries are added and never changed, so other threads may go on using these dicts. ``count`` is the number of all
    people, ``table`` the thresholds in use.
    """

    def __init__(self, conn: Connection, table: compare.Calibration | None) -> None:
        self.meta = records.read_meta(conn)
        self.count = records.count_people(conn)
        self.table = table
        self._has_negatives = rejections.has_rejections(conn)
        self._clear()
        self._next = 0

    def _clear(self) -> None:
        self.names: dict[int, str] = {}
        self.embeddings: dict[int, Floats] = {}
        self.shares: dict[int, float | None] = {}
        self.negatives: dict[int, Negatives] = {}

    def read(self, conn: Connection, person_ids: Iterable[int]) -> None:
        """Read the people that are missing, as of the same change."""
        requested = {*person_ids}
        if len(self.names) > KEPT_PEOPLE:
            self._clear()
        missing = requested - self.names.keys()
        if self._next and missing and self.count <= KEPT_PEOPLE:
            missing |= {*range(self._next, self._next + AHEAD)} - self.names.keys()
            self._next += AHEAD
        self._next = self._next or 1
        columns = (TEMPLATES.c.id, TEMPLATES.c.person_id, PEOPLE.c.name, TEMPLATES.c.quality, TEMPLATES.c.embedding)
        query = select(*columns).join(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id).order_by(TEMPLATES.c.id)
        for part_ids in records.split_list(missing):
            if self._has_negatives:
                self.negatives.update(rejections.read_negatives(conn, part_ids, self.meta.dimension or 0))
            rows: dict[int, list[Any]] = {}
            for row in conn.execute(query.where(TEMPLATES.c.person_id.in_(part_ids))):
                rows.setdefault(row.person_id, []).append(row)
            for person_id, templates in rows.items():
                self._store_person(person_id, templates)

    def _store_person(self, person_id: int, templates: Sequence[Any]) -> None:
        blobs, ids = [row.embedding for row in templates], [row.id for row in templates]
        embeddings = decode_embeddings(blobs, self.meta.dimension or 0, ids)
        if self.table is not None and self.table.poor is not None:
            shares = self.table.poor.shares(embeddings, [row.quality for row in templates])
            measured = shares[np.isfinite(shares)]
            self.shares[person_id] = float(measured.mean()) if len(measured) else None
        if len(templates) > 1:
            self.embeddings[person_id] = compare.person_embedding(embeddings)
        self.names[person_id] = templates[0].name  # last: a person with a name here is complete for other threads
