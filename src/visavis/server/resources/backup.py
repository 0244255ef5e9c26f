"""Online backup: a download of a gallery's content, of one consistent state."""

from __future__ import annotations

from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from visavis.server.auth import ServicesOf
from visavis.server.backup import write_backup
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import Manager
from visavis.server.routes import Router

router = Router(prefix=V1, tags=["galleries"])
ZIP = "application/zip"


@router.get(
    "/galleries/{name}/backup",
    response_class=FileResponse,
    responses={200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}, **responses(404)},
)
def back_up(services: ServicesOf, principal: Manager, name: str) -> FileResponse:
    """Download all people, faces and photos as a ZIP file; visavis gallery import takes what it unpacks to."""
    principal.require_gallery(name)
    path = write_backup(services.gallery(name))
    remove = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type=ZIP, filename="gallery.zip", background=remove)
