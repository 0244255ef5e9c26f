"""Language, theme, form of dates and numbers, and size of text of a browser: its cookies, else its headers."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from visavis.server.cookies import is_tls
from visavis.server.pages.catalogs import LANGUAGES, pick_language

THEMES = ("auto", "light", "dark")
"""``auto`` is the theme of the system."""
TEXT_SIZES = ("normal", "large")
FORMATS = {
    "auto": "",
    "en-US": "Dec 31, 2026, 2:05 PM; 1,234.5",
    "en-GB": "31 Dec 2026, 14:05; 1,234.5",
    "de-DE": "31.12.2026, 14:05; 1.234,5",
    "fr-FR": "31 déc. 2026, 14:05; 1 234,5",
    "vi-VN": "14:05 31 thg 12, 2026; 1.234,5",
    "zh-CN": "2026年12月31日 14:05; 1,234.5",
}
"""Forms of dates and numbers: locales of ``Intl`` with a sample; ``auto`` is the form of the language."""
COOKIES = {name: f"visavis-{name}" for name in ("language", "theme", "format", "text")}
ALLOWED = {"language": LANGUAGES, "theme": THEMES, "format": tuple(FORMATS), "text": TEXT_SIZES}
SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Preferences:
    """How a browser shows the pages."""

    language: str
    theme: str
    format: str
    text: str


def read_preferences(request: Request) -> Preferences:
    """Return the preferences of a browser; cookies of other values count as missing."""
    chosen = {name: request.cookies.get(cookie, "") for name, cookie in COOKIES.items()}
    language = chosen["language"] if chosen["language"] in LANGUAGES else ""
    return Preferences(
        language or pick_language(request.headers.get("accept-language", "")),
        chosen["theme"] if chosen["theme"] in THEMES else THEMES[0],
        chosen["format"] if chosen["format"] in FORMATS else "auto",
        chosen["text"] if chosen["text"] in TEXT_SIZES else TEXT_SIZES[0],
    )


def set_preference(response: Response, request: Request, name: str, value: str) -> None:
    """Let the browser keep a preference for a year; a value that there is not changes nothing."""
    if value in ALLOWED[name]:
        response.set_cookie(
            COOKIES[name], value, SECONDS, path="/", secure=is_tls(request), httponly=True, samesite="lax"
        )
