"""Assertions that wait: they look again until the page agrees, for the time that the other calls of a tab have."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar, cast

Value = TypeVar("Value")
MILLISECONDS = 60_000
PAUSE_MILLISECONDS = 50
READ_CELLS = "rows => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.innerText))"


def expect(target: Any) -> Any:
    """Return the assertions about a locator or a page; each waits until it holds.

    For what a page shows some time after an action. Negative ones hold at once, if they ever will.
    """
    from playwright.sync_api import expect as make_assertions  # the fixture ``browser`` skips where it is missing

    make_assertions.set_options(timeout=MILLISECONDS)
    return make_assertions(target)


def await_value(page: Any, read: Callable[[], Value], expected: Value | Callable[[Value], bool]) -> Value:
    """Read a value again and again until it equals the expected one, or meets a condition; return it.

    For what ``expect`` has no assertion for. Where reading fails, as while a page gives way to the next, or of a row
    that is not there yet, it is tried again. The page works on between two readings. After a minute it fails, and says
    what it read last.
    """
    from playwright.sync_api import Error

    meets = cast(Callable[[Value], bool], expected) if callable(expected) else lambda value: value == expected
    last: Value | Exception
    is_last = False
    end = monotonic() + MILLISECONDS / 1000
    while True:
        try:
            last = value = read()
            if meets(value):
                return value
        except (Error, LookupError, TypeError, ValueError) as error:
            last = error
        if is_last:
            raise AssertionError(f"read {last!r}" + ("" if callable(expected) else f", expected {expected!r}"))
        page.wait_for_timeout(PAUSE_MILLISECONDS)
        is_last = monotonic() > end  # reads once more: this process itself may have stood still


def read_rows(page: Any, place: str) -> list[list[str]]:
    """Return the texts of the cells of rows, all of one moment: a page may take its rows anew by itself."""
    rows: list[list[str]] = page.eval_on_selector_all(place, READ_CELLS)
    return rows


def expect_text(page: Any, place: str, text: str) -> None:
    """Wait until the one element of a place shows a text, among others."""
    expect(page.locator(place)).to_contain_text(text, use_inner_text=True)
