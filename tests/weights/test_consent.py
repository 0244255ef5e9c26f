"""Licenses that forbid some uses: asked for once, remembered, asked for again when they change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from visavis import landmarks
from visavis.errors import WeightsError
from visavis.weights import spec, store

ROW = spec.DLIB_68_POINTS


@pytest.fixture
def asked(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that remembers nothing, and an environment that accepts nothing."""
    monkeypatch.delenv("VISAVIS_ACCEPT_LICENSE", raising=False)
    return cache


def test_it_is_refused_with_the_license_and_both_ways_to_accept_it(asked: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        store.find(ROW)
    said = str(caught.value)
    assert said.startswith("dlib-68-points has a license that does not allow every use (non-commercial: ")
    assert "iBUG 300-W" in said
    assert said.endswith("accept it once, by --accept-license or by VISAVIS_ACCEPT_LICENSE=1.")
    assert not asked.exists()


@pytest.mark.parametrize("value", ["", "0"])
def test_an_environment_that_does_not_accept(asked: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VISAVIS_ACCEPT_LICENSE", value)
    with pytest.raises(WeightsError, match="accept it once"):
        store.consent(ROW)


def test_the_environment_accepts_once(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_ACCEPT_LICENSE", "1")
    store.consent(ROW)
    monkeypatch.delenv("VISAVIS_ACCEPT_LICENSE")
    assert store.find(ROW).name == ROW.file


def test_what_was_accepted_is_this_license_of_this_file(asked: Path) -> None:
    store.accept(ROW)
    store.consent(ROW)
    for other in (replace(ROW, license="another"), replace(ROW, name="another")):
        with pytest.raises(WeightsError, match="accept it once"):
            store.consent(other)


def test_a_free_license_is_not_asked_for(asked: Path) -> None:
    assert store.find(spec.DLIB_5_POINTS).is_file()
    assert not asked.exists()


def test_a_cache_that_cannot_be_written_asks_again(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked.write_bytes(b"a file where the folder would be")
    monkeypatch.setenv("VISAVIS_ACCEPT_LICENSE", "1")
    store.consent(ROW)
    monkeypatch.delenv("VISAVIS_ACCEPT_LICENSE")
    with pytest.raises(WeightsError, match="accept it once"):
        store.consent(ROW)


def test_what_is_converted_already_is_not_handed_out_unasked(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmarks, "_load", lambda points: pytest.fail("handed out"))
    with pytest.raises(WeightsError, match="accept it once"):
        landmarks.load_predictor(points=68)
