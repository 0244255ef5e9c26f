"""Render a page: its template within the frame of all pages, with the texts of a language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from visavis.server.pages.catalogs import LANGUAGES, read_catalog
from visavis.server.pages.content_policy import make_page_headers
from visavis.server.pages.preferences import THEMES, read_preferences
from visavis.server.pages.static_files import find_modules, make_static_url
from visavis.server.pages.visitor import Visitor
from visavis.server.roles import MANAGE, READ

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

NAVIGATION = {
    "compare": "/compare",
    "identify": "/identify",
    "people": "/people",
    "groups": "/groups",
    "lookalikes": "/look-alikes",
    "celebrities": "/celebrities",
    "live": "/live",
    "attendance": "/attendance",
    "evaluate": "/evaluate",
    "train": "/train",
    "jobs": "/jobs",
    "settings": "/settings",
}
"""Pages that the navigation shows, in its order: their names in the catalogs and their addresses."""
OF_MANAGERS, OF_SERVER = ("evaluate",), ("train",)
"""Pages for keys that manage galleries, and for those that manage the whole server."""
ATTENDANCE_PAGE = "attendance"
"""Page of a server with an attendance site, for keys that may see something of it."""
OF_ALL = (ATTENDANCE_PAGE, "settings")
"""Pages for keys without the right to ask about photos and people too: settings have the display of the browser."""
SHARED_TEXTS = ("problem", "camera")
"""First parts of the keys of texts that the modules of all pages use, beside those of the page itself."""


def show_page(
    request: Request,
    name: str,
    *,
    visitor: Visitor | None = None,
    module: str | None = None,
    texts: Sequence[str] = (),
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """Return the page of the template ``name``, with the values that it names.

    ``module`` is the module that runs in it; the texts of the page, and those whose keys begin with one of ``texts``,
    are there for it.
    """
    preferences = read_preferences(request)
    catalog = read_catalog(preferences.language)
    page = _make_environment().get_template(f"{name}.html.j2")
    content = page.render(
        t=_make_translator(catalog),
        tn=_make_counter(catalog),
        name=name,
        path=request.scope["path"],
        query=request.url.query,
        visitor=visitor,
        preferences=preferences,
        languages={code: read_catalog(code) for code in LANGUAGES},
        themes=THEMES,
        navigation=_list_navigation(request, visitor),
        modules=[] if module is None else find_modules(module),
        texts=_select_texts(catalog, (name, *texts, *SHARED_TEXTS)),
        **values,
    )
    return HTMLResponse(content, status, headers=make_page_headers(has_module=module is not None))


def _list_navigation(request: Request, visitor: Visitor | None) -> dict[str, str]:
    """Return the pages that a visitor may see; none before the sign-in."""
    if visitor is None:
        return {}
    hidden = set() if visitor.may(MANAGE) else {*OF_MANAGERS}
    if not visitor.may(MANAGE) or visitor.galleries is not None:
        hidden |= {*OF_SERVER}
    if not visitor.may(READ):
        hidden |= NAVIGATION.keys() - {*OF_ALL}
    if not visitor.may_see_attendance(request.app.state.services):
        hidden.add(ATTENDANCE_PAGE)
    return {name: address for name, address in NAVIGATION.items() if name not in hidden}


@cache
def _make_environment() -> Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("visavis.server.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}  # half the size in Vietnamese and Chinese
    environment.globals.update(static=make_static_url, command=_mark_command)
    return environment


def _make_translator(catalog: Mapping[str, str]) -> Callable[..., Markup]:
    from markupsafe import escape

    def translate(key: str, **values: object) -> Markup:
        """Return a text with its values, which are escaped unless they are markup."""
        return escape(catalog[key]).format(**values)

    return translate


def _make_counter(catalog: Mapping[str, str]) -> Callable[[str, int], Markup]:
    translate = _make_translator(catalog)

    def count(key: str, number: int) -> Markup:
        """Return a text about a number of things: that of the key with ``.one`` or ``.other``."""
        return translate(f"{key}.{'one' if number == 1 else 'other'}", count=number)

    return count


def _mark_command(text: str) -> Markup:
    """Return a command, or a word of a configuration, as code within a text."""
    from markupsafe import Markup

    return Markup("<code>{}</code>").format(text)


def _select_texts(catalog: Mapping[str, str], parts: Sequence[str]) -> dict[str, str]:
    return {key: text for key, text in catalog.items() if key.partition(".")[0] in parts}
