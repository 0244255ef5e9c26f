"""Clusters on one page that a person can look through: name them, mark wrong faces, export people to enrol.

The page is one file that works without a network: what it shows and does is within it. Whatever comes from outside
(file names) is escaped, and scripts other than its own are refused by the browser.
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

import numpy as np

from visavis import images
from visavis.clustering.pictures import cut
from visavis.types import Cluster, Clustering

SIDE = 96
MARGIN = 0.3


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


def page(found: Clustering, *, title: str) -> str:
    """Return the page as text. Photos are read again; a face whose photo is gone has no picture."""
    import jinja2

    pictures = {row: images.data_address(crop) for row, crop in cut(found.faces, size=SIDE, margin=MARGIN)}
    sections = [_section(found, cluster, pictures) for cluster in found.clusters]
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, finalize=_printed, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(count=lambda value: f"{value:,}")
    script = _source("report.js")
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
        script=_Markup(script),
        script_hash=_hash(script),
        version=metadata.version("visavis"),
        date=date.today().isoformat(),
    )
