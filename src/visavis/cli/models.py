"""models list|show|fetch|import: the models there are, where they lie, and models of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, note

if TYPE_CHECKING:
    from visavis.weights.model_row import ModelRow
    from visavis.weights.spec import WeightSpec

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Show the models, fetch them, and add your own.")

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
        for line in _imported_lines():
            output.answer(line, _imported_row(line))


@app.command()
def show(names: Names, json: Json = False) -> None:
    """Show all that is known of models.

    Hash, licence, training data, preprocessing, and where they lie on this machine.
    """
    from visavis.weights import imported
    from visavis.weights.spec import spec as find_spec
    from visavis.weights.store import locate

    lines = []
    for name in names:
        if imported.has(name):
            lines.append(_imported_line(imported.row(name)))
        else:
            spec = find_spec(name)
            lines.append(_line(spec, locate(spec)))
    for line in lines:
        with Output("", "", json=json) as output:
            output.answer(line, *([key, str(value)] for key, value in line.items()))


@app.command("import")
def import_model(
    row: Annotated[
        Path, typer.Argument(metavar="FILE.toml", exists=True, dir_okay=False, help="What describes the model.")
    ],
    json: Json = False,
) -> None:
    """Add a model of your own: an ONNX file, described by a small TOML file.

    The network is run on noise first, and refused if it is not what the file says. It is then copied, and known by its
    name wherever a command takes --model.
    """
    from visavis.embedders import EMBEDDERS
    from visavis.embedders.onnx_file import import_model as import_file

    line = _imported_line(import_file(row, taken=EMBEDDERS.built_in()))
    with Output("", "", json=json) as output:
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


def _imported_lines() -> list[dict[str, object]]:
    """Lines of all imported models; of a damaged one a note."""
    from visavis.errors import WeightsError
    from visavis.weights import imported

    lines = []
    for name in imported.names():
        try:
            lines.append(_imported_line(imported.row(name)))
        except WeightsError as error:
            note(str(error))
    return lines


def _imported_line(row: ModelRow) -> dict[str, object]:
    """The keys of a weight file, and those that only models of one's own have."""
    from visavis.weights import imported

    path = imported.network(row)
    return {
        "name": row.name,
        "task": "embed",
        "file": row.file,
        "bytes": path.stat().st_size + sum((path.parent / name).stat().st_size for name, _ in row.data),
        "sha256": row.sha256,
        "url": None,
        "licence": row.licence,
        "trained_on": row.trained_on,
        "input_size": row.size,
        "channels": row.channels,
        "mean": list(row.mean),
        "scale": row.scale,
        "geometry": row.geometry,
        "output": f"{row.dimension} figures",
        "path": str(path),
        "views": row.views,
        "precision": row.precision,
        "quantized_from": row.quantized_from,
    }


def _imported_row(line: dict[str, object]) -> list[str]:
    size = line["bytes"]
    megabytes = f"{size / 1e6:.1f}" if isinstance(size, int) else "-"
    return [str(line["name"]), str(line["task"]), str(line["licence"]), megabytes, "yes"]
