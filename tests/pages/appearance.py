"""How a page looks: its width, the size of its targets, axe-core's rules, and pictures of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from .conftest import Tab
from .expectation import await_value

THEMES = ("light", "dark")
WIDTHS = (360, 768, 1280)
PICTURES = "VISAVIS_PICTURES" in os.environ
"""Whether to leave pictures in the folders of the tests (``--basetemp``): each takes a third of a second."""


def check_accessibility(page: Any) -> list[str]:
    """Return the rules of axe-core that a page violates seriously, with the places."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python").Axe()
    return [
        f"{rule['id']}: {[node['html'][:120] for node in rule['nodes']]}"
        for rule in axe.run(page).response["violations"]
        if rule["impact"] in {"serious", "critical"}
    ]


def check_layout(page: Any) -> list[str]:
    """Return what is wrong with a page at its width: wider than the window, or targets of less than 44 pixels."""
    found: list[str] = page.evaluate(
        """() => {
             const faults = [];
             const {scrollWidth, clientWidth} = document.documentElement;
             if (scrollWidth > clientWidth) faults.push(`${scrollWidth} wide in ${clientWidth}`);
             for (const target of document.querySelectorAll("button, .button, header a, footer a, [role=slider]")) {
               const {width, height} = target.getBoundingClientRect();
               if (width && (height < 43.9 || width < 36)) faults.push(`${target.outerHTML} ${width} ${height}`);
             }
             return faults;
           }"""
    )
    return found


def look_at(tab: Tab, name: str, folder: Path) -> None:
    """Check a page at each width, in light and dark; leave pictures for people to look at, where they want them."""
    for theme in THEMES:
        tab.page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            tab.page.set_viewport_size({"width": width, "height": 800})
            await_value(tab.page, lambda: check_layout(tab.page), [])
            if PICTURES:
                tab.page.screenshot(path=folder / f"{name}-{width}-{theme}.png", full_page=True)
        await_value(tab.page, lambda: check_accessibility(tab.page), [])
