"""The page that names the people of a classifier: celebrities of a network, or people of the user's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from visavis.defaults import CLASSIFIER
from visavis.server.auth import ServicesOf
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)


@router.get("/celebrities")
def show_celebrities(
    request: Request,
    services: ServicesOf,
    visitor: PageVisitor,
    classifier: Annotated[str, Query(max_length=200)] = CLASSIFIER,
) -> Response:
    """Show the page with a classifier chosen; without any it says how to get one."""
    classifiers = services.list_classifiers(visitor.galleries)
    return show_page(
        request,
        "celebrities",
        visitor=visitor,
        module="celebrities.js" if classifiers else None,
        texts=("photo", "quality"),
        classifiers=classifiers,
        default=CLASSIFIER,
        chosen=classifier,
    )
