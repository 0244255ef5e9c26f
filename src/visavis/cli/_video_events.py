"""How the command video prints events: lines of JSON, rows of a table at the end, lines of text of a camera."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from visavis._show import percent
from visavis.cli._output import Output, short
from visavis.cli._table import Column, Row
from visavis.cli._videos import format_moment
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.videos.types import VideoEvent

COLUMNS = (
    "who",
    Column("from"),
    Column("to"),
    Column("track", drop=2),
    "distance",
    "probability",
    Column("liveness", drop=3),
    Column("camera", drop=4),
    Column("best face", drop=1),
)


def print_event(output: Output, event: VideoEvent, *, live: bool) -> None:
    """Print an event as JSON; otherwise at once if the source is ``live``, else as a row when its track has ended."""
    ended = event.event == "ended"
    output.answer(_make_line(event), *([_make_row(event)] if ended and not live else []))
    if live:
        output.line(_describe(event))


def _make_line(event: VideoEvent) -> dict[str, object]:
    line = event.to_dict()
    for key in ("distance", "probability", "liveness", "from", "to"):
        value = line[key]
        line[key] = significant(value) if isinstance(value, float) else value
    return line


def _make_row(event: VideoEvent) -> Row:
    return Row(
        [
            _format_person(event),
            format_moment(event.start),
            format_moment(event.end),
            str(event.track),
            short(event.distance),
            percent(event.probability),
            percent(event.liveness),
            event.camera,
            event.best_face or "-",
        ]
    )


def _describe(event: VideoEvent) -> str:
    """Return an event in a line: when, which camera, who."""
    details = [f"track {event.track}"]
    if event.event == "ended":
        details.append(f"since {_format_time(event.start)}")
    if event.distance is not None:
        details.append(f"distance {short(event.distance)}")
    if event.probability is not None:
        details.append(f"probability {percent(event.probability)}")
    if event.liveness is not None:
        details.append(f"liveness {percent(event.liveness)}")
    return f"{format_moment(event.end)}  {event.camera}  {event.event}  {_format_person(event)}  ({', '.join(details)})"


def _format_time(moment: float | datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}" if isinstance(moment, datetime) else format_moment(moment)


def _format_person(event: VideoEvent) -> str:
    if event.name is not None:
        return event.name
    return "unknown" if event.stranger is None else f"stranger {event.stranger}"
