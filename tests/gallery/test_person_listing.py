"""Pages of people by name, and the names that a search matches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis import Gallery
from visavis.gallery.names import strip_accents
from visavis.gallery.person_listing import find_matching_ids, list_people_page
from visavis.gallery.types import FaceCrop, Template

LANDMARKS = np.zeros((5, 2), np.float32)


def make_template(number: int, *, quality: float | None = None, crop: bool = False) -> Template:
    embedding = np.random.default_rng(number).normal(size=128).astype(np.float32)
    picture = FaceCrop(b"no picture", np.zeros(4, np.float32), LANDMARKS) if crop else None
    return Template(embedding, photo=f"{number}.jpg", quality=quality, crop=picture)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Nguyễn Văn Đức", "nguyen van duc"), ("ÅNGSTRÖM_Anders", "angstrom anders"), ("Lê\u200b  Hoà", "le hoa"),
        ("李明", "李明"), ("Łukasz", "łukasz"), ("が", "か"),
    ],
)  # fmt: skip
def test_names_without_accents(name: str, plain: str) -> None:
    assert strip_accents(name) == plain


def test_people_are_sorted_by_name_with_numbers_by_their_value(tmp_path: Path) -> None:
    names = ["room 10", "Room 9", "Ánh", "an", "Bo", "9", "10", "an"]
    with Gallery(tmp_path / "faces.db") as gallery:
        for number, name in enumerate(names):
            gallery.add(name, [make_template(number)], new=True)
        listed = list_people_page(gallery.opened).people
        assert [(person.name, person.id) for person in listed] == [
            ("9", 6), ("10", 7), ("an", 4), ("an", 8), ("Ánh", 3), ("Bo", 5), ("Room 9", 2), ("room 10", 1)
        ]  # fmt: skip
        part = list_people_page(gallery.opened, search="ROOM", offset=1, limit=5)
        assert ([person.name for person in part.people], part.total) == (["room 10"], 2)
        assert list_people_page(gallery.opened, offset=8) == ((), 8)
        assert find_matching_ids(gallery.opened, "#4") == [4]
        assert find_matching_ids(gallery.opened, "%") == []


def test_a_line_has_the_number_of_templates_and_the_best_kept_crop(tmp_path: Path) -> None:
    with Gallery(tmp_path / "faces.db") as gallery:
        gallery.add("Ann", [make_template(1, quality=0.9)])
        gallery.keep_crops(True)
        added = gallery.add("Ann", [make_template(2, quality=0.2, crop=True), make_template(3, quality=0.7, crop=True)])
        gallery.add("Ben", [make_template(4)])
        newest = max(template.created for template in gallery.person(1).templates)
        first, second = list_people_page(gallery.opened).people
        assert (first.templates, first.enrolled, first.cover) == (3, newest, added.added[1])
        assert (second.templates, second.cover) == (1, None)
