"""gallery forget: photos out of a gallery, with the templates that are from them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli._table import Column
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.gallery.types import ForgottenPhoto


def forget(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO", help="Paths of photos, or hashes of 8 digits or more.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove templates of people too, and do not ask.")] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Remove photos and the templates that are from them.

    A photo is found by its path, by the bytes of the file, or by its hash. Where it shows people of the gallery this
    asks first; where standard input is no terminal it takes --yes. A person without another template is removed too.
    """
    from visavis.gallery import Gallery

    columns = ("photo", Column("hash", drop=1, least=8), "templates", "people")
    with Gallery(gallery, create=False) as store, Output(*columns, json=json) as output:
        people = {person: name for _, some in store.find_photos(*photos) for person, name in some.items()}
        if people and not yes:
            _confirm(sorted(set(people.values())), many=len(photos) > 1)
        for photo in store.forget(*photos, named=True):
            output.answer(_line(photo), _row(photo))


def _confirm(names: list[str], *, many: bool) -> None:
    what = "these photos show" if many else "this photo shows"
    if not sys.stdin.isatty():
        raise UsageError(
            f"{what} people of the gallery ({', '.join(names)}): give --yes to remove those templates too."
        )
    typer.confirm(f"{what.capitalize()} {', '.join(names)}. Remove those templates for good?", abort=True, err=True)


def _line(photo: ForgottenPhoto) -> dict[str, object]:
    return {
        "photo": photo.photo,
        "sha256": photo.sha256,
        "templates": photo.templates,
        "people": [{"person_id": person, "name": name} for person, name in photo.people],
        "removed": list(photo.removed),
    }


def _row(photo: ForgottenPhoto) -> list[str]:
    people = [f"{name} (removed)" if person in photo.removed else name for person, name in photo.people]
    return [photo.photo or "-", photo.sha256[:16], str(photo.templates), ", ".join(people) or "-"]
