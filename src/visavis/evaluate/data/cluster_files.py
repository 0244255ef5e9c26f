"""Files of clusters -> the cluster of each face and the person it is of.

JSON Lines as ``visavis cluster --json`` prints them, an object a face with ``photo``, ``cluster``, perhaps ``box`` and
``person``; or CSV with a head that has these columns (but no box). A cluster that is null, empty or -1 is none: such a
face stands alone. Objects with a ``status`` other than "ok" are photos without a face.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.images import shown
from visavis.text_files import json_lines, malformed, read_text

NONE = {"", "-1"}
FAR_AWAY = 1e9
"""No photo has so many pixels a side."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """One row a face: its photo, the person it is of, and its cluster as a number ``clusters (n,)``.

    ``alone`` of them are in no cluster: each has a number of its own. Left out are ``bystanders`` (of a photo of which
    only one person is known, all faces but the largest) and ``unlabeled`` faces (of nobody knows whom); ``failures``
    are photos without a face.
    """

    photos: tuple[str, ...]
    people: tuple[str, ...]
    clusters: NDArray[np.intp]
    alone: int
    bystanders: int
    unlabeled: int
    failures: int


@dataclass(frozen=True, slots=True)
class _Face:
    """One line of a file; without a person the name is empty."""

    line: int
    photo: str
    cluster: str | None
    person: str
    box: tuple[float, ...] | None


def read_clusters(path: Path, truth: Path | None = None) -> Clusters:
    """Read a file of clusters, of either format, and find whose each face is.

    That is told by the CSV ``truth`` (columns photo and person; a photo there is one of the file's or the end of its
    path), else by ``person`` in the file itself, else by the name of the photo's folder. Only ``person`` speaks of a
    face. The others speak of a photo: of several faces on it the largest is taken, as wherever a photo is about one
    person. Raises UsageError, which names the line.
    """
    people = _truth(truth) if truth else None
    text = read_text(path)
    try:
        faces, failures = _faces(text)
        labeled, kept = _of_known_people(faces, people)
    except UsageError as error:
        raise UsageError(f"{shown(str(path))}, {error}") from error
    if not faces:
        raise UsageError(f"{shown(str(path))} holds no face.")
    if not kept:
        told = f"{shown(str(truth))} tells" if truth else "is known"
        raise UsageError(f"{shown(str(path))} holds no face of which {told} whose it is.")
    return Clusters(
        tuple(face.photo for face in kept),
        tuple(face.person for face in kept),
        _numbers(kept),
        alone=sum(face.cluster is None for face in kept),
        bystanders=len(labeled) - len(kept),
        unlabeled=len(faces) - len(labeled),
        failures=failures,
    )


def _numbers(faces: Sequence[_Face]) -> NDArray[np.intp]:
    numbers: dict[str | int, int] = {}
    labels = (face.line if face.cluster is None else face.cluster for face in faces)
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], np.intp)


# ------------------------------------------------------------------------------------------- whose each face is


def _of_known_people(faces: Sequence[_Face], people: Mapping[str, str] | None) -> tuple[list[_Face], list[_Face]]:
    """Faces whose person is known, and those of them that count."""
    if people is None and any(face.person for face in faces):
        labeled = [face for face in faces if face.person]
        return labeled, labeled
    if people is None:
        labeled = [replace(face, person=_folder(face)) for face in faces]
    else:
        keys = {photo: _longest_end(photo, people) for photo in {face.photo for face in faces}}
        _check_unambiguous(keys)
        labeled = [replace(face, person=people[key]) for face in faces if (key := keys[face.photo]) is not None]
    return labeled, _largest(labeled)


def _folder(face: _Face) -> str:
    name = PurePath(face.photo).parent.name
    if not name:
        raise malformed(
            face.line,
            f"{shown(face.photo)} is in no folder that names its person: give a CSV of photo and person, "
            "or a person a line.",
        )
    return unicodedata.normalize("NFC", name)


def _longest_end(photo: str, people: Mapping[str, str]) -> str | None:
    parts = PurePath(photo).parts
    ends = [photo, *("/".join(parts[n:]) for n in range(len(parts)))]
    return next((end for end in ends if end in people), None)


def _check_unambiguous(keys: Mapping[str, str | None]) -> None:
    for key, times in Counter(keys.values()).items():
        if key is not None and times > 1:
            raise UsageError(f"{times} photos of it end in {shown(key)}: name the folder too in the CSV of people.")


def _largest(faces: Sequence[_Face]) -> list[_Face]:
    """Keep one face a photo, in the order of the file; of the same size the first."""
    kept: dict[str, _Face] = {}
    for face in faces:
        other = kept.setdefault(face.photo, face)
        if other is face:
            continue
        if face.box is None or other.box is None:
            raise malformed(
                face.line,
                f"{shown(face.photo)} comes a second time, after line {other.line}, and without boxes nobody can tell "
                f"which face is {shown(face.person)}: give boxes, or a person a line.",
            )
        if _area(face.box) > _area(other.box):
            kept[face.photo] = face
    return sorted(kept.values(), key=lambda face: face.line)


def _area(box: tuple[float, ...]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


# ------------------------------------------------------------------------------------------------- the lines


def _faces(text: str) -> tuple[list[_Face], int]:
    """Faces of a file, and how many photos had none."""
    lines = json_lines(text) if text.lstrip().startswith("{") else _csv_lines(text, ("photo", "cluster"))
    faces: list[_Face] = []
    seen: dict[tuple[str, tuple[float, ...]], int] = {}
    failures = 0
    for number, line in lines:
        if line.get("status", "ok") != "ok":
            failures += 1
            continue
        face = _face(number, line)
        faces.append(face)
        if face.box is not None and (first := seen.setdefault((face.photo, face.box), number)) != number:
            raise malformed(number, f"this face of {shown(face.photo)} is on line {first} already.")
    return faces, failures


def _face(number: int, line: Mapping[str, object]) -> _Face:
    photo, person = line.get("photo"), line.get("person")
    if not isinstance(photo, str) or not photo:
        raise malformed(number, "there is no photo, which is the name of a file.")
    if not isinstance(person, str | None):
        raise malformed(number, f"a person is a name, got {shown(str(person))}.")
    if "cluster" not in line:
        raise malformed(number, "there is no cluster; null says that a face is in none.")
    name = unicodedata.normalize("NFC", person) if person else ""
    return _Face(number, photo, _cluster(number, line["cluster"]), name, _box(number, line.get("box")))


def _cluster(number: int, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | str | None):
        raise malformed(number, f"a cluster is a whole number or a name, got {shown(str(value))}.")
    text = "" if value is None else str(value).strip()
    return None if text in NONE else text


def _box(number: int, value: object) -> tuple[float, ...] | None:
    if value is None:
        return None
    numbers = value if isinstance(value, list) else []
    box = tuple(float(one) for one in numbers if type(one) in (int, float) and abs(one) < FAR_AWAY)
    if len(box) != 4 or len(numbers) != 4 or box[2] < box[0] or box[3] < box[1]:
        raise malformed(number, f"a box is four numbers x1, y1, x2, y2, got {shown(json.dumps(value))}.")
    return box


def _csv_lines(text: str, needed: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, object]]]:
    rows = _rows(text)
    _, first = next(rows, (1, []))
    head = [cell.strip().lower() for cell in first]
    if not set(needed) <= set(head) or len(set(head)) < len(head):
        raise malformed(1, f"the head must have the columns {' and '.join(needed)}, got {shown(','.join(head))}.")
    for number, row in rows:
        if not any(row):
            continue
        if len(row) != len(head):
            raise malformed(number, f"expected {len(head)} cells, got {len(row)}.")
        cells = dict(zip(head, (cell.strip() for cell in row), strict=True))
        yield number, {name: cells[name] for name in ("photo", "cluster", "person") if name in cells}


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise malformed(reader.line_num, f"this is no CSV: {error}.") from error


def _truth(path: Path) -> dict[str, str]:
    """Read the person of each photo."""
    people: dict[str, str] = {}
    text = read_text(path)
    try:
        for number, line in _csv_lines(text, ("photo", "person")):
            photo, person = str(line["photo"]), unicodedata.normalize("NFC", str(line["person"]))
            if not photo or not person:
                raise malformed(number, "a photo and a person are needed, and one is empty.")
            if people.setdefault(photo, person) != person:
                raise malformed(number, f"{shown(photo)} was {shown(people[photo])} before, and now {shown(person)}.")
    except UsageError as error:
        raise UsageError(f"{shown(str(path))}, {error}") from error
    return people
