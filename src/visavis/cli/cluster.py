"""cluster: which faces of many photos are of one person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._csv import BOX_COLUMNS
from visavis.cli._files import PictureFolder, writable_file
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import Csv, Json
from visavis.cli._output import Output, decimals, exit_code, iso_time, note, photo_line, significant
from visavis.cli._sources import Exclude, GalleryInstead, PhotosOrGallery, one_of, photos_of, same_place
from visavis.cli._table import Column, Row
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.clustering.naming import Naming
    from visavis.clustering.previous import PreviousFaces
    from visavis.gallery.cluster_export import NamedFace
    from visavis.pipeline import Recognizer
    from visavis.types import Clustering, Faces, PhotoFaces

CROP_SIZE = 224
CROP_MARGIN = 0.3

SIZE = Column("size")
"""Number of faces of a cluster."""
COLUMNS = ("cluster", SIZE, "photo", "face", "box", "")
CLUSTER_CSV = (
    *("cluster", "size", "photo", "status", "captured", "face", *BOX_COLUMNS, "representative"),
    *("quality", "template_id", "person", "notes", "message"),
)
GALLERY_COLUMNS = ("cluster", SIZE, "photo", "template", "box", "name", Column("", drop=6))

ALONE = "alone"
"""Folder of the faces that are a cluster each by themselves."""


Far = Annotated[
    float | None,
    typer.Option(
        "--far",
        help="Rate at which strangers may be taken for one person.",
        show_default="0.2 / number of faces, 0.001 at most",
    ),
]
Threshold = Annotated[
    float | None, typer.Option("--threshold", help="Greatest cosine distance of near faces, in place of --far.")
]
Crops = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", file_okay=False, help="Write the faces to this folder, a folder a cluster."),
]
Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", dir_okay=False, help="Write a page to look through and name people."),
]
Previous = Annotated[
    Path | None,
    typer.Option(
        "--previous",
        metavar="FILE.jsonl",
        exists=True,
        dir_okay=False,
        help="What cluster --json printed before: its faces keep their clusters.",
    ),
]
MinQuality = Annotated[
    float, typer.Option("--min-quality", metavar="Q", min=0, max=1, help="Leave faces of a lower quality alone.")
]
Names = Annotated[
    Path | None,
    typer.Option(
        "--names",
        metavar="FILE.json",
        exists=True,
        dir_okay=False,
        help="What the page exported before: it shows those names again.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Chance that decides where much is equal.")]
Remember = Annotated[bool, typer.Option("--remember", help="Keep what is found in the photos, and use what was kept.")]


@dataclass(frozen=True, slots=True)
class _Rule:
    """The options that decide what comes together: the arguments of ``cluster_faces`` of these names."""

    far: float | None
    threshold: float | None
    min_quality: float
    seed: int


@takes(OF_GALLERY)
def cluster(  # noqa: PLR0913 - a command's options
    sources: PhotosOrGallery = None,
    *,
    exclude: Exclude = None,
    gallery: GalleryInstead = None,
    far: Far = None,
    threshold: Threshold = None,
    out: Crops = None,
    report: Report = None,
    names: Names = None,
    previous: Previous = None,
    min_quality: MinQuality = 0.0,
    networks: Networks,
    seed: Seed = 0,
    remember: Remember = False,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Put the faces of photos together that are of one person.

    All faces of all photos take part, or all those of a gallery, which keeps the clusters. Two faces of one photo are
    never one person. Prints a line a face, cluster by cluster, the largest first, then the photos that gave no face.
    """
    photos = one_of(sources, gallery)
    if report:
        writable_file(report, endings=(".html",))
    columns = COLUMNS if gallery is None else GALLERY_COLUMNS
    if names and not report:
        raise UsageError("--names is for the page: give --report FILE.html too.")
    named = _read_names(names)
    rule = _Rule(far, threshold, min_quality, seed)
    known: tuple[str | None, ...] | None = None
    offered: tuple[str, ...] = ()
    with Output(*columns, json=json, csv=CLUSTER_CSV if csv else None) as output:
        if gallery is not None:
            if previous is not None:
                raise UsageError("--previous is for photos: a gallery knows by itself what was clustered before.")
            found, known, offered = _of_gallery(gallery, output, rule, networks.model)
        else:
            from visavis.clustering.previous import read_previous

            recognizer = networks.recognizer()
            before = {} if previous is None else read_previous(previous)
            every = photos_of([*photos, *before], exclude=exclude)
            times: dict[str, datetime | None] = {}
            answers = _noting(_answers(every, recognizer, min_face=networks.min_face, remember=remember), times)
            found = _of_photos(output.progress(answers, len(every)), before, recognizer.model, rule)
            _tell(output, found, [{}] * len(found.faces), times)
    naming = _naming(found.faces, named, known, offered) if report else None
    _write(found, out, report, naming, title=f"Faces of {gallery or ', '.join(photos)}")
    raise typer.Exit(exit_code(_statuses(found), yes=bool(len(found.faces))))


