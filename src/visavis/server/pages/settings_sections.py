"""The pages of the settings: which of them a key may see, and the links among them."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import Visitor
from visavis.server.roles import MANAGE, READ

OF_READERS = ("models", "thresholds")
OF_MANAGERS = ("cameras", "log")
OF_SERVER = ("retention", "keys")
"""Names of sections in the catalogs, also the last parts of their addresses, by who may see them."""
ORDER = ("models", "thresholds", "cameras", "retention", "keys", "log", "display")


def list_sections(visitor: Visitor) -> dict[str, str]:
    """Return the pages of the settings that the visitor may see: their names in the catalogs, and addresses."""
    hidden = set() if visitor.may(READ) else {*OF_READERS}
    if not visitor.may(MANAGE):
        hidden |= {*OF_MANAGERS}
    if not may_manage_server(visitor):
        hidden |= {*OF_SERVER}
    return {name: f"/settings/{name}" for name in ORDER if name not in hidden}


def may_manage_server(visitor: Visitor) -> bool:
    """Return whether the key of the visitor manages the server itself, not some galleries of it."""
    return visitor.may(MANAGE) and visitor.galleries is None


def refuse(request: Request, visitor: Visitor) -> Response:
    """Return the page that says that the key may not see a section."""
    return show_page(request, "forbidden", visitor=visitor, sections=list_sections(visitor), status=403)
