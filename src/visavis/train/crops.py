"""Crops of all training pictures, decoded and aligned once, in a file that is mapped into memory.

The file lies in the cache under a name made from the pictures (path, size, time of change), the detector and the
geometry, so that the next run with the same pictures begins at once. It is written whole or not at all. A run reads the
rows of a batch from the mapped file: memory does not grow with the number of pictures.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis import align, atomic, images
from visavis.cache import cache_dir
from visavis.defaults import DETECTOR
from visavis.errors import ImageError, UsageError
from visavis.pipeline import Recognizer
from visavis.train.labeled_photos import LabeledPhotos, list_few
from visavis.types import RGB
from visavis.weights.model_row import ARCFACE, CropPoints

AS_THEY_ARE = "none, the photos are crops"
PIXELS, ROWS = "pixels.npy", "rows.json"
VERSION = 1
"""Increased when crops of the same pictures would differ."""

Progress = Callable[[int, int], object]
"""Called with the number of pictures done and of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Crops of labeled pictures.

    ``pixels (n, s, s, 3)`` uint8, mapped from a file; ``labels (n,)`` number the ``people``; ``photos`` are the paths
    (n), ``detector`` is how the faces were detected. ``skipped`` are pictures without a usable face, each with the
    reason; ``notes`` are sentences about the data.
    """

    pixels: RGB
    labels: NDArray[np.int64]
    people: tuple[str, ...]
    photos: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    detector: str = AS_THEY_ARE

    @property
    def size(self) -> int:
        """Side of the crops in pixels."""
        return int(self.pixels.shape[1])

    def digest(self) -> str:
        """Return a SHA-256 of pixels and labels: runs on the same data have the same."""
        digest = hashlib.sha256(self.labels.tobytes())
        for start in range(0, len(self.pixels), 1024):
            digest.update(self.pixels[start : start + 1024].tobytes())
        return digest.hexdigest()


def prepare(
    labeled: LabeledPhotos,
    *,
    size: int,
    detector: str = DETECTOR,
    aligned: bool = False,
    progress: Progress = lambda done, of: None,
) -> Crops:
    """Return the crops of labeled photos.

    The largest face of each photo is aligned to ArcFace's five points, scaled to ``size``. With ``aligned`` the photos
    are crops already, and are resized as they are. UsageError where no photo has a usable face.
    """
    folder = cache_dir() / "crops" / _key(labeled.photos, size, "aligned" if aligned else detector)
    if not (folder / ROWS).is_file():
        photos = labeled.photos
        crops = _whole_photos(photos, size) if aligned else _aligned_faces(photos, size, detector)
        _write(folder, crops, len(photos), size, progress)
    pixels = np.load(folder / PIXELS, mmap_mode="r", allow_pickle=False)
    rows = json.loads((folder / ROWS).read_text(encoding="utf-8"))
    used = np.array(rows["used"], np.int64)
    if not len(used):
        raise UsageError(f"none of the {len(labeled):,} photos shows a usable face.")
    selected = labeled.select(used)
    present, labels = np.unique(selected.labels, return_inverse=True)
    skipped = tuple((labeled.photos[row], message) for row, message in rows["skipped"])
    return Crops(
        pixels,
        labels.astype(np.int64),
        tuple(labeled.people[person] for person in present),
        selected.photos,
        skipped,
        (*labeled.notes, *_describe(labeled, present, skipped, rows["several"])),
        AS_THEY_ARE if aligned else detector,
    )


def _describe(
    labeled: LabeledPhotos, present: NDArray[np.int64], skipped: Sequence[tuple[str, str]], several: int
) -> list[str]:
    """Return sentences about photos that are not used, or not as a whole."""
    lost = [person for number, person in enumerate(labeled.people) if number not in set(present.tolist())]
    notes = []
    if skipped:
        photo, message = skipped[0]
        notes.append(f"{len(skipped):,} of {len(labeled):,} photos are not used; the first: {photo}: {message}")
    if lost:
        people = "1 person has" if len(lost) == 1 else f"{len(lost):,} people have"
        notes.append(f"{people} no usable photo and cannot take part: {list_few(lost)}.")
    if several:
        notes.append(f"{several:,} photos show several faces: the largest of each is used.")
    return notes


def face_points(size: int) -> CropPoints:
    """Return the places of the five landmarks in crops of that size: ArcFace's, scaled."""
    return tuple((round(x * size / 112, 4), round(y * size / 112, 4)) for x, y in ARCFACE)


def _key(photos: Sequence[str], size: int, way: str) -> str:
    digest = hashlib.sha256(f"{VERSION} {size} {way}".encode())
    for photo in photos:
        try:
            state = Path(photo).stat()
            digest.update(f"{Path(photo).resolve()}\0{state.st_size}\0{state.st_mtime_ns}\n".encode(errors="replace"))
        except OSError:
            digest.update(f"{photo}\0missing\n".encode(errors="replace"))
    return digest.hexdigest()[:32]


def _aligned_faces(photos: Sequence[str], size: int, detector: str) -> Iterator[tuple[RGB | None, str]]:
    """Yield the crop of each picture's largest face and "", or None and why there is none; a note for several faces."""
    template = np.array(face_points(size), np.float32)
    for answer in Recognizer(detector=detector).detect(photos):
        if answer.photo is None or not answer.faces:
            yield None, answer.message or "no face was detected"
            continue
        matrices = align.onto(answer.faces[answer.largest].landmarks[None], template)
        (crop,) = align.warp(answer.photo.pixels, matrices, size=size)
        yield crop, f"{len(answer.faces)} faces" if len(answer.faces) > 1 else ""


def _whole_photos(photos: Sequence[str], size: int) -> Iterator[tuple[RGB | None, str]]:
    """Yield each picture resized, and "", or None and why it cannot be read."""
    from visavis.opencv import cv2

    for photo in photos:
        try:
            pixels = images.read(photo).pixels
        except ImageError as error:
            yield None, str(error)
            continue
        way = cv2.INTER_AREA if min(pixels.shape[:2]) > size else cv2.INTER_LINEAR
        yield np.asarray(cv2.resize(pixels, (size, size), interpolation=way), np.uint8), ""


def _write(folder: Path, crops: Iterable[tuple[RGB | None, str]], count: int, size: int, progress: Progress) -> None:
    """Write crops to a new folder, whole or not at all."""
    used, skipped, several = list[int](), list[tuple[int, str]](), 0
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic.new_folder(folder) as part:
            with (part / "pixels").open("wb") as file:
                for row, (crop, message) in enumerate(crops):
                    if crop is None:
                        skipped.append((row, message))
                    else:
                        used.append(row)
                        several += bool(message)
                        file.write(np.ascontiguousarray(crop).data)
                    progress(row + 1, count)
            _add_header(part, len(used), size)
            content = {"used": used, "skipped": skipped, "several": several}
            (part / ROWS).write_text(json.dumps(content), encoding="utf-8")
    except OSError as error:
        if not (folder / ROWS).is_file():  # else another process was faster
            raise UsageError(f"{folder.parent} cannot be written to: {error.strerror or error}.") from error


def _add_header(folder: Path, count: int, size: int) -> None:
    """Make the file of bytes a file of numpy, whose header has the number of crops: known only at the end."""
    with (folder / PIXELS).open("wb") as target, (folder / "pixels").open("rb") as source:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
        np.lib.format.write_array_header_1_0(target, header)
        shutil.copyfileobj(source, target, 1 << 20)
    (folder / "pixels").unlink()
