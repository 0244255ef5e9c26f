"""The page on which groups of faces are named, merged, split and put aside."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from visavis.errors import UnknownNameError
from visavis.gallery.face_groups import GroupDetails, IsReadable, list_groups, read_group
from visavis.gallery.gallery import Gallery
from visavis.images import strip_folders
from visavis.server.auth import ServicesOf
from visavis.server.pages.gallery_choice import choose_gallery
from visavis.server.pages.people_view import level_of
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor
from visavis.server.roles import ENROLL, MANAGE
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)
TEXTS = ("groups", "naming", "quality", "people", "same_name")
"""First parts of the keys of the texts that its modules use."""
FIRST_GROUPS, FIRST_FACES = 16, 16
"""Groups and faces of a group in the page itself, which scripts replace by lists of all."""


@router.get("/groups")
def show_groups(
    request: Request,
    services: ServicesOf,
    visitor: PageVisitor,
    group: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    *,
    aside: bool = False,
) -> Response:
    """Show the groups to name, or those that are put aside, and the faces of one of them, by default the largest."""
    choice = choose_gallery(request, services, visitor)
    opened = services.gallery(choice.name)
    is_readable = services.face_pictures.lies_below_root
    set_aside = services.set_aside.read(choice.name)
    overview = list_groups(opened.opened, set_aside, aside=aside, is_readable=is_readable)
    shown = overview.groups[0].number if group is None and overview.groups else group
    fpir = services.search_rates.read(choice.name).fpir
    details = None if shown is None else _read(opened, shown, fpir, is_readable)
    page = show_page(
        request,
        "groups",
        visitor=visitor,
        module="groups.js",
        texts=TEXTS,
        gallery=choice,
        overview=overview,
        groups=overview.groups[:FIRST_GROUPS],
        has_pictures=not overview.groups or any(group.cover is not None for group in overview.groups),
        details=details,
        faces=() if details is None else details.faces[:FIRST_FACES],
        is_aside=aside,
        may_enroll=visitor.may(ENROLL),
        may_index=visitor.may(MANAGE),
        level_of=level_of,
        strip_folders=strip_folders,
    )
    choice.keep(page, request)
    return page


def _read(gallery: Gallery, number: int, fpir: float, is_readable: IsReadable) -> GroupDetails | None:
    """Return a group; None where there is none of this number any more."""
    try:
        return read_group(gallery.opened, number, fpir=fpir, is_readable=is_readable)
    except UnknownNameError:
        return None
