"""Open a gallery: its store, its model, its index."""

from __future__ import annotations

import getpass
import os
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from sqlalchemy import Connection

from visavis import compare
from visavis.defaults import EMBEDDER
from visavis.embedders import model_id
from visavis.errors import GalleryError, UsageError
from visavis.forking import ForkSafeLock
from visavis.gallery import _answers
from visavis.gallery._index_sync import SyncedIndex
from visavis.gallery.sql import audit, records
from visavis.gallery.sql.store import Store
from visavis.gallery.types import AuditEntry, Stats

if TYPE_CHECKING:
    from visavis.pipeline import Recognizer


class OpenGallery:
    """An open gallery: the store, model, index and recognizer that its other methods use."""

    def __init__(
        self,
        url: str | os.PathLike[str] = "sqlite:///faces.db",
        *,
        model: str | None = None,
        recognizer: Recognizer | None = None,
        index: str = "exact",
        create: bool = True,
        actor: str | None = None,
    ) -> None:
        """Open the gallery at ``url`` (``sqlite:///file``, a path, or ``postgresql://...``); create it if missing.

        ``create=False`` never creates one. ``model`` names the embedder (default: the gallery's own; for a new gallery
        that of :mod:`visavis.defaults`), ``recognizer`` is used for photos (default: one of that model, made when first
        needed), ``index`` names the search index, as NAME or NAME:PLACE. ``actor`` is the user that the audit log
        records (default: this process's user). Raises GalleryError if the store cannot be used or holds
        embeddings of another model.
        """
        if model is not None and "@" in model:
            model = model_id(model)  # a gallery of dlib-resnet@2 is one of dlib-resnet
        if recognizer is not None:
            if model not in {None, recognizer.embedder.name}:
                raise UsageError(f"the recognizer embeds with {recognizer.embedder.name}, not with {model}.")
            model = recognizer.embedder.name
        self._recognizer = recognizer
        self._actor = _user() if actor is None else actor
        self._lock = ForkSafeLock()
        self._store = Store(url, model=EMBEDDER if model is None else model, create=create)
        try:
            self._synced_index = SyncedIndex(
                index, url=os.fspath(url), reading=self._store.read, writing=self._store.write
            )
            self.model = self._agree_on_model(model)
        except BaseException:
            self._store.close()
            raise

    def _agree_on_model(self, requested: str | None) -> str:
        """Return the gallery's model; set the requested model in a gallery that was never changed."""
        with self._store.read() as conn:
            own = records.meta(conn)
        if requested is None or requested == own.model:
            return own.model
        if own.change == 0:  # for example if the first attempt failed, without the model's files
            with self._store.write() as conn:
                if records.take_model(conn, requested):
                    return requested
        raise GalleryError(
            f"{self._store.place} holds embeddings of {own.model}, which do not compare with those of {requested}: "
            f"open it with {own.model}, or use another gallery."
        )

    @property
    def url(self) -> str:
        """The URL of the gallery, without a password."""
        return self._store.url

    def __repr__(self) -> str:
        try:
            with self._store.read() as conn:
                people = records.count_people(conn)
        except GalleryError:  # closed, or not reachable
            return f"Gallery({self.url!r}, model={self.model!r})"
        return f"Gallery({self.url!r}, model={self.model!r}, people={people})"

    def __reduce__(self) -> NoReturn:
        raise UsageError(
            "an open gallery cannot be copied or sent to another process: hand over its url, and open it there."
        )

    def close(self) -> None:
        """Close the store and the index; the gallery cannot be used afterwards."""
        with self._lock:
            self._synced_index.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def recognizer(self) -> Recognizer:
        """The recognizer that makes embeddings of photos; created at the first use."""
        with self._lock:
            if self._recognizer is None:
                from visavis.pipeline import Recognizer

                self._recognizer = Recognizer(embedder=self.model)
            return self._recognizer

    @property
    def calibration(self) -> compare.Calibration | None:
        """The calibration in use: the gallery's own, else that shipped for its model; None: uncalibrated."""
        with self._store.read() as conn:
            own = records.calibration(conn)
        return compare.calibration(self.model) if own is None else _answers.parse_stored_calibration(own)

    def stats(self) -> Stats:
        """Return statistics of the gallery."""
        with self._store.read() as conn:
            meta, count = records.meta(conn), records.count(conn)
            own = records.calibration(conn) is not None
        table = self.calibration
        return Stats(
            url=self.url,
            model=meta.model,
            dimension=meta.dimension,
            people=count.people,
            templates=count.templates,
            unnamed=count.unnamed,
            photos=count.photos,
            change=meta.change,
            bytes=self._store.size(),
            thresholds="own" if own else "uncalibrated" if table is None else "shipped",
            measured_on=None if table is None else str(table.provenance.get("data", "unknown data")),
        )

    def audit(self) -> list[AuditEntry]:
        """Return the entries of the audit log, in order; no entry holds a name of a person in the gallery."""
        with self._store.read() as conn:
            return audit.entries(conn)

    def compact(self) -> None:
        """Erase all traces of what was removed; each removal does this by itself.

        A file is written anew: this takes about a second for 100 MB, and disk space for two more copies.
        """
        self._store.compact()

    def _compact_after_removal(self) -> None:
        try:
            self.compact()
        except GalleryError as error:
            raise GalleryError(
                f"the removal is done, but traces are left in the file: {error} Compact it later."
            ) from error

    def _audit(self, conn: Connection, action: str, person_id: int | None, detail: str = "") -> None:
        audit.note(conn, action, person_id, detail, actor=self._actor)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have a number and no name
        return "unknown"
