"""Take a template of each photo: of the face that the photo is about, or the reason why there is none."""

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

from visavis import defaults, images
from visavis.embedding_cache.photo_cache import CachedPhoto, EmbeddingCache
from visavis.errors import ImageError, NoFaceError
from visavis.images import MIN_BYTES_LIMIT
from visavis.images.photo_files import check_list, one_by_one
from visavis.pipeline import BATCH_PHOTOS, Recognizer
from visavis.types import Face, Floats, PhotoFaces

T = TypeVar("T")

GROUP_PHOTOS = 64
GROUP_BYTES = 64 << 20
"""Photos are read, looked up, computed and stored in groups; the limit reached first closes a group."""


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """Templates of photos, a row a photo.

    ``embeddings (n, d)`` have length 1, or are zeros where ``status`` is not "ok" (a failure to enroll).
    ``boxes (n, 4)`` and ``quality (n,)`` (0..1) are those of the chosen face, zeros without one; ``faces (n,)`` counts
    all detected faces.
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
    def has_template(self) -> NDArray[np.bool_]:
        """Return which photos gave a template ``(n,)``."""
        return np.array([status == "ok" for status in self.status], np.bool_)


class ShowProgress(Protocol):
    """Pass answers on, one after another, and display the progress."""

    def __call__(self, answers: Iterable[T], total: int, /) -> Iterator[T]:
        """Pass ``answers`` on; there are ``total`` of them."""
        ...


def take(
    photos: Sequence[str],
    recognizer: Recognizer,
    *,
    min_face: float = defaults.MIN_FACE,
    cache: EmbeddingCache | None = None,
    progress: ShowProgress | None = None,
) -> Templates:
    """Embed the face that each photo (a path) is about: see :func:`subject`.

    Photos of the same bytes are computed once, and photos in ``cache``, which must be of the same recognizer and size,
    not at all: if all photos are cached, no network is loaded. A photo that is missing or cannot be read gets its
    status and zeros. ``d`` is 0 if no photo could be read.
    """
    check_list(photos)
    if cache is not None and not cache.serves(recognizer, min_face=min_face):
        raise ValueError("what is remembered was found by another recognizer, or with another min_face")
    rows = map(_make_row, _represent_photos(photos, recognizer, min_face=min_face, cache=cache))
    templates = list(progress(rows, len(photos)) if progress else rows)
    dimension = max((row.embedding.size for row in templates), default=0)
    embeddings = np.zeros((len(templates), dimension), np.float32)
    for embedding, row in zip(embeddings, templates, strict=True):
        embedding[: row.embedding.size] = row.embedding
    return Templates(
        model=recognizer.model,
        detector=recognizer.detector_name,
        photos=tuple(photos),
        status=tuple(row.status for row in templates),
        embeddings=embeddings,
        boxes=np.array([row.box for row in templates], np.float32).reshape(-1, 4),
        quality=np.array([row.quality for row in templates], np.float32),
        faces=np.array([row.faces for row in templates], np.intp),
    )


def subject(faces: Sequence[Face], *, width: int, height: int) -> int:
    """Return the index of the face that a photo is about: of one or more faces, a large one near the middle.

    It has the greatest area less twice the squared distance of the box's center from the photo's, as davidsandberg's
    facenet chooses for LFW (align_dataset_mtcnn.py).
    """
    middle = np.array([width, height]) / 2
    off = [((face.box[:2] + face.box[2:]) / 2 - middle) ** 2 for face in faces]
    return int(np.argmax([face.area - 2 * square.sum() for face, square in zip(faces, off, strict=True)]))


def every_face(
    photos: Sequence[str], recognizer: Recognizer, *, min_face: float = defaults.MIN_FACE, cache: EmbeddingCache
) -> Iterator[PhotoFaces]:
    """Detect and embed all faces of each photo (a path), in order, as :meth:`Recognizer.represent` does.

    Photos in ``cache`` are not computed again. The answers hold no pixels.
    """
    check_list(photos)
    if not cache.serves(recognizer, min_face=min_face):
        raise ValueError("what is remembered was found by another recognizer, or with another min_face")
    for name, answer in zip(photos, _represent_photos(photos, recognizer, min_face=min_face, cache=cache), strict=True):
        yield _make_answer(name, answer) if isinstance(answer, CachedPhoto) else _reread(name, answer)


def _make_answer(name: str, cached: CachedPhoto) -> PhotoFaces:
    status, message = ("ok", "") if cached.faces else (NoFaceError.status, "no face was found.")
    return PhotoFaces(name, status, None, cached.faces, cached.quality, cached.embeddings, message)


def _reread(name: str, answer: PhotoFaces) -> PhotoFaces:
    """Return the answer for an unreadable photo under its own name: photos of the same bytes share one answer."""
    try:
        images.read(Path(name))
    except ImageError as error:
        return PhotoFaces(name, error.status, message=str(error))
    return replace(answer, name=name, photo=None)


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """Row of a photo in the templates."""

    status: str
    embedding: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    box: Floats = field(default_factory=lambda: np.zeros(4, np.float32))
    quality: float = 0.0
    faces: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _File:
    """Bytes of a photo and their SHA-256; path and None where it cannot be read whole into memory."""

    source: bytes | Path
    sha256: str | None

    @property
    def key(self) -> object:
        return self.sha256 or self.source


def _represent_photos(
    photos: Sequence[str], recognizer: Recognizer, *, min_face: float, cache: EmbeddingCache | None
) -> Iterator[CachedPhoto | PhotoFaces]:
    """Yield the faces of each photo, in order; for an unreadable photo the answer, without a name.

    The groups depend on the list alone, and a group is stored as a whole or not at all, so after a crash the same
    photos are computed together as without it. Their embeddings are then the same to the last bit; with other photos in
    the batch a box may differ by 1e-5 pixels, since networks add up in another order.
    """
    results: dict[object, CachedPhoto | PhotoFaces] = {}
    with _embed_batches(recognizer, min_face) as embed:
        for group in _group_files(photos):
            if cache is not None:
                results = dict[object, CachedPhoto | PhotoFaces](
                    cache.recall({file.sha256 for file in group if file.sha256}).items()
                )
            fresh = {file.key: file.source for file in group if file.key not in results}
            answers = zip(fresh, embed([*fresh.values()]), strict=True)
            for file in group:
                if file.key not in results:  # the answers are in the order of the group
                    _, results[file.key] = next(answers)
                yield results[file.key]
            if cache is not None:
                computed = {key: results[key] for key in fresh if isinstance(key, str)}
                cache.keep({key: result for key, result in computed.items() if isinstance(result, CachedPhoto)})


@contextmanager
def _embed_batches(
    recognizer: Recognizer, min_face: float
) -> Iterator[Callable[[Sequence[bytes | Path]], Iterator[CachedPhoto | PhotoFaces]]]:
    """Give a function that detects and embeds faces in order: a batch a thread, on networks of one thread each.

    On two processors that takes three quarters of the time of batches in turn, on networks of two threads.
    """
    threads = recognizer.threads if recognizer.by_name else 1
    if threads > 1:
        recognizer = Recognizer(detector=recognizer.detector_name, embedder=recognizer.model, threads=1)

    def embed(batch: Sequence[bytes | Path]) -> list[CachedPhoto | PhotoFaces]:
        answers = recognizer.represent(one_by_one(batch), min_face=min_face)
        # Photos that cannot be decoded are not cached, since other versions of the libraries may decode them.
        return [answer if answer.photo is None else CachedPhoto.of(answer) for answer in answers]

    with ThreadPoolExecutor(threads) as pool:
        run = pool.map if threads > 1 else map
        try:
            yield lambda sources: chain.from_iterable(
                run(embed, [sources[i : i + BATCH_PHOTOS] for i in range(0, len(sources), BATCH_PHOTOS)])
            )
        finally:
            pool.shutdown(cancel_futures=True)


def _make_row(answer: CachedPhoto | PhotoFaces) -> _Row:
    if isinstance(answer, PhotoFaces):
        return _Row(answer.status)
    if not answer.faces:
        return _Row("no_face", embedding=np.zeros(answer.embeddings.shape[1], np.float32))
    best = subject(answer.faces, width=answer.width, height=answer.height)
    return _Row("ok", answer.embeddings[best], answer.faces[best].box, answer.quality[best].score, len(answer.faces))


def _group_files(photos: Sequence[str]) -> Iterator[list[_File]]:
    group: list[_File] = []
    size = 0
    for photo in photos:
        file = _read_file(Path(photo))
        group.append(file)
        size += len(file.source) if isinstance(file.source, bytes) else 0
        if len(group) >= GROUP_PHOTOS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _read_file(path: Path) -> _File:
    """Read a file whole, so that the hashed bytes are the decoded ones; keep the path where that fails."""
    try:
        status = path.stat()
        if S_ISREG(status.st_mode) and status.st_size <= MIN_BYTES_LIMIT:
            data = path.read_bytes()
            return _File(data, hashlib.sha256(data).hexdigest())
    except (OSError, ValueError):
        pass
    return _File(path, None)
