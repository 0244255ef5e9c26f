"""Clusters on one page that a person can look through: name them, mark wrong faces, export people to enroll.

The page is one file that works without a network: what it shows and does is within it. Whatever comes from outside
(file names, names of people) is escaped, and the browser refuses scripts other than the page's own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass
from datetime import date
from importlib import metadata, resources
from pathlib import Path

import numpy as np

from visavis.clustering._cluster import is_poor
from visavis.clustering.naming import Naming
from visavis.clustering.pictures import PagePictures, page_pictures
from visavis.types import Cluster, Clustering

SCRIPTS = ("state.js", "view.js", "photo.js", "controls.js")


@dataclass(frozen=True, slots=True)
class _Face:
    """A face on the page: its photo in full, shortened, and by number; its box as JSON; its picture if there is one.

    ``sha256`` is the hash of the photo ("": not known), ``known`` the name that the face has already, or "".
    """

    photo: str
    sha256: str
    shown: str
    photo_number: int
    box: str
    picture: str | None
    representative: bool
    known: str
    nobody: bool


@dataclass(frozen=True, slots=True)
class _Section:
    """A cluster on the page; ``known`` is the name that most of its named faces have, or ""."""

    id: int
    faces: tuple[_Face, ...]
    known: str
    nobody: bool
    poor: bool


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo of the page: its size in pixels (0 where it is gone), its address, and a small picture of it."""

    width: int
    height: int
    address: str
    picture: str | None


def page(clustering: Clustering, *, title: str, naming: Naming | None = None, skipped: list[str] | None = None) -> str:
    """Return the page as text, with the names that ``naming`` knows.

    Photos are read again. A face whose photo is gone, or is another by now, has no picture: ``skipped`` takes a
    sentence for each such photo.
    """
    import jinja2

    naming = naming or Naming.of_nobody(len(clustering.faces))
    pictures = page_pictures(clustering.faces, skipped=skipped)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clustering.faces.photos))}
    sections = [_section(clustering, cluster, naming, pictures, numbers) for cluster in clustering.clusters]
    script = '"use strict";\n(() => {\n' + "\n".join(map(_source, SCRIPTS)) + "})();\n"
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, finalize=_printed, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["count"] = "{:,}".format
    return environment.from_string(_source("page.html.j2")).render(
        title=title,
        clusters=[section for section in sections if len(section.faces) > 1],
        alone=[section for section in sections if len(section.faces) == 1],
        ties=clustering.ties,
        faces=len(clustering.faces),
        photos=[_photo(name, pictures) for name in numbers],
        names=sorted({*naming.names, *filter(None, naming.people)}),
        model=clustering.model,
        threshold=clustering.threshold,
        far=clustering.far,
        key=_key(clustering),
        style=_source("page.css"),
        script=script,
        script_hash=_hash(script),
        version=metadata.version("visavis"),
        date=date.today().isoformat(),
    )


def _section(
    clustering: Clustering, cluster: Cluster, naming: Naming, pictures: PagePictures, numbers: dict[str, int]
) -> _Section:
    """Put the representative first, then the faces in their order."""
    rows = sorted(cluster.rows.tolist(), key=lambda row: (row != cluster.representative, row))
    names = Counter(name for row in rows if (name := naming.people[row]))
    nobody = all(row in naming.nobody for row in rows)
    faces = tuple(_face(clustering, row, cluster, naming, pictures, numbers) for row in rows)
    known = "" if nobody or not names else max(sorted(names), key=names.__getitem__)
    return _Section(cluster.id, faces, known, nobody, is_poor(clustering.faces, cluster))


def _face(
    clustering: Clustering,
    row: int,
    cluster: Cluster,
    naming: Naming,
    pictures: PagePictures,
    numbers: dict[str, int],
) -> _Face:
    photo = clustering.faces.photos[row]
    return _Face(
        photo,
        clustering.faces.photo_hash(row) or "",
        Path(photo).name,
        numbers[photo],
        json.dumps(np.round(clustering.faces.boxes[row].astype(float), 2).tolist()),
        pictures.faces.get(row),
        row == cluster.representative,
        naming.people[row] or "",
        row in naming.nobody,
    )


def _photo(name: str, pictures: PagePictures) -> _Photo:
    picture, width, height = pictures.photos.get(name, (None, 0, 0))
    return _Photo(width, height, _address(name), picture)


def _address(name: str) -> str:
    """Return the photo as a file: URL; "" for a name that is none of a file."""
    try:
        path = Path(name).absolute()
        return path.as_uri() if path.exists() else ""
    except (OSError, ValueError):  # a name that no file can have
        return ""


def _key(clustering: Clustering) -> str:
    """Name what is shown, so that the browser finds the names given to it again, and those only."""
    faces = clustering.faces
    rows = zip(clustering.labels.tolist(), faces.photos, faces.boxes.round(2).tolist(), strict=True)
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()[:16]


def _hash(script: str) -> str:
    """Name a script as a content security policy does: no other runs in the page."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _source(name: str) -> str:
    return resources.files("visavis.clustering").joinpath("page", name).read_text(encoding="utf-8")


def _printed(value: object) -> object:
    """Replace what UTF-8 cannot hold in any text that is put in: names of files may carry bytes that are no text."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return value


def write(
    path: Path, clustering: Clustering, *, title: str, naming: Naming | None = None, skipped: list[str] | None = None
) -> None:
    """Write the page, whole or not at all; ``skipped`` as in :func:`page`."""
    text = page(clustering, title=title, naming=naming, skipped=skipped)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
