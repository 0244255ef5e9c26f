"""Labeled photographs, embedded once for all tests that need them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.data.pairs import PairList
from visavis.evaluate.data.templates import Templates, take
from visavis.evaluate.verification import read_lfw
from visavis.pipeline import Recognizer


class View1(NamedTuple):
    """Templates of LFW's view 1, the person of each, and its two lists."""

    templates: Templates
    names: tuple[str, ...]
    lists: tuple[PairList, ...]


@pytest.fixture(scope="session")
def lfw_view1(data: Path) -> View1:
    """The first time on a machine this takes minutes; what was found stays in the cache."""
    folder = data / "lfw"
    if not (folder / "pairsDevTrain.txt").is_file():
        pytest.skip(f"there is no view 1 of LFW in {folder}")
    lists = read_lfw(folder, view=1)
    recognizer = Recognizer()
    with EmbeddingCache(recognizer) as cache:
        templates = take(lists[0].photos, recognizer, cache=cache)
    return View1(templates, lists[0].names, lists)
