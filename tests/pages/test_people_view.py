"""Words and numbers of the pages about people."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi import Request

from visavis import Gallery
from visavis.gallery.types import Template
from visavis.server.pages.catalogs import read_catalog
from visavis.server.pages.people_view import level_of, make_initials, make_person_view, round_count
from visavis.server.pages.render import show_page


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


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "no thresholds for this model"), ("vi", "mô hình này không có ngưỡng"), ("zh", "此模型没有阈值")],
)
def test_near_people_of_a_model_without_thresholds_are_not_judged(tmp_path: Path, language: str, words: str) -> None:
    rows = np.eye(8, dtype=np.float32)
    services: Any = SimpleNamespace(events=SimpleNamespace(latest=lambda *_, **__: []))
    with Gallery(tmp_path / "own.db", model="test-model") as opened:
        first = opened.add("Ann", [Template(rows[0])]).person_id
        opened.add("Anna", [Template(rows[0])])
        opened.add("Ben", [Template(rows[1])])
        view = make_person_view(opened, services, "own", first, history=False)
    assert [(near.name, near.confusable, near.far) for near, _ in view["near"]] == [
        ("Anna", None, None),
        ("Ben", None, None),
    ]
    shared = {"gallery": "own", "galleries": ["own"], "address": {"gallery": "own"}, "suffix": "?gallery=own"}
    headers = [(b"accept-language", language.encode())]
    request = Request({"type": "http", "method": "GET", "path": "/people/1", "query_string": b"", "headers": headers})
    page = show_page(request, "person", may_change=False, initials=make_initials, **shared, **view)
    content = bytes(page.body).decode()
    assert content.count(words) == 2
    assert read_catalog(language)["person.near_different"] not in content
    assert "1.000" in content
