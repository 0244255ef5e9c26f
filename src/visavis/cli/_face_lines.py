"""JSON lines and table rows of the faces in a photo, for ``detect``, ``extract`` and ``embed``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from visavis.cli._output import box_text, decimals, photo_line, short
from visavis.cli._table import Row
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.types import Face, PhotoFaces


def make_face_line(face: Face) -> dict[str, object]:
    return {"box": decimals(face.box), "score": significant(face.score)}


def make_face_lines(
    photo: PhotoFaces, key: str, values: Sequence[object]
) -> tuple[dict[str, object], *tuple[Row, ...]]:
    """Return the JSON line and the table rows of a photo, with one more value per face."""
    faces = list(zip(photo.faces, values, strict=True))
    line = photo_line(photo, [{**make_face_line(face), key: value} for face, value in faces])
    rows = [
        Row([photo.name, str(n), box_text(face), short(face.score), str(value)])
        for n, (face, value) in enumerate(faces, 1)
    ]
    return line, *(rows or [Row([photo.name], photo.message)])
