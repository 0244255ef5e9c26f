"""People and photos in an order that depends on their names alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from visavis.errors import UsageError
from visavis.images.photo_files import sort_naturally
from visavis.train.labeled_photos import list_few, read_labeled_photos


def make_folder(root: Path, photos: dict[str, list[str]]) -> Path:
    for person, names in photos.items():
        (root / person).mkdir(parents=True)
        for name in names:
            (root / person / name).touch()
    return root


def test_numbers_in_names_count_as_numbers() -> None:
    assert sort_naturally(["a10.jpg", "a2.jpg", "A1.jpg", "b.jpg", "a2b.jpg"]) == [
        "A1.jpg", "a2.jpg", "a2b.jpg", "a10.jpg", "b.jpg",
    ]  # fmt: skip


def test_superscripts_and_long_numbers_are_sorted_too() -> None:
    names = ["a²3.jpg", "a" + "9" * 300 + ".jpg", "a1.jpg"]
    assert sort_naturally(names) == ["a1.jpg", "a" + "9" * 300 + ".jpg", "a²3.jpg"]


def test_a_folder_gives_people_by_name_and_photos_in_natural_order(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "people", {"Bea": ["b10.jpg", "b9.jpg"], "Ann": ["a.jpg"], "empty": []})
    labeled = read_labeled_photos(root)
    assert labeled.people == ("Ann", "Bea")
    assert [Path(photo).name for photo in labeled.photos] == ["a.jpg", "b9.jpg", "b10.jpg"]
    assert labeled.labels.tolist() == [0, 1, 1]
    assert labeled.counts.tolist() == [1, 2]
    assert len(labeled) == 3
    first, second = labeled.notes
    assert "empty holds no photo" in first
    assert second == "1 person has one photo only, which cannot be held out for a test: Ann."


def test_the_order_of_a_table_changes_nothing(tmp_path: Path) -> None:
    rows = [f"{name},{name}{number}.jpg" for name in ("Ann", "Bea", "Cem") for number in range(1, 13)]
    results = []
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        table = tmp_path / f"{seed}.csv"
        table.write_text("\n".join(["name,photo", *rows]), encoding="utf-8")
        labeled = read_labeled_photos(table)
        results.append((labeled.people, labeled.photos, labeled.labels.tolist()))
    assert results[0] == results[1] == results[2]
    assert [Path(photo).name for photo in results[0][1][:3]] == ["Ann1.jpg", "Ann2.jpg", "Ann3.jpg"]


def test_selected_rows_keep_the_people(tmp_path: Path) -> None:
    labeled = read_labeled_photos(make_folder(tmp_path / "people", {"Ann": ["1.jpg", "2.jpg"], "Bea": ["3.jpg"]}))
    part = labeled.select(labeled.labels == 1)
    assert part.people == ("Ann", "Bea")
    assert [Path(photo).name for photo in part.photos] == ["3.jpg"]
    assert part.counts.tolist() == [0, 1]


def test_one_person_is_noted_and_no_person_is_an_error(tmp_path: Path) -> None:
    labeled = read_labeled_photos(make_folder(tmp_path / "one", {"Ann": ["1.jpg", "2.jpg"]}))
    assert labeled.notes == ("there is one person only: Ann.",)
    (tmp_path / "none" / "Ann").mkdir(parents=True)
    with pytest.raises(UsageError, match="holds no folder with photos"):
        read_labeled_photos(tmp_path / "none")


def test_few_names_are_listed_and_the_rest_counted() -> None:
    assert list_few(["a", "b"]) == "a, b"
    assert list_few(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
