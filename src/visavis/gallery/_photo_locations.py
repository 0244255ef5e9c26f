"""Photos of a gallery: where they lie by now, and forgetting them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from hashlib import sha256 as sha256_of
from pathlib import Path

from sqlalchemy import Connection

from visavis import images
from visavis.errors import ImageError, UnknownNameError, UsageError
from visavis.gallery._open_gallery import Opened
from visavis.gallery.check_input import storable
from visavis.gallery.sql import audit, photo_paths
from visavis.gallery.types import ForgottenPhoto

HASH = re.compile(r"[0-9a-f]{8,64}")


def read_file(path: str) -> bytes:
    """Read the bytes of a photo; raises ImageError."""
    return images.encoded(Path(path), name=path)


class Located(Opened):
    """Keeping paths of photos right, and forgetting photos."""

    def locate_photos(self, found: Iterable[tuple[str, str]], *, read: Callable[[str], bytes] = read_file) -> int:
        """Note where photos were found: pairs of SHA-256 and path. Returns how many paths changed.

        A photo of these bytes takes the new path, unless it still lies at the one that is stored, which is looked at by
        ``read``. Another photo that was said to lie at a path of ``found`` has no path from then on.
        """
        at = {storable(path): digest for digest, path in found}
        with self._store.read() as conn:
            stored = photo_paths.paths(conn, at.values())
            claims = photo_paths.claims(conn, at)
        moves: dict[tuple[str, str], str] = {}
        for path, digest in at.items():
            for old in stored.get(digest, set()) - {path}:
                if (digest, old) not in moves and not _still_there(old, digest, at, read):
                    moves[digest, old] = path
        for digest, path in claims:
            if at[path] != digest:
                moves.setdefault((digest, path), photo_paths.NOWHERE)
        if moves:
            with self._store.write() as conn:
                photo_paths.move(conn, [(digest, old, new) for (digest, old), new in moves.items()])
        return len(moves)

    def find_photos(self, *photos: str | os.PathLike[str]) -> list[tuple[str, dict[int, str]]]:
        """Return of each photo, a path or a hash of 8 digits or more, its SHA-256 and the people in it, by id.

        A path is that which is stored, or that of a file whose bytes are known. Raises UnknownNameError where there is
        no such photo, UsageError where several photos are meant.
        """
        with self._store.read() as conn:
            hashes = [_meant(conn, os.fsdecode(photo)) for photo in photos]
            return [(digest, photo_paths.people_of(conn, [digest])) for digest in dict.fromkeys(hashes)]

    def forget(self, *photos: str | os.PathLike[str], named: bool = False) -> list[ForgottenPhoto]:
        """Remove photos with all their templates, all or none, without a trace in the file.

        Photos are told as in :meth:`find_photos`. Templates of people are removed only with ``named``; a person who has
        no other template is removed too. The audit log notes the hash of the photo and who lost templates. Raises
        UsageError where somebody is named in a photo and ``named`` is False.
        """
        found = self.find_photos(*photos)
        named_people = {person: name for _, people in found for person, name in people.items()}
        if named_people and not named:
            raise UsageError(
                f"these photos show people of the gallery ({', '.join(named_people.values())}): give named=True to "
                "remove those templates too."
            )
        with self._store.write() as conn:
            gone = [photo_paths.forget(conn, digest) for digest, _ in found]
            for photo in gone:
                self._audit_forgotten(conn, photo)
        if gone:
            self._compact_after_removal()
        return gone

    def _audit_forgotten(self, conn: Connection, photo: ForgottenPhoto) -> None:
        detail = f"photo {photo.sha256[:12]}, {photo.templates} templates"
        self._audit(conn, "forget", None, detail)
        lost = [(person, f"templates of photo {photo.sha256[:12]}") for person, _ in photo.people]
        audit.note_all(conn, "forget", lost, actor=self._actor)
        for person in photo.removed:
            self._audit(conn, "remove", person, "no template was left")


def _still_there(path: str, digest: str, at: dict[str, str], read: Callable[[str], bytes]) -> bool:
    if path in at:
        return at[path] == digest
    if path == photo_paths.NOWHERE:
        return False
    try:
        return sha256_of(read(path)).hexdigest() == digest
    except ImageError:
        return False


def _meant(conn: Connection, photo: str) -> str:
    """Return the hash of the photo that is meant."""
    found = photo_paths.by_hash(conn, photo.lower()) if HASH.fullmatch(photo.lower()) else set()
    if not found:
        spelled = {storable(photo), storable(os.path.abspath(photo))}  # noqa: PTH100 - Path.absolute keeps ".."
        found = {digest for digest, _ in photo_paths.claims(conn, spelled)}
        found |= set(photo_paths.paths(conn, _hash_of_file(photo)))
    if not found:
        raise UnknownNameError(f"this gallery holds no photo {images.shown(photo)}, neither by path nor by its bytes.")
    if len(found) > 1:
        raise UsageError(
            f"{images.shown(photo)} stands for {len(found)} photos of this gallery: give one of the hashes "
            f"{', '.join(digest[:16] for digest in sorted(found))}."
        )
    return found.pop()


def _hash_of_file(photo: str) -> list[str]:
    try:
        return [sha256_of(read_file(photo)).hexdigest()]
    except ImageError:
        return []
