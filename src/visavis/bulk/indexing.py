"""The run itself: sources -> tasks -> engine -> gallery, and what became of each photo."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import count

from visavis.bulk import sources
from visavis.bulk.embed_stage import Stage
from visavis.bulk.run_state import Books
from visavis.bulk.types import Engine, Ledger, Outcome, Task
from visavis.defaults import DETECTOR
from visavis.images import photo_files


def index(
    ledger: Ledger,
    photos: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    engine: Engine,
    detector: str = DETECTOR,
    min_face: float = 20,
    exclude: Sequence[str] = (),
) -> Generator[Outcome, None, None]:
    """Index ``photos`` (files, folders, URLs of either) into ``ledger``; yields what became of each, once stored.

    One path is one photo or folder. ``exclude`` holds patterns of names to pass over in folders, see
    :func:`visavis.images.photo_files.is_excluded`.

    ``ledger`` is a :class:`visavis.gallery.Gallery`; the embeddings are those of its model. The order is that in which
    the photos are done. An interrupt, or closing the iterator, stores what is done and ends all that was started.

    Raises UnknownNameError for a detector or model that there is not, UsageError for what is no path or URL,
    MissingExtraError where a package is missing for it, GalleryError where nothing can be stored, EngineError where
    the engine cannot be used, WeightsError where a network cannot be loaded.
    """
    stage = Stage(ledger.model, detector, min_face)
    stage.check()
    photo_files.check_patterns(exclude)
    return _outcomes(Books(ledger), sources.walk(photos, exclude=exclude), engine, stage)


def _outcomes(
    books: Books, photos: Iterable[str | Outcome], engine: Engine, stage: Stage
) -> Generator[Outcome, None, None]:
    unlisted: list[Outcome] = []
    with closing(engine.run(_tasks(photos, unlisted), stage, books.admit)) as answers:
        try:
            for some in answers:
                books.enter(some)
                yield from books.tell(*_taken(unlisted))
            books.store()
            yield from books.tell(*_taken(unlisted))
        except (KeyboardInterrupt, GeneratorExit):
            books.store()
            raise


def _tasks(photos: Iterable[str | Outcome], unlisted: list[Outcome]) -> Iterator[Task]:
    """Number the photos; folders that cannot be listed are no tasks, and put aside."""
    numbers = count()
    for found in photos:
        if isinstance(found, Outcome):
            unlisted.append(found)
        else:
            yield Task(next(numbers), found)


def _taken(some: list[Outcome]) -> list[Outcome]:
    taken = some[:]
    some.clear()
    return taken
