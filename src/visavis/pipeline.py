"""Composition of the stages: read, detect, crop and embed many photos at a time, and compare two photos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from itertools import chain
from typing import TypeVar, overload

import numpy as np

from visavis import compare, defaults, embedders, images, runtime, verification
from visavis._checks import check_number
from visavis.align import square_crops
from visavis.defaults import DETECTOR, EMBEDDER
from visavis.detectors import DETECTORS, Detector, certain_score, detect_prominent, oriented_name
from visavis.embedders import EMBEDDERS, Embedder
from visavis.errors import ImageError, MissingImageError, UnreadableImageError, UsageError
from visavis.forking import UndisturbedByForks
from visavis.images import Source, not_a_folder
from visavis.images.photo_files import UnlistedFolder, as_many, each_photo
from visavis.quality import qualities
from visavis.types import RGB, Face, Floats, Photo, PhotoFaces, PhotoVerification, Verification
from visavis.verification import require_photo
from visavis.weights import store

S = TypeVar("S", bound=Source)

BATCH_PHOTOS = 16
BATCH_PIXELS = 16_000_000
"""Limits of a batch of photos: the first one that is reached closes it, so memory stays bounded on large photos."""


_LOADING = UndisturbedByForks()
"""Loads networks, and the packages that they need, in one thread at a time, and never while the process forks."""


class Recognizer:
    """A detector and an embedder, ready for photos of any source (path, bytes, array, PIL image, file object, "-").

    ``detector`` and ``embedder`` are registered names (for the embedder any model id, such as ``dlib-resnet@4``) or
    objects of those protocols; networks are loaded when first needed. ``any_orientation`` also finds faces in turned
    photos, as does a detector name that ends in ``@any-orientation``. ``threads`` bounds the threads of the networks
    (default: the processors this process may use). Raises UnknownNameError at once for a name that is not registered.
    """

    def __init__(
        self,
        *,
        detector: str | Detector = DETECTOR,
        embedder: str | Embedder = EMBEDDER,
        threads: int | None = None,
        any_orientation: bool = False,
    ) -> None:
        _check_part("detector", detector, "detect")
        _check_part("embedder", embedder, "embed")
        if isinstance(detector, str):
            detector = oriented_name(detector, any_orientation=any_orientation)
            DETECTORS.check(detector)
        elif any_orientation:
            raise UsageError("any_orientation is for a detector given by name, not for an object.")
        if isinstance(embedder, str):
            embedder = embedders.resolve(embedder)
            EMBEDDERS.check(embedder.partition("@")[0])
        self._detector = detector
        self._embedder = embedder
        self._threads = threads
        self._loaded_detector: Detector | None = None
        self._loaded_embedder: Embedder | None = None

    @property
    def detector(self) -> Detector:
        """The detector, loaded."""
        if not isinstance(self._detector, str):
            return self._detector
        if self._loaded_detector is None:  # without a lock: a loaded network stays usable while the other loads
            with _LOADING.inside():
                if self._loaded_detector is None:
                    self._loaded_detector = DETECTORS.create(self._detector, threads=self._threads)
        return self._loaded_detector

    @property
    def embedder(self) -> Embedder:
        """The embedder, loaded."""
        if not isinstance(self._embedder, str):
            return self._embedder
        if self._loaded_embedder is None:  # without a lock: a loaded network stays usable while the other loads
            with _LOADING.inside():
                if self._loaded_embedder is None:
                    self._loaded_embedder = embedders.create(self._embedder, threads=self._threads)
        return self._loaded_embedder

    def load_ahead(self) -> None:
        """Begin to load both networks in a thread, as far as they are given by name and their files are present.

        Raises nothing: the first use loads the network again and raises the error.
        """
        if not isinstance(self._embedder, str) or self._loaded_embedder is not None:
            return

        def load() -> None:
            with store.no_downloads():
                self.detector, self.embedder  # noqa: B018 - loaded at first access

        loader = ThreadPoolExecutor(1)
        loader.submit(copy_context().run, load)
        loader.shutdown(wait=False)

    def __getstate__(self) -> dict[str, object]:
        """Leave out networks that were loaded by name: a copy, or another process, loads them at its first use."""
        return {**self.__dict__, "_loaded_detector": None, "_loaded_embedder": None}

    @property
    def detector_name(self) -> str:
        """The detector's name; loads nothing."""
        return self._detector if isinstance(self._detector, str) else self._detector.name

    @property
    def model(self) -> str:
        """The embedder's model id; loads nothing."""
        return embedders.model_id(self._embedder) if isinstance(self._embedder, str) else self._embedder.name

    @property
    def by_name(self) -> bool:
        """Whether both were given by name. The names then determine the embeddings, which may be cached by them."""
        return isinstance(self._detector, str) and isinstance(self._embedder, str)

    @property
    def threads(self) -> int:
        """Threads that the networks may use."""
        return runtime.thread_count(self._threads)

    def detect(
        self, sources: Source | Iterable[Source], *, min_face: float = defaults.MIN_FACE
    ) -> Iterator[PhotoFaces]:
        """Yield the faces of each photo, in order. A source is one photo; a folder stands for the photos inside it.

        A photo that cannot be read is an answer with its status, never an exception.
        """
        min_face = _check_side(min_face)
        for batch in _read_batches(sources):
            photos = [item for item in batch if isinstance(item, Photo)]
            faces = iter(self._detect_batch(photos, min_face))
            for item in batch:
                yield self._photo_faces(item, next(faces)) if isinstance(item, Photo) else item

    def represent(
        self, sources: Source | Iterable[Source], *, min_face: float = defaults.MIN_FACE
    ) -> Iterator[PhotoFaces]:
        """Do as :meth:`detect`, and add ``embeddings`` ``(n, d)``: a unit row per face."""
        return self._represent(sources, min_face=min_face)

    def _represent(
        self, sources: Source | Iterable[Source], *, min_face: float, prominent: bool = False
    ) -> Iterator[PhotoFaces]:
        """Yield the faces of each photo with their embeddings; see :func:`visavis.detectors.detect_prominent`."""
        min_face = _check_side(min_face)
        for batch in _read_batches(sources):
            photos = [item for item in batch if isinstance(item, Photo)]
            with store.all_missing(lambda: self.embedder):
                if photos:
                    self.load_ahead()
                faces = self._detect_batch(photos, min_face, prominent=prominent)
            embeddings = iter(self._embed_all(photos, faces))
            remaining = iter(faces)
            for item in batch:
                if isinstance(item, Photo):
                    yield replace(self._photo_faces(item, next(remaining)), embeddings=next(embeddings))
                else:
                    yield item

    def _detect_batch(self, photos: Sequence[Photo], min_face: float, *, prominent: bool = False) -> list[list[Face]]:
        """Detect the faces of each photo of a batch; without photos, load no network."""
        pictures = [photo.pixels for photo in photos]
        if not pictures:
            return []
        if prominent:
            return detect_prominent(self.detector, pictures, min_face=min_face)
        return self.detector.detect(pictures, min_face=min_face)

    def _photo_faces(self, photo: Photo, faces: Sequence[Face]) -> PhotoFaces:
        return PhotoFaces(
            name=photo.name,
            status="ok" if faces else "no_face",
            photo=photo,
            faces=tuple(faces),
            quality=qualities(photo.pixels, faces, certain=certain_score(self.detector)),
            message="" if faces else "no face was found.",
            captured=photo.captured,
        )

    def _embed_all(self, photos: Sequence[Photo], faces: Sequence[Sequence[Face]]) -> list[Floats]:
        """Embed all faces of a batch in one call of the network; return the embeddings of each photo."""
        crops = [self.embedder.crops(photo.pixels, of_photo) for photo, of_photo in zip(photos, faces, strict=True)]
        if not crops:
            return []
        embeddings = compare.check_computed(self.embedder.embed(np.concatenate(crops)), self.embedder.name)
        return np.split(embeddings, np.cumsum([len(of_photo) for of_photo in faces])[:-1])

    def verify(
        self,
        a: Source,
        b: Source,
        *,
        far: float = defaults.FAR,
        threshold: float | None = None,
        metric: str = "cosine",
        min_face: float = defaults.MIN_FACE,
        calibration: compare.Calibration | None = None,
        any_face: bool = False,
    ) -> Verification:
        """Decide whether the largest faces of ``a`` and ``b`` are one person.

        The threshold is the one at which strangers are accepted at rate ``far``, unless ``threshold`` (in the unit of
        ``metric``) is given. Rates are those of ``calibration`` (default: the table shipped for the model).
        ``any_face`` compares every face of ``b`` instead of its largest, and the nearest counts; the threshold is then
        stricter the more faces there are, so that ``far`` stays the rate of a photo. Without it, faces that are small
        beside a certain one are not counted: see :func:`visavis.detectors.detect_prominent`.

        Raises NoFaceError where a photo shows no face, ImageError where it cannot be read, and UsageError for a rate
        that was not measured.
        """
        rule = self.rule(far=far, threshold=threshold, metric=metric, calibration=calibration, any_face=any_face)
        first, second = self._represent([not_a_folder(a), not_a_folder(b)], min_face=min_face, prominent=not any_face)
        return verification.compare_photos(rule, first, second)

    def verify_each(
        self,
        reference: Source,
        photos: Source | Iterable[Source],
        *,
        rule: verification.VerificationRule,
        min_face: float = defaults.MIN_FACE,
    ) -> Iterator[tuple[PhotoFaces, PhotoFaces, PhotoVerification]]:
        """Compare photo after photo with the largest face of ``reference``, which is embedded once.

        Yields the faces of ``reference``, those of the photo and the answer, in order. Raises the errors of
        ``reference`` alone.
        """
        sources = chain([not_a_folder(reference)], as_many(photos))
        answers = self._represent(sources, min_face=min_face, prominent=not rule.any_face)
        first = verification.require_faces(next(answers))
        for photo in answers:
            yield first, photo, verification.judge(rule, first, photo)

    def rule(
        self,
        *,
        far: float = defaults.FAR,
        threshold: float | None = None,
        metric: str = "cosine",
        calibration: compare.Calibration | None = None,
        any_face: bool = False,
    ) -> verification.VerificationRule:
        """Return the rule that :meth:`verify` applies; loads no network. Raises the same errors."""
        table = compare.own_or_shipped(calibration, self.model)
        return verification.VerificationRule(self.model, self.detector_name, far, threshold, metric, table, any_face)


