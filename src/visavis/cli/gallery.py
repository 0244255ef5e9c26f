"""gallery list|show|remove|rename|stats|check|calibrate: who is in a gallery, and whether it is sound."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, decimals, short, significant
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.gallery import Gallery, Person, StoredTemplate

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look after the people in a gallery.")

Who = Annotated[str, typer.Argument(metavar="WHO", help="A person's id, or a name that one person has.")]

COLUMNS = ("person", "name", "photos", "consent", "note", "since")


@app.command("list")
def list_people(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """List the people."""
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        for person in store.people():
            output.answer(_line(person), _row(person))


@app.command()
def show(who: Who, gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Show a person: the photos that their templates are from."""
    with _open(gallery) as store, Output("photo", "box", "quality", "since", json=json) as output:
        person = store.find(who)
        rows = [[one.photo, _box_text(one), short(one.quality, ".2f"), _day(one)] for one in person.templates]
        output.answer({**_line(person), "templates": [_template(one) for one in person.templates]}, *rows)


@app.command()
def remove(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Remove a person and all that is stored of them.

    Asks first where standard input is a terminal.
    """
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person = store.find(who)
        if not yes and sys.stdin.isatty():
            question = f"Remove {person.name} (id {person.id}) with {len(person.templates)} templates for good?"
            typer.confirm(question, abort=True, err=True)
        store.remove(person.id)
        output.answer(_line(person), _row(person))


@app.command()
def rename(
    who: Who,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Give a person another name; the id stays."""
    with _open(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id = store.find(who).id
        store.rename(person_id, name)
        person = store.person(person_id)
        output.answer(_line(person), _row(person))


@app.command()
def stats(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Print the figures: model, people, templates, size."""
    from dataclasses import asdict

    with _open(gallery) as store, Output("", "", json=json) as output:
        line = asdict(store.stats())
        output.answer(line, *([key, "-" if value is None else str(value)] for key, value in line.items()))


@app.command()
def check(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Check that the gallery is sound; exits 1 where it is not."""
    with _open(gallery) as store, Output("problem", "", json=json) as output:
        problems = list(store.check())
        for one in problems:
            output.answer({"problem": one.kind, "message": one.message}, [one.kind, one.message])
        if not problems:
            output.answer({"problem": None, "message": "the gallery is sound."}, ["none", "the gallery is sound."])
    raise typer.Exit(1 if problems else 0)


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
            raise UsageError(f"{store.model} is uncalibrated, and {gallery} has no thresholds of its own.")
        rows = zip(used.far, used.thresholds, strict=True)
        output.answer(used.table(), *([f"{far:g}", short(threshold)] for far, threshold in rows))


def _open(url: str) -> Gallery:
    """Open a gallery that exists: looking at one never makes one."""
    from visavis.gallery import Gallery

    return Gallery(url, create=False)


def _line(person: Person) -> dict[str, object]:
    return {
        "person_id": person.id,
        "name": person.name,
        "photos": len(person.templates),
        "consent": person.consent,
        "note": person.note,
        "created": person.created.isoformat(),
    }


def _row(person: Person) -> list[str]:
    count, consent = str(len(person.templates)), person.consent or "-"
    return [str(person.id), person.name, count, consent, person.note, f"{person.created:%Y-%m-%d}"]


def _template(one: StoredTemplate) -> dict[str, object]:
    return {
        "template_id": one.id,
        "photo": one.photo,
        "sha256": one.photo_sha256,
        "box": one.box and decimals(one.box),
        "quality": significant(one.quality),
        "created": one.created.isoformat(),
    }


def _box_text(one: StoredTemplate) -> str:
    return " ".join(f"{value:.0f}" for value in one.box) if one.box else "-"


def _day(one: StoredTemplate) -> str:
    return f"{one.created:%Y-%m-%d}"
