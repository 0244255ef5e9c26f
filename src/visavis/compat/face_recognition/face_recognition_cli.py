"""The command ``face_recognition``: print a line ``file,name`` for each face, from a folder of known people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from visavis.compat.face_recognition import api
from visavis.compat.face_recognition._command import command, image_files_in_folder, photos
from visavis.printable import make_printable

__all__ = ["image_files_in_folder", "main", "print_result", "scan_known_people", "test_image"]

LONGEST = 1600
"""Longest side in pixels to which larger photos are reduced."""


def scan_known_people(known_people_folder: str) -> tuple[list[str], list[Any]]:
    """Return the names (of files, without extension) and encodings of the photos in a folder that show a face."""
    names, encodings = [], []
    for file in image_files_in_folder(known_people_folder):
        face_encodings = api.face_encodings(api.load_image_file(file))
        if len(face_encodings) > 1:
            shown = make_printable(file)
            typer.echo(f"WARNING: More than one face found in {shown}. Only considering the first face.")
        if not face_encodings:
            typer.echo(f"WARNING: No faces found in {make_printable(file)}. Ignoring file.")
            continue
        names.append(Path(file).stem)
        encodings.append(face_encodings[0])
    return names, encodings


def print_result(filename: str, name: str, distance: float | None, show_distance: bool = False) -> None:
    """Print one line of the answer."""
    texts = [make_printable(filename), make_printable(name), *([str(distance)] if show_distance else [])]
    typer.echo(",".join(texts))


def test_image(
    image_to_check: str,
    known_names: list[str],
    known_face_encodings: list[Any],
    tolerance: float = 0.6,  # noqa: PT028 -- the original's name, no test
    show_distance: bool = False,  # noqa: PT028
) -> None:
    """Print who is in one photo: a line for each known photo within the tolerance of a face."""
    encodings = api.face_encodings(_reduce(api.load_image_file(image_to_check)))
    for encoding in encodings:
        distances = api.face_distance(known_face_encodings, encoding).tolist()
        near = [
            (name, distance) for name, distance in zip(known_names, distances, strict=True) if distance <= tolerance
        ]
        for name, distance in near or [("unknown_person", None)]:
            print_result(image_to_check, name, distance, show_distance)
    if not encodings:
        print_result(image_to_check, "no_persons_found", None, show_distance)


def _reduce(picture: Any) -> Any:
    from PIL import Image

    if max(picture.shape) <= LONGEST:
        return picture
    image = Image.fromarray(picture)
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return np.array(image)


def _main(
    known_people_folder: Annotated[str, typer.Argument()],
    image_to_check: Annotated[str, typer.Argument()],
    cpus: Annotated[int, typer.Option(help="Accepted; all cores are used in any case.")] = 1,
    tolerance: Annotated[float, typer.Option(help="Distance up to which two faces are one person's.")] = 0.6,
    show_distance: Annotated[str, typer.Option(help="1 to print distances too.")] = "0",
) -> None:
    """Say who is in a photo, or in all photos of a folder."""
    known_names, known_face_encodings = scan_known_people(known_people_folder)
    prints_distance = show_distance.lower() in {"1", "true", "t", "yes", "y", "on"}
    for photo in photos(image_to_check):
        test_image(photo, known_names, known_face_encodings, tolerance, prints_distance)


main = command(_main)
