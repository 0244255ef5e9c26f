"""Methods of a gallery by which its model is changed without enrolling people again."""

from __future__ import annotations

from visavis.compare import Calibration
from visavis.gallery import _migrate
from visavis.gallery._migrate import MigrateOptions
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.migration_types import Confirm, Migration, MigrationState, Progress, confirm_all, go_on
from visavis.gallery.sql import crops


class ModelChange:
    """Methods of :class:`visavis.gallery.Gallery`.

    ``opened`` is what they work on: the database, the index and their lock. It may change.
    """

    opened: OpenGallery

    @property
    def keeps_crops(self) -> bool:
        """Whether the gallery keeps crops of new faces: see :meth:`keep_crops`."""
        with self.opened.database.read() as conn:
            return crops.keeps_crops(conn)

    def keep_crops(self, keep: bool) -> int:
        """Keep the crop of each face that is enrolled from now on, or none; return the number of removed crops.

        A crop is the square around a face in its photo, 2.5 times as wide as its box, without loss. It is encrypted as
        templates are, and removed with its template. ``keep_crops(False)`` removes all crops without a trace.
        """
        return _migrate.keep_crops(self.opened, keep=keep)

    def migrate(
        self,
        model: str,
        *,
        accept_loss: bool = False,
        accept_errors: bool = False,
        thresholds: Calibration | None = None,
        progress: Progress = go_on,
        confirm: Confirm = confirm_all,
    ) -> Migration:
        """Change the model of all embeddings to ``model``: fill a second set, compare both, and switch.

        Embeddings are made of kept crops, else of the photos at their paths, if these have the same bytes. All other
        calls and processes go on with the model so far until the switch, which is one transaction. A call that was
        killed or stopped is continued by the next one. ``progress`` receives the number of faces done and of all, and
        stops by returning False, for the last time just before the switch; ``confirm`` is called within its
        transaction, and stops too by returning False. It must not use this gallery.

        Nothing is switched, and the result says why, if faces cannot be embedded, unless ``accept_loss`` removes these
        faces and people without others; if the new model misses more of the gallery's own pairs at the same rate of
        false accepts, if there are no pairs to compare, or if it has no thresholds (``thresholds`` brings a table),
        unless ``accept_errors``. Raises UsageError if the gallery is of ``model`` already, or has a second set of
        another one.

        After the switch this gallery, and any other that was opened before, raises GalleryError in place of each search
        and change: open it again. :meth:`migration`, :meth:`migrate_back` and :meth:`finish_migration` go on working.
        """
        options = MigrateOptions(accept_loss, accept_errors, thresholds)
        return _migrate.migrate(self.opened, model, options, progress, confirm)

    def migrate_back(
        self, *, accept_loss: bool = False, progress: Progress = go_on, confirm: Confirm = confirm_all
    ) -> Migration:
        """Let the model that answered before answer again; faces enrolled since are embedded with it first.

        ``accept_loss``, ``progress`` and ``confirm`` are those of :meth:`migrate`. A gallery that was opened when that
        model answered can be used again afterwards. Raises UsageError if there is no such model.
        """
        return _migrate.go_back(self.opened, progress, confirm, accept_loss=accept_loss)

    def finish_migration(self) -> MigrationState:
        """Remove the embeddings of the model that does not answer, without a trace; before a switch, this cancels it.

        Raises UsageError if there are none.
        """
        return _migrate.finish(self.opened)

    def has_another_model(self) -> bool:
        """Return whether the model was changed since this gallery was opened: then open it again."""
        return self.opened.database.read_meta().model != self.opened.model

    def migration(self) -> MigrationState:
        """Return which models the gallery has embeddings of, and how many faces have one of the second."""
        return _migrate.read_state(self.opened)