def _check_side(min_face: object) -> float:
    """Return the side of the smallest face; raise UsageError, before any photo is read, if it is not valid."""
    return check_number(min_face, "min_face is a side in pixels", least=1)


def _check_part(option: str, value: object, method: str) -> None:
    """Raise UsageError for a detector or embedder that is neither a name nor an object of that protocol."""
    if not isinstance(value, str) and not callable(getattr(value, method, None)):
        kind = type(value).__name__
        raise UsageError(f"{option} is a name or an object with the method {method}, got {kind}.")


def _read_batches(sources: Source | Iterable[Source]) -> Iterator[list[Photo | PhotoFaces]]:
    """Read photos batch by batch; an answer with a status takes the place of a photo that cannot be read."""
    batch: list[Photo | PhotoFaces] = []
    pixels = 0
    for source in each_photo(sources):
        if isinstance(source, UnlistedFolder):
            batch.append(_report_folder(source))
            continue
        try:
            photo = images.read(source)
        except ImageError as error:
            batch.append(PhotoFaces(name=images.name_of(source), status=error.status, message=str(error)))
        else:
            batch.append(photo)
            pixels += photo.width * photo.height
        if len(batch) >= BATCH_PHOTOS or pixels >= BATCH_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def _report_folder(folder: UnlistedFolder) -> PhotoFaces:
    status = MissingImageError.status if folder.status == "missing" else UnreadableImageError.status
    return PhotoFaces(name=folder.path, status=status, message=folder.message)


