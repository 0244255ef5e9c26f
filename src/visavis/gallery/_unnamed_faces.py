"""Faces that were indexed and are nobody's yet, and the photos that they are from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from visavis.gallery._open_gallery import Opened
from visavis.gallery.check_input import ready, storable, told_apart
from visavis.gallery.index import NOBODY
from visavis.gallery.sql import indexed_photos, records
from visavis.gallery.types import ClusteredFaces, IndexedPhoto, StoredFaces


class Indexed(Opened):
    """Storing many photos, and reading all faces as clustering takes them."""

    def known_photos(self, sha256s: Iterable[str]) -> set[str]:
        """Return those of the hashes whose photos are indexed already."""
        with self._store.read() as conn:
            return indexed_photos.known(conn, self.model, sha256s)

    def add_photos(self, photos: Sequence[IndexedPhoto]) -> int:
        """Store photos with their faces, nobody's yet, all in one transaction; returns how many were new.

        Photos that are known already are passed over, and so are faces that somebody was enrolled with. Raises
        UsageError where an embedding is wrong, and then stores nothing.
        """
        ready_photos = [_ready(one) for one in {one.sha256: one for one in photos}.values()]
        if not ready_photos:
            return 0
        with self._store.write() as conn:
            known = indexed_photos.known(conn, self.model, [one.sha256 for one in ready_photos])
            new = [one for one in ready_photos if one.sha256 not in known]
            faces = [face for one in new for face in one.faces]
            if faces:
                indexed_photos.agree_on_dimension(conn, self.model, len(faces[0].embedding))
                owners = told_apart(faces, records.owners(conn, self.model, [one.sha256 for one in new]))
                fresh = [(None, face) for face, owner in zip(faces, owners, strict=True) if owner is None]
                records.add_templates(conn, self.model, fresh)
            indexed_photos.put(conn, self.model, new)
        return len(new)

    def faces(self, *, unnamed: bool = False) -> StoredFaces:
        """Return all faces, or only those of nobody, by template id."""
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
        """Put all faces together that are of one person, and note the clusters; see :func:`visavis.cluster`.

        Faces that were clustered before keep their clusters, and those that came since join them or found new ones.
        The threshold of a rate ``far`` is that of the gallery's own table, if it has one.
        """
        from visavis.clustering import cluster_faces

        with self._store.read() as conn:
            stored = indexed_photos.faces(conn)
            names = records.names(conn, {*stored.people.tolist()} - {NOBODY})
        found = cluster_faces(
            indexed_photos.as_faces(stored),
            far=far,
            threshold=threshold,
            model=self.model,
            calibration=self.calibration,
            min_quality=min_quality,
            seed=seed,
            after=int(stored.clusters.max(initial=0)),
        )
        self.set_clusters(stored.ids.tolist(), found.labels.tolist())
        return ClusteredFaces(found, stored.ids, tuple(names.get(one) for one in stored.people.tolist()))

    def set_clusters(self, ids: Sequence[int], clusters: Sequence[int]) -> None:
        """Note into which cluster each of these faces (template ids) was put; -1: into none. One transaction."""
        with self._store.write() as conn:
            indexed_photos.set_clusters(conn, ids, clusters)


def _ready(one: IndexedPhoto) -> IndexedPhoto:
    """Return a photo with unit vectors and storable text."""
    faces = [replace(face, photo_sha256=one.sha256, photo=one.photo) for face in one.faces]
    return replace(one, photo=storable(one.photo), faces=tuple(ready(faces)) if faces else ())
