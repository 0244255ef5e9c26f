"""Photos -> one template each: the face that a photo is about, or why there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from visavis import images
from visavis.embedding_cache.photo_cache import EmbeddingCache, Found
from visavis.errors import ImageError, NoFaceError
from visavis.images import MIN_BYTES_LIMIT
from visavis.images.photo_files import check_list, one_by_one
from visavis.pipeline import BATCH_PHOTOS, Recognizer
from visavis.types import Face, Floats, PhotoFaces

T = TypeVar("T")

GROUP_PHOTOS = 64
GROUP_BYTES = 64 << 20
"""A group of photos is read, looked up, computed and kept at once; it is closed by whichever limit comes first."""


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """One row a photo.

    ``embeddings (n, d)`` are of unit length, zeros where ``status`` is not "ok" (a failure to enroll); ``boxes (n, 4)``
    and ``quality (n,)`` (0..1) are of the face that was taken, zeros without one; ``faces (n,)`` counts all that were
    found.
    """

    model: str
    detector: str
    photos: tuple[str, ...]
    status: tuple[str, ...]
    embeddings: Floats
    boxes: Floats
    quality: Floats
    faces: NDArray[np.intp]

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which photos gave a template ``(n,)``."""
        return np.array([one == "ok" for one in self.status], np.bool_)


class Progress(Protocol):
    """Passes on what it is given, one after another, and shows how far it has come."""

    def __call__(self, answers: Iterable[T], total: int, /) -> Iterator[T]:
        """Pass on ``answers``, of which there are ``total``."""
        ...


def take(
    photos: Sequence[str],
    recognizer: Recognizer,
    *,
    min_face: float = 20,
    remembered: EmbeddingCache | None = None,
    progress: Progress | None = None,
) -> Templates:
    """Embed the face that each photo (a path) is about: see :func:`subject`.

    Photos of the same bytes are computed once; what is ``remembered``, made for the same recognizer and size, not at
    all: where that is so of every photo, no network is loaded. A photo that is missing or cannot be read has its
    status and zeros. ``d`` is 0 where not one photo could be read.
    """
    check_list(photos)
    if remembered is not None and not remembered.serves(recognizer, min_face=min_face):
        raise ValueError("what is remembered was found by another recognizer, or with another min_face")
    rows = map(_row, _each(photos, recognizer, min_face=min_face, remembered=remembered))
    taken = list(progress(rows, len(photos)) if progress else rows)
    dimension = max((row.embedding.size for row in taken), default=0)
    embeddings = np.zeros((len(taken), dimension), np.float32)
    for embedding, row in zip(embeddings, taken, strict=True):
        embedding[: row.embedding.size] = row.embedding
    return Templates(
        model=recognizer.model,
        detector=recognizer.detector_name,
        photos=tuple(photos),
        status=tuple(row.status for row in taken),
        embeddings=embeddings,
        boxes=np.array([row.box for row in taken], np.float32).reshape(-1, 4),
        quality=np.array([row.quality for row in taken], np.float32),
        faces=np.array([row.faces for row in taken], np.intp),
    )


def subject(faces: Sequence[Face], *, width: int, height: int) -> int:
    """Which of the faces (one or more) a photo is about: large and near the middle.

    Area less twice the squared distance of the box's center from the photo's, as davidsandberg's facenet chooses for
    LFW (align_dataset_mtcnn.py).
    """
    middle = np.array([width, height]) / 2
    off = [((face.box[:2] + face.box[2:]) / 2 - middle) ** 2 for face in faces]
    return int(np.argmax([face.area - 2 * square.sum() for face, square in zip(faces, off, strict=True)]))


def every_face(
    photos: Sequence[str], recognizer: Recognizer, *, min_face: float = 20, remembered: EmbeddingCache
) -> Iterator[PhotoFaces]:
    """Find all faces of each photo (a path) with their embeddings, in order, as :meth:`Recognizer.represent` does.

    What is ``remembered`` is not computed again. The answers hold no pixels.
    """
    check_list(photos)
    if not remembered.serves(recognizer, min_face=min_face):
        raise ValueError("what is remembered was found by another recognizer, or with another min_face")
    for name, one in zip(photos, _each(photos, recognizer, min_face=min_face, remembered=remembered), strict=True):
        yield _answer(name, one) if isinstance(one, Found) else _unread(name, one)


def _answer(name: str, one: Found) -> PhotoFaces:
    status, message = ("ok", "") if one.faces else (NoFaceError.status, "no face was found.")
    return PhotoFaces(name, status, None, one.faces, one.quality, one.embeddings, message)


