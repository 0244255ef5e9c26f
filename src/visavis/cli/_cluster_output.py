"""Output of ``cluster``: JSON lines and table rows, crops, and the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from visavis import defaults, permissions
from visavis.cli._csv import BOX_COLUMNS
from visavis.cli._files import PictureFolder
from visavis.cli._output import Output, decimals, iso_time, note, photo_line
from visavis.cli._table import Column, Row
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.clustering.naming import Naming
    from visavis.clustering.types import Clustering

SIZE = Column("size")
"""Number of faces of a cluster."""

COLUMNS = ("cluster", SIZE, "photo", "face", "box", "")

CLUSTER_CSV = (
    *("cluster", "size", "photo", "status", "captured", "face", *BOX_COLUMNS, "representative"),
    *("quality", "template_id", "person", "notes", "message"),
)

GALLERY_COLUMNS = ("cluster", SIZE, "photo", "template", "box", "name", Column("", drop=6))
ALONE = "alone"
"""Folder of the faces in clusters of one face."""


def print_faces(
    output: Output,
    clustering: Clustering,
    details: Sequence[Mapping[str, object]],
    times: Mapping[str, datetime | None],
) -> None:
    """Print one line per face; ``details`` has more keys of each face, ``times`` the capture time of each photo."""
    for a, b in clustering.ties:
        note(f"new faces lie between the clusters {a} and {b}, which may be one person: they are not merged.")
    for line, row in _make_lines(clustering, details, times):
        output.answer(line, row)
    for photo in clustering.skipped:
        output.answer(photo_line(photo, []), Row(["-", "", photo.name], photo.message))


def write_files(
    clustering: Clustering, out: Path | None, report: Path | None, naming: Naming | None, *, title: str
) -> None:
    skipped: list[str] = []
    if out:
        _save_crops(out, clustering, skipped)
    if report:
        from visavis.clustering import report as pages

        pages.write(report, clustering, title=title, naming=naming, skipped=skipped)
    for text in dict.fromkeys(skipped):
        note(f"{text.removesuffix('.')}: its faces have no picture.")


def _make_lines(
    clustering: Clustering, details: Sequence[Mapping[str, object]], times: Mapping[str, datetime | None]
) -> Iterator[tuple[dict[str, object], list[str]]]:
    """Yield the JSON line and the table row of each face, cluster by cluster."""
    from visavis.clustering import POOR_QUALITY

    faces = clustering.faces
    for cluster in clustering.clusters:
        for row in sorted(cluster.rows.tolist()):
            box = decimals(faces.boxes[row])
            number, is_representative = int(faces.numbers[row]), row == cluster.representative
            line = {
                "cluster": cluster.id,
                "size": len(cluster),
                "photo": faces.photos[row],
                "captured": iso_time(times.get(faces.photos[row])),
                "face": number,
                "box": box,
                "representative": is_representative,
                "quality": significant(float(faces.quality[row])),
                **details[row],
            }
            box_cell = " ".join(f"{side:.0f}" for side in box)
            marks = ["representative"] if is_representative and len(cluster) > 1 else []
            marks += ["poor quality"] if faces.quality[row] < POOR_QUALITY else []
            cells = [str(cluster.id), str(len(cluster)), faces.photos[row]]
            if "template_id" in details[row]:
                cells += [
                    str(details[row]["template_id"]),
                    box_cell,
                    str(details[row]["person"] or "-"),
                    ", ".join(marks),
                ]
            else:
                cells += [str(number), box_cell, ", ".join(marks)]
            yield line, cells


def _save_crops(out: Path, clustering: Clustering, skipped: list[str]) -> None:
    """Write the crops, one folder per cluster; append a sentence to ``skipped`` for each photo left out."""
    from visavis.align import square_crops
    from visavis.clustering.pictures import of_photos, plain_faces

    labels = clustering.labels
    names = {cluster.id: f"cluster-{cluster.id}" if len(cluster) > 1 else ALONE for cluster in clustering.clusters}
    folders: dict[str, PictureFolder] = {}
    permissions.make_folder(out)
    for photo, rows in of_photos(clustering.faces, skipped=skipped):
        crops = square_crops(
            photo.pixels, plain_faces(clustering.faces, rows), size=defaults.CROP_SIZE, margin=defaults.CROP_MARGIN
        )
        for row, crop in zip(rows, crops, strict=True):
            name = names[int(labels[row])]
            folder = folders.setdefault(name, PictureFolder(out / name))
            folder.save(crop, photo, f"-{clustering.faces.numbers[row]}.png")
