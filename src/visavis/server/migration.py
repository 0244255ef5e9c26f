"""The job that changes the model of a gallery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from visavis.embedders import EMBEDDERS, model_id
from visavis.server.config import ServerConfig
from visavis.server.state.jobs import Job


def resolve_model(model: str) -> str:
    """Return the id of a model; UnknownNameError for what is no name: requests name no path of the server."""
    EMBEDDERS.check(model.partition("@")[0])
    return model_id(model)


def run_migration(config: ServerConfig, job: Job, report: Callable[[int, int | None], bool]) -> Mapping[str, Any]:
    """Change the model of a gallery, go back or finish, as the job's order says; return the outcome."""
    from visavis.gallery.gallery import Gallery
    from visavis.gallery.migration_types import Migration

    order = job.order
    with Gallery(config.galleries[job.gallery], detector=config.detector, threads=config.threads) as gallery:
        if order["finish"]:
            return {"state": gallery.finish_migration().to_dict()}
        if order["back"]:
            return gallery.migrate_back(accept_loss=order["accept_loss"], progress=report).to_dict()
        model = resolve_model(order["model"])
        if gallery.model == model:  # the runner before was killed after the switch
            return Migration(gallery.migration(), True, "", f"the gallery is of {model}.").to_dict()
        options = {"accept_loss": order["accept_loss"], "accept_errors": order["accept_errors"]}
        return gallery.migrate(model, **options, progress=report).to_dict()
