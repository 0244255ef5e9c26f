"""Store indexed photos with unassigned faces, and read and cluster the faces of a gallery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.check_input import make_storable, match_stored_faces, prepare_templates
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.sql import indexed_photos, records
from visavis.gallery.types import ClusteredFaces, IndexedPhoto, StoredFaces


def find_indexed(opened: OpenGallery, sha256s: Iterable[str]) -> set[str]:
    """Return the hashes of photos that are indexed already."""
    with opened.database.read() as conn:
        return indexed_photos.find_indexed(conn, opened.model, sha256s)


def add_photos(opened: OpenGallery, photos: Sequence[IndexedPhoto]) -> int:
    """Do as :meth:`visavis.gallery.Gallery.add_photos`."""
    prepared = [_prepare_photo(photo) for photo in {photo.sha256: photo for photo in photos}.values()]
    if not prepared:
        return 0
    with opened.database.write() as conn:
        indexed = indexed_photos.find_indexed(conn, opened.model, [photo.sha256 for photo in prepared])
        new = [photo for photo in prepared if photo.sha256 not in indexed]
        faces = [face for photo in new for face in photo.faces]
        if faces:
            indexed_photos.agree_on_dimension(conn, opened.model, len(faces[0].embedding))
            stored = records.read_owners(conn, opened.model, [photo.sha256 for photo in new])
            owners = match_stored_faces(faces, stored)
            new_faces = [(None, face) for face, owner in zip(faces, owners, strict=True) if owner is None]
            records.add_templates(conn, opened.model, new_faces)
        indexed_photos.insert_photos(conn, opened.model, new)
    return len(new)


def read_faces(opened: OpenGallery, *, unassigned: bool) -> StoredFaces:
    """Return all faces, or only the unassigned ones, by template id."""
    with opened.database.read() as conn:
        return indexed_photos.read_faces(conn, unassigned=unassigned)


def cluster_faces(
    opened: OpenGallery, *, far: float | None, threshold: float | None, min_quality: float, seed: int
) -> ClusteredFaces:
    """Do as :meth:`visavis.gallery.Gallery.cluster`."""
    from visavis import clustering

    with opened.database.read() as conn:
        stored = indexed_photos.read_faces(conn)
        names = records.read_names(conn, {*stored.people.tolist()} - {UNASSIGNED})
    clusters = clustering.cluster_faces(
        indexed_photos.convert_faces(stored),
        far=far,
        threshold=threshold,
        model=opened.model,
        calibration=opened.calibration,
        min_quality=min_quality,
        seed=seed,
        after=int(stored.clusters.max(initial=0)),
    )
    set_clusters(opened, stored.ids.tolist(), clusters.labels.tolist())
    people = tuple(names.get(person_id) for person_id in stored.people.tolist())
    return ClusteredFaces(clusters, stored.ids, people)


def set_clusters(opened: OpenGallery, ids: Sequence[int], clusters: Sequence[int]) -> None:
    """Do as :meth:`visavis.gallery.Gallery.set_clusters`."""
    with opened.database.write() as conn:
        indexed_photos.set_clusters(conn, ids, clusters)


def _prepare_photo(photo: IndexedPhoto) -> IndexedPhoto:
    """Return a photo with embeddings of length 1 and storable text."""
    faces = [replace(face, photo_sha256=photo.sha256, photo=photo.photo) for face in photo.faces]
    return replace(photo, photo=make_storable(photo.photo), faces=tuple(prepare_templates(faces)) if faces else ())
