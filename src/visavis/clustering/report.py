"""Write clusters to an HTML page, where a user can name them, mark wrong faces and export people to enroll.

The page is one file that works without a network: pictures, styles and scripts are in it. All text from outside (file
names, names of people) is escaped, and the content security policy blocks all other scripts.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from importlib import metadata, resources
from pathlib import Path

import numpy as np

from visavis import atomic
from visavis.clustering._cluster import is_poor
from visavis.clustering.naming import Naming
from visavis.clustering.pictures import PagePictures, page_pictures
from visavis.clustering.types import Cluster, Clustering
from visavis.printable import make_printable

SCRIPTS = ("state.js", "view.js", "photo.js", "controls.js")


@dataclass(frozen=True, slots=True)
class _Face:
    """A face on the page: the path, file name and number of its photo, its box as JSON, its picture if there is one.

    ``sha256`` is the hash of the photo, or ""; ``name`` is the name that the face has already, or "".
    """

    photo: str
    sha256: str
    file_name: str
    photo_number: int
    box: str
    picture: str | None
    representative: bool
    name: str
    unassigned: bool


@dataclass(frozen=True, slots=True)
class _Section:
    """A cluster on the page; ``name`` is the name that most of its named faces have, or ""."""

    id: int
    faces: tuple[_Face, ...]
    name: str
    unassigned: bool
    poor: bool


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo on the page: its size in pixels (0 if it cannot be read), its URL and a small picture of it."""

    width: int
    height: int
    address: str
    picture: str | None


def page(clustering: Clustering, *, title: str, naming: Naming | None = None, skipped: list[str] | None = None) -> str:
    """Return the page as HTML, with the names of ``naming``.

    Photos are read again. Faces of a photo that is missing or has changed have no picture; a message for each such
    photo is appended to ``skipped``.
    """
    import jinja2

    naming = naming or Naming.unnamed(len(clustering.faces))
    pictures = page_pictures(clustering.faces, skipped=skipped)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clustering.faces.photos))}
    sections = [_make_section(clustering, cluster, naming, pictures, numbers) for cluster in clustering.clusters]
    script = '"use strict";\n(() => {\n' + "\n".join(map(_read_source, SCRIPTS)) + "})();\n"
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_replace_surrogates,  # not escaped: the page exports names and paths as they are
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count="{:,}".format, printable=make_printable)
    return environment.from_string(_read_source("page.html.j2")).render(
        title=title,
        clusters=[section for section in sections if len(section.faces) > 1],
        alone=[section for section in sections if len(section.faces) == 1],
        ties=clustering.ties,
        faces=len(clustering.faces),
        photos=[_make_photo(name, pictures) for name in numbers],
        names=sorted({*naming.names, *filter(None, naming.people)}),
        model=clustering.model,
        threshold=clustering.threshold,
        far=clustering.far,
        key=_storage_key(clustering),
        style=_read_source("page.css"),
        script=script,
        script_hash=_script_hash(script),
        version=metadata.version("visavis"),
        date=date.today().isoformat(),
    )


def _make_section(
    clustering: Clustering, cluster: Cluster, naming: Naming, pictures: PagePictures, numbers: dict[str, int]
) -> _Section:
    """Return the section of a cluster: the representative first, then the other faces in row order."""
    rows = sorted(cluster.rows.tolist(), key=lambda row: (row != cluster.representative, row))
    names = Counter(person for row in rows if (person := naming.people[row]))
    unassigned = all(row in naming.unassigned for row in rows)
    faces = tuple(_make_face(clustering, row, cluster, naming, pictures, numbers) for row in rows)
    name = "" if unassigned or not names else max(sorted(names), key=names.__getitem__)
    return _Section(cluster.id, faces, name, unassigned, is_poor(clustering.faces, cluster))


def _make_face(
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
        row in naming.unassigned,
    )


def _make_photo(name: str, pictures: PagePictures) -> _Photo:
    picture, width, height = pictures.photos.get(name, (None, 0, 0))
    return _Photo(width, height, _file_url(name), picture)


def _file_url(name: str) -> str:
    """Return the photo's file: URL, or "" if no such file exists."""
    try:
        path = Path(name).absolute()
        return path.as_uri() if path.exists() else ""
    except (OSError, ValueError):  # not a valid file name
        return ""


def _storage_key(clustering: Clustering) -> str:
    """Return a key made of the clusters, under which the browser stores the names that are typed in this page."""
    faces = clustering.faces
    rows = zip(clustering.labels.tolist(), faces.photos, faces.boxes.round(2).tolist(), strict=True)
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()[:16]


def _script_hash(script: str) -> str:
    """Return the hash of a script in the form of a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _read_source(name: str) -> str:
    return resources.files("visavis.clustering").joinpath("page", name).read_text(encoding="utf-8")


def _replace_surrogates(value: object) -> object:
    """Replace surrogates in text: a file name may have bytes that are not UTF-8."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return value


def write(
    path: Path, clustering: Clustering, *, title: str, naming: Naming | None = None, skipped: list[str] | None = None
) -> None:
    """Write the page atomically; ``skipped`` as in :func:`page`."""
    atomic.write_text(path, page(clustering, title=title, naming=naming, skipped=skipped))
