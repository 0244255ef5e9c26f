"""Entries of tables that mean photos by the ends of their paths."""

from __future__ import annotations

import unicodedata

import pytest

from visavis.errors import UsageError
from visavis.evaluate.data.photo_ends import match_photos


def match(photo: str, *listed: str) -> str | None:
    return match_photos([photo], listed, table="the table")[photo]


@pytest.mark.parametrize(
    ("photo", "entry"),
    [
        ("/data/ann/1.jpg", "ann/1.jpg"),
        ("/data/ann/1.jpg", "1.jpg"),
        ("/data/ann/1.jpg", "/data/ann/1.jpg"),
        ("./x/1.jpg", "./x/1.jpg"),
        ("./x/1.jpg", "x/1.jpg"),
        ("data/ann/1.jpg", "ann\\1.jpg"),
        ("data/ann\\1.jpg", "ann\\1.jpg"),
        (unicodedata.normalize("NFD", "zoë/1.jpg"), "zoë/1.jpg"),
        ("zoë/1.jpg", unicodedata.normalize("NFD", "zoë/1.jpg")),
    ],
)
def test_an_entry_is_a_path_or_its_end(photo: str, entry: str) -> None:
    assert match(photo, "other.jpg", entry) == entry


@pytest.mark.parametrize("entry", ["ann/1.jpg", "1.JPG", "ata/joann/1.jpg", "joann", ""])
def test_a_part_of_a_name_is_no_end(entry: str) -> None:
    assert match("data/joann/1.jpg", entry) is None


def test_the_longest_end_is_meant() -> None:
    assert match("p/ann/1.jpg", "1.jpg", "ann/1.jpg") == "ann/1.jpg"
    assert match("p/ann/1.jpg", "p/ann/1.jpg", "ann/1.jpg") == "p/ann/1.jpg"


def test_an_entry_of_several_photos_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^'1.jpg' of the table fits 2 photos: name its folder too\.$"):
        match_photos(["a/1.jpg", "b/1.jpg", "c/2.jpg"], ["1.jpg"], table="the table")
    assert match_photos(["a/1.jpg", "a/1.jpg"], ["1.jpg"], table="the table") == {"a/1.jpg": "1.jpg"}
