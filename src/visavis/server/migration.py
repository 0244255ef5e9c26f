"""The job that changes the model of a gallery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from visavis.embedders import EMBEDDERS, model_id
from visavis.server.config import ServerConfig
from visavis.server.job_run import JobRun, StoppedError

if TYPE_CHECKING:
    from visavis.gallery.migration_types import Migration


def resolve_model(model: str) -> str:
    """Return the id of a model; UnknownNameError for what is no name: requests name no path of the server."""
    EMBEDDERS.check(model.partition("@")[0])
    return model_id(model)


def run_migration(config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
    """Change the model of a gallery, go back or finish, as the job's order says; return the outcome.

    Where a runner before was killed after it had done so, return the outcome again: ``second`` in the order is the
    model that was to answer again, or to be removed, when it was requested.
    """
    from visavis.gallery.gallery import Gallery
    from visavis.gallery.migration_types import Migration

    job, order = run.job, run.job.order
    second = order["second"]

    def confirm() -> bool:
        """Switch only if the job was neither canceled nor taken by another runner; from then on it cannot be."""
        try:
            run.begin_saving()
        except StoppedError:
            return False
        return True

    with Gallery(config.galleries[job.gallery], detector=config.detector, threads=config.threads) as gallery:
        state = gallery.migration()
        if order["finish"]:
            is_finished = second is not None and state.second is None
            return {"state": (state if is_finished else gallery.finish_migration()).to_dict()}
        model = second if order["back"] else resolve_model(order["model"])
        if state.model == model:
            outcome = Migration(state, True, "", f"the gallery is of {model}.")
        elif order["back"]:
            outcome = gallery.migrate_back(accept_loss=order["accept_loss"], progress=run.report, confirm=confirm)
        else:
            options = {"accept_loss": order["accept_loss"], "accept_errors": order["accept_errors"]}
            outcome = gallery.migrate(model, **options, progress=run.report, confirm=confirm)
    result = _remove_names(outcome).to_dict()
    if outcome.refused == "stopped":
        raise StoppedError(result)
    return result


def _remove_names(outcome: Migration) -> Migration:
    """Return an outcome without the names of people: the results of jobs stay, unencrypted, when people are removed."""
    return replace(outcome, lost=tuple(replace(faces, name="") for faces in outcome.lost))
