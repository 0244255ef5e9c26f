"""Store indexed photos and their unassigned faces, cluster the faces, and update, find and forget photos."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import sha256 as sha256_of
from pathlib import Path

from sqlalchemy import Connection

from visavis import images
from visavis.embedding_cache import stored_files as embedding_cache
from visavis.errors import ImageError, UnknownNameError, UsageError
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.check_input import make_storable, match_stored_faces, prepare_templates
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.sql import audit_log, indexed_photos, photo_paths, records
from visavis.gallery.types import ClusteredFaces, ForgottenPhoto, IndexedPhoto, StoredFaces

HASH = re.compile(r"[0-9a-f]{8,64}")


def find_indexed(opened: OpenGallery, sha256s: Iterable[str]) -> set[str]:
    """Return the hashes of photos that are indexed already."""
    with opened.database.read() as conn:
        return indexed_photos.find_indexed(conn, opened.model, sha256s)


def add_photos(opened: OpenGallery, photos: Sequence[IndexedPhoto]) -> int:
    """Do as :meth:`visavis.gallery.Gallery.add_photos`."""
    prepared = [prepare_photo(photo) for photo in {photo.sha256: photo for photo in photos}.values()]
    if not prepared:
        return 0
    with opened.database.write() as conn:
        opened.require_model(conn)
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
        opened.require_model(conn)
        return indexed_photos.read_faces(conn, unassigned=unassigned)


def cluster_faces(
    opened: OpenGallery, *, far: float | None, threshold: float | None, min_quality: float, seed: int
) -> ClusteredFaces:
    """Do as :meth:`visavis.gallery.Gallery.cluster`."""
    from visavis import clustering

    with opened.database.read() as conn:
        opened.require_model(conn)
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


def prepare_photo(photo: IndexedPhoto) -> IndexedPhoto:
    """Return a photo with embeddings of length 1 and storable text."""
    faces = [replace(face, photo_sha256=photo.sha256, photo=photo.photo) for face in photo.faces]
    return replace(photo, photo=make_storable(photo.photo), faces=tuple(prepare_templates(faces)) if faces else ())


def read_file(path: str) -> bytes:
    """Read the bytes of a photo; raises ImageError."""
    return images.encoded(Path(path), name=path)


def locate_photos(opened: OpenGallery, hashed: Iterable[tuple[str, str]], *, read: Callable[[str], bytes]) -> int:
    """Do as :meth:`visavis.gallery.Gallery.locate_photos`."""
    digests = {make_storable(path): digest for digest, path in hashed}
    with opened.database.read() as conn:
        stored = photo_paths.read_paths(conn, digests.values())
        at_paths = photo_paths.find_photos_at(conn, digests)
    moves: dict[tuple[str, str], str] = {}
    for path, digest in digests.items():
        for old in stored.get(digest, set()) - {path}:
            if (digest, old) not in moves and not _is_still_there(old, digest, digests, read):
                moves[digest, old] = path
    for digest, path in at_paths:
        if digests[path] != digest:
            moves.setdefault((digest, path), photo_paths.NOWHERE)
    if moves:
        with opened.database.write() as conn:
            opened.database.mark_traces(conn)
            photo_paths.change_paths(conn, [(digest, old, new) for (digest, old), new in moves.items()])
    return len(moves)


def find_photos(opened: OpenGallery, photos: Sequence[str | os.PathLike[str]]) -> list[tuple[str, dict[int, str]]]:
    """Do as :meth:`visavis.gallery.Gallery.find_photos`."""
    with opened.database.read() as conn:
        hashes = [_find_hash(conn, os.fsdecode(photo)) for photo in photos]
        return [(digest, photo_paths.read_people(conn, [digest])) for digest in dict.fromkeys(hashes)]


def forget_photos(
    opened: OpenGallery, photos: Sequence[str | os.PathLike[str]], *, named: bool
) -> list[ForgottenPhoto]:
    """Do as :meth:`visavis.gallery.Gallery.forget`."""
    stored_photos = find_photos(opened, photos)
    named_people = {person: name for _, people in stored_photos for person, name in people.items()}
    if named_people and not named:
        raise UsageError(
            f"these photos show people of the gallery ({', '.join(named_people.values())}): give named=True to "
            "remove those templates too."
        )
    if not stored_photos:
        return []
    with opened.database.erasing() as conn:
        forgotten = [photo_paths.remove_photo(conn, digest) for digest, _ in stored_photos]
        for photo in forgotten:
            _log_forgotten(conn, opened, photo)
    embedding_cache.forget_photos(photo.sha256 for photo in forgotten)
    return forgotten


def _log_forgotten(conn: Connection, opened: OpenGallery, photo: ForgottenPhoto) -> None:
    detail = f"photo {photo.sha256[:12]}, {photo.templates} templates"
    opened.log(conn, "forget", None, detail)
    lost = [(person, f"templates of photo {photo.sha256[:12]}") for person, _ in photo.people]
    audit_log.log_actions(conn, "forget", lost, actor=opened.actor)
    for person in photo.removed:
        opened.log(conn, "remove", person, "no template was left")


def _is_still_there(path: str, digest: str, digests: dict[str, str], read: Callable[[str], bytes]) -> bool:
    if path in digests:
        return digests[path] == digest
    if path == photo_paths.NOWHERE:
        return False
    try:
        return sha256_of(read(path)).hexdigest() == digest
    except ImageError:
        return False


def _find_hash(conn: Connection, photo: str) -> str:
    """Return the hash of the photo with this hash or prefix of a hash, path, or bytes of a file."""
    hashes = photo_paths.find_hashes(conn, photo.lower()) if HASH.fullmatch(photo.lower()) else set()
    if not hashes:
        spelled = {make_storable(photo), make_storable(os.path.abspath(photo))}  # noqa: PTH100 - Path.absolute keeps ".."
        hashes = {digest for digest, _ in photo_paths.find_photos_at(conn, spelled)}
        hashes |= set(photo_paths.read_paths(conn, _hash_file(photo)))
    if not hashes:
        raise UnknownNameError(f"this gallery holds no photo {images.shown(photo)}, neither by path nor by its bytes.")
    if len(hashes) > 1:
        raise UsageError(
            f"{images.shown(photo)} stands for {len(hashes)} photos of this gallery: give one of the hashes "
            f"{', '.join(digest[:16] for digest in sorted(hashes))}."
        )
    return hashes.pop()


def _hash_file(photo: str) -> list[str]:
    """Return the SHA-256 of a file as a list of one; an empty list if it cannot be read."""
    try:
        return [sha256_of(read_file(photo)).hexdigest()]
    except ImageError:
        return []
