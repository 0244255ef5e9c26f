"""evaluate: error rates measured on labeled photos, one module per question."""

from __future__ import annotations

import typer

from visavis.cli._suggestions import Suggesting
from visavis.cli.evaluate import clusters, detection, groups, identification, verification

app = typer.Typer(
    cls=Suggesting,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Measure error rates on labeled photos.",
)

for command in (
    verification.pairs,
    verification.lfw,
    identification.identification,
    clusters.clusters,
    detection.detection,
    groups.groups,
):
    app.command()(command)
