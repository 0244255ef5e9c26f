"""The assertions of these tests wait, and fail with what they read last."""

from __future__ import annotations

from typing import Any

import pytest

from . import expectation
from .expectation import await_value


class Page:
    """A page that shows its texts in turn, and the last of them for good; an error is raised."""

    def __init__(self, *texts: str | Exception) -> None:
        self.texts = list(texts)

    def read(self) -> str:
        if isinstance(self.texts[0], Exception):
            raise self.texts[0]
        return self.texts[0]

    def wait_for_timeout(self, milliseconds: float) -> None:
        del self.texts[: len(self.texts) > 1]


@pytest.fixture
def without_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is over at the first look at the clock."""
    monkeypatch.setattr(expectation, "MILLISECONDS", -1)


@pytest.mark.parametrize("expected", ["Send again", lambda text: text.endswith("again")])
def test_a_value_is_read_again_until_it_is_as_expected(expected: Any) -> None:
    error = pytest.importorskip("playwright.sync_api").Error("navigation")
    page = Page("Send now", error, "Send again", "Send later")
    assert await_value(page, page.read, expected) == "Send again"
    assert len(page.texts) == 2


def test_a_reading_that_fails_is_tried_again() -> None:
    pytest.importorskip("playwright.sync_api")
    page = Page("", "Ann", "Ann, Ben")
    assert await_value(page, lambda: page.read().split(", ")[1], "Ben") == "Ben"
    page = Page("none", "7")
    assert await_value(page, page.read, lambda text: int(text) == 7) == "7"


@pytest.mark.usefixtures("without_time")
def test_a_value_that_never_comes_fails_with_the_last_one() -> None:
    pytest.importorskip("playwright.sync_api")
    page = Page("Send now", "Sending", "Send again")
    with pytest.raises(AssertionError, match=r"^read 'Sending', expected 'Send again'$"):
        await_value(page, page.read, "Send again")
    with pytest.raises(AssertionError, match=r"^read 'Send again'$"):
        await_value(page, page.read, lambda text: False)


@pytest.mark.usefixtures("without_time")
def test_a_browser_that_never_answers_fails_with_its_error() -> None:
    page = Page(pytest.importorskip("playwright.sync_api").Error("no such element"))
    with pytest.raises(AssertionError, match="no such element"):
        await_value(page, page.read, "Send again")
