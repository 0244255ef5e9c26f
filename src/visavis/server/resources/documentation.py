"""The documentation at /docs: a page of this server's own OpenAPI, without a script and without another host."""

from __future__ import annotations

import base64
import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from visavis.server.pages.documentation import read_style, render_documentation

router = APIRouter(tags=["documentation"], include_in_schema=False)


@router.get("/docs", response_class=HTMLResponse)
def documentation(request: Request) -> HTMLResponse:
    """Show all requests with their parameters, bodies and answers."""
    digest = base64.b64encode(hashlib.sha256(read_style().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(render_documentation(request.app.openapi()), headers={"Content-Security-Policy": policy})
