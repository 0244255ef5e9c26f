"""Render templates of pages to files, with the common style, version and date."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

from visavis.evaluate.report import _figures
from visavis.evaluate.report.thumbnails import SIDE
from visavis.evaluate.results import Interval
from visavis.printable import make_printable

if TYPE_CHECKING:
    from jinja2 import Environment


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

    def escape_foreign_text(value: object) -> object:
        """Escape control, bidi and zero-width characters in text values, but not in figures, which are markup."""
        return make_printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value

    def read_source(name: str) -> str:
        return resources.files("visavis.evaluate.report").joinpath(name).read_text(encoding="utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(read_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=escape_foreign_text,
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
