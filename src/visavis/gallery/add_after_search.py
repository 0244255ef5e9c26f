"""Store a face after a search for the faces like it, both in one transaction.

Of two processes that add the same face at one time, the second one finds that of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from visavis.gallery import _search
from visavis.gallery._indexed_photos import prepare_photo
from visavis.gallery.check_input import normalize_embeddings
from visavis.gallery.sql import indexed_photos, records
from visavis.gallery.types import IndexedPhoto, StoredFaces
from visavis.types import Floats, Lookalike

if TYPE_CHECKING:
    from visavis.gallery import Gallery

MakePhoto = Callable[[Sequence[Lookalike], Callable[[], StoredFaces]], IndexedPhoto | None]
"""Makes a photo of one face of the faces nearest to it, and of a function that reads all unassigned faces."""


def add_photo_after_search(gallery: Gallery, embedding: Floats, make: MakePhoto, *, top: int) -> int | None:
    """Search the ``top`` faces nearest to an embedding ``(d,)``, and store the photo that ``make`` returns.

    Returns the id of its template; None where ``make`` returns None, and nothing is stored.
    """
    opened = gallery.opened
    with opened.lock, opened.database.write() as conn:  # in this order, as elsewhere
        probes = normalize_embeddings(embedding[None], opened.require_model(conn).dimension)
        (near,) = _search.read_nearest(conn, opened.index.update_for_writing(conn), probes, top)
        photo = make(near, lambda: indexed_photos.read_faces(conn, unassigned=True))
        if photo is None:
            return None
        photo = prepare_photo(photo)
        (face,) = photo.faces
        indexed_photos.agree_on_dimension(conn, opened.model, len(face.embedding))
        (template_id,) = records.add_templates(conn, opened.model, [(None, face)])
        indexed_photos.insert_photos(conn, opened.model, [photo])
    return template_id
