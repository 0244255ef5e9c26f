"""gallery list|show|rename|merge|move|...: manage the people of a gallery, and check its records."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._gallery_lines import (
    COLUMNS,
    LIST_CSV,
    namesake_notes,
    next_steps,
    person_line,
    person_row,
)
from visavis.cli._options import GALLERY, INDEX, Csv, GalleryIndex, GalleryUrl, Json
from visavis.cli._output import Output, note, short
from visavis.cli._several_people import remove, show
from visavis.cli._suggestions import Suggesting
from visavis.cli._table import Row
from visavis.cli.forget import forget
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.gallery import Gallery

app = typer.Typer(cls=Suggesting, no_args_is_help=True, rich_markup_mode=None, help="Manage the people in a gallery.")

Who = Annotated[str, typer.Argument(metavar="WHO", help="A person's id or unique name.")]


@app.command("list")
def list_people(gallery: GalleryUrl = GALLERY, json: Json = False, csv: Csv = False) -> None:
    """List the people of a gallery."""
    with _open(gallery) as store:
        people, unassigned, url = store.people(), store.stats().unassigned, store.url
        with Output(*COLUMNS, json=json, csv=LIST_CSV if csv else None) as output:
            for person in people:
                output.answer(person_line(person), person_row(person))
    if not (json or csv):
        for text in next_steps(len(people), unassigned, url):
            note(text)


app.command()(show)
app.command()(remove)
app.command()(forget)


@app.command()
def rename(
    who: Who,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Rename a person; the id stays.

    If another person has the same or a similar name, a note names that person and the command that merges the two.
    """
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id = store.find(who).id
        store.rename(person_id, name)
        person = store.person(person_id)
        namesakes = [other for other in store.similar_names(person.name, equal=True) if other.id != person_id]
        output.answer(person_line(person), person_row(person))
        for text in namesake_notes(person, namesakes, store.url):
            note(text)


