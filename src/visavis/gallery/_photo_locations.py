"""Update the paths of a gallery's photos, find photos, and forget them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from hashlib import sha256 as sha256_of
from pathlib import Path

from sqlalchemy import Connection

from visavis import images
from visavis.errors import ImageError, UnknownNameError, UsageError
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.check_input import storable
from visavis.gallery.sql import audit, photo_paths
from visavis.gallery.types import ForgottenPhoto

HASH = re.compile(r"[0-9a-f]{8,64}")


def read_file(path: str) -> bytes:
    """Read the bytes of a photo; raises ImageError."""
    return images.encoded(Path(path), name=path)


class PhotoLocations(OpenGallery):
    """The methods that update the paths of photos, and find and forget photos."""

    def locate_photos(self, hashed: Iterable[tuple[str, str]], *, read: Callable[[str], bytes] = read_file) -> int:
        """Store the current paths of photos, pairs of SHA-256 and path; return the number of changed paths.

        A photo with this SHA-256 gets the new path, unless ``read`` still finds it at the stored path. Another photo
        that is stored with a path of ``hashed`` has no path from then on.
        """
        digests = {storable(path): digest for digest, path in hashed}
        with self._store.read() as conn:
            stored = photo_paths.paths(conn, digests.values())
            claims = photo_paths.claims(conn, digests)
        moves: dict[tuple[str, str], str] = {}
        for path, digest in digests.items():
            for old in stored.get(digest, set()) - {path}:
                if (digest, old) not in moves and not _is_still_there(old, digest, digests, read):
                    moves[digest, old] = path
        for digest, path in claims:
            if digests[path] != digest:
                moves.setdefault((digest, path), photo_paths.NOWHERE)
        if moves:
            with self._store.write() as conn:
                photo_paths.move(conn, [(digest, old, new) for (digest, old), new in moves.items()])
        return len(moves)

    def find_photos(self, *photos: str | os.PathLike[str]) -> list[tuple[str, dict[int, str]]]:
        """Return for each photo, a path or a hash of 8 digits or more, its SHA-256 and the names in it, by person id.

        A path is the stored one, or that of a file with the same bytes. Raises UnknownNameError if there is
        no such photo, UsageError if several photos match.
        """
        with self._store.read() as conn:
            hashes = [_find_hash(conn, os.fsdecode(photo)) for photo in photos]
            return [(digest, photo_paths.people_of(conn, [digest])) for digest in dict.fromkeys(hashes)]

    def forget(self, *photos: str | os.PathLike[str], named: bool = False) -> list[ForgottenPhoto]:
        """Remove photos with all their templates, all or none, without a trace in the file.

        Photos are found as by :meth:`find_photos`. Templates of people are removed only with ``named``; a person
        without another template is removed too. The audit log records the hash of the photo and the people who lost
        templates. Raises UsageError if a photo has templates of people and ``named`` is False.
        """
        stored_photos = self.find_photos(*photos)
        named_people = {person: name for _, people in stored_photos for person, name in people.items()}
        if named_people and not named:
            raise UsageError(
                f"these photos show people of the gallery ({', '.join(named_people.values())}): give named=True to "
                "remove those templates too."
            )
        with self._store.write() as conn:
            forgotten = [photo_paths.forget(conn, digest) for digest, _ in stored_photos]
            for photo in forgotten:
                self._audit_forgotten(conn, photo)
        if forgotten:
            self._compact_after_removal()
        return forgotten

    def _audit_forgotten(self, conn: Connection, photo: ForgottenPhoto) -> None:
        detail = f"photo {photo.sha256[:12]}, {photo.templates} templates"
        self._audit(conn, "forget", None, detail)
        lost = [(person, f"templates of photo {photo.sha256[:12]}") for person, _ in photo.people]
        audit.note_all(conn, "forget", lost, actor=self._actor)
        for person in photo.removed:
            self._audit(conn, "remove", person, "no template was left")


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
    hashes = photo_paths.by_hash(conn, photo.lower()) if HASH.fullmatch(photo.lower()) else set()
    if not hashes:
        spelled = {storable(photo), storable(os.path.abspath(photo))}  # noqa: PTH100 - Path.absolute keeps ".."
        hashes = {digest for digest, _ in photo_paths.claims(conn, spelled)}
        hashes |= set(photo_paths.paths(conn, _hash_file(photo)))
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
