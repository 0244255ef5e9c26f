"""The documentation at /docs: a page of this server's own OpenAPI, without a script and without another host."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from visavis.server.pages.content_policy import make_headers
from visavis.server.pages.documentation import read_style, render_documentation
from visavis.server.routes import Router

router = Router(tags=["documentation"], include_in_schema=False)


@router.get("/docs", response_class=HTMLResponse)
def documentation(request: Request) -> HTMLResponse:
    """Show all requests with their parameters, bodies and answers."""
    return HTMLResponse(render_documentation(request.app.openapi()), headers=make_headers(read_style()))
