"""Static files of the pages, which need no key: style sheet, modules, icon."""

from __future__ import annotations

from fastapi.responses import Response

from visavis.server.pages.static_files import FOLDER, hash_static_files, read_static_files
from visavis.server.problems import ProblemError
from visavis.server.routes import Router

router = Router(prefix=FOLDER, tags=["pages"], include_in_schema=False)
FOREVER = "public, max-age=31536000, immutable"


@router.get("/{version}/{name}")
async def read_static_file(version: str, name: str) -> Response:
    """Return a file; browsers keep it where the version is that of this server.

    The files are in the memory, so it takes no thread. Another version is that of another server behind the same
    proxy, during an update.
    """
    file = read_static_files().get(name)
    if file is None:
        raise ProblemError(404, "not_found", "there is no such file.")
    cache = FOREVER if version == hash_static_files() else "no-store"
    return Response(file.content, media_type=file.media_type, headers={"Cache-Control": cache})
