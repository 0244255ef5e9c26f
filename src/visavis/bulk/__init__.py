"""Folders of photos -> gallery: detect, embed and store all faces, unassigned, on all processors or a cluster.

::

    with Gallery("sqlite:///faces.db") as gallery:
        for outcome in bulk.index(gallery, ["photos", "s3://bucket/more"], engine=LocalEngine(workers=4)):
            ...

A photo is reported after it is stored, so all reported photos survive a crash; the same call, started again, continues
where it stopped. Results are identified by the photo's SHA-256 and the gallery's model.
"""

from __future__ import annotations

from visavis.bulk.embed_stage import EmbedStage
from visavis.bulk.engine import Admit, Engine
from visavis.bulk.indexing import index
from visavis.bulk.local import LocalEngine
from visavis.bulk.ray import RayEngine
from visavis.bulk.run_state import PendingResults
from visavis.bulk.types import Answer, Failure, Ledger, Outcome, Task

__all__ = [
    "Admit",
    "Answer",
    "EmbedStage",
    "Engine",
    "Failure",
    "Ledger",
    "LocalEngine",
    "Outcome",
    "PendingResults",
    "RayEngine",
    "Task",
    "index",
]
