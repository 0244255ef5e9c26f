"""Playwright's ``expect``, with the time that the other calls of a tab have: it looks again until the page agrees."""

from __future__ import annotations

from typing import Any

MILLISECONDS = 60_000
READ_CELLS = "rows => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.innerText))"


def expect(target: Any) -> Any:
    """Return the assertions about a locator or a page; each waits until it holds.

    For what a page shows some time after an action. Negative ones hold at once, if they ever will.
    """
    from playwright.sync_api import expect as make_assertions  # the fixture ``browser`` skips where it is missing

    make_assertions.set_options(timeout=MILLISECONDS)
    return make_assertions(target)


def read_rows(page: Any, place: str) -> list[list[str]]:
    """Return the texts of the cells of rows, all of one moment: a page may take its rows anew by itself."""
    rows: list[list[str]] = page.eval_on_selector_all(place, READ_CELLS)
    return rows