def _statuses(found: Clustering) -> list[str]:
    """Status of each photo: those that gave no face, then the others."""
    return [*(one.status for one in found.skipped), *("ok" for _ in found.faces.photos)]


def _of_photos(
    answers: Iterable[PhotoFaces],
    before: Mapping[str, PreviousFaces],
    model: str,
    rule: _Rule,
) -> Clustering:
    from visavis.clustering import cluster_faces
    from visavis.clustering.faces import gather_faces

    faces, skipped = gather_faces(answers)
    after = max((cluster for one in before.values() for cluster in one.ids), default=0)
    found = cluster_faces(_known(faces, before), model=model, after=after, **asdict(rule))
    return replace(found, skipped=skipped)


def _of_gallery(
    url: str, output: Output, rule: _Rule, model: str | None
) -> tuple[Clustering, tuple[str | None, ...], tuple[str, ...]]:
    """Cluster the faces of a gallery and tell of them.

    Returns also the name of each face as far as that is known, and the names of all people. Raises GalleryError where
    a model is asked for that is not the gallery's.
    """
    from visavis.gallery import Gallery

    with Gallery(url, model=model, create=False) as store:
        found, ids, people = store.cluster(**asdict(rule))
        names = tuple(person.name for person in store.people())
    more = [{"template_id": one, "person": name} for one, name in zip(ids.tolist(), people, strict=True)]
    _tell(output, found, more, {})
    return found, people, names


def _read_names(path: Path | None) -> list[tuple[str | None, NamedFace]]:
    """Read the faces that were named on an earlier page, each with its name (None: nobody)."""
    if path is None:
        return []
    from visavis.gallery.cluster_export import read_named

    return [(person.name or None, face) for person in read_named(path) for face in person.faces]


def _naming(
    faces: Faces,
    named: Sequence[tuple[str | None, NamedFace]],
    known: Sequence[str | None] | None,
    offered: Sequence[str],
) -> Naming:
    """Return the names that faces have: those of the gallery ``known``, else those of an earlier page ``named``.

    Names of faces whose photo was replaced since are left out, with a note a photo.
    """
    from visavis.clustering.naming import find_named
    from visavis.images import replaced_message

    here = {same_place(photo): photo for photo in dict.fromkeys(faces.photos)}
    places = {face.photo: here[same_place(face.photo)] for _, face in named if same_place(face.photo) in here}
    hashes = {photo: faces.photo_hash(row) for row, photo in enumerate(faces.photos)}
    replaced = {
        face.photo
        for _, face in named
        if face.sha256 and hashes.get(places.get(face.photo, face.photo)) not in {None, face.sha256}
    }
    for photo in sorted(replaced):
        note(replaced_message(photo))
    still = [(name, face.photo, face.box) for name, face in named if face.photo not in replaced]
    naming = find_named(faces, still, places)
    if known is None:
        return naming
    people = tuple(own or earlier for own, earlier in zip(known, naming.people, strict=True))
    unassigned = frozenset(row for row in naming.unassigned if known[row] is None)
    return replace(naming, people=people, unassigned=unassigned, names=(*naming.names, *offered))


def _tell(
    output: Output,
    found: Clustering,
    more: Sequence[Mapping[str, object]],
    times: Mapping[str, datetime | None],
) -> None:
    """Print a line a face; ``more`` is what else there is to say of each, ``times`` when photos were taken."""
    for a, b in found.ties:
        note(f"new faces lie between the clusters {a} and {b}, which may be one person: they are not merged.")
    for line, row in _faces(found, more, times):
        output.answer(line, row)
    for one in found.skipped:
        output.answer(photo_line(one, []), Row(["-", "", one.name], one.message))


