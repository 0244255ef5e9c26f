"""Crops of all training pictures, decoded and aligned once, in a file that is mapped into memory.

The file lies in the cache under a name made from the pictures (path, size, time of change), the detector and the
geometry, so that the next run with the same pictures begins at once. It is written whole or not at all. A run reads the
rows of a batch from the mapped file: memory does not grow with the number of pictures.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis import align, images
from visavis.cache import cache_dir
from visavis.defaults import DETECTOR
from visavis.errors import ImageError, UsageError
from visavis.pipeline import Recognizer
from visavis.types import RGB
from visavis.weights.model_row import ARCFACE, Points

PIXELS, ROWS = "pixels.npy", "rows.json"
VERSION = 1
"""Increased when crops of the same pictures would differ."""

Progress = Callable[[int, int], object]
"""Called with the number of pictures done and of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Crops of labeled pictures.

    ``pixels (n, s, s, 3)`` uint8, mapped from a file; ``labels (n,)`` number the ``people``; ``photos`` are the paths
    (n). ``skipped`` are pictures without a usable face, each with the reason; ``notes`` are sentences about the data.
    """

    pixels: RGB
    labels: NDArray[np.int64]
    people: tuple[str, ...]
    photos: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

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
    photos: Sequence[str],
    owners: Sequence[int],
    people: Sequence[str],
    *,
    size: int,
    detector: str = DETECTOR,
    aligned: bool = False,
    progress: Progress = lambda done, of: None,
) -> Crops:
    """Return the crops of pictures; ``owners`` number the person of each among ``people``.

    The largest face of each picture is aligned to ArcFace's five points, scaled to ``size``. With ``aligned`` the
    pictures are crops already, and are resized as they are. UsageError where no picture has a usable face.
    """
    folder = cache_dir() / "crops" / _key(photos, size, "aligned" if aligned else detector)
    if not (folder / ROWS).is_file():
        sources = _whole_pictures(photos, size) if aligned else _aligned_faces(photos, size, detector)
        _write(folder, sources, len(photos), size, progress)
    pixels = np.load(folder / PIXELS, mmap_mode="r", allow_pickle=False)
    rows = json.loads((folder / ROWS).read_text(encoding="utf-8"))
    used, skipped = np.array(rows["used"], np.int64), [tuple(item) for item in rows["skipped"]]
    if not len(used):
        raise UsageError(f"none of the {len(photos)} pictures shows a usable face.")
    labels, names, notes = _renumber(np.array(owners, np.int64)[used], people)
    notes += rows["notes"]
    return Crops(pixels, labels, names, tuple(photos[row] for row in used), tuple(skipped), tuple(notes))


def face_points(size: int) -> Points:
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


def _whole_pictures(photos: Sequence[str], size: int) -> Iterator[tuple[RGB | None, str]]:
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
    """Write crops to a folder, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    try:
        used, skipped, several = list[int](), list[tuple[int, str]](), 0
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
        notes = [f"{several} pictures show several faces: the largest of each is used."] if several else []
        content = {"used": used, "skipped": skipped, "notes": notes}
        (part / ROWS).write_text(json.dumps(content), encoding="utf-8")
        if not folder.exists():
            part.rename(folder)
    except OSError as error:
        raise UsageError(f"{folder.parent} cannot be written to: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _add_header(folder: Path, count: int, size: int) -> None:
    """Make the file of bytes a file of numpy, whose header has the number of crops: known only at the end."""
    with (folder / PIXELS).open("wb") as target, (folder / "pixels").open("rb") as source:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
        np.lib.format.write_array_header_1_0(target, header)
        shutil.copyfileobj(source, target, 1 << 20)
    (folder / "pixels").unlink()


def _renumber(owners: NDArray[np.int64], people: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...], list[str]]:
    """Return labels among the people that have crops, their names, and a note on the others."""
    present, labels = np.unique(owners, return_inverse=True)
    lost = [people[person] for person in range(len(people)) if person not in set(present.tolist())]
    notes = [f"{len(lost)} people have no usable picture and are left out: {', '.join(lost[:3])}."] if lost else []
    return labels.astype(np.int64), tuple(people[person] for person in present), notes
