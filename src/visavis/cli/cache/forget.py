"""cache forget: remove from the cache what commands remember of photos."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli._table import Column

HASH = re.compile(r"[0-9a-fA-F]{64}")


def forget(
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO", help="Photos, or their SHA-256 (64 digits).")],
    json: Json = False,
) -> None:
    """Remove the faces and embeddings of photos from the cache, for all models.

    Finds a photo by its bytes, wherever it was when it was embedded. Also deletes the crops of all photos of a training
    that used it: the next training makes them again. Prints how many entries there were.
    """
    from visavis.embedding_cache import stored_files

    with Output("photo", Column("hash", drop=1, least=8), "entries", json=json) as output:
        for photo, digest in [(photo, _find_hash(photo)) for photo in photos]:
            entries = stored_files.forget_photos([digest])
            output.answer({"photo": photo, "sha256": digest, "entries": entries}, [photo, digest[:16], str(entries)])


def _find_hash(photo: str) -> str:
    """Return the SHA-256 of a photo, or the given one; raises ImageError for a missing file."""
    from visavis import images

    if HASH.fullmatch(photo) and not Path(photo).exists():
        return photo.lower()
    return sha256(images.encoded(Path(photo), name=photo)).hexdigest()
