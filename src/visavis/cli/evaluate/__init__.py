"""evaluate: error rates, measured on labelled photos; a module a question."""

from __future__ import annotations

import typer

from visavis.cli.evaluate import verification

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Measure error rates on labelled photos: of verification, identification, clusters, detection, groups.",
)

for command in (verification.pairs, verification.lfw):
    app.command()(command)
