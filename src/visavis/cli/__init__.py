"""The command line: one module a command group; each parses, calls and prints.

Importing it loads typer and nothing of the rest, not even numpy: commands import what they call.
"""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli import demo, faces, gallery, models, people, verify
from visavis.cli._edge import Commands
from visavis.cli.calibrate import calibrate
from visavis.cli.classify import classify
from visavis.cli.cluster import cluster
from visavis.cli.evaluate import app as evaluate
from visavis.cli.index import index
from visavis.cli.landmarks import landmarks
from visavis.cli.representative import representative
from visavis.cli.similar import similar

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # plain help comes in half the time, and can be searched
)


def _version(wanted: bool) -> None:
    if wanted:
        from visavis import __version__

        typer.echo(f"visavis {__version__}")
        raise typer.Exit


@app.callback()
def visavis(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Face to face: find, compare and recognise faces in photos.

    Exit codes: 0 yes or done; 1 no, different or unknown; 2 wrong use or nothing readable; 3 a model or a
    gallery is missing. Answers go to standard output (with --json as JSON Lines), all else to standard error.
    """


for command in (
    faces.detect,
    faces.extract,
    landmarks,
    faces.embed,
    verify.verify,
    classify,
    people.enroll,
    people.identify,
    similar,
    cluster,
    representative,
    index,
    calibrate,
    demo.demo,
):
    app.command()(command)
app.add_typer(gallery.app, name="gallery")
app.add_typer(models.app, name="models")
app.add_typer(evaluate, name="evaluate")
