"""Output files and folders: written completely or not at all, without overwriting another photo's file."""

from __future__ import annotations

import os
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from visavis import atomic, permissions
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.types import RGB, Photo

PICTURES = (".jpg", ".jpeg", ".png", ".webp")
"""Endings of the names of pictures that ``visavis.images.save`` writes."""


LONGEST_STEM, CUT_STEM = 180, 100
"""Bytes of the longest stem that is used in full, and of a longer one: file systems take names of 143 or 255 bytes."""


class PictureFolder:
    """A folder of pictures made from photos, each named after its photo.

    Each picture has a mark of its source photo in its comment. A file with another mark or none (of a photo with the
    same stem, or a file of the user) is kept, and the next free name of obama-1.png, obama~2-1.png, obama~3-1.png ...
    is used. A picture of the same photo is replaced.
    """

    def __init__(self, folder: Path) -> None:
        permissions.make_folder(folder)
        self._folder = folder

    def save(self, picture: RGB, photo: Photo, ending: str) -> Path:
        """Write a picture made from ``photo`` as its stem + ``ending`` ("-1.png"); return the path."""
        from PIL import Image, PngImagePlugin

        mark = _make_mark(photo)
        path = self._find_free(_get_stem(photo), ending, mark)
        image = Image.fromarray(picture)
        if path.suffix == ".png":
            info = PngImagePlugin.PngInfo()
            info.add_text("comment", mark)
            atomic.write(path, lambda file: image.save(file, "PNG", pnginfo=info))
        else:
            atomic.write(path, lambda file: image.save(file, "JPEG", quality=92, comment=mark))
        return path

    def _find_free(self, stem: str, ending: str, mark: str) -> Path:
        names = (f"{stem}{ending}" if copy == 1 else f"{stem}~{copy}{ending}" for copy in count(1))
        return next(path for name in names if _may_write(path := self._folder / name, mark))


def writable_file(path: Path, *, endings: tuple[str, ...]) -> Path:
    """Raise UsageError, before the work, for a file that could not be written at the end."""
    if path.suffix.lower() not in endings:
        raise UsageError(f"{path} must end in {' or '.join(endings)}.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file.")
    if not path.parent.is_dir():
        raise UsageError(f"{path} cannot be written: there is no folder {path.parent}.")
    return path


def _get_stem(photo: Photo) -> str:
    """Return the name of a photo without its ending, cut where a file system would refuse a longer one."""
    stem = "stdin" if photo.name == "-" else Path(photo.name).stem
    name = os.fsencode(stem)
    return stem if len(name) <= LONGEST_STEM else name[:CUT_STEM].decode("utf-8", "ignore")


def _make_mark(photo: Photo) -> str:
    """Return a mark of the photo that hides its location: a digest of its path, or of its bytes without one."""
    source = photo.sha256 if photo.name == "-" else str(Path(photo.name).absolute())
    return f"visavis:{sha256(os.fsencode(source)).hexdigest()[:32]}"


def _may_write(path: Path, mark: str) -> bool:
    if not path.exists():
        return True
    from visavis import images

    return images.read_comment(path) == mark
