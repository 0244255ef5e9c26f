"""The Ray engine: the same stage on Ray Data, on the machines of a cluster or on this one.

Photos are processed in rounds. In each, Ray tasks hash all photos, actors compute those that are not in the gallery,
and answers stream back to this process, which alone writes to the gallery. An actor runs a worker process, as the local
engine does: a photo that ends the process does not end the actor. Ray repeats what is lost with an actor or a node.
The nodes need the same version of visavis, and must reach the photos by the same names.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from visavis import runtime
from visavis.bulk.embed_stage import EmbedStage, read
from visavis.bulk.engine import Admit
from visavis.bulk.local import Crew
from visavis.bulk.types import Answer, Failure, Task
from visavis.errors import EngineError, MissingExtraError, UsageError, VisavisError
from visavis.gallery.types import IndexedPhoto, Template

if TYPE_CHECKING:
    from visavis.types import Floats

ROUND = 50_000
"""Photos in a round, listed, hashed and computed before the next: this bounds the memory of this process."""
CHUNK = 4
"""Photos that an actor gets at a time."""
HASHED = 64
"""Photos that a Ray task hashes."""
SHARE = 0.5
"""Part of a processor that an actor reserves, though it uses a whole one. Actors that reserve all processors leave none
for the tasks that feed them, and all wait forever. With 0.5, all actors still fit after half of the nodes are lost."""
ANSWER_SECONDS = 10.0
"""How long to wait for a cluster to answer."""

Batch: TypeAlias = Mapping[str, NDArray[Any]]


class RayEngine:
    """Run ``workers`` actors (default: one per processor of the cluster), each with one model on one thread.

    ``address`` is that of a cluster ("auto", "host:port", "ray://host:port"), by default ``RAY_ADDRESS``. Without
    either, start a cluster on this machine and end it afterwards. An existing connection is used, and stays open.
    """

    def __init__(self, *, workers: int | None = None, address: str | None = None) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"workers must be at least 1, got {workers}.")
        self.workers, self.address = workers, address

    def run(self, tasks: Iterable[Task], stage: EmbedStage, admit: Admit) -> Generator[Sequence[Answer], None, None]:
        """See :class:`visavis.bulk.Engine`; UsageError for a gallery that keeps crops, which nodes do not send."""
        if stage.keep_crops:
            raise UsageError(
                "this gallery keeps crops, which Ray does not send: index on this machine, without --engine."
            )
        numbered = iter(tasks)
        with _cluster(self.address) as ray:
            _check_loading(ray, stage)
            workers = self.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
            while round_tasks := list(islice(numbered, ROUND)):
                remaining: dict[int, Task] = {}
                yield from _hash_photos(ray, round_tasks, admit, remaining)
                yield from _compute_photos(ray, remaining, stage, workers)


def _hash_photos(
    ray: ModuleType, tasks: Sequence[Task], admit: Admit, remaining: dict[int, Task]
) -> Generator[Sequence[Answer], None, None]:
    """Hash photos, add the admitted ones to ``remaining``, and yield failures for those that cannot be read."""
    unhashed = {task.number: task for task in tasks}
    for batch in _stream(ray, tasks, HASHED, _hash_batch):
        rows = list(zip(*(batch[name] for name in HASHES), strict=True))
        hashed = [(unhashed.pop(number), str(digest)) for number, digest, *_ in rows if digest]
        admitted = admit(hashed)
        remaining |= {task.number: task for task, _ in hashed if task.number in admitted}
        failed = [(number, Failure(str(status), str(text))) for number, digest, status, text in rows if not digest]
        yield [Answer(unhashed.pop(number), failure) for number, failure in failed]


def _compute_photos(
    ray: ModuleType, remaining: dict[int, Task], stage: EmbedStage, workers: int
) -> Generator[Sequence[Answer], None, None]:
    """Compute photos; remove answered ones from ``remaining``, so that none is answered twice."""
    if not remaining:
        return
    actors = {"fn_kwargs": {"stage": stage}, "concurrency": (1, workers, workers), "num_cpus": SHARE}
    for batch in _stream(ray, list(remaining.values()), CHUNK, _Actor, **actors):
        answers = _unpack(batch, remaining)
        for answer in answers:
            del remaining[answer.task.number]
        yield answers


def _stream(ray: ModuleType, tasks: Sequence[Task], size: int, function: object, **options: object) -> Iterator[Batch]:
    """Map tasks on the cluster, ``size`` at a time, and yield the results as they arrive."""
    items = [{"number": task.number, "photo": os.fsencode(task.photo)} for task in tasks]  # may be no text
    rows = ray.data.from_items(items, override_num_blocks=-(-len(items) // size))
    mapped = rows.map_batches(function, batch_size=size, batch_format="numpy", **options)
    yield from mapped.iter_batches(batch_size=None, batch_format="numpy")


# On the nodes


HASHES = ("number", "sha256", "status", "message")


def _hash_batch(batch: Batch) -> dict[str, list[Any]]:
    """Read and hash photos; the hash of an unreadable photo is empty."""
    rows = [(task.number, *_hash_of(read(task))) for task in _tasks(batch)]
    return {name: [row[n] for row in rows] for n, name in enumerate(HASHES)}


def _hash_of(data: bytes | Failure) -> tuple[str, str, str]:
    return ("", data.status, data.message) if isinstance(data, Failure) else (sha256(data).hexdigest(), "", "")


class _Actor:
    """An actor with one worker process on a node."""

    def __init__(self) -> None:
        self._crew: Crew | None = None

    def __call__(self, batch: Batch, stage: EmbedStage) -> dict[str, list[Any]]:
        """Compute photos; return the answers as columns."""
        if self._crew is None:
            self._crew = Crew(stage, workers=1, threads=1)
        answers = self._crew.work(_tasks(batch), lambda hashed: {task.number for task, _ in hashed})
        return _pack([answer for part in answers for answer in part])


def _tasks(batch: Batch) -> list[Task]:
    pairs = zip(batch["number"], batch["photo"], strict=True)
    return [Task(int(number), os.fsdecode(photo)) for number, photo in pairs]


def _load_problem(stage: EmbedStage) -> VisavisError | None:
    """Load the networks on a node; return the error where that fails."""
    try:
        stage.load(threads=1)
    except VisavisError as error:
        return error
    return None


# Answers as columns

COLUMNS = ("number", "status", "message", "sha256", "faces", "embeddings", "boxes", "qualities")
"""``embeddings`` (n, d), ``boxes`` (n, 4) and ``qualities`` (n,) of the n faces are bytes of float32."""


def _pack(answers: Sequence[Answer]) -> dict[str, list[Any]]:
    rows = [(answer.task.number, *_row(answer.result)) for answer in answers]
    return {name: [row[n] for row in rows] for n, name in enumerate(COLUMNS)}


def _row(result: IndexedPhoto | Failure) -> tuple[object, ...]:
    if isinstance(result, Failure):
        return result.status, result.message, "", 0, b"", b"", b""
    faces = result.faces
    arrays = ([face.embedding for face in faces], [face.box for face in faces], [face.quality for face in faces])
    columns = (np.array(column, np.float32).tobytes() for column in arrays)
    return result.status, "", result.sha256, len(faces), *columns


def _unpack(batch: Batch, remaining: Mapping[int, Task]) -> list[Answer]:
    """Return the answers of a batch, without those of tasks answered before."""
    rows = zip(*(batch[name] for name in COLUMNS), strict=True)
    return [Answer(remaining[row[0]], _result(remaining[row[0]], *row[1:])) for row in rows if row[0] in remaining]


def _result(
    task: Task, status: str, message: str, digest: str, faces: int, embeddings: bytes, boxes: bytes, qualities: bytes
) -> IndexedPhoto | Failure:
    if not digest:
        return Failure(status, message)
    rows = zip(*(_floats(data, int(faces)) for data in (embeddings, boxes, qualities)), strict=True)
    templates = (
        Template(embedding, photo_sha256=digest, photo=task.photo, box=box, quality=float(quality[0]))
        for embedding, box, quality in rows
    )
    return IndexedPhoto(task.photo, str(digest), str(status), tuple(templates))


def _floats(data: bytes, rows: int) -> Floats:
    return np.frombuffer(data, np.float32).reshape(rows, -1 if rows else 0)


# The cluster


@contextmanager
def _cluster(address: str | None) -> Iterator[ModuleType]:
    """Connect, unless connected already; yield the package ray. Raises EngineError for Ray's errors."""
    place = address or os.environ.get("RAY_ADDRESS")
    ray = _import_ray(place)
    own = not ray.is_initialized()
    if own:
        _connect(ray, place)
    try:
        with _quiet(ray):
            yield ray
    except ray.exceptions.RayError as error:
        raise EngineError(f"the Ray cluster gave up: {_last_line(error)}.") from error
    finally:
        if own:
            ray.shutdown()


