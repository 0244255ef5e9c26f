"""Calls that change the model of the gallery, named as the methods of a gallery."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from visavis.client._requests import GalleryRequests
from visavis.client.parse import parse
from visavis.errors import ServerError
from visavis.gallery.migration_types import Migration, MigrationState, Progress, go_on
from visavis.server.types import Job

POLL_SECONDS = 0.5
ENDED = ("done", "failed", "canceled")


class MigrationCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about the model of the gallery."""

    def migrate(
        self,
        model: str,
        *,
        accept_loss: bool = False,
        accept_errors: bool = False,
        progress: Progress = go_on,
    ) -> Migration:
        """Change the model of the gallery: see :meth:`visavis.Gallery.migrate`; needs the key of an administrator.

        The server does this in a job, for which this call waits. People of ``lost`` have an id and no name.
        """
        order = {"model": model, "accept_loss": accept_loss, "accept_errors": accept_errors}
        return parse(Migration, self._run(order, progress))

    def migrate_back(self, *, accept_loss: bool = False, progress: Progress = go_on) -> Migration:
        """Let the model that answered before answer again: see :meth:`visavis.Gallery.migrate_back`."""
        return parse(Migration, self._run({"back": True, "accept_loss": accept_loss}, progress))

    def finish_migration(self) -> MigrationState:
        """Remove the embeddings of the model that does not answer: see :meth:`visavis.Gallery.finish_migration`."""
        return parse(MigrationState, self._run({"finish": True}, go_on)["state"])

    def migration(self) -> MigrationState:
        """Return which models the gallery has embeddings of: see :meth:`visavis.Gallery.migration`."""
        return parse(MigrationState, self._connection.send("GET", f"{self._gallery_path}/migrate"))

    def _run(self, order: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
        """Create the job, wait for its end, and return its result; ServerError where it failed."""
        job = parse(Job, self._connection.send("POST", f"{self._gallery_path}/migrate", json=order))
        while job.state not in ENDED:
            if job.total is not None and not progress(job.done, job.total):
                self._connection.send("POST", f"/jobs/{job.id}/cancel")
            time.sleep(POLL_SECONDS)
            job = parse(Job, self._connection.send("GET", f"/jobs/{job.id}"))
        if job.result is None:
            raise ServerError(f"the change of the model has ended: {job.message or 'it was canceled.'}")
        return job.result
