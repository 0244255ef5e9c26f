"""Requests of a page that a test holds back: what comes late comes when the test wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def wait_until(page: Any, condition: Callable[[], bool]) -> None:
    """Wait for what the test itself knows, such as the requests that it holds back."""
    for _ in range(1200):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("the condition is not met after a minute")


def hold(page: Any, pattern: str, method: str = "") -> list[Any]:
    """Hold back the requests of a page to addresses; return the list that they are added to."""
    held: list[Any] = []

    def take(route: Any) -> None:
        if method and route.request.method != method:
            route.continue_()
        else:
            held.append(route)

    page.route(pattern, take)
    return held


def go_on(page: Any, held: list[Any]) -> None:
    """Let a request go on once it is there, and wait until the page had its answer for a while."""
    wait_until(page, lambda: bool(held))
    route = held.pop(0)
    with page.expect_response(lambda response: response.url == route.request.url):
        route.continue_()
    page.wait_for_timeout(200)
