"""Crops of all training pictures, decoded and aligned once, in a file that is mapped into memory.

The file lies in the cache under a name made from the pictures (path, size, time of change), the detector and the
geometry, so that the next run with the same pictures begins at once. A run reads the rows of a batch from the mapped
file: memory does not grow with the number of pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis import align, images
from visavis.cache import trusted_folder
from visavis.defaults import DETECTOR
from visavis.embedding_cache.crop_folders import FOLDER
from visavis.errors import ImageError, UsageError
from visavis.evaluate.data.templates import ShowProgress
from visavis.pipeline import Recognizer
from visavis.train.copies import screen_copies, screen_near_copies
from visavis.train.crop_file import Crop, StoredCrops, hash_crop, read_crops, write_crops
from visavis.train.labeled_photos import LabeledPhotos, join, list_few
from visavis.train.recordio import RecordFile
from visavis.types import RGB
from visavis.weights.model_row import ARCFACE, CropPoints

AS_THEY_ARE = "none, the photos are crops"
VERSION = 3
"""Increased when crops of the same pictures would differ."""


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Crops of labeled pictures.

    ``pixels (n, s, s, 3)`` uint8, mapped from a file; ``labels (n,)`` number the ``people``; ``photos`` are the paths
    (n), ``detector`` is how the faces were detected. ``skipped`` are pictures without a usable face, each with the
    reason; ``notes`` are sentences about the data. ``hashes`` are those of the crops, if they are stored. The rows
    ``left_out`` take no part: copies, see :mod:`visavis.train.copies`. The rows ``test`` are held out, as the user
    divided the photos.
    """

    pixels: RGB
    labels: NDArray[np.int64]
    people: tuple[str, ...]
    photos: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    detector: str = AS_THEY_ARE
    hashes: NDArray[np.uint8] | None = None
    left_out: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    test: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def size(self) -> int:
        """Side of the crops in pixels."""
        return int(self.pixels.shape[1])

    def digest(self) -> str:
        """Return a SHA-256 of pixels, labels and parts: runs on the same data have the same."""
        digest = hashlib.sha256(self.labels.tobytes() + self.left_out.tobytes() + self.test.tobytes())
        for row in map(hash_crop, self.pixels) if self.hashes is None else self.hashes:
            digest.update(row)
        return digest.hexdigest()


def prepare(
    labeled: LabeledPhotos,
    *,
    size: int,
    points: CropPoints | None = None,
    detector: str = DETECTOR,
    aligned: bool = False,
    test: LabeledPhotos | None = None,
    progress: ShowProgress | None = None,
) -> Crops:
    """Return the crops of labeled photos, and of photos that the user sets aside as ``test``.

    The largest face of each photo is aligned, its five landmarks onto ``points`` (None: ArcFace's, scaled to ``size``).
    With ``aligned`` the photos are crops already, and are resized as they are. Copies are left out. UsageError where no
    photo has a usable face.
    """
    trained = len(labeled)
    labeled = labeled if test is None else join(labeled, test)
    photos = labeled.photos
    points = points or face_points(size)
    folder = trusted_folder(FOLDER) / _key(photos, size, "aligned" if aligned else f"{detector} {points}")
    stored = read_crops(folder)
    if stored is None:
        crops = _whole_photos(photos, size) if aligned else _aligned_faces(photos, size, points, detector)
        stored = write_crops(folder, progress(crops, len(photos)) if progress else crops, size)
    return label_crops(stored, labeled, detector=AS_THEY_ARE if aligned else detector, trained=trained)


def prepare_records(records: RecordFile, *, size: int, progress: ShowProgress | None = None) -> Crops:
    """Return the pictures of a RecordIO file, which are crops already, resized to ``size``. Copies are left out."""
    files = [str(records.path), str(records.path.with_suffix(".idx"))]
    folder, count = trusted_folder(FOLDER) / _key(files, size, "records"), len(records.labeled)
    stored = read_crops(folder)
    if stored is None:
        crops = _whole_photos(records.pictures(), size)
        stored = write_crops(folder, progress(crops, count) if progress else crops, size)
    return label_crops(stored, records.labeled, detector=AS_THEY_ARE, trained=count)


