"""Read files of clusters: the cluster of each face and its person.

JSON Lines as ``visavis cluster --json`` prints them, an object a face with ``photo``, ``cluster``, optionally ``box``
and ``person``; or CSV with a head that has these columns (but no box). A cluster that is null, empty or -1 means that
the face stands alone. Objects with a ``status`` other than "ok" are photos without a face.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from visavis.csv_files import read_table
from visavis.errors import UsageError
from visavis.evaluate.data.photo_ends import match_photos
from visavis.images import shown
from visavis.images.photo_files import nfc
from visavis.text_files import errors_in, json_lines, malformed, read_text

NO_CLUSTER = {"", "-1"}
COORDINATE_LIMIT = 1e9
"""Limit of coordinates, above the side of every photo in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Faces, a row each: photo, person, and the number of the cluster ``clusters (n,)``.

    ``alone`` faces are in no cluster: each has a number of its own. Left out are ``bystanders`` (in a photo with one
    known person, all faces but the largest) and ``unlabeled`` faces (of an unknown person); ``failures`` are photos
    without a face.
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
    """Read a file of clusters, of either format, and find the person of each face.

    The person is that of the CSV ``truth`` (columns photo and person; a photo there is one of the file's or the end of
    its path), else ``person`` in the file itself, else the name of the photo's folder. Only ``person`` belongs to a
    face. The others belong to a photo: of several faces in it the largest is chosen. Raises UsageError, which names the
    line.
    """
    people = _read_truth(truth) if truth else None
    text = read_text(path)
    with errors_in(path):
        faces, failures = _read_faces(text)
        labeled, kept = _label_faces(faces, people)
    if not faces:
        raise UsageError(f"{shown(str(path))} holds no face.")
    if not kept:
        source = f"{shown(str(truth))} tells" if truth else "is known"
        raise UsageError(f"{shown(str(path))} holds no face of which {source} whose it is.")
    return Clusters(
        tuple(face.photo for face in kept),
        tuple(face.person for face in kept),
        _number_clusters(kept),
        alone=sum(face.cluster is None for face in kept),
        bystanders=len(labeled) - len(kept),
        unlabeled=len(faces) - len(labeled),
        failures=failures,
    )


def _number_clusters(faces: Sequence[_Face]) -> NDArray[np.intp]:
    numbers: dict[str | int, int] = {}
    labels = (face.line if face.cluster is None else face.cluster for face in faces)
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], np.intp)


# ------------------------------------------------------------------------------------------ person of each face


def _label_faces(faces: Sequence[_Face], people: Mapping[str, str] | None) -> tuple[list[_Face], list[_Face]]:
    """Return the faces with a known person, and those of them that count."""
    if people is None and any(face.person for face in faces):
        labeled = [face for face in faces if face.person]
        return labeled, labeled
    if people is None:
        labeled = [replace(face, person=_take_folder_name(face)) for face in faces]
    else:
        keys = match_photos({face.photo for face in faces}, people, table="the CSV of people")
        labeled = [replace(face, person=people[key]) for face in faces if (key := keys[face.photo]) is not None]
    return labeled, _keep_largest(labeled)


def _take_folder_name(face: _Face) -> str:
    name = PurePath(face.photo).parent.name
    if not name:
        raise malformed(
            face.line,
            f"{shown(face.photo)} is in no folder that names its person: give a CSV of photo and person, "
            "or a person a line.",
        )
    return nfc(name)


def _keep_largest(faces: Sequence[_Face]) -> list[_Face]:
    """Keep the largest face of each photo, in the order of the file; of equal sizes the first."""
    largest: dict[str, _Face] = {}
    for face in faces:
        other = largest.setdefault(face.photo, face)
        if other is face:
            continue
        if face.box is None or other.box is None:
            raise malformed(
                face.line,
                f"{shown(face.photo)} comes a second time, after line {other.line}, and without boxes one cannot tell "
                f"which face is {shown(face.person)}: give boxes, or a person a line.",
            )
        if _compute_area(face.box) > _compute_area(other.box):
            largest[face.photo] = face
    return sorted(largest.values(), key=lambda face: face.line)


def _compute_area(box: tuple[float, ...]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


# ------------------------------------------------------------------------------------------------- the lines


def _read_faces(text: str) -> tuple[list[_Face], int]:
    """Return the faces of a file, and the number of photos without a face."""
    lines: Iterator[tuple[int, Mapping[str, object]]]
    lines = (
        json_lines(text)
        if text.lstrip().startswith("{")
        else read_table(text, ("photo", "cluster"), optional=("person",))
    )
    faces: list[_Face] = []
    lines_of_faces: dict[tuple[str, tuple[float, ...]], int] = {}
    failures = 0
    for number, line in lines:
        if line.get("status", "ok") != "ok":
            failures += 1
            continue
        face = _parse_face(number, line)
        faces.append(face)
        if face.box is not None and (first := lines_of_faces.setdefault((face.photo, face.box), number)) != number:
            raise malformed(number, f"this face of {shown(face.photo)} is on line {first} already.")
    return faces, failures


def _parse_face(number: int, line: Mapping[str, object]) -> _Face:
    photo, person = line.get("photo"), line.get("person")
    if not isinstance(photo, str) or not photo:
        raise malformed(number, "there is no photo, which is the name of a file.")
    if not isinstance(person, str | None):
        raise malformed(number, f"a person is a name, got {shown(str(person))}.")
    if "cluster" not in line:
        raise malformed(number, "there is no cluster; null says that a face is in none.")
    name = nfc(person) if person else ""
    return _Face(number, photo, _parse_cluster(number, line["cluster"]), name, _parse_box(number, line.get("box")))


def _parse_cluster(number: int, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | str | None):
        raise malformed(number, f"a cluster is a whole number or a name, got {shown(str(value))}.")
    text = "" if value is None else str(value).strip()
    return None if text in NO_CLUSTER else text


def _parse_box(number: int, value: object) -> tuple[float, ...] | None:
    if value is None:
        return None
    numbers = value if isinstance(value, list) else []
    box = tuple(float(value) for value in numbers if type(value) in (int, float) and abs(value) < COORDINATE_LIMIT)
    if len(box) != 4 or len(numbers) != 4 or box[2] < box[0] or box[3] < box[1]:
        raise malformed(number, f"a box is four numbers x1, y1, x2, y2, got {shown(json.dumps(value))}.")
    return box


def _read_truth(path: Path) -> dict[str, str]:
    """Read the person of each photo."""
    people: dict[str, str] = {}
    text = read_text(path)
    with errors_in(path):
        for number, line in read_table(text, ("photo", "person")):
            photo, person = nfc(line["photo"]), nfc(line["person"])
            if not photo or not person:
                raise malformed(number, "a photo and a person are needed, and one is empty.")
            if people.setdefault(photo, person) != person:
                raise malformed(number, f"{shown(photo)} was {shown(people[photo])} before, and now {shown(person)}.")
    return people
