"""models list|show|fetch|import|remove|quantize|bench: list, download, add and time models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._bench import BATCHES, bench_line, bench_row, present
from visavis.cli._model_lines import COLUMNS, accept, detail_rows, imported_line, imported_lines, table_row, weight_line
from visavis.cli._options import DETECTOR, GALLERY, AnyOrientation, DetectorName, GalleryUrl, Json, Threads, detector_id
from visavis.cli._output import Output, note
from visavis.cli._sources import Exclude
from visavis.cli._suggestions import Suggesting
from visavis.cli._table import Column
from visavis.errors import UsageError, VisavisError

app = typer.Typer(
    cls=Suggesting, no_args_is_help=True, rich_markup_mode=None, help="List and download models, and add your own."
)

BENCH_COLUMNS = (
    "model",
    Column("precision", drop=1),
    Column("MB", drop=2),
    "ms, 1 face",
    Column("ms, of 32", drop=3),
    "faces/s",
    "TAR at 1e-3",
)

Names = Annotated[list[str], typer.Argument(metavar="NAME", help="A name from models list.")]
AcceptLicense = Annotated[
    bool, typer.Option("--accept-license", help="Accept a license that restricts use; needed once.")
]


@app.command("list")
def list_models(json: Json = False) -> None:
    """List the weight files: task, license, size, place, pin.

    A file without a published hash is pinned at its first download or import: after that, another hash is an error.
    """
    from visavis.weights.spec import all_specs
    from visavis.weights.store import locate

    with Output(*COLUMNS, json=json) as output:
        for line in [*(weight_line(spec, locate(spec)) for spec in all_specs()), *imported_lines()]:
            output.answer(line, table_row(line))


@app.command()
def show(names: Names, json: Json = False) -> None:
    """Show all details of models.

    Prints hash, license, training data, preprocessing, and path on this machine.
    """
    from visavis.weights import user_models
    from visavis.weights.spec import spec as find_spec
    from visavis.weights.store import locate

    lines = []
    for name in names:
        if user_models.has(name):
            lines.append(imported_line(user_models.row(name)))
        else:
            spec = find_spec(name)
            lines.append(weight_line(spec, locate(spec)))
    for line in lines:
        with Output("", "", json=json) as output:
            output.answer(line, *detail_rows(line))


@app.command("import")
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
        raise UsageError("--as says which published weight file it is: a TOML file tells its name itself.")
    with Output("", "", json=json) as output:
        output.answer(line, *detail_rows(line))


def _import_own(file: Path) -> dict[str, object]:
    from visavis.embedders import EMBEDDERS
    from visavis.embedders.onnx_file import import_model as import_file

    return imported_line(import_file(file, reserved=EMBEDDERS.built_in()))


def _import_published(file: Path, *, called: str | None, accept_license: bool) -> dict[str, object]:
    from visavis.published import recognized
    from visavis.weights import store

    match = recognized(file, called=called)
    accept([match.row] if accept_license else [])
    path = store.put(match.row, file, sha256=match.sha256)
    if match.by == "structure":
        note(
            f"{match.row.name} by its arrays: nobody told the hash of that file, so it is pinned to the one of "
            f"{file}, {match.sha256}."
        )
    return weight_line(match.row, path)


@app.command()
def remove(names: Names, gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Remove models of your own.

    Deletes their files, and their embeddings stored by evaluations. Models of visavis itself cannot be removed. A
    gallery keeps the embeddings of a removed model; a note says so if --gallery has any.
    """
    from visavis.embedding_cache.photo_cache import forget
    from visavis.weights import user_models

    for name in names:
        _refuse_published(name)
    with Output("removed", "folder", json=json) as output:
        for name in names:
            folder = user_models.remove(name)
            forget(name)
            if _is_model_of(gallery, name):
                note(
                    f"{gallery} holds embeddings of {name}: until that model is imported again, no photo can be "
                    "enrolled or identified there."
                )
            output.answer({"removed": name, "path": str(folder)}, [name, str(folder)])


def _refuse_published(name: str) -> None:
    from visavis.embedders import EMBEDDERS
    from visavis.weights import user_models
    from visavis.weights.spec import all_specs
    from visavis.weights.store import locate

    if user_models.has(name):
        return
    row = next((row for row in all_specs() if row.name == name), None)
    path = locate(row) if row else None
    if row or name in EMBEDDERS.built_in():
        place = f"; its file is {path}" if path else ""
        raise UsageError(f"{name} is a model of visavis, not one of your own, and cannot be removed{place}.")


def _is_model_of(url: str, name: str) -> bool:
    """Return whether the gallery exists and has embeddings of the model."""
    from visavis.gallery import Gallery

    try:
        with Gallery(url, create=False) as store:
            return store.model.partition("@")[0] == name
    except VisavisError:
        return False


@app.command()
def quantize(  # noqa: PLR0913 - a command's options
    name: Annotated[str, typer.Argument(metavar="NAME", help="A float32 model.")],
    *,
    calibrate: Annotated[
        Path,
        typer.Option("--calibrate", metavar="DIR", exists=True, file_okay=False, help="Photos with many faces."),
    ],
    exclude: Exclude = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", exists=True, file_okay=False, help="Also write the model to this folder."),
    ] = None,
    called: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the new model.", show_default="NAME-int8")
    ] = None,
    crops: Annotated[int, typer.Option("--crops", min=1, metavar="N", help="Number of faces to measure.")] = 300,
    detector: DetectorName = DETECTOR,
    any_orientation: AnyOrientation = False,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Quantize a float32 model to 8 bits.

    The quantized model has a quarter of the size, and is faster. The ranges of its activations are measured on the
    faces of --calibrate, cropped as for the model. It is a model of its own, NAME-int8: its distances differ a little,
    and with them its thresholds.
    """
    detector = detector_id(detector, any_orientation=any_orientation)
    from visavis import quantize as quantization
    from visavis.images.photo_files import photos_in
    from visavis.weights import user_models

    row = quantization.quantize(
        name,
        photos_in(calibrate, exclude=exclude or ()),
        detector=detector,
        crops=crops,
        called=called,
        threads=threads,
    )
    if out:
        user_models.export(row, out)
    line = {
        "name": row.name,
        "quantized_from": row.quantized_from,
        "precision": row.precision,
        "bytes": user_models.network(row).stat().st_size,
        "path": str(user_models.network(row)),
    }
    with Output("", "", json=json) as output:
        output.answer(line, *detail_rows(line))


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Models.", show_default="all on this machine")
    ] = None,
    *,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Measure how long models take per face.

    Runs batches of 1 and of 32 faces, alternating between the models. The time includes all views of a model, but not
    cropping. The accuracy is from the calibration shipped with the model.
    """
    from visavis import embedders
    from visavis.embedders.speed import speeds

    loaded = [embedders.create(name, threads=threads) for name in names or present()]
    measured = speeds(loaded, BATCHES)
    with Output(*BENCH_COLUMNS, json=json) as output:
        for model, times in zip(loaded, measured, strict=True):
            line = bench_line(model, times)
            output.answer(line, bench_row(line, times))


@app.command()
def fetch(names: Names, *, accept_license: AcceptLicense = False, json: Json = False) -> None:
    """Download weight files, or check existing ones.

    A file on this machine is not downloaded again; its hash is checked.
    """
    from visavis.weights.spec import spec as find_spec
    from visavis.weights.store import find

    specs = [find_spec(name) for name in names]
    accept(specs if accept_license else [])
    with Output("name", "file", json=json) as output, output.downloads():
        for spec in specs:
            path = find(spec)
            output.answer(weight_line(spec, path), [spec.name, str(path)])