def label_crops(stored: StoredCrops, labeled: LabeledPhotos, *, detector: str, trained: int) -> Crops:
    """Return stored crops with the labels of their photos, of which those from ``trained`` on are held out.

    UsageError where there is no crop.
    """
    if not len(stored.used):
        raise UsageError(f"none of the {len(labeled):,} photos shows a usable face.")
    selected = labeled.select(stored.used)
    present, labels = np.unique(selected.labels, return_inverse=True)
    hashes = [row.tobytes() for row in np.asarray(stored.hashes)]
    copies = screen_copies(hashes, selected.labels, np.ones(len(hashes), np.bool_), selected.show)
    near = screen_near_copies(stored.pixels, stored.thumbs, selected.labels, copies.used, selected.show)
    skipped = tuple((labeled.photos[row], message) for row, message in stored.skipped)
    notes = _describe(labeled, present, skipped, stored.several)
    return Crops(
        stored.pixels,
        labels.astype(np.int64),
        tuple(labeled.people[person] for person in present),
        selected.photos,
        skipped,
        (*labeled.notes, *notes, *copies.notes, *near.notes),
        detector,
        stored.hashes,
        left_out=np.flatnonzero(~near.used),
        test=np.flatnonzero(stored.used >= trained),
    )


def _describe(
    labeled: LabeledPhotos, present: NDArray[np.int64], skipped: Sequence[tuple[str, str]], several: int
) -> list[str]:
    """Return sentences about photos that are not used, or not as a whole."""
    usable = set(present.tolist())
    lost = [person for number, person in enumerate(labeled.people) if number not in usable]
    notes = []
    if skipped:
        photo, message = skipped[0]
        are = "is" if len(skipped) == 1 else "are"
        notes.append(f"{len(skipped):,} of {len(labeled):,} photos {are} not used; the first: {photo}: {message}")
    if lost:
        people = "1 person has" if len(lost) == 1 else f"{len(lost):,} people have"
        notes.append(f"{people} no usable photo and cannot take part: {list_few(lost)}.")
    if several:
        photos = "1 photo shows" if several == 1 else f"{several:,} photos show"
        notes.append(f"{photos} several faces: the largest of each is used.")
    return notes


def face_points(size: int, points: CropPoints = ARCFACE, side: int = 112) -> CropPoints:
    """Return the places of the five landmarks in crops of that size: ``points`` of crops of ``side`` pixels, scaled."""
    return tuple((round(x * size / side, 4), round(y * size / side, 4)) for x, y in points)


def _key(photos: Sequence[str], size: int, way: str) -> str:
    digest = hashlib.sha256(f"{VERSION} {size} {way}".encode())
    for photo in photos:
        try:
            state = Path(photo).stat()
            digest.update(f"{Path(photo).resolve()}\0{state.st_size}\0{state.st_mtime_ns}\n".encode(errors="replace"))
        except OSError:
            digest.update(f"{photo}\0missing\n".encode(errors="replace"))
    return digest.hexdigest()[:32]


def _aligned_faces(photos: Sequence[str], size: int, points: CropPoints, detector: str) -> Iterator[Crop]:
    """Yield the crop of each picture's largest face, with a remark where it shows several."""
    template = np.array(points, np.float32)
    for answer in Recognizer(detector=detector).detect(photos):
        if answer.photo is None or not answer.faces:
            yield Crop(None, answer.message or "no face was detected")
            continue
        matrices = align.matrices_onto(answer.faces[answer.largest].landmarks[None], template)
        (crop,) = align.warp(answer.photo.pixels, matrices, size=size)
        yield Crop(crop, f"{len(answer.faces)} faces" if len(answer.faces) > 1 else "", answer.photo.sha256)


def _whole_photos(photos: Iterable[str | bytes], size: int) -> Iterator[Crop]:
    """Yield each picture resized."""
    from visavis.opencv import cv2

    for source in photos:
        try:
            photo = images.read(source)
        except ImageError as error:
            yield Crop(None, str(error))
            continue
        way = cv2.INTER_AREA if min(photo.pixels.shape[:2]) > size else cv2.INTER_LINEAR
        resized = np.asarray(cv2.resize(photo.pixels, (size, size), interpolation=way), np.uint8)
        yield Crop(resized, "", photo.sha256)
