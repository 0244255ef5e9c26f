"""landmarks: find 68 or 5 points of each face."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._files import PictureFolder
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json, Photos, Pictures
from visavis.cli._output import Output, box_text, decimals, exit_code, note, photo_line, short
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Row
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.landmarks import Predictor
    from visavis.types import PhotoFaces

Shapes = list[list[list[float]]]
"""Points of each face as x, y in pixels, rounded for output."""


class Points(StrEnum):
    """Number of points per face."""

    many = "68"
    few = "5"


@takes(DETECTING)
def landmarks(
    sources: Photos,
    *,
    exclude: Exclude = None,
    points: Annotated[Points, typer.Option("--points", help="Number of points per face.")] = Points.many,
    accept_license: Annotated[
        bool,
        typer.Option("--accept-license", help="Accept that the 68 points are not for commercial use; needed once."),
    ] = False,
    networks: Networks,
    out: Pictures = None,
    json: Json = False,
) -> None:
    """Find 68 or 5 points of each face.

    The 68 points are jaw, brows, nose, eyes and mouth; the 5 points are corners of the eyes and the base of the nose.
    Both come in the order of dlib's files. Exits 1 if no photo has a face.
    """
    photos = expand_folders(sources, exclude=exclude)
    predictor = _load_predictor(int(points), accepted=accept_license)
    folder = PictureFolder(out) if out else None
    answers = networks.recognizer().detect(photos, min_face=networks.min_face)
    statuses = []
    with Output("photo", "face", "box", "score", "points", "within", json=json) as output:
        for photo in output.progress(answers, len(photos)):
            statuses.append(photo.status)
            shapes = _predict_shapes(predictor, photo)
            if folder:
                _save_dotted(folder, photo, shapes)
            output.answer(_make_line(photo, shapes), *_make_rows(photo, shapes))
    raise typer.Exit(exit_code(statuses, yes="ok" in statuses))


def _load_predictor(points: int, *, accepted: bool) -> Predictor:
    from visavis.errors import WeightsError
    from visavis.landmarks import SPECS, load_predictor
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
    return load_predictor(points=points)


def _predict_shapes(predictor: Predictor, photo: PhotoFaces) -> Shapes:
    from visavis.landmarks import dlib_boxes

    if photo.photo is None or not photo.faces:
        return []
    shapes = predictor.predict(photo.photo.pixels, dlib_boxes(photo.faces))
    return [[decimals(point) for point in shape] for shape in shapes]


def _make_line(photo: PhotoFaces, shapes: Shapes) -> dict[str, object]:
    faces = [
        {"box": decimals(face.box), "score": significant(face.score), "points": shape}
        for face, shape in zip(photo.faces, shapes, strict=True)
    ]
    return photo_line(photo, faces)


def _make_rows(photo: PhotoFaces, shapes: Shapes) -> list[Row]:
    """Return one row per face, with the box around its points: the points are too many for a table."""
    rows = []
    for number, (face, shape) in enumerate(zip(photo.faces, shapes, strict=True), 1):
        columns = list(zip(*shape, strict=True))
        within = " ".join(f"{value:.0f}" for value in (*map(min, columns), *map(max, columns)))
        rows.append(Row([photo.name, str(number), box_text(face), short(face.score), str(len(shape)), within]))
    return rows or [Row([photo.name], photo.message)]


def _save_dotted(folder: PictureFolder, photo: PhotoFaces, shapes: Shapes) -> None:
    import numpy as np

    from visavis.draw import dots

    if photo.photo:
        points = [np.array(shape, np.float32) for shape in shapes]
        folder.save(dots(photo.photo.pixels, points), photo.photo, "-landmarks.jpg")
