"""cluster: group the faces of many photos by person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._cluster_output import CLUSTER_CSV, COLUMNS, GALLERY_COLUMNS, print_faces, write_files
from visavis.cli._files import writable_file
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import Csv, Json
from visavis.cli._output import Output, exit_code, note
from visavis.cli._sources import Exclude, GalleryInstead, PhotosOrGallery, check_sources, photos_of, same_place
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.clustering.naming import Naming
    from visavis.clustering.previous import PreviousFaces
    from visavis.clustering.types import Clustering, Faces
    from visavis.gallery.cluster_export import NamedFace
    from visavis.pipeline import Recognizer
    from visavis.types import PhotoFaces

Far = Annotated[
    float | None,
    typer.Option(
        "--far",
        help="False accept rate (FAR) that sets the threshold.",
        show_default="0.05 / number of faces, 0.001 at most",
    ),
]
Threshold = Annotated[
    float | None, typer.Option("--threshold", help="Greatest cosine distance of two near faces, instead of --far.")
]
Crops = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", file_okay=False, help="Write the faces to this folder, one subfolder per cluster."
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report", metavar="FILE.html", dir_okay=False, help="Write an HTML page to review clusters and name people."
    ),
]
Previous = Annotated[
    Path | None,
    typer.Option(
        "--previous",
        metavar="FILE.jsonl",
        exists=True,
        dir_okay=False,
        help="Earlier output of cluster --json; its faces keep their clusters.",
    ),
]
MinQuality = Annotated[
    float,
    typer.Option("--min-quality", metavar="Q", min=0, max=1, help="Keep faces of lower quality in clusters of one."),
]
Names = Annotated[
    Path | None,
    typer.Option(
        "--names",
        metavar="FILE.json",
        exists=True,
        dir_okay=False,
        help="Names exported from an earlier page, to show again.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Random seed that breaks ties.")]
Remember = Annotated[bool, typer.Option("--remember", help="Store the embeddings of photos, and reuse stored ones.")]


@dataclass(frozen=True, slots=True)
class _Rule:
    """Options that decide which faces form a cluster: the arguments of ``cluster_faces`` of these names."""

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
    """Group the faces of photos by person.

    Clusters all faces of all photos, or all faces of a gallery, which stores the clusters. Two faces of one photo are
    never one person. Prints one line per face, cluster by cluster, the largest first, then the photos without a face.
    """
    photos = check_sources(sources, gallery)
    if report:
        writable_file(report, endings=(".html",))
    columns = COLUMNS if gallery is None else GALLERY_COLUMNS
    if names and not report:
        raise UsageError("--names is for the page: give --report FILE.html too.")
    earlier_names = _read_names(names)
    rule = _Rule(far, threshold, min_quality, seed)
    face_names: tuple[str | None, ...] | None = None
    person_names: tuple[str, ...] = ()
    with Output(*columns, json=json, csv=CLUSTER_CSV if csv else None) as output:
        if gallery is not None:
            if previous is not None:
                raise UsageError("--previous is for photos: a gallery stores its earlier clusters.")
            clustering, face_names, person_names = _cluster_gallery(gallery, output, rule, networks.model)
        else:
            from visavis.clustering.previous import read_previous

            recognizer = networks.recognizer()
            previous_faces = {} if previous is None else read_previous(previous)
            all_photos = photos_of([*photos, *previous_faces], exclude=exclude)
            times: dict[str, datetime | None] = {}
            answers = _store_times(
                _embed_photos(all_photos, recognizer, min_face=networks.min_face, remember=remember), times
            )
            clustering = _cluster_photos(
                output.progress(answers, len(all_photos)), previous_faces, recognizer.model, rule
            )
            print_faces(output, clustering, [{}] * len(clustering.faces), times)
    naming = _name_faces(clustering.faces, earlier_names, face_names, person_names) if report else None
    write_files(clustering, out, report, naming, title=f"Faces of {gallery or ', '.join(photos)}")
    raise typer.Exit(exit_code(_list_statuses(clustering), yes=bool(len(clustering.faces))))


def _list_statuses(clustering: Clustering) -> list[str]:
    """Return the status of each photo: first those without a face, then the others."""
    return [*(photo.status for photo in clustering.skipped), *("ok" for _ in clustering.faces.photos)]


def _cluster_photos(
    answers: Iterable[PhotoFaces],
    previous_faces: Mapping[str, PreviousFaces],
    model: str,
    rule: _Rule,
) -> Clustering:
    from visavis.clustering import cluster_faces
    from visavis.clustering.faces import gather_faces

    faces, skipped = gather_faces(answers)
    after = max((cluster for photo in previous_faces.values() for cluster in photo.ids), default=0)
    clustering = cluster_faces(_keep_previous_clusters(faces, previous_faces), model=model, after=after, **asdict(rule))
    return replace(clustering, skipped=skipped)


def _cluster_gallery(
    url: str, output: Output, rule: _Rule, model: str | None
) -> tuple[Clustering, tuple[str | None, ...], tuple[str, ...]]:
    """Cluster the faces of a gallery and print them.

    Return the clustering, the person's name of each face (None: unassigned) and the names of all people. Raise
    GalleryError if a model is requested that is not the gallery's.
    """
    from visavis.gallery import Gallery

    with Gallery(url, model=model, create=False) as store:
        clustering, ids, face_names = store.cluster(**asdict(rule))
        person_names = tuple(person.name for person in store.people())
    details = [
        {"template_id": template, "person": name} for template, name in zip(ids.tolist(), face_names, strict=True)
    ]
    print_faces(output, clustering, details, {})
    return clustering, face_names, person_names


def _read_names(path: Path | None) -> list[tuple[str | None, NamedFace]]:
    """Return the faces named on an earlier page, each with its name (None: unassigned)."""
    if path is None:
        return []
    from visavis.gallery.cluster_export import read_named

    return [(person.name or None, face) for person in read_named(path) for face in person.faces]


def _name_faces(
    faces: Faces,
    earlier_names: Sequence[tuple[str | None, NamedFace]],
    face_names: Sequence[str | None] | None,
    person_names: Sequence[str],
) -> Naming:
    """Return the names of faces: those of the gallery ``face_names``, else those of an earlier page ``earlier_names``.

    Leave out the names of faces in photos that were replaced, and print a note for each such photo.
    """
    from visavis.clustering.naming import find_named
    from visavis.images import replaced_message

    here = {same_place(photo): photo for photo in dict.fromkeys(faces.photos)}
    places = {face.photo: here[same_place(face.photo)] for _, face in earlier_names if same_place(face.photo) in here}
    hashes = {photo: faces.photo_hash(row) for row, photo in enumerate(faces.photos)}
    replaced = {
        face.photo
        for _, face in earlier_names
        if face.sha256 and hashes.get(places.get(face.photo, face.photo)) not in {None, face.sha256}
    }
    for photo in sorted(replaced):
        note(replaced_message(photo))
    current_names = [(name, face.photo, face.box) for name, face in earlier_names if face.photo not in replaced]
    naming = find_named(faces, current_names, places)
    if face_names is None:
        return naming
    people = tuple(stored or earlier for stored, earlier in zip(face_names, naming.people, strict=True))
    unassigned = frozenset(row for row in naming.unassigned if face_names[row] is None)
    return replace(naming, people=people, unassigned=unassigned, names=(*naming.names, *person_names))


def _embed_photos(
    photos: Sequence[str], recognizer: Recognizer, *, min_face: float, remember: bool
) -> Iterator[PhotoFaces]:
    if not remember:
        yield from recognizer.represent(photos, min_face=min_face)
        return
    from visavis.embedding_cache.photo_cache import EmbeddingCache
    from visavis.evaluate.data.templates import every_face

    with EmbeddingCache(recognizer, min_face=min_face) as cache:
        yield from every_face(photos, recognizer, min_face=min_face, cache=cache)
    for text in cache.notes:
        note(text)


def _store_times(answers: Iterable[PhotoFaces], times: dict[str, datetime | None]) -> Iterator[PhotoFaces]:
    """Pass answers on and store the capture time of each photo; a remembered photo is read again for it."""
    from visavis import images

    for answer in answers:
        times[answer.name] = answer.captured if answer.photo is not None else images.captured(answer.name)
        yield answer


def _keep_previous_clusters(faces: Faces, previous_faces: Mapping[str, PreviousFaces]) -> Faces:
    """Return faces with their earlier clusters; note how many of the earlier faces are missing."""
    if not previous_faces:
        return faces
    from visavis.clustering.faces import by_photo, join_faces
    from visavis.clustering.previous import with_clusters

    places = {same_place(photo): clusters for photo, clusters in previous_faces.items()}
    parts = [
        with_clusters(photo_faces, clusters)
        if (clusters := places.get(same_place(photo_faces.photos[0])))
        else photo_faces
        for photo_faces in by_photo(faces)
    ]
    faces = join_faces(*parts)
    missing = sum(len(clusters.ids) for clusters in places.values()) - int((faces.clusters >= 0).sum())
    if missing:
        note(f"not found again, of the faces that were clustered before: {missing}.")
    return faces
