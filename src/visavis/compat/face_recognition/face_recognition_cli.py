"""The command ``face_recognition``: a line ``file,name`` a face, by the photos of known people in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from visavis.compat.face_recognition import api
from visavis.compat.face_recognition._command import command, image_files_in_folder, photos

__all__ = ["image_files_in_folder", "main", "print_result", "scan_known_people", "test_image"]

LONGEST = 1600
"""Larger photos are reduced to so many pixels."""


def scan_known_people(known_people_folder: str) -> tuple[list[str], list[Any]]:
    """Names (of files, without their endings) and encodings of the photos with a face in a folder."""
    names, encodings = [], []
    for file in image_files_in_folder(known_people_folder):
        found = api.face_encodings(api.load_image_file(file))
        if len(found) > 1:
            typer.echo(f"WARNING: More than one face found in {file}. Only considering the first face.")
        if not found:
            typer.echo(f"WARNING: No faces found in {file}. Ignoring file.")
            continue
        names.append(Path(file).stem)
        encodings.append(found[0])
    return names, encodings


def print_result(filename: str, name: str, distance: float | None, show_distance: bool = False) -> None:
    """Print one line of the answer."""
    typer.echo(f"{filename},{name},{distance}" if show_distance else f"{filename},{name}")


def test_image(
    image_to_check: str,
    known_names: list[str],
    known_face_encodings: list[Any],
    tolerance: float = 0.6,  # noqa: PT028 -- the name is theirs, no test
    show_distance: bool = False,  # noqa: PT028
) -> None:
    """Print who is in one photo: a line for each known photo that is near enough to a face."""
    encodings = api.face_encodings(_reduced(api.load_image_file(image_to_check)))
    for encoding in encodings:
        distances = api.face_distance(known_face_encodings, encoding).tolist()
        near = [(name, one) for name, one in zip(known_names, distances, strict=True) if one <= tolerance]
        for name, distance in near or [("unknown_person", None)]:
            print_result(image_to_check, name, distance, show_distance)
    if not encodings:
        print_result(image_to_check, "no_persons_found", None, show_distance)


def _reduced(picture: Any) -> Any:
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
    shown = show_distance.lower() in {"1", "true", "t", "yes", "y", "on"}
    for photo in photos(image_to_check):
        test_image(photo, known_names, known_face_encodings, tolerance, shown)


main = command(_main)
