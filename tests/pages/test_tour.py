"""The tour of docs/pages.md names every page, and its pictures are there, small, and shown."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from visavis.server.pages.static_files import FOLDER
from visavis.server.resources import routers

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/pages.md").read_text(encoding="utf-8")
PICTURES = ROOT / "docs/images/tour"
BYTES, ALL_BYTES = 60_000, 1_275_000
LEADING = {"/", "/settings"}
"""Addresses that only lead to a page."""


@pytest.fixture(scope="module")
def tour() -> ModuleType:
    """The script that takes the pictures."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        spec = importlib.util.spec_from_file_location("tour", ROOT / "tools/tour.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["tour"] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return module


def list_pages() -> set[str]:
    """Return the routes of all pages of the server."""
    routes = [route for router in routers() for route in router.routes]
    return {
        route.path  # type: ignore[attr-defined]
        for route in routes
        if "pages" in getattr(route, "tags", ()) and "GET" in getattr(route, "methods", ())
        if not route.path.startswith(FOLDER)  # type: ignore[attr-defined]
        if not route.path.endswith(".js")  # type: ignore[attr-defined]
    } - LEADING


def test_every_page_is_named_and_has_a_picture(tour: ModuleType) -> None:
    pages = list_pages()
    assert len(pages) > 15
    assert {shot.route for shot in tour.SHOTS} == pages
    named = set(re.findall(r"`(/[\w/{}-]*)(?:\?[^`]*)?`", DOCUMENT.replace("/ID", "/{person_id}")))
    assert pages - named == set()


def test_the_pictures_are_those_of_the_script_and_the_document_shows_each(tour: ModuleType) -> None:
    names = [shot.name for shot in tour.SHOTS]
    shown = re.findall(r"!\[[^\]]{10,}\]\(images/tour/([\w-]+)\.png\)", DOCUMENT)
    assert sorted(shown) == sorted(names) == sorted(path.stem for path in PICTURES.iterdir())
    assert len(set(names)) == len(names)
    assert sum(shot.width == 360 for shot in tour.SHOTS) == 2
    assert sum(shot.dark for shot in tour.SHOTS) == 1


def test_the_pictures_are_small(tour: ModuleType) -> None:
    sizes = {path.name: path.stat().st_size for path in PICTURES.iterdir()}
    assert {name: size for name, size in sizes.items() if size > BYTES} == {}
    assert sum(sizes.values()) <= ALL_BYTES
    for shot in tour.SHOTS:
        with Image.open(PICTURES / f"{shot.name}.png") as picture:
            assert (picture.width, picture.mode, picture.height <= tour.HEIGHT) == (shot.width, "P", True)
