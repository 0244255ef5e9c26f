"""Static files of the pages: the style sheet, the modules and the icon of the package, at addresses with their hash.

All files share one hash, which is a folder of their address: modules import each other by relative names, so that a
page gets all of one version, and browsers keep them for a year.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

FOLDER = "/static"
MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
IMPORT = re.compile(r'^(?:import|export)\b[^"\n]*"\./([\w.]+)";$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file with its media type."""

    content: bytes
    media_type: str


@cache
def read_static_files() -> Mapping[str, StaticFile]:
    """Return the files by their names."""
    files = {}
    for file in sorted((resources.files(__package__) / "static").iterdir(), key=lambda file: file.name):
        media_type = MEDIA_TYPES.get(file.name.rpartition(".")[2])
        if media_type is not None:
            files[file.name] = StaticFile(file.read_bytes(), media_type)
    return files


@cache
def hash_static_files() -> str:
    """Return the hash of all files, of 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, file in read_static_files().items():
        digest.update(f"{name} {len(file.content)}\n".encode())
        digest.update(file.content)
    return digest.hexdigest()[:16]


def make_static_url(name: str) -> str:
    """Return the address of a file; KeyError where there is none of that name."""
    read_static_files()[name]
    return f"{FOLDER}/{hash_static_files()}/{name}"


@cache
def find_modules(name: str) -> tuple[str, ...]:
    """Return the names of a module and of all that it imports, so that a browser can ask for them at once."""
    names = [name]
    for module in names:
        text = read_static_files()[module].content.decode()
        names += [imported for imported in IMPORT.findall(text) if imported not in names]
    return tuple(names)


def make_worker(name: str, *, page: str, styles: Sequence[str]) -> str:
    """Return the source of a service worker, which begins with its version and the files that it keeps.

    These are the modules of ``page``, the style sheets and the icon.
    """
    kept = [make_static_url(file) for file in (*find_modules(page), *styles, "icon.svg")]
    source = read_static_files()[name].content.decode()
    return f"const VERSION = {json.dumps(hash_static_files())};\nconst FILES = {json.dumps(kept)};\n{source}"