def detect(
    source: Source, *, min_face: float = defaults.MIN_FACE, detector: str = DETECTOR, any_orientation: bool = False
) -> list[Face]:
    """Return the faces of one photo, best score first; an empty list where there is none. Raises ImageError.

    ``any_orientation`` also finds faces in turned photos, in four times the time; functions without this option take
    ``detector="mtcnn@any-orientation"``.
    """
    (answer,) = shared_recognizer(detector=oriented_name(detector, any_orientation=any_orientation)).detect(
        [not_a_folder(source)], min_face=min_face
    )
    require_photo(answer)
    return list(answer.faces)


def embed(
    source: Source, *, min_face: float = defaults.MIN_FACE, model: str = EMBEDDER, detector: str = DETECTOR
) -> Floats:
    """Return unit embeddings ``(n, d)`` of all faces of one photo, best score first. Raises ImageError."""
    recognizer = shared_recognizer(detector=detector, embedder=model)
    (answer,) = recognizer.represent([not_a_folder(source)], min_face=min_face)
    require_photo(answer)
    return np.empty((0, recognizer.embedder.dimension), np.float32) if answer.embeddings is None else answer.embeddings


def extract(source: Source, *, size: int = 224, margin: float = 0.3, min_face: float = defaults.MIN_FACE) -> RGB:
    """Return crops ``(n, size, size, 3)`` of all faces: the box, larger by ``margin`` of its sides in all, made square.

    Raises ImageError, and UsageError for a size or a margin that is not valid.
    """
    square_crops(np.zeros((1, 1, 3), np.uint8), (), size=size, margin=margin)  # check options before reading
    (answer,) = shared_recognizer().detect([not_a_folder(source)], min_face=min_face)
    return square_crops(require_photo(answer).pixels, answer.faces, size=size, margin=margin)