def _import_ray(place: str | None) -> ModuleType:
    """Import ray, after setting the environment that it reads when imported."""
    if "ray" not in sys.modules:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # send nothing to Ray's makers
        if place is None:
            # Anyone who reaches a cluster can run any code on it: require a token for one that starts here.
            os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError("--engine ray takes the package ray: pip install 'visavis[ray]'.") from error
    package: ModuleType = ray
    return package


def _connect(ray: ModuleType, place: str | None) -> None:
    _check_reachable(place)
    own = {"num_cpus": runtime.processors(), "include_dashboard": False}
    options = {"address": "local", **own} if place is None else {"address": place}
    try:
        ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise EngineError(f"no Ray cluster can be used at {place or 'this machine'}: {_last_line(error)}.") from error


def _check_reachable(place: str | None) -> None:
    """Raise EngineError where nothing answers: Ray itself would retry for minutes."""
    host, colon, port = (place or "").removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise EngineError(f"no Ray cluster answers at {place}: {error}.") from error


@contextmanager
def _quiet(ray: ModuleType) -> Iterator[None]:
    """Turn off the progress bars and the log of Ray Data."""
    context, logger = ray.data.DataContext.get_current(), logging.getLogger("ray.data")
    bars, level = context.enable_progress_bars, logger.level
    context.enable_progress_bars = False
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        context.enable_progress_bars = bars
        logger.setLevel(level)


def _check_loading(ray: ModuleType, stage: EmbedStage) -> None:
    """Load the networks once on the cluster, and raise the same errors as on one machine."""
    problem = ray.get(ray.remote(num_cpus=SHARE)(_load_problem).remote(stage))
    if problem is not None:
        raise problem


def _last_line(error: Exception) -> str:
    """Return the last line of a Ray error, as part of a sentence: the lines before are the stack of the node."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip().rstrip(".")[:300]
