"""Headers of the pages: a content security policy that allows what this server sends as files, and nothing inline."""

from __future__ import annotations

import base64
import hashlib
import re

COMMON = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
STYLE = re.compile("<style>(.*?)</style>", re.DOTALL)
REFERRER = {"Referrer-Policy": "same-origin"}
"""Browsers send the origin of a form only where the page may be named as referrer."""


def make_headers(style: str) -> dict[str, str]:
    """Return the headers of a page with this style sheet in it and no script; its forms go to this server alone."""
    return {"Content-Security-Policy": f"{COMMON}; style-src {_hash_style(style)}", **REFERRER}


def make_report_headers(page: str) -> dict[str, str]:
    """Return the headers of a report in HTML: in a sandbox, with its own style sheet and pictures, and nothing else.

    A damaged file, without a style sheet or with several, is shown as it is.
    """
    styles = " ".join(map(_hash_style, STYLE.findall(page))) or "'none'"
    policy = f"sandbox; default-src 'none'; style-src {styles}; img-src data:; form-action 'none'"
    return {"Content-Security-Policy": f"{policy}; frame-ancestors 'none'; base-uri 'none'", **REFERRER}


def _hash_style(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def make_page_headers(*, has_module: bool) -> dict[str, str]:
    """Return the headers of a page with the style sheet of all pages, and with modules of this server or without.

    Photos that the user chose, or the camera took, are shown from the memory of the browser (``blob:``).
    """
    policy = f"{COMMON}; style-src 'self'; img-src 'self' blob: data:"
    if has_module:
        policy += "; script-src 'self'; connect-src 'self'"
    return {
        "Content-Security-Policy": policy,
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        **REFERRER,
    }


def make_worker_headers(scope: str) -> dict[str, str]:
    """Return the headers of a service worker of the pages below ``scope``, which asks this server alone."""
    return {
        "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
        "Service-Worker-Allowed": scope,
        "Cache-Control": "no-cache",
    }
