"""The Chromium that the tests open pages in.

``chromium-headless-shell`` is built from the same source without the browser's own windows, which take half the
processor time of a test.
"""

from __future__ import annotations

import shutil

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
BROWSER = next((path for name in NAMES if (path := shutil.which(name))), "")
"""Its path; empty: there is none."""
MISSING = "there is no Chromium to open the pages in: apt-get install chromium-headless-shell"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
