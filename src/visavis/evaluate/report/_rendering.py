"""Render templates of pages to files, with the common style, version and date, and cut out faces."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import date
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from visavis import align, images
from visavis.errors import ImageError
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.report import _figures
from visavis.evaluate.report._svg import legible
from visavis.evaluate.results import Interval
from visavis.types import RGB, Face

if TYPE_CHECKING:
    from jinja2 import Environment


SIDE, MARGIN = 112, 0.4
"""Side of a face on a page in pixels, and the margin around its box as a share of the box."""


def render(template: str, **values: object) -> str:
    """Render a template of this package with values; return the page."""
    return (
        _make_environment()
        .get_template(template)
        .render(side=SIDE, version=metadata.version("visavis"), date=date.today().isoformat(), **values)
    )


def without_common_folder(photos: Sequence[str]) -> list[str]:
    """Remove the folders that all photos share, which describe the machine rather than the photo."""
    try:
        common = os.path.commonpath([str(Path(photo).parent) for photo in photos])
    except ValueError:  # absolute and relative paths, or no path
        return list(photos)
    return [str(Path(photo).relative_to(common)) for photo in photos]


def _make_environment() -> Environment:
    import jinja2

    def escape_unprintable(value: object) -> object:
        """Escape unprintable characters in text values, but not in figures, which are markup."""
        return legible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value

    def read_source(name: str) -> str:
        return resources.files("visavis.evaluate.report").joinpath(name).read_text(encoding="utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(read_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=escape_unprintable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests.update(
        words=lambda cell: type(cell).__name__ == "Words", bar=lambda cell: type(cell).__name__ == "Bar"
    )
    environment.filters.update(
        percent=_format_percent, span=_format_interval, short=_figures.short, shorts=_format_rates, count=_format_count
    )
    return environment


def _format_percent(value: float, digits: int = 2) -> str:
    return f"{100 * value:.{digits}f} %"


def _format_interval(ends: Interval, pattern: str = ".4f", factor: float = 1) -> str:
    return f"{ends[0] * factor:{pattern}} to {ends[1] * factor:{pattern}}"


def _format_rates(ends: Interval) -> str:
    return f"{_figures.short(ends[0])} to {_figures.short(ends[1])}"


def _format_count(value: int) -> str:
    return f"{value:,}"


def thumbnails(templates: Templates, rows: Iterable[int]) -> dict[int, str]:
    """Cut the face of each row out of its photo: a data address by row.

    A row is left out if the photo is missing, unreadable or has no face. Photos are read as files, so "-" is not
    standard input here.
    """
    cut = {row: _cut_face(templates.photos[row], templates.boxes[row].astype(np.float32)) for row in sorted(set(rows))}
    return {row: images.data_address(face) for row, face in cut.items() if face is not None}


def _cut_face(photo: str, box: np.ndarray[tuple[int], np.dtype[np.float32]]) -> RGB | None:
    if not (box[2] > box[0] and box[3] > box[1]):
        return None
    try:
        picture = images.read(Path(photo)).pixels
    except ImageError:
        return None
    face = Face(box, 1.0, np.zeros((5, 2), np.float32))
    crop: RGB = align.square_crops(picture, [face], size=SIDE, margin=MARGIN)[0]
    return crop