@overload
def verify(
    a: Source,
    b: Source,
    *,
    far: float = ...,
    threshold: float | None = ...,
    metric: str = ...,
    model: str = ...,
    detector: str = ...,
    min_face: float = ...,
    any_face: bool = ...,
) -> Verification: ...


@overload
def verify(
    a: Source,
    b: list[S] | tuple[S, ...],
    *,
    far: float = ...,
    threshold: float | None = ...,
    metric: str = ...,
    model: str = ...,
    detector: str = ...,
    min_face: float = ...,
    any_face: bool = ...,
) -> list[PhotoVerification]: ...


def verify(  # noqa: PLR0913 - options, all by name
    a: Source,
    b: Source | list[S] | tuple[S, ...],
    *,
    far: float = defaults.FAR,
    threshold: float | None = None,
    metric: str = "cosine",
    model: str = EMBEDDER,
    detector: str = DETECTOR,
    min_face: float = defaults.MIN_FACE,
    any_face: bool = False,
) -> Verification | list[PhotoVerification]:
    """Decide whether the largest faces of ``a`` and ``b`` are one person. See :meth:`Recognizer.verify`.

    For a list ``b`` of photos, return one answer per photo, in order; ``a`` is then embedded once, and a photo that
    cannot be used is an answer with its status.
    """
    recognizer = shared_recognizer(detector=detector, embedder=model)
    if not isinstance(b, list | tuple):
        return recognizer.verify(
            a, b, far=far, threshold=threshold, metric=metric, min_face=min_face, any_face=any_face
        )
    rule = recognizer.rule(far=far, threshold=threshold, metric=metric, any_face=any_face)
    return [answer for _, _, answer in recognizer.verify_each(a, b, rule=rule, min_face=min_face)]


_shared: dict[tuple[str, str], Recognizer] = {}


def shared_recognizer(*, detector: str = DETECTOR, embedder: str = EMBEDDER) -> Recognizer:
    """Return the process-wide recognizer of these names, made at its first use."""
    key = (detector, embedder)
    if key not in _shared:
        _shared.setdefault(key, Recognizer(detector=detector, embedder=embedder))
    return _shared[key]
