"""Render the page on which a browser begins a session."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def read_style() -> str:
    """Return the style sheet, whose hash stands in the content security policy."""
    return (resources.files(__package__) / "sign_in.css").read_text(encoding="utf-8")


def render_sign_in(*, name: str = "", csrf: str = "", fault: str = "") -> str:
    """Return the page: a form for a key, or, for the session of the key ``name``, a button that ends it."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = (resources.files(__package__) / "sign_in.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(style=read_style(), name=name, csrf=csrf, fault=fault)
