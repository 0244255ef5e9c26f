"""The run itself: sources -> tasks -> engine -> gallery, with an outcome for each photo."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import count

from visavis import defaults
from visavis.bulk import sources
from visavis.bulk.embed_stage import EmbedStage
from visavis.bulk.engine import Engine
from visavis.bulk.run_state import PendingResults
from visavis.bulk.types import Ledger, Outcome, Task
from visavis.defaults import DETECTOR
from visavis.images import photo_files


def index(
    ledger: Ledger,
    photos: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    engine: Engine,
    detector: str = DETECTOR,
    min_face: float = defaults.MIN_FACE,
    exclude: Sequence[str] = (),
) -> Generator[Outcome, None, None]:
    """Index ``photos`` (files, folders, URLs of either) into ``ledger``; yield the outcome of each once it is stored.

    A single path is one photo or folder. ``exclude`` lists patterns of names to skip in folders, see
    :func:`visavis.images.photo_files.is_excluded`.

    ``ledger`` is a :class:`visavis.gallery.Gallery`; the embeddings are those of its model. Outcomes come in the order
    in which photos are done. An interrupt, or closing the iterator, stores finished photos and ends all processes; an
    interrupt is raised after the outcomes of these photos.

    Raises UnknownNameError for an unknown detector or model, UsageError for what is no path or URL, MissingExtraError
    for a missing package, GalleryError where nothing can be stored, EngineError where the engine cannot be used,
    WeightsError where a network cannot be loaded.
    """
    stage = EmbedStage(ledger.model, detector, min_face, keep_crops=ledger.keeps_crops)
    stage.check()
    photo_files.check_patterns(exclude)
    return _outcomes(PendingResults(ledger), sources.walk(photos, exclude=exclude), engine, stage)


def _outcomes(
    results: PendingResults, photos: Iterable[str | Outcome], engine: Engine, stage: EmbedStage
) -> Generator[Outcome, None, None]:
    unlisted: list[Outcome] = []
    with closing(engine.run(_tasks(photos, unlisted), stage, results.admit)) as answers:
        try:
            for batch in answers:
                results.enter(batch)
                yield from results.take_outcomes(*_take_all(unlisted))
            results.store()
            yield from results.take_outcomes(*_take_all(unlisted))
        except GeneratorExit:
            results.store()
            raise
        except KeyboardInterrupt:
            results.store()
            yield from results.take_outcomes(*_take_all(unlisted))
            raise


def _tasks(photos: Iterable[str | Outcome], unlisted: list[Outcome]) -> Iterator[Task]:
    """Number the photos; add the outcomes of folders that cannot be listed to ``unlisted``."""
    numbers = count()
    for photo in photos:
        if isinstance(photo, Outcome):
            unlisted.append(photo)
        else:
            yield Task(next(numbers), photo)


def _take_all(outcomes: list[Outcome]) -> list[Outcome]:
    copy = outcomes[:]
    outcomes.clear()
    return copy
