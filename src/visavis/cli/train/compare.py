"""train compare: train several architectures alike, and show them side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import DETECTOR, DetectorName, Json
from visavis.cli._output import Output, note
from visavis.cli._sources import Exclude
from visavis.cli._table import Column
from visavis.cli.train._interrupts import INTERRUPTED, catch_interrupts
from visavis.cli.train.network import Aligned, Config, Epochs, LossOption, Minutes, People, Seed, Size, describe_plan
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.train.compare_report import NetworkComparison

COLUMNS = (
    "",
    "accuracy",
    Column("TAR", drop=3),
    "seconds",
    Column("epochs", drop=1),
    Column("parameters", drop=2),
    Column("file, MB", drop=1),
    Column("remark", fold=True),
)

Architectures = Annotated[
    str, typer.Option("--arch", metavar="A,B,...", help="Architectures, joined by commas.", show_default=False)
]
Folder = Annotated[
    Path, typer.Option("--out", metavar="DIR", file_okay=False, help="Folder for the runs and the page report.html.")
]


def compare(  # noqa: PLR0913 - a command's options
    source: People,
    *,
    out: Folder,
    architectures: Architectures,
    exclude: Exclude = None,
    loss: LossOption = None,
    epochs: Epochs = None,
    minutes: Minutes = None,
    size: Size = None,
    config: Config = None,
    seed: Seed = None,
    aligned: Aligned = False,
    detector: DetectorName = DETECTOR,
    json: Json = False,
) -> None:
    """Compare architectures that are trained alike on your photos.

    All have the same photos, seed, and minutes or epochs; every tenth photo of each person is held out. Beside them
    stands a classifier on the embeddings of the default network. Runs that DIR holds are not trained again: after
    Ctrl-C the same command goes on.
    """
    from visavis.train.compare import compare_networks
    from visavis.train.config import Settings, parse, read

    names = [name for part in architectures.split(",") if (name := part.strip())]
    if not names:
        raise UsageError("--arch needs the name of an architecture or more.")
    options = {"loss": loss and loss.value, "epochs": epochs, "minutes": minutes, "size": size, "seed": seed}
    given = {name: value for name, value in options.items() if value is not None}
    settings = parse(given, read(config) if config else Settings())
    with Output("", json=json) as output, catch_interrupts() as interrupted:
        compared = compare_networks(
            source,
            out,
            names,
            settings,
            aligned=aligned,
            detector=detector,
            exclude=exclude or (),
            progress=output.progress,
            planned=lambda name, plan: note(f"{name}: {describe_plan(plan)}"),
            interrupted=interrupted,
        )
    _print_comparison(compared, json=json)


def _print_comparison(compared: NetworkComparison, *, json: bool) -> None:
    from visavis.train.compare_page import list_rows

    for sentence in compared.notes:
        note(sentence)
    with Output(*COLUMNS, json=json) as output:
        output.answer(compared.line(), *([str(cell) for cell in row] for row in list_rows(compared)))
    if compared.interrupted:
        note("interrupted: the same command goes on.")
        raise typer.Exit(INTERRUPTED)
    note(f"the page is {compared.folder / 'report.html'}; a network is used by --model {compared.folder}/ARCHITECTURE.")
