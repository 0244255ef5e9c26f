"""models list|show|fetch: the weight files there are, and where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output

if TYPE_CHECKING:
    from pathlib import Path

    from visavis.weights.spec import WeightSpec

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Show the weight files, and fetch them.")

Names = Annotated[list[str], typer.Argument(metavar="NAME", help="As listed by models list.")]


@app.command("list")
def list_models(json: Json = False) -> None:
    """List the weight files: task, licence, size, place."""
    from visavis.weights.spec import all_specs
    from visavis.weights.store import locate

    with Output("name", "for", "licence", "MB", "here", json=json) as output:
        for spec in all_specs():
            path = locate(spec)
            row = [spec.name, spec.task, spec.licence, f"{spec.size / 1e6:.1f}", "yes" if path else "no"]
            output.answer(_line(spec, path), row)


@app.command()
def show(names: Names, json: Json = False) -> None:
    """Show all that is known of weight files.

    Hash, licence, training data, preprocessing, and where they lie on this machine.
    """
    from visavis.weights.spec import spec as find_spec
    from visavis.weights.store import locate

    for spec in [find_spec(name) for name in names]:
        with Output("", "", json=json) as output:
            line = _line(spec, locate(spec))
            output.answer(line, *([key, str(value)] for key, value in line.items()))


@app.command()
def fetch(names: Names, json: Json = False) -> None:
    """Download weight files, or check those that are here.

    What lies on this machine already is not fetched again; its hash is checked.
    """
    from visavis.weights.spec import spec as find_spec
    from visavis.weights.store import find

    with Output("name", "file", json=json) as output:
        for spec in [find_spec(name) for name in names]:
            path = find(spec)
            output.answer(_line(spec, path), [spec.name, str(path)])


def _line(spec: WeightSpec, path: Path | None) -> dict[str, object]:
    return {
        "name": spec.name,
        "task": spec.task,
        "file": spec.file,
        "bytes": spec.size,
        "sha256": spec.sha256,
        "url": spec.url,
        "licence": spec.licence,
        "trained_on": spec.trained_on,
        "input_size": spec.input_size,
        "channels": spec.channels,
        "mean": list(spec.mean),
        "scale": spec.scale,
        "geometry": spec.geometry,
        "output": spec.output,
        "path": None if path is None else str(path),
    }
