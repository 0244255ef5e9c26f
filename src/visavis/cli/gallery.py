"""gallery list|show|rename|merge|move|...: who is in a gallery, what is told of them, and whether it is sound."""

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

app = typer.Typer(
    cls=Suggesting, no_args_is_help=True, rich_markup_mode=None, help="Look after the people in a gallery."
)

Who = Annotated[str, typer.Argument(metavar="WHO", help="A person's id, or a name that one person has.")]


@app.command("list")
def list_people(gallery: GalleryUrl = GALLERY, json: Json = False, csv: Csv = False) -> None:
    """List the people."""
    with _open(gallery) as store:
        people, unnamed, url = store.people(), store.stats().unnamed, store.url
        with Output(*COLUMNS, json=json, csv=LIST_CSV if csv else None) as output:
            for person in people:
                output.answer(person_line(person), person_row(person))
    if not (json or csv):
        for text in next_steps(len(people), unnamed, url):
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
    """Give a person another name; the id stays.

    Where another person has that name, or one like it, a note says who and how to merge the two.
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
    remark: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A note.")] = None,
    consent: Annotated[str | None, typer.Option("--consent", metavar="TEXT", help="How consent was given.")] = None,
    consented: Annotated[
        datetime | None, typer.Option("--consented", formats=["%Y-%m-%d"], help="The day consent was given.")
    ] = None,
    metadata: Annotated[
        str | None, typer.Option("--metadata", metavar="JSON", help="An object of whatever you keep of people.")
    ] = None,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Note what is told of a person; what is not given stays as it is."""
    told = None if metadata is None else _object(metadata)
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id = store.find(who).id
        day = None if consented is None else consented.date()
        store.describe(person_id, note=remark, consent=consent, consented=day, metadata=told)
        person = store.person(person_id)
        output.answer(person_line(person), person_row(person))


@app.command()
def merge(
    who: Who,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The person who stays.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Make two people one: WHO is gone, and INTO has all templates."""
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id, stays = store.find(who).id, store.find(into).id
        store.merge(person_id, into=stays)
        person = store.person(stays)
        output.answer(person_line(person), person_row(person))


@app.command()
def move(
    templates: Annotated[
        list[int], typer.Argument(metavar="TEMPLATE...", min=1, help="Ids of templates, as gallery show tells them.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="WHO", help="Whose they are.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Give templates to another person.

    Faces that were put to the wrong one, or that were nobody's.
    """
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id = store.find(to).id
        store.move(templates, person_id)
        person = store.person(person_id)
        output.answer(person_line(person), person_row(person))


@app.command("name")
def name_faces(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of one person who is there, or of a new one.")],
    templates: Annotated[list[int], typer.Argument(metavar="TEMPLATE...", min=1, help="Ids of indexed faces.")],
    new: Annotated[bool, typer.Option("--new", help="This is another person of the same name.")] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Say whose indexed faces are that were nobody's."""
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person = store.name_faces(name, templates, new=new)
        output.answer(person_line(person), person_row(person))


@app.command("export")
def export_gallery(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Write everything to a folder, for another place.

    People, faces and photos, as gallery.json and embeddings.npz; the audit log stays.
    """
    with _open(gallery) as store, Output("", "", json=json) as output:
        store.export(folder)
        _transferred(output, store, folder)


@app.command("import")
def import_gallery(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What gallery export wrote.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Make a new gallery of what gallery export wrote; ids stay."""
    from visavis.gallery import Gallery
    from visavis.gallery.archive import model_of

    with Gallery(gallery, model=model_of(folder)) as store, Output("", "", json=json) as output:
        store.import_from(folder)
        _transferred(output, store, folder)


@app.command()
def audit(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Print who did what to whom, and when; people by their ids only."""
    with _open(gallery) as store, Output("when", "who", "did", "person", json=json) as output:
        for one in store.audit():
            line = {**asdict(one), "at": one.at.isoformat()}
            person = "-" if one.person_id is None else str(one.person_id)
            cells = [f"{one.at:%Y-%m-%d %H:%M:%S}", one.actor or "-", one.action, person]
            output.answer(line, Row(cells, one.detail))


@app.command()
def stats(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Print the figures: model, people, templates, size."""
    with _open(gallery) as store, Output("", "", json=json) as output:
        line = asdict(store.stats())
        output.answer(line, *([key, "-" if value is None else str(value)] for key, value in line.items()))


@app.command()
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Make the index what the records say.")] = False,
    gallery: GalleryUrl = GALLERY,
    index: GalleryIndex = INDEX,
    json: Json = False,
) -> None:
    """Check that the gallery is sound; exits 1 where it is not.

    Templates that seem to be of somebody else are reported too.
    With --repair, where it is not afterwards: an index can be mended, records cannot.
    """
    with _open(gallery, index) as store, Output("problem", json=json) as output:
        problems = store.repair() if repair else store.check()
        for one in problems:
            output.answer({"problem": one.kind, "message": one.message}, Row([one.kind], one.message))
        if not problems:
            message = _sound(store)
            output.answer({"problem": None, "message": message}, Row(["none"], message))
    raise typer.Exit(1 if problems else 0)


def _sound(store: Gallery) -> str:
    """Say that nothing is wrong, and what was not looked at."""
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
        typer.Argument(metavar="FILE", help="A table that visavis calibrate wrote.", show_default=False),
    ] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Go back to the thresholds shipped for the model.")
    ] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Set or show a gallery's own thresholds.

    Without FILE, those in use are shown.
    """
    from visavis.compare import read_calibration

    if table is not None and shipped:
        raise UsageError("FILE and --shipped exclude each other.")
    with _open(gallery) as store, Output("FAR", "cosine distance", json=json) as output:
        if table is not None or shipped:
            store.calibrate(None if table is None else read_calibration(table))
        used = store.calibration
        if used is None:
            raise UsageError(
                f"{store.model} is uncalibrated, and {gallery} has no thresholds of its own: measure them by "
                f"visavis calibrate DIR --model {store.model} --out FILE, then visavis gallery calibrate FILE."
            )
        rows = zip(used.far, used.thresholds, strict=True)
        output.answer(used.table(), *([f"{far:g}", short(threshold)] for far, threshold in rows))


def _open(url: str, index: str = INDEX) -> Gallery:
    """Open a gallery that exists: looking at one never makes one."""
    from visavis.gallery import Gallery

    return Gallery(url, index=index, create=False)


def _object(text: str) -> dict[str, object]:
    """Read a JSON object off the command line."""
    try:
        told = loads(text)
    except ValueError as error:
        raise UsageError(f"--metadata is not JSON: {error}.") from error
    if not isinstance(told, dict):
        raise UsageError('--metadata must be an object, such as {"desk": 4}.')
    return told


def _transferred(output: Output, store: Gallery, folder: Path) -> None:
    """Say how much went one way or the other."""
    stats = store.stats()
    line = {
        "folder": str(folder),
        "model": stats.model,
        "people": stats.people,
        "templates": stats.templates,
        "unnamed": stats.unnamed,
        "photos": stats.photos,
    }
    output.answer(line, *([key, str(value)] for key, value in line.items()))