def _write(found: Clustering, out: Path | None, report: Path | None, naming: Naming | None, *, title: str) -> None:
    skipped: list[str] = []
    if out:
        _save(out, found, skipped)
    if report:
        from visavis.clustering import report as pages

        pages.write(report, found, title=title, naming=naming, skipped=skipped)
    for text in dict.fromkeys(skipped):
        note(f"{text.removesuffix('.')}: its faces have no picture.")


def _answers(photos: Sequence[str], recognizer: Recognizer, *, min_face: float, remember: bool) -> Iterator[PhotoFaces]:
    if not remember:
        yield from recognizer.represent(photos, min_face=min_face)
        return
    from visavis.embedding_cache.photo_cache import EmbeddingCache
    from visavis.evaluate.data.templates import every_face

    with EmbeddingCache(recognizer, min_face=min_face) as cache:
        yield from every_face(photos, recognizer, min_face=min_face, cache=cache)
    for text in cache.notes:
        note(text)


def _noting(answers: Iterable[PhotoFaces], times: dict[str, datetime | None]) -> Iterator[PhotoFaces]:
    """Pass answers on, and note when each photo was taken; one that was remembered is read for it."""
    from visavis import images

    for one in answers:
        times[one.name] = one.captured if one.photo is not None else images.captured(one.name)
        yield one


def _known(faces: Faces, before: Mapping[str, PreviousFaces]) -> Faces:
    """Give faces the clusters they were in before; say how many of those are not found any more."""
    if not before:
        return faces
    from visavis.clustering.faces import by_photo, join_faces
    from visavis.clustering.previous import with_clusters

    places = {same_place(photo): known for photo, known in before.items()}
    parts = [
        with_clusters(one, known) if (known := places.get(same_place(one.photos[0]))) else one
        for one in by_photo(faces)
    ]
    faces = join_faces(*parts)
    lost = sum(len(known.ids) for known in places.values()) - int((faces.clusters >= 0).sum())
    if lost:
        note(f"not found again, of the faces that were clustered before: {lost}.")
    return faces


def _faces(
    found: Clustering, more: Sequence[Mapping[str, object]], times: Mapping[str, datetime | None]
) -> Iterator[tuple[dict[str, object], list[str]]]:
    """Line and row of each face, cluster by cluster."""
    from visavis.clustering import POOR_QUALITY

    faces = found.faces
    for one in found.clusters:
        for row in sorted(one.rows.tolist()):
            box = decimals(faces.boxes[row])
            number, chosen = int(faces.numbers[row]), row == one.representative
            line = {
                "cluster": one.id,
                "size": len(one),
                "photo": faces.photos[row],
                "captured": iso_time(times.get(faces.photos[row])),
                "face": number,
                "box": box,
                "representative": chosen,
                "quality": significant(float(faces.quality[row])),
                **more[row],
            }
            whole = " ".join(f"{side:.0f}" for side in box)
            marks = ["representative"] if chosen and len(one) > 1 else []
            marks += ["poor quality"] if faces.quality[row] < POOR_QUALITY else []
            cells = [str(one.id), str(len(one)), faces.photos[row]]
            if "template_id" in more[row]:
                cells += [str(more[row]["template_id"]), whole, str(more[row]["person"] or "-"), ", ".join(marks)]
            else:
                cells += [str(number), whole, ", ".join(marks)]
            yield line, cells


def _save(out: Path, found: Clustering, skipped: list[str]) -> None:
    """Write the crops, each into the folder of its cluster; ``skipped`` takes a sentence for each photo left out."""
    from visavis.align import square_crops
    from visavis.clustering.pictures import of_photos, plain_faces

    labels = found.labels
    names = {one.id: f"cluster-{one.id}" if len(one) > 1 else ALONE for one in found.clusters}
    folders: dict[str, PictureFolder] = {}
    out.mkdir(parents=True, exist_ok=True)
    for photo, rows in of_photos(found.faces, skipped=skipped):
        crops = square_crops(photo.pixels, plain_faces(found.faces, rows), size=CROP_SIZE, margin=CROP_MARGIN)
        for row, crop in zip(rows, crops, strict=True):
            name = names[int(labels[row])]
            folder = folders.setdefault(name, PictureFolder(out / name))
            folder.save(crop, photo, f"-{found.faces.numbers[row]}.png")
