"""train suspects: list the photos whose labels look wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.cli._sources import Exclude
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.train.suspects import LabelCheck


@takes(EMBEDDING)
def suspects(
    source: Annotated[
        Path, typer.Argument(metavar="DIR|CSV", exists=True, help="A folder a person, or a CSV of name and photo.")
    ],
    *,
    exclude: Exclude = None,
    aligned: Annotated[bool, typer.Option("--aligned", help="The photos are crops of faces already.")] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE.html", dir_okay=False, help="Write an HTML page with their faces."),
    ] = None,
    networks: Networks,
    json: Json = False,
) -> None:
    """List the photos whose labels look wrong; exits 1 if there are any.

    A photo is a suspect if it is far from its person's other photos, or nearer to another person. --model RUN judges by
    a network of your own.
    """
    from visavis.train.labeled_photos import read_labeled_photos
    from visavis.train.suspects import check_labels

    labeled = read_labeled_photos(source, exclude=exclude or [])
    with Output("photo", "person", "suspicion", json=json) as output:
        check = check_labels(
            labeled, networks.recognizer(), aligned=aligned, min_face=networks.min_face, progress=output.progress
        )
        for sentence in check.notes:
            note(sentence)
        print_suspects(check, output, json=json)
    if report is not None:
        write_page(check, report)
    raise typer.Exit(1 if check.suspects else 0)


def print_suspects(check: LabelCheck, output: Output, *, json: bool) -> None:
    """Print a line per suspect, and their number: in JSON as the last line, else as a note."""
    for suspect in check.suspects:
        output.answer(
            {
                "photo": suspect.photo,
                "person": suspect.person,
                "distance": significant(suspect.distance),
                "other": suspect.other,
                "other_distance": significant(suspect.other_distance),
            },
            [suspect.photo, suspect.person, suspect.message],
        )
    if json:
        output.answer(
            {"suspects": len(check.suspects), "photos": check.photos, "people": check.people, "model": check.model}
        )
    labels = "1 label looks" if len(check.suspects) == 1 else f"{len(check.suspects):,} labels look"
    note(f"{labels} wrong, of {check.photos:,} photos of {check.people:,} people ({check.model}).")


def write_page(check: LabelCheck, path: Path) -> None:
    """Write the page of suspects."""
    check.page().write(path)
    note(f"the page is {path}.")
