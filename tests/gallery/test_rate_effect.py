"""What another rate changes for the people of a gallery: by hand, and as searches of the gallery answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis import compare
from visavis.errors import UsageError
from visavis.gallery import Gallery, Template
from visavis.gallery.rate_effect import ChangedPerson, measure_rate_effect
from visavis.types import Floats

from .faces import MODEL
from .test_coach import TABLE, add

LOOSE, STRICT = 1 - 0.9**3, 1 - 0.999**3
"""Rates of a search among three people whose comparisons have a FAR of .1 and .001: thresholds of .5 and .3."""


@pytest.fixture
def own(path: Path) -> Gallery:
    gallery = Gallery(path, model=MODEL)
    gallery.calibrate(compare.parse_calibration(TABLE))
    return gallery


def test_people_whose_photos_differ_become_unknown_at_a_stricter_rate(own: Gallery) -> None:
    """Ann's photos are 1 - cos 50 = .357 apart, Ben's 1 - cos 25 = .094; Cara has one photo."""
    add(own, "Ann", 0, 50)
    add(own, "Ben", 0, 25, axis=4)
    add(own, "Cara", 0, axis=6)
    effect = measure_rate_effect(own.opened, fpir=STRICT, fpir_before=LOOSE)
    assert (effect.distance_before, effect.distance) == (pytest.approx(0.5), pytest.approx(0.3))
    assert (effect.people, effect.untested, effect.templates, effect.before, effect.after) == (3, 1, 4, 4, 2)
    assert effect.changed == (ChangedPerson(1, "Ann", 2, 2, 0),)
    back = measure_rate_effect(own.opened, fpir=LOOSE, fpir_before=STRICT)
    assert (back.before, back.after, back.changed) == (2, 4, (ChangedPerson(1, "Ann", 2, 0, 2),))


def test_a_photo_that_is_nearer_to_another_person_is_recognized_at_no_rate(own: Gallery) -> None:
    add(own, "Ann", 0, 50)
    add(own, "Ben", 10, 20)
    effect = measure_rate_effect(own.opened, fpir=STRICT, fpir_before=LOOSE)
    assert (effect.templates, effect.before, effect.after, effect.changed) == (4, 2, 2, ())


def test_an_empty_gallery_has_no_effect(own: Gallery) -> None:
    effect = measure_rate_effect(own.opened, fpir=STRICT, fpir_before=LOOSE)
    assert (effect.people, effect.templates, effect.changed) == (0, 0, ())


@pytest.mark.parametrize("rates", [(0.0, 0.1), (0.1, 1.0)])
def test_what_is_no_rate_is_refused(own: Gallery, rates: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="fpir must be between 0 and 1"):
        measure_rate_effect(own.opened, fpir=rates[0], fpir_before=rates[1])


def test_without_a_table_there_is_no_effect(path: Path) -> None:
    with Gallery(path, model=MODEL) as gallery, pytest.raises(UsageError, match="uncalibrated"):
        measure_rate_effect(gallery.opened, fpir=0.1, fpir_before=0.01)


def test_the_numbers_are_those_of_searches_without_the_photo(tmp_path: Path) -> None:
    """With the table of a real model, whose thresholds are stricter for poor photos."""
    random = np.random.default_rng(5)
    centers = random.normal(size=(6, 128))
    rows = centers[:, None] + random.normal(size=(6, 3, 128)) * random.uniform(0.5, 1.4, size=(6, 1, 1))
    people: Floats = compare.unit(rows.astype(np.float32))
    counted = dict.fromkeys((0.2, 0.0001), 0)
    for person in range(6):
        for left_out in range(3):
            with Gallery(tmp_path / f"{person}{left_out}.db", model="sface") as gallery:
                fill(gallery, people, besides=(person, left_out))
                for rate in counted:
                    probe = people[person, left_out][None]
                    (answer,) = gallery.identify_embeddings(probe, fpir=rate, qualities=[QUALITY])
                    counted[rate] += answer.name == f"person {person}"
    with Gallery(tmp_path / "all.db", model="sface") as gallery:
        fill(gallery, people)
        effect = measure_rate_effect(gallery.opened, fpir=1e-4, fpir_before=0.2)
    assert (effect.before, effect.after) == (counted[0.2], counted[1e-4])
    assert 0 < effect.after < effect.before


QUALITY = 0.6


def fill(gallery: Gallery, people: Floats, *, besides: tuple[int, int] | None = None) -> None:
    for person, rows in enumerate(people):
        templates = [
            Template(row, photo=f"{number}.jpg", quality=QUALITY)
            for number, row in enumerate(rows)
            if (person, number) != besides
        ]
        gallery.add(f"person {person}", templates)
