"""Store indexed photos with unassigned faces, and cluster the faces of a gallery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.check_input import match_stored_faces, prepare_templates, storable
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.sql import indexed_photos, records
from visavis.gallery.types import ClusteredFaces, IndexedPhoto, StoredFaces


class UnnamedFaces(OpenGallery):
    """The methods that store indexed photos, and read and cluster all faces."""

    def known_photos(self, sha256s: Iterable[str]) -> set[str]:
        """Return the hashes of photos that are indexed already."""
        with self._store.read() as conn:
            return indexed_photos.indexed_hashes(conn, self.model, sha256s)

    def add_photos(self, photos: Sequence[IndexedPhoto]) -> int:
        """Store photos with their faces, unassigned, in one transaction; return the number of new photos.

        Photos that are indexed already are skipped, and so are faces that a person was enrolled with. Raises
        UsageError if an embedding is wrong, and then stores nothing.
        """
        prepared = [_prepare_photo(photo) for photo in {photo.sha256: photo for photo in photos}.values()]
        if not prepared:
            return 0
        with self._store.write() as conn:
            indexed = indexed_photos.indexed_hashes(conn, self.model, [photo.sha256 for photo in prepared])
            new = [photo for photo in prepared if photo.sha256 not in indexed]
            faces = [face for photo in new for face in photo.faces]
            if faces:
                indexed_photos.agree_on_dimension(conn, self.model, len(faces[0].embedding))
                stored = records.owners(conn, self.model, [photo.sha256 for photo in new])
                owners = match_stored_faces(faces, stored)
                new_faces = [(None, face) for face, owner in zip(faces, owners, strict=True) if owner is None]
                records.add_templates(conn, self.model, new_faces)
            indexed_photos.put(conn, self.model, new)
        return len(new)

    def faces(self, *, unnamed: bool = False) -> StoredFaces:
        """Return all faces, or only the unassigned ones, by template id."""
        with self._store.read() as conn:
            return indexed_photos.faces(conn, unnamed=unnamed)

    def cluster(
        self,
        *,
        far: float | None = None,
        threshold: float | None = None,
        min_quality: float = 0.0,
        seed: int = 0,
    ) -> ClusteredFaces:
        """Cluster all faces by person, and store the clusters; see :func:`visavis.cluster`.

        Faces that were clustered before keep their clusters; new faces join these or form new clusters.
        The threshold of a rate ``far`` is that of the gallery's own table, if it has one.
        """
        from visavis.clustering import cluster_faces

        with self._store.read() as conn:
            stored = indexed_photos.faces(conn)
            names = records.names(conn, {*stored.people.tolist()} - {UNASSIGNED})
        clustering = cluster_faces(
            indexed_photos.as_faces(stored),
            far=far,
            threshold=threshold,
            model=self.model,
            calibration=self.calibration,
            min_quality=min_quality,
            seed=seed,
            after=int(stored.clusters.max(initial=0)),
        )
        self.set_clusters(stored.ids.tolist(), clustering.labels.tolist())
        people = tuple(names.get(person_id) for person_id in stored.people.tolist())
        return ClusteredFaces(clustering, stored.ids, people)

    def set_clusters(self, ids: Sequence[int], clusters: Sequence[int]) -> None:
        """Store the cluster of each of these faces (template ids), -1 for none, in one transaction."""
        with self._store.write() as conn:
            indexed_photos.set_clusters(conn, ids, clusters)


def _prepare_photo(photo: IndexedPhoto) -> IndexedPhoto:
    """Return a photo with embeddings of length 1 and storable text."""
    faces = [replace(face, photo_sha256=photo.sha256, photo=photo.photo) for face in photo.faces]
    return replace(photo, photo=storable(photo.photo), faces=tuple(prepare_templates(faces)) if faces else ())
