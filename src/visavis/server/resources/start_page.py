"""The first start: the one-time code that the server printed makes the first key, and begins a session with it."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from visavis.errors import UsageError
from visavis.gallery.check_text import NAME_LENGTH
from visavis.server.auth import ServicesOf
from visavis.server.cookies import check_same_origin
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import Visitor, find_visitor
from visavis.server.problems import ProblemError
from visavis.server.resources.keys import use_code
from visavis.server.resources.sign_in import keep_session
from visavis.server.roles import ROLES
from visavis.server.routes import Router
from visavis.server.services import Services
from visavis.server.state.sessions import make_csrf_token
from visavis.server.types import NewKey

router = Router(tags=["pages"], include_in_schema=False)
PAGE = "/start"
MODULE = "start.js"
TEXTS = ("key",)
"""First parts of the keys of the texts that the module uses."""


@router.get(PAGE)
def show_start(request: Request, services: ServicesOf) -> Response:
    """Show the form for the one-time code; lead to the other pages where no code was printed."""
    if not services.keys.has_setup_code():
        return RedirectResponse("/", 303)
    return show_page(
        request, "start", visitor=find_visitor(request, services), module=MODULE, texts=TEXTS, fault="", key_name=""
    )


@router.post(PAGE)
def make_first_key(
    request: Request,
    services: ServicesOf,
    code: Annotated[str, Form(max_length=100)],
    name: Annotated[str, Form(max_length=NAME_LENGTH)],
) -> Response:
    """Make the first key of an administrator, show it this once, and begin a session with it."""
    check_same_origin(request)
    if not services.keys.has_setup_code():
        return RedirectResponse("/", 303)
    try:
        new = use_code(request, services, _spell(code), name.strip())
    except UsageError:
        fault = "start.wrong_name"
    except ProblemError as error:
        if error.code != "wrong_code":
            raise
        fault = "start.wrong_code"
    else:
        return _show_key(request, services, new)
    visitor = find_visitor(request, services)
    return show_page(
        request, "start", visitor=visitor, module=MODULE, texts=TEXTS, status=422, fault=fault, key_name=name.strip()
    )


def _spell(code: str) -> str:
    """Return a code as the server prints it, also where it was typed without hyphens or with spaces or dashes."""
    digits = re.sub(r"\D", "", code)
    return "-".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def _show_key(request: Request, services: Services, new: NewKey) -> Response:
    stored = services.keys.find(new.key)
    if stored is None:  # revoked in the meantime
        return RedirectResponse("/", 303)
    token = services.sessions.begin(stored)
    page = show_page(
        request,
        "first_key",
        visitor=Visitor(new.name, make_csrf_token(token), ROLES[new.role]),
        module=MODULE,
        texts=TEXTS,
        key=new.key,
        galleries=[*services.config.galleries],
    )
    keep_session(request, services, page, token)
    return page
