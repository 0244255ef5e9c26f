"""The command ``face_detection``: print a line ``file,top,right,bottom,left`` for each face."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.compat.face_recognition import api
from visavis.compat.face_recognition._command import command, image_files_in_folder, photos
from visavis.printable import make_printable

__all__ = ["image_files_in_folder", "main", "test_image"]


def test_image(image_to_check: str, model: str = "hog") -> None:  # noqa: PT028 -- the original's name, no test
    """Print the faces of one photo."""
    for box in api.face_locations(api.load_image_file(image_to_check), number_of_times_to_upsample=0, model=model):
        typer.echo(",".join([make_printable(image_to_check), *map(str, box)]))


def _main(
    image_to_check: Annotated[str, typer.Argument()],
    cpus: Annotated[int, typer.Option(help="Accepted; all cores are used in any case.")] = 1,
    model: Annotated[str, typer.Option(help='"hog" or "cnn": one detector does the work of both.')] = "hog",
) -> None:
    """Find faces in a photo, or in all photos of a folder."""
    for photo in photos(image_to_check):
        test_image(photo, model)


main = command(_main)
