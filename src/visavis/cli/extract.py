"""extract: crop the faces of photos and write them as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis import defaults
from visavis.cli._face_lines import make_face_lines
from visavis.cli._files import PictureFolder
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json, Photos
from visavis.cli._output import Output, exit_code
from visavis.cli._sources import Exclude, expand_folders


@takes(DETECTING)
def extract(
    sources: Photos,
    *,
    exclude: Exclude = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", file_okay=False, help="Folder for the crops.")],
    size: Annotated[int, typer.Option("--size", min=1, metavar="PIXELS", help="Side of a crop.")] = defaults.CROP_SIZE,
    margin: Annotated[
        float, typer.Option("--margin", min=0, help="Margin around the box, as a fraction of its sides.")
    ] = defaults.CROP_MARGIN,
    networks: Networks,
    json: Json = False,
) -> None:
    """Crop the faces and write them as PNG files.

    Face 2 of holiday.jpg becomes holiday-2.png. If a face of another photo, or any other file, has that name, it
    becomes holiday~2-2.png, and so on: only crops of the same photo are replaced.
    """
    from visavis.align import square_crops

    photos = expand_folders(sources, exclude=exclude)
    folder = PictureFolder(out)
    answers = networks.recognizer().detect(photos, min_face=networks.min_face)
    statuses = []
    with Output("photo", "face", "box", "score", "file", json=json) as output:
        for photo in output.progress(answers, len(photos)):
            statuses.append(photo.status)
            files = []
            if photo.photo:
                crops = square_crops(photo.photo.pixels, photo.faces, size=size, margin=margin)
                files = [str(folder.save(crop, photo.photo, f"-{n}.png")) for n, crop in enumerate(crops, 1)]
            output.answer(*make_face_lines(photo, "file", files))
    raise typer.Exit(exit_code(statuses, yes="ok" in statuses))
