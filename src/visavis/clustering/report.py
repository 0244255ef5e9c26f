"""Clusters on one page that a person can look through: name them, mark wrong faces, export people to enrol.

The page is one file that works without a network: what it shows and does is within it. Whatever comes from outside
(file names) is escaped, and the browser refuses scripts other than its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import metadata, resources
from pathlib import Path

from visavis import images
from visavis.clustering.pictures import cut
from visavis.types import Cluster, Clustering

SIDE = 96
MARGIN = 0.3
JPEG_QUALITY = 75


@dataclass(frozen=True, slots=True)
class _Face:
    """A face on the page: its photo in full and as it is shown, its box as JSON, and its picture if there is one."""

    photo: str
    shown: str
    box: str
    picture: str | None
    representative: bool


@dataclass(frozen=True, slots=True)
class _Section:
    id: int
    faces: tuple[_Face, ...]


def page(found: Clustering, *, title: str, skipped: list[str] | None = None) -> str:
    """Return the page as text.

    Photos are read again. A face whose photo is gone, or is another by now, has no picture: ``skipped`` takes a
    sentence for each such photo.
    """
    import jinja2

    crops = cut(found.faces, size=SIDE, margin=MARGIN, skipped=skipped)
    pictures = {row: images.data_address(crop, quality=JPEG_QUALITY) for row, crop in crops}
    sections = [_section(found, cluster, pictures) for cluster in found.clusters]
    script = _source("report.js")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, finalize=_printed, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["count"] = "{:,}".format
    return environment.from_string(_source("report.html.j2")).render(
        title=title,
        clusters=[one for one in sections if len(one.faces) > 1],
        alone=[one for one in sections if len(one.faces) == 1],
        ties=found.ties,
        faces=len(found.faces),
        photos=len(set(found.faces.photos)),
        model=found.model,
        threshold=found.threshold,
        far=found.far,
        key=_key(found),
        side=SIDE,
        script=script,
        script_hash=_hash(script),
        version=metadata.version("visavis"),
        date=date.today().isoformat(),
    )


def _section(found: Clustering, cluster: Cluster, pictures: Mapping[int, str]) -> _Section:
    """Put the representative first, then the faces in their order."""
    rows = sorted(cluster.rows.tolist(), key=lambda row: (row != cluster.representative, row))
    return _Section(cluster.id, tuple(_face(found, row, pictures.get(row), cluster) for row in rows))


def _face(found: Clustering, row: int, picture: str | None, cluster: Cluster) -> _Face:
    photo = found.faces.photos[row]
    box = json.dumps([round(float(side), 2) for side in found.faces.boxes[row]])
    return _Face(photo, Path(photo).name, box, picture, row == cluster.representative)


def _key(found: Clustering) -> str:
    """Name what is shown, so that the browser finds the names given to it again, and those only."""
    faces = zip(found.labels.tolist(), found.faces.photos, found.faces.boxes.round(2).tolist(), strict=True)
    return hashlib.sha256(json.dumps(sorted(faces)).encode()).hexdigest()[:16]


def _hash(script: str) -> str:
    """Name a script as a content security policy does: no other runs in the page."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _source(name: str) -> str:
    return resources.files("visavis.clustering").joinpath(name).read_text(encoding="utf-8")


def _printed(value: object) -> object:
    """Replace what UTF-8 cannot hold in any text that is put in: names of files may carry bytes that are no text."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return value


def write(path: Path, found: Clustering, *, title: str, skipped: list[str] | None = None) -> None:
    """Write the page, whole or not at all; ``skipped`` as in :func:`page`."""
    text = page(found, title=title, skipped=skipped)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
