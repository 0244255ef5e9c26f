"""models import: import a weight file, or a model of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.cli.models._arguments import AcceptLicense
from visavis.cli.models._licenses import accept_licenses
from visavis.cli.models._lines import detail_rows, imported_line, weight_line
from visavis.errors import UsageError


def import_model(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A weight file, or a TOML file.")
    ],
    *,
    called: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Name of the weight file, if several have the same arrays."),
    ] = None,
    accept_license: AcceptLicense = False,
    json: Json = False,
) -> None:
    """Import a weight file, or a model of your own.

    A published weight file is recognized by its SHA-256 or by its arrays, whatever its file name, and copied to where
    models fetch would store it.

    A model of your own is an ONNX file with a small TOML file, FILE.toml, that describes it. The network is first run
    on noise, and refused if it differs from the description. It is then copied, and --model accepts its name.
    """
    if file.suffix.lower() != ".toml":
        line = _import_published(file, called=called, accept_license=accept_license)
    elif called is None:
        line = _import_own(file)
    else:
        raise UsageError("--as is for published weight files: a TOML file has the name of its model.")
    with Output("", "", json=json) as output:
        output.answer(line, *detail_rows(line))


def _import_own(file: Path) -> dict[str, object]:
    from visavis.embedders import EMBEDDERS
    from visavis.embedders.onnx_file import import_model as import_file

    return imported_line(import_file(file, reserved=EMBEDDERS.built_in()))


def _import_published(file: Path, *, called: str | None, accept_license: bool) -> dict[str, object]:
    from visavis.published import recognize_file
    from visavis.weights import store

    match = recognize_file(file, called=called)
    accept_licenses([match.row] if accept_license else [])
    path = store.put(match.row, file, sha256=match.sha256)
    if match.by == "structure":
        note(
            f"{match.row.name}, recognized by its arrays: its hash was not published, so it is pinned to that of "
            f"{file}, {match.sha256}."
        )
    return weight_line(match.row, path)
