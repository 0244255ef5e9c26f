"""The pages about people: their list, a person, and enrolling."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response

from visavis.errors import GalleryError, UnknownNameError
from visavis.gallery.check_text import NAME_LENGTH
from visavis.gallery.gallery import Gallery
from visavis.gallery.person_listing import PAGE, list_people_page
from visavis.server.auth import ServicesOf
from visavis.server.pages.gallery_choice import PARAMETER, choose_gallery
from visavis.server.pages.people_view import make_initials, make_person_view
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor, Visitor
from visavis.server.problems import ProblemError
from visavis.server.resources.people import PersonId
from visavis.server.roles import ENROLL
from visavis.server.routes import Router
from visavis.server.services import Services

router = Router(tags=["pages"], include_in_schema=False)

PageNumber = Annotated[int, Query(ge=1, le=10**9)]
TEXTS = ("photo", "quality", "people", "guide", "same_name")


@router.get("/people")
def show_people(
    request: Request,
    services: ServicesOf,
    visitor: PageVisitor,
    search: Annotated[str, Query(max_length=NAME_LENGTH)] = "",
    page: PageNumber = 1,
) -> Response:
    """Show the people of a gallery by name, a page of them."""

    def show(opened: Gallery, shared: dict[str, Any]) -> Response:
        listed = list_people_page(opened.opened, search=search, offset=(page - 1) * PAGE)
        pages = max(1, -(-listed.total // PAGE))
        if page > pages:
            return RedirectResponse(f"/people?{urlencode({**shared['address'], 'search': search, 'page': pages})}", 303)
        view: dict[str, Any] = {
            "people": listed.people,
            "total": listed.total,
            "search": search,
            "page": page,
            "pages": pages,
        }
        return show_page(request, "people", module="people.js", all_people=len(opened), **shared, **view)

    return _show_gallery(request, services, visitor, show)


@router.get("/people/new")
def show_new_person(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show the page that enrolls a person."""
    return _show_gallery(request, services, visitor, partial(_show_enrollment, request, None))


@router.get("/people/findings")
def show_findings(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show what in a gallery will cause wrong answers."""

    def show(_: Gallery, shared: dict[str, Any]) -> Response:
        return show_page(request, "findings", module="gallery_findings.js", **shared)

    return _show_gallery(request, services, visitor, show)


@router.get("/people/{person_id}")
def show_person(request: Request, services: ServicesOf, visitor: PageVisitor, person_id: PersonId) -> Response:
    """Show all that is stored about a person."""

    def show(opened: Gallery, shared: dict[str, Any]) -> Response:
        view = make_person_view(opened, services, shared["gallery"], person_id, history=shared["may_change"])
        return show_page(request, "person", module="person.js", texts=TEXTS, **shared, **view)

    return _show_gallery(request, services, visitor, show)


@router.get("/people/{person_id}/enroll")
def show_more_photos(request: Request, services: ServicesOf, visitor: PageVisitor, person_id: PersonId) -> Response:
    """Show the page that enrolls further photos of a person."""
    return _show_gallery(request, services, visitor, partial(_show_enrollment, request, person_id))


def _show_enrollment(request: Request, person_id: int | None, opened: Gallery, shared: dict[str, Any]) -> Response:
    if not shared["may_change"]:
        return RedirectResponse(f"/people?{urlencode(shared['address'])}", 303)
    person = None if person_id is None else opened.person(person_id)
    return show_page(request, "enroll", module="enroll.js", texts=TEXTS, person=person, **shared)


Show = Callable[[Gallery, dict[str, Any]], Response]


def _show_gallery(request: Request, services: Services, visitor: Visitor, show: Show) -> Response:
    """Show a page about the chosen gallery; say what is not there."""
    try:
        choice = choose_gallery(request, services, visitor)
    except ProblemError:
        shared = _share(visitor, visitor.list_galleries(services), request.query_params.get(PARAMETER, ""))
        return _show_missing(request, shared, "missing.gallery", 404)
    shared = _share(visitor, list(choice.names), choice.name)
    try:
        page = show(services.gallery(choice.name), shared)
    except UnknownNameError:
        page = _show_missing(request, shared, "missing.person", 404)
    except GalleryError:
        page = _show_missing(request, shared, "missing.unavailable", 503)
    choice.keep(page, request)
    return page


def _share(visitor: Visitor, names: list[str], chosen: str) -> dict[str, Any]:
    """Return what all pages about a gallery show.

    ``address`` are the parameters that name the gallery, ``suffix`` is their form at the end of an address.
    """
    address = {PARAMETER: chosen}
    return {
        "visitor": visitor,
        "galleries": names,
        "gallery": chosen,
        "address": address,
        "suffix": f"?{urlencode(address)}",
        "may_change": visitor.may(ENROLL),
        "initials": make_initials,
    }


def _show_missing(request: Request, shared: dict[str, Any], sentence: str, status: int) -> Response:
    return show_page(request, "missing", sentence=sentence, status=status, **shared)
