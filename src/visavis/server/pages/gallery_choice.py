"""The gallery that a page is about: that of its address, else the last one of the browser, else the first."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from fastapi import Request
from starlette.responses import Response

from visavis.server.config import DEFAULT_GALLERY
from visavis.server.cookies import is_tls
from visavis.server.pages.visitor import Visitor
from visavis.server.problems import ProblemError
from visavis.server.services import Services

PARAMETER, COOKIE = "gallery", "visavis-gallery"


@dataclass(frozen=True, slots=True)
class GalleryChoice:
    """The ``name`` of a gallery, and the ``names`` of all that the visitor may use.

    ``is_chosen`` is whether the address of the page names it.
    """

    name: str
    names: tuple[str, ...]
    is_chosen: bool = False

    def keep(self, response: Response, request: Request) -> None:
        """Let the browser remember a gallery that was chosen until it is closed."""
        if self.is_chosen:
            response.set_cookie(
                COOKIE, quote(self.name, safe=""), path="/", secure=is_tls(request), httponly=True, samesite="lax"
            )


def choose_gallery(request: Request, services: Services, visitor: Visitor) -> GalleryChoice:
    """Return the gallery of a page; raises ProblemError for one that the visitor may not use."""
    names = tuple(visitor.list_galleries(services))
    chosen = request.query_params.get(PARAMETER)
    if chosen is not None:
        if chosen not in names:
            raise ProblemError(404, "unknown_gallery", "there is no gallery of this name on this server.")
        return GalleryChoice(chosen, names, is_chosen=True)
    for name in (unquote(request.cookies.get(COOKIE, "")), DEFAULT_GALLERY, *names):
        if name in names:
            return GalleryChoice(name, names)
    raise ProblemError(404, "unknown_gallery", "there is no gallery that this key may use.")
