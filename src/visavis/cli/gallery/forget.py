"""gallery forget: remove photos from a gallery, with their templates."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, confirm
from visavis.cli._table import Column
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.gallery.types import ForgottenPhoto


def forget(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO", help="Paths of photos, or hashes of at least 8 digits.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; also remove templates of people.")] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Remove photos and their templates from a gallery.

    Finds a photo by its path, bytes or hash. If it shows people of the gallery, asks first; without a terminal it
    needs --yes. Also removes people who have no other template.
    """
    from visavis.gallery import Gallery

    columns = ("photo", Column("hash", drop=1, least=8), "templates", "people")
    with Gallery(gallery, create=False) as store, Output(*columns, json=json) as output:
        people = {person: name for _, names in store.find_photos(*photos) for person, name in names.items()}
        if people and not yes:
            _confirm(sorted(set(people.values())), many=len(photos) > 1)
        for photo in store.forget(*photos, named=True):
            output.answer(_make_line(photo), _make_row(photo))


def _confirm(names: list[str], *, many: bool) -> None:
    what = "these photos show" if many else "this photo shows"
    if not sys.stdin.isatty():
        raise UsageError(
            f"{what} people of the gallery ({', '.join(names)}): give --yes to remove those templates too."
        )
    confirm(f"{what.capitalize()} {', '.join(names)}. Remove those templates for good?", abort=True)


def _make_line(photo: ForgottenPhoto) -> dict[str, object]:
    return {
        "photo": photo.photo,
        "sha256": photo.sha256,
        "templates": photo.templates,
        "people": [{"person_id": person, "name": name} for person, name in photo.people],
        "removed": list(photo.removed),
    }


def _make_row(photo: ForgottenPhoto) -> list[str]:
    people = [f"{name} (removed)" if person in photo.removed else name for person, name in photo.people]
    return [photo.photo or "-", photo.sha256[:16], str(photo.templates), ", ".join(people) or "-"]
