"""Pictures of faces whose crops the gallery does not keep: cut out of the photo, where that lies below an index root.

A photo is read again only below the roots of the configuration, whatever path the gallery has, and shown only if its
bytes are those that were indexed.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from threading import Lock, Semaphore

from visavis import images
from visavis.errors import ImageError, UnknownNameError
from visavis.gallery.kept_crops import cut_face
from visavis.gallery.template_listing import FaceInPhoto
from visavis.server.config import ServerConfig

AT_ONCE = 2
"""Photos that are decoded at a time: that bounds their memory."""
KEPT = 1000
"""Pictures that are kept in memory, of a few kilobytes each."""


class FacePictures:
    """Cuts faces out of the photos below the index roots of a configuration."""

    def __init__(self, config: ServerConfig) -> None:
        self._roots = tuple(os.path.join(os.path.realpath(root), "") for root in config.index_roots.values())  # noqa: PTH118 - with a slash at its end
        self._decoding = Semaphore(AT_ONCE)
        self._lock = Lock()
        self._kept: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    def lies_below_root(self, photo: str) -> bool:
        """Return whether the path of a photo is below an index root, as it is written."""
        return bool(self._roots) and photo.startswith(self._roots)

    def cut(self, face: FaceInPhoto, side: int) -> bytes:
        """Return a JPEG of a face, of ``side`` pixels; UnknownNameError where its photo is not there any more."""
        key = (face, side)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        path = os.path.realpath(face.photo)
        if face.sha256 is None or face.box is None or not self.lies_below_root(path):
            raise UnknownNameError("there is no picture of this face.")
        with self._decoding:
            try:
                photo = images.read_again(path, face.sha256)
            except ImageError as error:
                raise UnknownNameError("there is no picture of this face: its photo is not there any more.") from error
            picture = cut_face(photo.pixels, face.box, side)
        with self._lock:
            self._kept[key] = picture
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return picture