def _unread(name: str, answer: PhotoFaces) -> PhotoFaces:
    """Say of a photo, under its own name, what reading its bytes has shown."""
    try:
        images.read(Path(name))
    except ImageError as error:
        return PhotoFaces(name, error.status, message=str(error))
    return replace(answer, name=name, photo=None)


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A photo's row of the templates."""

    status: str
    embedding: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    box: Floats = field(default_factory=lambda: np.zeros(4, np.float32))
    quality: float = 0.0
    faces: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _File:
    """A photo's bytes and their SHA-256; its path for both where it cannot be read whole into memory."""

    source: bytes | Path
    sha256: str | None

    @property
    def key(self) -> object:
        return self.sha256 or self.source


def _each(
    photos: Sequence[str], recognizer: Recognizer, *, min_face: float, remembered: EmbeddingCache | None
) -> Iterator[Found | PhotoFaces]:
    """Yield what was found in each photo, in order; of one that cannot be read the answer, without a name.

    The groups follow from the list alone, and one is kept as a whole or not at all: after a crash the same photos are
    computed together as would have been without it. Their embeddings are then the same to the last bit; in other
    company a box may differ by 1e-5 pixels, since networks add up in another order.
    """
    known: dict[object, Found | PhotoFaces] = {}
    with _embedding(recognizer, min_face) as embed:
        for group in _groups(photos):
            if remembered is not None:
                known = dict[object, Found | PhotoFaces](
                    remembered.recall({file.sha256 for file in group if file.sha256}).items()
                )
            fresh = {file.key: file.source for file in group if file.key not in known}
            answers = zip(fresh, embed([*fresh.values()]), strict=True)
            for file in group:
                if file.key not in known:  # the answers are in the order of the group
                    _, known[file.key] = next(answers)
                yield known[file.key]
            if remembered is not None:
                found = {key: known[key] for key in fresh if isinstance(key, str)}
                remembered.keep({key: one for key, one in found.items() if isinstance(one, Found)})


@contextmanager
def _embedding(
    recognizer: Recognizer, min_face: float
) -> Iterator[Callable[[Sequence[bytes | Path]], Iterator[Found | PhotoFaces]]]:
    """Give a function that says what is in photos, in order: a batch a thread, on networks of one thread each.

    On two processors that takes three quarters of the time of batches in turn, on networks of two threads.
    """
    threads = recognizer.threads if recognizer.by_name else 1
    if threads > 1:
        recognizer = Recognizer(detector=recognizer.detector_name, embedder=recognizer.model, threads=1)

    def embed(batch: Sequence[bytes | Path]) -> list[Found | PhotoFaces]:
        answers = recognizer.represent(one_by_one(batch), min_face=min_face)
        # That a photo cannot be decoded may change with the libraries: it is not remembered.
        return [answer if answer.photo is None else Found.of(answer) for answer in answers]

    with ThreadPoolExecutor(threads) as pool:
        run = pool.map if threads > 1 else map
        try:
            yield lambda sources: chain.from_iterable(
                run(embed, [sources[i : i + BATCH_PHOTOS] for i in range(0, len(sources), BATCH_PHOTOS)])
            )
        finally:
            pool.shutdown(cancel_futures=True)


def _row(one: Found | PhotoFaces) -> _Row:
    if isinstance(one, PhotoFaces):
        return _Row(one.status)
    if not one.faces:
        return _Row("no_face", embedding=np.zeros(one.embeddings.shape[1], np.float32))
    best = subject(one.faces, width=one.width, height=one.height)
    return _Row("ok", one.embeddings[best], one.faces[best].box, one.quality[best].score, len(one.faces))


def _groups(photos: Sequence[str]) -> Iterator[list[_File]]:
    group: list[_File] = []
    held = 0
    for photo in photos:
        file = _read(Path(photo))
        group.append(file)
        held += len(file.source) if isinstance(file.source, bytes) else 0
        if len(group) >= GROUP_PHOTOS or held >= GROUP_BYTES:
            yield group
            group, held = [], 0
    if group:
        yield group


def _read(path: Path) -> _File:
    """Read a file whole: what is hashed is what is decoded. What is wrong with others, reading them as photos tells."""
    try:
        facts = path.stat()
        if S_ISREG(facts.st_mode) and facts.st_size <= MIN_BYTES_LIMIT:
            data = path.read_bytes()
            return _File(data, hashlib.sha256(data).hexdigest())
    except (OSError, ValueError):
        pass
    return _File(path, None)
