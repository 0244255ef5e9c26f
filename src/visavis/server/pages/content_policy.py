"""Headers of the pages: a content security policy that allows one style sheet, by its hash, and no script."""

from __future__ import annotations

import base64
import hashlib


def make_headers(style: str) -> dict[str, str]:
    """Return the headers of a page with this style sheet; its forms go to this server alone.

    Browsers send the origin of a form only where the page may be named as referrer.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin"}
