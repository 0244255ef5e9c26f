"""Folders and files that commands write: whole or not at all, and never one over another's."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.types import RGB, Photo


class PictureFolder:
    """A folder of pictures made from photos, each named after its photo.

    Every picture carries, as its comment, a mark of the photo it was made from. A name taken by a file of
    another mark or none (of a photo of the same stem, or the user's own) is left alone, and the next free one
    of obama-1.png, obama~2-1.png, obama~3-1.png ... used. The same photo again replaces its own.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def save(self, picture: RGB, photo: Photo, ending: str) -> Path:
        """Write a picture made from ``photo`` as its stem + ``ending`` ("-1.png"); return the path."""
        from PIL import Image, PngImagePlugin

        mark = _mark(photo)
        path = self._free(_stem(photo), ending, mark)
        image = Image.fromarray(picture)
        if path.suffix == ".png":
            info = PngImagePlugin.PngInfo()
            info.add_text("comment", mark)
            write_whole(path, lambda file: image.save(file, "PNG", pnginfo=info))
        else:
            write_whole(path, lambda file: image.save(file, "JPEG", quality=92, comment=mark))
        return path

    def _free(self, stem: str, ending: str, mark: str) -> Path:
        names = (f"{stem}{ending}" if copy == 1 else f"{stem}~{copy}{ending}" for copy in count(1))
        return next(path for name in names if _may_write(path := self._folder / name, mark))


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write beside ``path``, then put in its place: nobody sees half a file, a failure leaves the old one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            write(file)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def writable_file(path: Path, *, endings: tuple[str, ...]) -> Path:
    """Refuse early, before the work, a file that could not be written at the end."""
    if path.suffix.lower() not in endings:
        raise UsageError(f"{path} must end in {' or '.join(endings)}.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file.")
    if not path.parent.is_dir():
        raise UsageError(f"{path} cannot be written: there is no folder {path.parent}.")
    return path


def _stem(photo: Photo) -> str:
    return "stdin" if photo.name == "-" else Path(photo.name).stem


def _mark(photo: Photo) -> str:
    """Name the photo without giving its place away: a digest of its path, or of its bytes if it has none."""
    source = photo.sha256 if photo.name == "-" else str(Path(photo.name).absolute())
    return f"visavis:{sha256(os.fsencode(source)).hexdigest()[:32]}"


def _may_write(path: Path, mark: str) -> bool:
    from PIL import Image, UnidentifiedImageError

    if not path.exists():
        return True
    try:
        with Image.open(path) as image:
            comment = image.info.get("comment", "")
    except (UnidentifiedImageError, OSError):
        return False
    return mark == (comment.decode("latin-1") if isinstance(comment, bytes) else comment)
