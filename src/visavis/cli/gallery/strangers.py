"""gallery strangers: list the unknown people that videos have shown."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, counted, note
from visavis.cli._table import Column

if TYPE_CHECKING:
    from datetime import datetime

    from visavis.videos.strangers import Stranger

COLUMNS = (Column("stranger"), Column("seen"), Column("first", drop=1), Column("last"), Column("cameras", fold=True))


def strangers(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """List unknown people that videos have shown.

    The command video remembers them with --strangers DAYS. The latest comes first. Exits 1 if there is none.
    """
    from visavis.videos.strangers import list_strangers

    with open_existing(gallery) as store, Output(*COLUMNS, json=json) as output:
        unknown = list_strangers(store)
        for stranger in unknown:
            output.answer(stranger.to_dict(), _make_row(stranger))
    if unknown:
        where = "" if gallery == GALLERY else f" --gallery {shlex.quote(gallery)}"
        latest = unknown[0]
        note(
            f"stranger {latest.number} was seen {counted(latest.sightings, 'time')}, last on "
            f"{_format_time(latest.last)}. Who is it? visavis gallery name NAME --stranger {latest.number}{where}"
        )
    else:
        note("this gallery remembers no strangers: visavis video SOURCE --strangers DAYS does.")
    raise typer.Exit(0 if unknown else 1)


def _make_row(stranger: Stranger) -> list[str]:
    return [
        str(stranger.number),
        counted(stranger.sightings, "time"),
        _format_time(stranger.first),
        _format_time(stranger.last),
        ", ".join(stranger.cameras),
    ]


def _format_time(time: datetime) -> str:
    return time.astimezone().isoformat(" ", "minutes")[:16]
