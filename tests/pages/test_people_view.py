"""Words and numbers of the pages about people."""

from __future__ import annotations

import pytest

from visavis.server.pages.people_view import level_of, make_initials, round_count


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Ann", "A"),
        ("ann marie de Witt", "AW"),
        ("Đỗ Ánh", "ĐÁ"),
        ("<b> 'x'", "BX"),
        ("李明", "李"),
        ("!?", ""),
        ("§ Ann", "A"),
    ],
)
def test_initials_are_letters_of_the_first_and_the_last_word(name: str, initials: str) -> None:
    assert make_initials(name) == initials


@pytest.mark.parametrize(
    ("count", "shown"), [(1, 1), (9.6, 10), (12.4, 12), (127, 130), (3127, 3100), (333_333, 330_000)]
)
def test_numbers_of_strangers_have_two_digits_that_count(count: float, shown: int) -> None:
    assert round_count(count) == shown


def test_levels_are_those_of_the_dots() -> None:
    levels = {None: None, 0.0: "poor", 0.3: "poor", 0.34: "fair", 0.66: "fair", 0.67: "good", 1.0: "good"}
    assert {quality: level_of(quality) for quality in levels} == levels
