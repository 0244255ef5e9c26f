"""Templates of people in pages, and one of them with its embedding."""

from __future__ import annotations

import pytest

from visavis.gallery import Gallery
from visavis.gallery.template_listing import find_template, list_names, list_person_ids, list_templates

from .faces import embedding, template


def test_pages_hold_the_templates_of_people_by_id(gallery: Gallery) -> None:
    ben = gallery.add("Ben", [template(1), template(2)])
    ann = gallery.add("Ann", [template(3)])
    page = list_templates(gallery.opened)
    assert page.total == 3
    expected = [(1, ben.person_id, "Ben"), (2, ben.person_id, "Ben"), (3, ann.person_id, "Ann")]
    assert [tuple(item) for item in page.templates] == expected
    second = list_templates(gallery.opened, offset=1, limit=1)
    assert (second.total, [item.id for item in second.templates]) == (3, [2])
    of_ann = list_templates(gallery.opened, people=[ann.person_id])
    assert (of_ann.total, [item.id for item in of_ann.templates]) == (1, [3])
    assert list_templates(gallery.opened, people=[]).total == 0
    assert list_names(gallery.opened) == ["Ann", "Ben"]
    assert list_person_ids(gallery.opened) == [ben.person_id, ann.person_id]


def test_a_template_is_found_with_embedding_and_person(gallery: Gallery) -> None:
    enrollment = gallery.add("Ben", [template(1), template(2)])
    stored = find_template(gallery.opened, enrollment.added[1])
    assert stored is not None
    assert tuple(stored.template) == (enrollment.added[1], enrollment.person_id, "Ben")
    assert stored.embedding.tolist() == pytest.approx(embedding(2).tolist(), abs=1e-6)
    assert stored.quality == 0.5
    assert find_template(gallery.opened, 99) is None
