"""The job that trains a classifier: on the people of a gallery, or on a folder with a folder of photos per person."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from visavis.defaults import EMBEDDER, FPIR
from visavis.errors import UsageError
from visavis.server.config import ServerConfig
from visavis.server.index_folders import refuse_links_out, resolve_folder
from visavis.server.job_run import JobRun
from visavis.server.state.classifiers import ClassifierSources
from visavis.server.state.database import StateDatabase

if TYPE_CHECKING:
    from visavis.train.classifier import ClassifierOptions, ClassifierRun


def run_training(config: ServerConfig, run: JobRun) -> Mapping[str, Any]:
    """Train a classifier into its configured place; the result has no names of people: it is kept unencrypted."""
    order = run.job.order
    place = config.classifiers.get(order["classifier"])
    if place is None:
        raise UsageError(f"no classifier {order['classifier']!r} is configured.")
    is_of_gallery = order.get("folder") is None
    trained = _train_on_gallery(config, run) if is_of_gallery else _train_on_folder(config, run)
    run.begin_saving()
    gallery = run.job.gallery if is_of_gallery else None
    with closing(StateDatabase(config.state_url)) as database:
        sources = ClassifierSources(database)
        if sources.read().get(order["classifier"]) != gallery:
            # At no moment, also where the files are not written, may a key of the one gallery ask about people of the
            # other.
            sources.withhold(order["classifier"])
        trained.save(place)
        sources.set(order["classifier"], gallery)
    report = trained.report
    return {
        "accuracy": report.accuracy,
        "interval": report.accuracy_interval,
        "people": len(trained.classifier.people),
        "photos": len(trained.classifier.training),
    }


def _train_on_folder(config: ServerConfig, run: JobRun) -> ClassifierRun:
    from visavis.images.photo_files import photos_in
    from visavis.pipeline import Recognizer
    from visavis.train.classifier import train_classifier

    order = run.job.order
    recognizer = Recognizer(detector=config.detector, embedder=order.get("model", EMBEDDER), threads=1)
    folder = resolve_folder(config, order["folder"])
    refuse_links_out(config, order["folder"], photos_in(folder))
    options = _make_options(order)
    return train_classifier(folder, options=options, recognizer=recognizer, progress=run.follow)


def _train_on_gallery(config: ServerConfig, run: JobRun) -> ClassifierRun:
    from visavis.gallery.gallery import Gallery
    from visavis.train.gallery_classifier import train_on_people

    with Gallery(config.galleries[run.job.gallery], detector=config.detector) as gallery:
        return train_on_people(gallery, options=_make_options(run.job.order), source=f"gallery {run.job.gallery}")


def _make_options(order: Mapping[str, Any]) -> ClassifierOptions:
    from visavis.train.classifier import ClassifierOptions
    from visavis.train.heads import HEADS

    head = order.get("head")
    return ClassifierOptions(heads=tuple(HEADS) if head is None else (head,), fpir=order.get("fpir", FPIR))
