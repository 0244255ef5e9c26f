"""cache list: list what the cache holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli._table import Column

if TYPE_CHECKING:
    from visavis.embedding_cache.stored_files import CachePart

COLUMNS = ("part", "files", "bytes", "contents", Column("path", drop=1, least=12))


def list_parts(json: Json = False) -> None:
    """List what the cache holds: embeddings that commands remember, converted networks, downloads.

    All of it can be made or downloaded again. VISAVIS_CACHE names another folder.
    """
    from visavis.embedding_cache import stored_files

    with Output(*COLUMNS, json=json) as output:
        print_parts(stored_files.list_parts(), output)


def print_parts(parts: list[CachePart], output: Output) -> None:
    """Print parts of the cache."""
    for part in parts:
        line = {"part": part.name, "files": part.files, "bytes": part.bytes, "contents": part.contents}
        row = [part.name, str(part.files), f"{part.bytes:,}", part.contents, str(part.folder)]
        output.answer({**line, "path": str(part.folder)}, row)
