"""Runs of ``visavis train network`` in folders of the server."""

from __future__ import annotations

import math

from visavis.errors import UsageError
from visavis.images import shown
from visavis.server.config import ServerConfig
from visavis.server.index_folders import refuse_links_out, resolve_folder
from visavis.server.types import TrainingRun


def read_training_run(config: ServerConfig, folder: str) -> TrainingRun:
    """Return the run in a folder; raises UnknownNameError where there is no such folder, UsageError without a run."""
    from visavis.train.run_folder import LOG, SETTINGS, is_run, read_log, settings_of

    path = resolve_folder(config, folder)
    refuse_links_out(config, folder, [str(path / SETTINGS), str(path / LOG)])
    if not is_run(path):
        raise UsageError(f"{shown(folder)} holds no run of visavis train network.")
    try:
        settings, epochs = settings_of(path), read_log(path)
    except UsageError as error:  # names the path
        raise UsageError(f"the run in {shown(folder)} cannot be read: its files are damaged.") from error
    rows = [{name: _make_finite(value) for name, value in epoch.row().items()} for epoch in epochs]
    return TrainingRun(folder, settings.table(), tuple(rows))


def _make_finite(value: float | None) -> float | None:
    """Return None for NaN and infinity, which JSON lacks: a run that has failed logs them."""
    return value if value is None or math.isfinite(value) else None
