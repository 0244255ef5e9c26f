"""cache clear: delete parts of the cache."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.cache.list_parts import COLUMNS, print_parts


def clear(
    parts: Annotated[
        list[str] | None, typer.Argument(metavar="[PART]...", help="Parts, as listed by visavis cache list.")
    ] = None,
    json: Json = False,
) -> None:
    """Delete parts of the cache: by default those with faces of photos, embeddings and crops.

    Prints what was deleted. Commands make or download it again when they need it.
    """
    from visavis.embedding_cache import stored_files

    with Output(*COLUMNS, json=json) as output:
        print_parts(stored_files.clear(parts or stored_files.FACES), output)
