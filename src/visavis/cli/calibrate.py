"""calibrate: what a model's distances mean, measured on labeled photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._evaluation import Fresh, PhotoFolder, templates_of
from visavis.cli._files import writable_file, write_whole
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
    typer.Option("--name", metavar="TEXT", help="What the data is called in the table.", show_default="its path"),
]
Degrade = Annotated[
    bool,
    typer.Option("--degrade", help="Measure poor photos too, on worsened copies: thresholds then follow the quality."),
]


@takes(EMBEDDING)
def calibrate(  # noqa: PLR0913 - a command's options
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|DIR", exists=True, help="A folder of folders, one a person; or a list of pairs (CSV, LFW's)."
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
    """Measure what distances mean, on your own photos.

    Finds the thresholds that stand for rates of false accepts, and the map from distance to probability.
    The table is used by verify --calibration FILE, and in a gallery after gallery calibrate FILE. A rate is in it
    only if 30 or more false accepts stand behind it. Of a folder of people, the thresholds of one half are held
    against the other half.
    """
    from visavis.evaluate import calibrate as calibration
    from visavis.evaluate.data.pairs import read_pairs, read_people
    from visavis.evaluate.poor_photos import make_copies, person_numbers

    if degrade and not source.is_dir():
        raise UsageError("--degrade needs a folder of people: a list of pairs does not say who the others are.")
    if out:
        writable_file(out, endings=(".json",))
    one = networks.recognizer()
    data = name if name is not None else source.name
    with Output(*COLUMNS, json=json) as output:
        if source.is_dir():
            people = read_people(source, exclude=exclude or ())
            taken = templates_of(people.photos, one, min_face=networks.min_face, fresh=fresh, output=output)
            measured = calibration.of_people(taken, people.names, data=data)
            if degrade:
                numbers = person_numbers(people.names)
                copies = make_copies(taken, numbers, one, min_face=networks.min_face, progress=output.progress)
                measured = calibration.with_poor_photos(measured, copies)
        else:
            listed = read_pairs(source, photos)
            taken = templates_of(listed.photos, one, min_face=networks.min_face, fresh=fresh, output=output)
            measured = calibration.of_pairs(taken, listed, data=data)
        output.answer(measured.table(), *_rows(measured))
    if out:
        text = measured.text()
        write_whole(out, lambda file: file.write(text.encode()))
    _doubts(measured)


def _doubts(measured: Measured) -> None:
    if not measured.held_out:
        note("no rate was held against other people: it takes a folder of people, with enough in each half.")
    for half in measured.held_out:
        if not half.kept:
            note(
                f"a FAR of {half.far:g} by one half of the people is {half.measured:.2g} on the other "
                f"({_between(half.interval, '.2g')}): one in twenty such checks fails by chance."
            )


def _rows(measured: Measured) -> list[list[str]]:
    halves = {half.far: half for half in measured.held_out}
    return [
        [
            f"{rate.far:g}",
            short(rate.threshold),
            _between(rate.threshold_interval, ".4f"),
            short(rate.tar),
            f"{rate.false_accepts:,}",
            f"{half.measured:.2g} ({_between(half.interval, '.2g')})" if (half := halves.get(rate.far)) else "",
        ]
        for rate in measured.rates
    ]


def _between(interval: Interval | None, form: str) -> str:
    return "-" if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"
