"""gallery reject: store that a face is not a person."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis.cli._galleries import open_gallery
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, confirm, counted, note
from visavis.cli._sources import check_one_photo
from visavis.cli.gallery._rejections import COLUMNS, rejection_line, rejection_row
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.gallery import RejectionEffect


@takes(OF_GALLERY)
def reject(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="Photo of the face that is not the person.")],
    *,
    person: Annotated[
        str, typer.Option("--person", metavar="WHO", help="The person that the face is not: an id or a unique name.")
    ],
    days: Annotated[
        int,
        typer.Option(
            "--days", min=1, max=defaults.MOST_REJECTION_DAYS, metavar="N", help="Days until the rejection expires."
        ),
    ] = defaults.REJECTION_DAYS,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask, even if templates of the person become unknown.")
    ] = False,
    gallery: GalleryUrl = GALLERY,
    networks: Networks,
    json: Json = False,
) -> None:
    """Store that a face is not the person it looks like.

    Takes the face of the photo that is nearest to the person. A face that is nearer to it than to the person is unknown
    from then on. Shows first which of the person's own templates would become unknown, and asks if there are any;
    without a terminal it then needs --yes.
    """
    check_one_photo(photo, "PHOTO")
    with open_gallery(gallery, networks) as store, Output(*COLUMNS, json=json) as output:
        effect = store.rejection_effect(photo, person, min_face=networks.min_face)
        _confirm(effect, yes=yes)
        rejection = store.reject(photo, person, days=days, min_face=networks.min_face)
        line = {
            **rejection_line(rejection),
            "distance": significant(effect.distance),
            "compared": effect.compared,
            "lost": list(effect.lost),
        }
        output.answer(line, rejection_row(rejection))


def _confirm(effect: RejectionEffect, *, yes: bool) -> None:
    lost = f"{len(effect.lost)} of {counted(effect.compared, 'template')} of {effect.name}"
    if not effect.lost:
        note(f"{lost} would become unknown." if effect.compared else f"{effect.name} has one template to compare with.")
        return
    text = f"{lost} would become unknown ({', '.join(map(str, effect.lost))})"
    if yes:
        note(f"{text}.")
    elif not sys.stdin.isatty():
        raise UsageError(f"{text}: give --yes to reject the face anyway.")
    else:
        confirm(f"{text}. Reject the face anyway?", abort=True)
