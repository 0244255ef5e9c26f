"""landmarks: 68 or 5 points of each face."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._files import PictureFolder
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json, Photos, Pictures
from visavis.cli._output import Output, box_text, decimals, exit_code, note, photo_line, short, significant
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Row

if TYPE_CHECKING:
    from visavis.landmarks import Predictor
    from visavis.types import PhotoFaces

Shapes = list[list[list[float]]]
"""Points of each face, rounded for print."""


class Points(StrEnum):
    """How many points a face."""

    many = "68"
    few = "5"


@takes(DETECTING)
def landmarks(
    sources: Photos,
    *,
    exclude: Exclude = None,
    points: Annotated[Points, typer.Option("--points", help="Points of each face.")] = Points.many,
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="Accept, once, that the 68 points are not for commercial use.")
    ] = False,
    networks: Networks,
    out: Pictures = None,
    json: Json = False,
) -> None:
    """Find 68 or 5 points of each face.

    The 68 are jaw, brows, nose, eyes and mouth, the 5 corners of the eyes and base of the nose.
    They come in the order of dlib's files. Exits 1 where there is not one face in all the photos.
    """
    photos = expand_folders(sources, exclude=exclude)
    predictor = _predictor(int(points), accepted=accept_license)
    folder = PictureFolder(out) if out else None
    found = networks.recognizer().detect(photos, min_face=networks.min_face)
    statuses = []
    with Output("photo", "face", "box", "score", "points", "within", json=json) as output:
        for one in output.progress(found, len(photos)):
            statuses.append(one.status)
            shapes = _shapes(predictor, one)
            if folder:
                _save_dotted(folder, one, shapes)
            output.answer(_line(one, shapes), *_rows(one, shapes))
    raise typer.Exit(exit_code(statuses, yes="ok" in statuses))


def _predictor(points: int, *, accepted: bool) -> Predictor:
    from visavis.errors import WeightsError
    from visavis.landmarks import SPECS, predictor
    from visavis.weights import store

    if accepted:
        store.accept(SPECS[points])
        note(f"{SPECS[points].name}: {SPECS[points].license}.")
    try:
        store.consent(SPECS[points])
    except WeightsError as error:
        raise WeightsError(
            f"{str(error).removesuffix('.')}; or find 5 points, free for every use: --points 5."
        ) from error
    return predictor(points=points)


def _shapes(predictor: Predictor, one: PhotoFaces) -> Shapes:
    from visavis.landmarks import dlib_boxes

    if one.photo is None or not one.faces:
        return []
    found = predictor.predict(one.photo.pixels, dlib_boxes(one.faces))
    return [[decimals(point) for point in shape] for shape in found]


def _line(one: PhotoFaces, shapes: Shapes) -> dict[str, object]:
    faces = [
        {"box": decimals(face.box), "score": significant(face.score), "points": shape}
        for face, shape in zip(one.faces, shapes, strict=True)
    ]
    return photo_line(one, faces)


def _rows(one: PhotoFaces, shapes: Shapes) -> list[Row]:
    """A row a face; the points themselves are too many for a table, so that it tells within which box they lie."""
    rows = []
    for number, (face, shape) in enumerate(zip(one.faces, shapes, strict=True), 1):
        columns = list(zip(*shape, strict=True))
        within = " ".join(f"{value:.0f}" for value in (*map(min, columns), *map(max, columns)))
        rows.append(Row([one.name, str(number), box_text(face), short(face.score), str(len(shape)), within]))
    return rows or [Row([one.name], one.message)]


def _save_dotted(folder: PictureFolder, one: PhotoFaces, shapes: Shapes) -> None:
    import numpy as np

    from visavis.draw import dots

    if one.photo:
        points = [np.array(shape, np.float32) for shape in shapes]
        folder.save(dots(one.photo.pixels, points), one.photo, "-landmarks.jpg")
