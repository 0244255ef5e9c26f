"""The job that evaluates a model: on the people of a gallery, or on a folder with a folder of photos per person.

An evaluation of a gallery compares the stored templates. Its report shows neither names nor pictures: it stays when
people are removed. That of a folder shows the faces of the worst errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from visavis.errors import UsageError
from visavis.images import shown
from visavis.server.config import ServerConfig
from visavis.server.index_folders import refuse_links_out, resolve_folder
from visavis.server.job_run import JobRun
from visavis.server.state.database import StateDatabase
from visavis.server.state.evaluations import Evaluations

if TYPE_CHECKING:
    from visavis.compare import Calibration
    from visavis.evaluate.data.templates import Templates
    from visavis.evaluate.results import VerificationResult

VERIFICATION, IDENTIFICATION = "verification", "identification"


@dataclass(frozen=True, slots=True)
class LabeledTemplates:
    """Templates with the person of each; ``data`` names them in the report, ``calibration`` is that of the gallery."""

    templates: Templates
    people: tuple[str, ...]
    data: str
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """What is stored: the result and the distance scale as JSON, and the report in HTML."""

    result: Mapping[str, Any]
    scale: Mapping[str, Any] | None
    page: str


def run_evaluation(config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
    """Measure, and store the evaluation under the id of the job."""
    job, order = run.job, run.job.order
    is_of_gallery = order["folder"] is None
    labeled = _take_stored(config, job.gallery) if is_of_gallery else _take_folder(config, run)
    measured = {VERIFICATION: _measure_verification, IDENTIFICATION: _measure_identification}[order["kind"]](labeled)
    values = {
        "id": job.id, "kind": order["kind"], "gallery": job.gallery if is_of_gallery else None,
        "folder": order["folder"], "model": labeled.templates.model, "result": measured.result,
        "scale": measured.scale, "created_by": job.created_by,
    }  # fmt: skip
    run.begin_saving()
    with closing(StateDatabase(config.state_url)) as database:
        Evaluations(database).add(values, page=measured.page)
    return {"photos": len(labeled.people), "people": len(set(labeled.people))}


def _take_folder(config: ServerConfig, run: JobRun) -> LabeledTemplates:
    from visavis.embedding_cache.photo_cache import EmbeddingCache
    from visavis.evaluate.data.pairs import read_people
    from visavis.evaluate.data.templates import take
    from visavis.pipeline import Recognizer

    order = run.job.order
    labeled = read_people(resolve_folder(config, order["folder"]))
    refuse_links_out(config, order["folder"], labeled.photos)
    recognizer = Recognizer(detector=config.detector, embedder=order["model"], threads=1)
    with EmbeddingCache(recognizer) as cache:
        templates = take(labeled.photos, recognizer, cache=cache, progress=run.follow)
    return LabeledTemplates(templates, labeled.names, order["folder"])


def _take_stored(config: ServerConfig, name: str) -> LabeledTemplates:
    """Return the templates of the people of a gallery, under numbers in place of names and photos."""
    from visavis.evaluate.data.templates import Templates
    from visavis.gallery.gallery import Gallery

    with Gallery(config.galleries[name]) as gallery:
        stored, model, calibration = gallery.faces(), gallery.model, gallery.calibration
    rows = np.flatnonzero(stored.people > 0)
    people = tuple(str(person) for person in stored.people[rows])
    counts = np.unique(stored.people[rows], return_counts=True)[1]
    if np.count_nonzero(counts > 1) == 0 or len(counts) < 2:
        raise UsageError(
            f"the gallery {shown(name)} cannot be evaluated: that takes two people, one of them with two photos or "
            f"more, and it has {len(counts)}, {np.count_nonzero(counts > 1)} of them with two photos."
        )
    templates = Templates(
        model=model,
        detector="as stored",
        photos=tuple(f"person {stored.people[row]}, template {stored.ids[row]}" for row in rows),
        status=("ok",) * len(rows),
        embeddings=stored.embeddings[rows],
        boxes=np.zeros((len(rows), 4), np.float32),
        quality=np.nan_to_num(stored.quality[rows]).astype(np.float32),
        faces=np.ones(len(rows), np.intp),
    )
    return LabeledTemplates(templates, people, f"the people of {name}", calibration)


def _measure_verification(labeled: LabeledTemplates) -> MeasuredModel:
    from visavis.evaluate import verification
    from visavis.evaluate.report.verification_page import page
    from visavis.evaluate.result_lines import describe_verification

    result = verification.of_people(labeled.templates, labeled.people, data=labeled.data)
    report = page([result], [labeled.templates], title=f"Verification on {labeled.data}")
    return MeasuredModel(describe_verification(result), _make_scale(result), report)


def _make_scale(result: VerificationResult) -> Mapping[str, Any] | None:
    """Return the thresholds and the histogram in the form of a table of thresholds, which the distance scale shows."""
    if not result.rates:
        return None
    histogram = result.histogram
    return {
        "far_threshold": [[rate.far, rate.threshold] for rate in result.rates],
        "histogram": {
            "width": float(histogram.edges[1]),
            "genuine": [round(float(share), 6) for share in histogram.genuine],
            "impostors": [round(float(share), 6) for share in histogram.impostors],
        },
        "provenance": {
            "data": result.data, "genuine_pairs": result.roc.genuine, "impostor_pairs": result.roc.impostors,
        },
    }  # fmt: skip


def _measure_identification(labeled: LabeledTemplates) -> MeasuredModel:
    from visavis.evaluate.identification import measure_identification, split
    from visavis.evaluate.report.identification_page import page
    from visavis.evaluate.result_lines import describe_identification

    templates = labeled.templates
    result = measure_identification(templates, labeled.people, split(labeled.people), calibration=labeled.calibration)
    report = page(result, data=labeled.data, detector=templates.detector).text()
    header = {"data": labeled.data, "model": templates.model, "detector": templates.detector}
    return MeasuredModel({**header, "photos": len(templates.photos), **describe_identification(result)}, None, report)
