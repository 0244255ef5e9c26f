"""Groups of drawn faces in a gallery of a running server."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from gallery.grouped import TABLE
from server.running_server import RunningServer
from visavis import Gallery
from visavis.gallery.types import FaceCrop, IndexedPhoto, Template

COLORS = ((214, 168, 132), (168, 120, 86), (236, 200, 172), (120, 84, 60))
HAIR = ((40, 30, 24), (120, 80, 30), (90, 90, 96), (20, 20, 30), (150, 60, 30))


def draw_face(person: int, face: int) -> FaceCrop:
    """A cartoon of a face, of its own for each person, a little different each time."""
    picture = Image.new("RGB", (120, 120), (150 + person * 37 % 80, 170, 200 - person * 23 % 90))
    draw = ImageDraw.Draw(picture)
    left, top = 28 + face * 5 % 9, 22 + face * 7 % 9
    draw.ellipse((left - 6, top - 12, left + 70, top + 62), fill=HAIR[person % len(HAIR)])
    draw.ellipse((left, top, left + 64, top + 80), fill=COLORS[person % len(COLORS)])
    for x in (left + 18, left + 46):
        draw.ellipse((x - 4, top + 30, x + 4, top + 38), fill=(255, 255, 255))
        draw.ellipse((x - 2, top + 32, x + 2, top + 36), fill=(30, 30, 30))
    draw.arc((left + 18, top + 44, left + 46, top + 64), 20, 160, fill=(140, 50, 50), width=3)
    file = io.BytesIO()
    picture.save(file, "PNG")
    box = np.array([left, top, left + 64, top + 80], np.float32)
    return FaceCrop(file.getvalue(), box, np.zeros((5, 2), np.float32))


def make_faces(person: int, count: int, *, spread: float = 0.5) -> np.ndarray:
    """Embeddings of a person ``(count, 128)``: with a spread of 0.5, two of them are 0.2 apart; people are unlike."""
    rng = np.random.default_rng(person)
    center = rng.normal(size=128)
    noise = np.random.default_rng([person, count]).normal(size=(count, 128))
    rows = center / np.linalg.norm(center) + spread * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def add_groups(
    server: RunningServer,
    gallery: str,
    groups: Mapping[int, Sequence[tuple[int, int]]],
    *,
    people: Mapping[str, int] = {},
    photo: str = "{group}-{face}.jpg",
    drawn: bool = True,
) -> dict[int, list[int]]:
    """Add groups, each of (person, number of faces), and people with one template; return the faces by group."""
    with Gallery(server.folder / f"{gallery}.db") as opened:
        opened.calibrate(TABLE)
        opened.keep_crops(True)
        for name, person in people.items():
            opened.add(name, [Template(make_faces(person, 1)[0], photo=f"{name}.jpg", crop=draw_face(person, 0))])
        crop = draw_face(0, 0)
        photos, numbers = [], []
        for group, parts in groups.items():
            for person, count in parts:
                for face, row in enumerate(make_faces(person, count)):
                    picture = draw_face(person, face) if drawn else crop
                    template = Template(row, box=np.array([0, 0, 60, 60], np.float32), quality=0.9, crop=picture)
                    name = photo.format(group=group, face=len(photos))
                    photos.append(IndexedPhoto(f"/p/{name}", f"{len(photos) + 1:064x}", "ok", (template,)))
                    numbers.append(group)
        opened.add_photos(photos)
        ids = opened.faces(unassigned=True).ids.tolist()
        opened.set_clusters(ids, numbers)
    return {group: [face for face, number in zip(ids, numbers, strict=True) if number == group] for group in groups}