@app.command()
def describe(
    who: Who,
    *,
    remark: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A remark.")] = None,
    consent: Annotated[str | None, typer.Option("--consent", metavar="TEXT", help="How consent was given.")] = None,
    consented: Annotated[
        datetime | None, typer.Option("--consented", formats=["%Y-%m-%d"], help="The day consent was given.")
    ] = None,
    metadata: Annotated[
        str | None, typer.Option("--metadata", metavar="JSON", help="A JSON object of your own data.")
    ] = None,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Set the note, consent or metadata of a person.

    Keeps what is not given.
    """
    fields = None if metadata is None else _parse_object(metadata)
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id = store.find(who).id
        day = None if consented is None else consented.date()
        store.describe(person_id, note=remark, consent=consent, consented=day, metadata=fields)
        person = store.person(person_id)
        output.answer(person_line(person), person_row(person))


@app.command()
def merge(
    who: Who,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The person who is kept.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Merge two people: INTO gets all templates, WHO is removed."""
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id, kept_id = store.find(who).id, store.find(into).id
        store.merge(person_id, into=kept_id)
        person = store.person(kept_id)
        output.answer(person_line(person), person_row(person))


@app.command()
def move(
    templates: Annotated[
        list[int], typer.Argument(metavar="TEMPLATE...", min=1, help="Ids of templates, as printed by gallery show.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="WHO", help="The person they belong to.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Move templates to another person.

    The templates may be unassigned, or assigned to the wrong person.
    """
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id = store.find(to).id
        store.move(templates, person_id)
        person = store.person(person_id)
        output.answer(person_line(person), person_row(person))


@app.command("name")
def name_faces(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a stored person, or of a new one.")],
    templates: Annotated[list[int], typer.Argument(metavar="TEMPLATE...", min=1, help="Ids of unassigned faces.")],
    new: Annotated[bool, typer.Option("--new", help="Add another person of the same name.")] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Assign unassigned faces to a person."""
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person = store.name_faces(name, templates, new=new)
        output.answer(person_line(person), person_row(person))


@app.command("export")
def export_gallery(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Export a gallery to a folder.

    Writes people, faces and photos to gallery.json and embeddings.npz, without the audit log.
    """
    with _open(gallery) as store, Output("", "", json=json) as output:
        store.export(folder)
        _print_transfer(output, store, folder)


@app.command("import")
def import_gallery(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder written by gallery export.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Create a gallery from an exported folder; ids stay."""
    from visavis.gallery import Gallery
    from visavis.gallery.archive import read_model

    with Gallery(gallery, model=read_model(folder)) as store, Output("", "", json=json) as output:
        store.import_from(folder)
        _print_transfer(output, store, folder)


@app.command()
def audit(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Print the audit log: who changed what, and when.

    Shows people by id only.
    """
    with _open(gallery) as store, Output("when", "who", "did", "person", json=json) as output:
        for entry in store.audit():
            line = {**asdict(entry), "at": entry.at.isoformat()}
            person = "-" if entry.person_id is None else str(entry.person_id)
            cells = [f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.actor or "-", entry.action, person]
            output.answer(line, Row(cells, entry.detail))


@app.command()
def stats(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Print model, number of people and templates, and size."""
    with _open(gallery) as store, Output("", "", json=json) as output:
        line = asdict(store.stats())
        output.answer(line, *([key, "-" if value is None else str(value)] for key, value in line.items()))


@app.command()
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild the index from the records.")] = False,
    gallery: GalleryUrl = GALLERY,
    index: GalleryIndex = INDEX,
    json: Json = False,
) -> None:
    """Check a gallery for errors; exits 1 if there are any.

    Reports also templates that seem to show another person. With --repair, exits 1 if errors remain: an index can be
    repaired, records cannot.
    """
    with _open(gallery, index) as store, Output("problem", json=json) as output:
        problems = store.repair() if repair else store.check()
        for problem in problems:
            output.answer({"problem": problem.kind, "message": problem.message}, Row([problem.kind], problem.message))
        if not problems:
            message = _describe_sound(store)
            output.answer({"problem": None, "message": message}, Row(["none"], message))
    raise typer.Exit(1 if problems else 0)


def _describe_sound(store: Gallery) -> str:
    """Return the message that the gallery has no errors, and what was not checked."""
    if store.calibration is not None:
        return "the gallery is sound."
    return (
        "the gallery is sound; whether photos are of the right people was not looked at, as "
        f"{store.model} is uncalibrated."
    )


@app.command()
def calibrate(
    table: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A table written by visavis calibrate.", show_default=False),
    ] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Return to the thresholds shipped with the model.")
    ] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Set or show a gallery's own thresholds.

    Without FILE, shows the thresholds in use.
    """
    from visavis.compare import read_calibration

    if table is not None and shipped:
        raise UsageError("FILE and --shipped exclude each other.")
    with _open(gallery) as store, Output("FAR", "cosine distance", json=json) as output:
        if table is not None or shipped:
            store.calibrate(None if table is None else read_calibration(table))
        calibration = store.calibration
        if calibration is None:
            raise UsageError(
                f"{store.model} is uncalibrated, and {gallery} has no thresholds of its own: measure them by "
                f"visavis calibrate DIR --model {store.model} --out FILE, then visavis gallery calibrate FILE."
            )
        rows = zip(calibration.far, calibration.thresholds, strict=True)
        output.answer(calibration.table(), *([f"{far:g}", short(threshold)] for far, threshold in rows))


def _open(url: str, index: str = INDEX) -> Gallery:
    """Open an existing gallery; never create one."""
    from visavis.gallery import Gallery

    return Gallery(url, index=index, create=False)


def _parse_object(text: str) -> dict[str, object]:
    """Parse the JSON object of --metadata."""
    try:
        parsed = loads(text)
    except ValueError as error:
        raise UsageError(f"--metadata is not JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise UsageError('--metadata must be an object, such as {"desk": 4}.')
    return parsed


def _print_transfer(output: Output, store: Gallery, folder: Path) -> None:
    """Print how much was exported or imported."""
    stats = store.stats()
    line = {
        "folder": str(folder),
        "model": stats.model,
        "people": stats.people,
        "templates": stats.templates,
        "unnamed": stats.unassigned,
        "photos": stats.photos,
    }
    output.answer(line, *([key, str(value)] for key, value in line.items()))
