"""The demo's photographs: press photos of Barack Obama and Joe Biden.

They are part of the source archive of the ``face_recognition`` package, downloaded with pip as it is configured on this
machine, and are kept in the cache. Only the photos are unpacked. pip gets the archive's hash, so that it refuses
another file before it runs the ``setup.py`` in it (for the name and version, which it always reads).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass, fields
from pathlib import Path

from visavis import atomic, permissions
from visavis.cache import cache_dir
from visavis.errors import WeightsError

ARCHIVE = "face_recognition-1.3.0.tar.gz"
REQUIREMENT = "face_recognition==1.3.0"
SHA256 = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
FOLDER = "face_recognition-1.3.0/tests/test_images"

PHOTOS = {
    "biden.jpg": "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
    "obama.jpg": "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
    "obama2.jpg": "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
    "obama3.jpg": "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
    "obama_partial_face.jpg": "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117",
    "obama_partial_face2.jpg": "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028",
}
"""File name -> sha256; fields of :class:`Samples` in the same order."""

PIP_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Samples:
    """Paths of the sample photos; each has one person in front.

    ``obama`` (910 x 1137), ``obama2`` (626 x 1200) and ``obama3`` (1434 x 2333) are three photos of one man,
    the partial ones are halves of the first; ``biden`` (970 x 2204) is another man.
    """

    biden: Path
    obama: Path
    obama2: Path
    obama3: Path
    obama_partial: Path
    obama_partial2: Path

    @property
    def all(self) -> tuple[Path, ...]:
        """Every photo."""
        return tuple(getattr(self, field.name) for field in fields(self))


def load_samples() -> Samples:
    """Return the sample photos, downloading them (3 MB) where they are missing from the cache or damaged.

    Raises WeightsError where they cannot be downloaded; ``VISAVIS_OFFLINE=1`` forbids downloads.
    """
    folder = (cache_dir() / "samples").absolute()
    if not _complete(folder):
        _fill(folder)
    return Samples(*(folder / name for name in PHOTOS))


def _complete(folder: Path) -> bool:
    """Return whether all photos are present with their hashes: reading 2 MB costs a few milliseconds."""
    try:
        return all(_sha256(folder / name) == digest for name, digest in PHOTOS.items())
    except OSError:
        return False


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fill(folder: Path) -> None:
    try:
        permissions.make_folder(folder)
        # beside the photos, so that a rename puts each in place once all are complete and checked
        with atomic.folder_beside(folder / ARCHIVE) as work:
            unpack(_find_archive(folder) or _fetch(work, folder), work)
            for photo in PHOTOS:
                atomic.move(work / photo, folder / photo)
    except OSError as error:
        raise WeightsError(f"the sample photos cannot be kept in {str(folder)!r}: {error}.") from error


def _find_archive(folder: Path) -> Path | None:
    """Return the archive, if it was put into the folder by hand."""
    archive = folder / ARCHIVE
    return archive if archive.is_file() else None


def _fetch(work: Path, folder: Path) -> Path:
    by_hand = f"put {ARCHIVE} into {str(folder)!r}"
    if os.environ.get("VISAVIS_OFFLINE", "0") not in {"", "0"}:
        raise WeightsError(
            f"the sample photos are not in the cache and VISAVIS_OFFLINE is set: unset it once, or {by_hand}."
        )
    pinned = work / "requirements.txt"
    pinned.write_text(f"{REQUIREMENT} --hash=sha256:{SHA256}\n", encoding="ascii")
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "download",
        "--quiet",
    ]
    command += [
        "--no-deps",
        "--no-binary=face_recognition",
        "--dest",
        str(work),
        "--requirement",
        str(pinned),
    ]
    try:
        # not in the user's folder, where pip would run a file named like one of its modules
        done = subprocess.run(
            command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, timeout=PIP_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WeightsError(f"pip could not fetch the sample photos ({error}): {by_hand}.") from error
    archive = work / ARCHIVE
    if done.returncode != 0 or not archive.is_file():
        raise WeightsError(f"pip could not fetch the sample photos ({_last_line(done.stderr)}): {by_hand}.")
    return archive


def _last_line(output: bytes) -> str:
    """Return pip's error: the last line that begins with ERROR, else its last line."""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    last = (errors or lines or ["it said nothing"])[-1]
    return last.removeprefix("ERROR:").strip().rstrip(".")


def unpack(archive: Path, folder: Path) -> None:
    """Write the photos of the archive into a folder, each checked.

    Members are read by their full names and written under fixed names: no path in the archive is followed.
    Raises WeightsError for an archive, or a photo in it, of another hash.
    """
    actual = _sha256(archive)
    if actual != SHA256:
        raise WeightsError(f"{str(archive)!r} has sha256 {actual}, not {SHA256}: delete it and try again.")
    try:
        with tarfile.open(archive, "r:gz") as opened:
            for name, digest in PHOTOS.items():
                (folder / name).write_bytes(_read_checked(opened, name, digest))
    except (KeyError, tarfile.TarError, EOFError) as error:
        raise WeightsError(f"{str(archive)!r} is not the archive of the sample photos: {error}.") from error


def _read_checked(archive: tarfile.TarFile, name: str, digest: str) -> bytes:
    member = archive.extractfile(f"{FOLDER}/{name}")
    data = member.read() if member is not None else b""
    if hashlib.sha256(data).hexdigest() != digest:
        raise WeightsError(f"the sample photo {name} is not what it was: delete {ARCHIVE} and try again.")
    return data
