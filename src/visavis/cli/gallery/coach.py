"""gallery coach: find what in a gallery will cause wrong answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visavis import defaults
from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, counted
from visavis.cli._table import Row
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.gallery import CoachReport

FRACTIONS = ("distance", "other_distance", "rate", "spread", "threshold")


def coach(
    *,
    fpir: Annotated[
        float, typer.Option("--fpir", help="False positive identification rate that sets the threshold.")
    ] = defaults.FPIR,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Find what in a gallery will cause wrong answers.

    Compares each template with all people, without itself. Lists photos that harm, people who are confused, one person
    under two names, and people with too few or too similar photos. Exits 1 if there is anything but too few photos.
    """
    with open_existing(gallery) as store, Output("advice", "person", json=json) as output:
        report = store.coach(fpir=fpir)
        rows = [*_make_rows(report)]
        output.answer(_round(report.to_dict()), *(rows or [Row(["none", ""], "nothing will cause wrong answers.")]))
    similar = any(person.kind == "similar" for person in report.thin)
    raise typer.Exit(1 if report.harmful or report.confused or report.same or similar else 0)


def _round(value: Any, key: str = "") -> Any:
    """Return values for JSON with rounded distances and rates."""
    if isinstance(value, dict):
        return {name: _round(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_round(item) for item in value]
    return significant(value) if key in FRACTIONS else value


def _make_rows(report: CoachReport) -> Iterator[Row]:
    for photo in report.harmful:
        where = f"template {photo.template_id} ({photo.photo})" if photo.photo else f"template {photo.template_id}"
        yield Row([photo.kind, photo.name], f"{where} {photo.message}")
    for same in report.same:
        text = f"{same.other_name} (id {same.other_id}) seems to be the same person: visavis gallery merge."
        yield Row(["same person", f"{same.name} (id {same.person_id})"], text)
    for pair in report.confused:
        text = (
            f"{pair.errors} of {counted(pair.templates, 'photo')} of both are named as {pair.other_name} or "
            f"{pair.name} wrongly ({pair.rate:.1%}); {pair.near} are near the other."
        )
        yield Row(["confused", pair.name], text)
    for person in report.thin:
        photos = counted(person.templates, "photo")
        more = "photos in other light, pose and age would help." if person.kind == "similar" else "more would help."
        yield Row([person.kind, person.name], f"{photos}: {more}")
