"""calibrate: measure thresholds and probabilities of a model on labeled photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import atomic
from visavis.cli._evaluation import Fresh, PhotoFolder, templates_of
from visavis.cli._files import writable_file
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, note, short
from visavis.cli._sources import Exclude
from visavis.cli._table import Column
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.evaluate.calibrate import Measured
    from visavis.evaluate.results import Interval

COLUMNS = (
    "FAR",
    Column("threshold"),
    Column("interval", drop=1),
    "TAR",
    Column("false accepts", drop=2),
    "FAR on the other half",
)

Table = Annotated[
    Path | None, typer.Option("--out", metavar="FILE.json", dir_okay=False, help="Write the table to this file.")
]
DataName = Annotated[
    str | None,
    typer.Option("--name", metavar="TEXT", help="Name of the data in the table.", show_default="its path"),
]
Degrade = Annotated[
    bool,
    typer.Option("--degrade", help="Also measure degraded copies: thresholds then depend on quality."),
]


@takes(EMBEDDING)
def calibrate(  # noqa: PLR0913 - a command's options
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|DIR",
            exists=True,
            help="A folder with one subfolder per person, or a list of pairs (CSV, LFW).",
        ),
    ],
    *,
    exclude: Exclude = None,
    out: Table = None,
    name: DataName = None,
    photos: PhotoFolder = None,
    networks: Networks,
    fresh: Fresh = False,
    degrade: Degrade = False,
    json: Json = False,
) -> None:
    """Calibrate a model on your own photos.

    Measures the threshold for each false accept rate, and the probability for each distance. Use the table with verify
    --calibration FILE, or in a gallery after gallery calibrate FILE. It has only rates that were measured on 30 or more
    false accepts. With a folder of people, checks the thresholds of one half of the people on the other half.
    """
    from visavis.evaluate import calibrate as calibration
    from visavis.evaluate.data.pairs import read_pairs, read_people
    from visavis.evaluate.poor_photos import make_copies, person_numbers

    if degrade and not source.is_dir():
        raise UsageError("--degrade needs a folder of people: a list of pairs does not say who the others are.")
    if out:
        writable_file(out, endings=(".json",))
    recognizer = networks.recognizer()
    data = name if name is not None else source.name
    with Output(*COLUMNS, json=json) as output:
        if source.is_dir():
            people = read_people(source, exclude=exclude or ())
            templates = templates_of(people.photos, recognizer, min_face=networks.min_face, fresh=fresh, output=output)
            measured = calibration.of_people(templates, people.names, data=data)
            if degrade:
                numbers = person_numbers(people.names)
                copies = make_copies(
                    templates, numbers, recognizer, min_face=networks.min_face, progress=output.progress
                )
                measured = calibration.with_poor_photos(measured, copies)
        else:
            pair_list = read_pairs(source, photos)
            templates = templates_of(
                pair_list.photos, recognizer, min_face=networks.min_face, fresh=fresh, output=output
            )
            measured = calibration.of_pairs(templates, pair_list, data=data)
        output.answer(measured.table(), *_make_rows(measured))
    if out:
        text = measured.text()
        atomic.write_text(out, text)
    _note_doubts(measured)


def _note_doubts(measured: Measured) -> None:
    if not measured.held_out:
        note("no rate was checked on other people: this needs a folder of people, with enough in each half.")
    for half in measured.held_out:
        if not half.kept:
            note(
                f"a FAR of {half.far:g} by one half of the people is {half.measured:.2g} on the other "
                f"({_format_interval(half.interval, '.2g')}): one in twenty such checks fails by chance."
            )


def _make_rows(measured: Measured) -> list[list[str]]:
    halves = {half.far: half for half in measured.held_out}
    return [
        [
            f"{rate.far:g}",
            short(rate.threshold),
            _format_interval(rate.threshold_interval, ".4f"),
            short(rate.tar),
            f"{rate.false_accepts:,}",
            f"{half.measured:.2g} ({_format_interval(half.interval, '.2g')})" if (half := halves.get(rate.far)) else "",
        ]
        for rate in measured.rates
    ]


def _format_interval(interval: Interval | None, form: str) -> str:
    return "-" if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"
