"""landmarks: points of each face, within its box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.landmarks import SPECS
from visavis.weights import store

from .conftest import Photos, Run


@pytest.fixture(autouse=True)
def accepted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As if licenses had been accepted; holds the names of those that are accepted during the test."""
    names: list[str] = []
    monkeypatch.setattr(store, "_is_accepted", lambda row: True)
    monkeypatch.setattr(store, "accept", lambda row: names.append(row.name))
    return names


def test_keys_and_values_of_the_answer(look: Run, photos: Photos) -> None:
    done = look("landmarks", photos.both, "--json")
    assert (done.code, done.err) == (0, "")
    assert list(done.line) == ["photo", "status", "captured", "faces"]
    assert [face["box"] for face in done.line["faces"]] == [[180, 100, 280, 200], [20, 30, 70, 80]]
    for face in done.line["faces"]:
        assert list(face) == ["box", "score", "points"]
        points, box = np.array(face["points"]), np.array(face["box"])
        assert points.shape == (68, 2)
        # jaw, brows, nose, eyes and mouth about the middle of the square
        assert np.abs(points.mean(axis=0) - (box[:2] + box[2:]) / 2).max() < 0.2 * (box[2] - box[0])
        assert points[8, 1] > points[57, 1] > points[33, 1] > points[39, 1]  # chin, lips, nose, eye from below
        assert points[36, 0] < points[39, 0] < points[42, 0] < points[45, 0]  # corners of the eyes from the left


def test_five_points(look: Run, photos: Photos) -> None:
    (face,) = look("landmarks", photos.red, "--points", 5, "--json").line["faces"]
    across = [x for x, _ in face["points"]]
    assert len(across) == 5
    assert across[0] > across[1] > across[4] > across[3] > across[2]


def test_another_number_of_points(look: Run, photos: Photos) -> None:
    done = look("landmarks", photos.red, "--points", 6)
    assert (done.code, done.out) == (2, "")
    assert "--points" in done.err


def test_faces_are_found_together_as_alone(look: Run, photos: Photos) -> None:
    alone = [look("landmarks", name, "--json").line for name in (photos.red, photos.both)]
    assert look("landmarks", photos.red, photos.both, "--json").lines == alone


def test_bad_photos_have_their_lines(look: Run, photos: Photos) -> None:
    done = look("landmarks", photos.broken, photos.empty, photos.red, "--json")
    assert done.code == 0
    assert [line["status"] for line in done.lines] == ["unreadable", "no_face", "ok"]
    assert [len(line["faces"]) for line in done.lines] == [0, 0, 1]
    assert look("landmarks", photos.empty).code == 1
    assert look("landmarks", photos.broken).code == 2


def test_the_table_tells_within_which_box_the_points_lie(look: Run, photos: Photos) -> None:
    points = np.array(look("landmarks", photos.red, "--json").line["faces"][0]["points"])
    rows = [" ".join(row.split()) for row in look("landmarks", photos.red, photos.empty).out.splitlines()]
    within = " ".join(f"{value:.0f}" for value in (*points.min(axis=0), *points.max(axis=0)))
    assert rows[0] == "photo face box score points within"
    assert rows[2] == f"red.png 1 40 50 100 110 0.9900 68 {within}"
    assert rows[3] == "empty.png no face was found."


def test_out_draws_a_dot_at_each_point(look: Run, photos: Photos) -> None:
    done = look("landmarks", photos.both, photos.empty, "--out", "drawn", "--json")
    drawn = np.asarray(Image.open("drawn/both-landmarks.jpg")).astype(int)
    before = np.asarray(Image.open(photos.both).convert("RGB")).astype(int)
    changed = np.abs(drawn - before).max(axis=2)
    for face in done.lines[0]["faces"]:
        x, y = np.array(face["points"]).round().astype(int).T
        assert np.median(changed[y, x]) > 60
    assert (changed > 60).mean() < 0.02
    assert changed[:25].max() < 30
    empty = np.asarray(Image.open("drawn/empty-landmarks.jpg")).astype(int)
    assert np.abs(empty - np.asarray(Image.open(photos.empty).convert("RGB"))).max() < 10


def test_the_license_is_refused_until_it_is_accepted(
    look: Run, photos: Photos, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VISAVIS_ACCEPT_LICENSE", raising=False)
    monkeypatch.setattr(store, "_acceptance_path", lambda row: tmp_path / "licenses" / row.name)
    refused = look("landmarks", photos.red)
    assert (refused.code, refused.out) == (3, "")
    assert "iBUG 300-W" in refused.err
    assert "--accept-license" in refused.err
    assert refused.err.endswith("; or find 5 points, free for every use: --points 5.\n")
    assert look("landmarks", photos.red, "--points", 5).code == 0
    accepted = look("landmarks", photos.red, "--accept-license")
    assert accepted.code == 0
    assert accepted.err == f"visavis: dlib-68-points: {SPECS[68].license}.\n"
    assert look("landmarks", photos.red).code == 0


def test_what_is_accepted_is_the_file_that_is_used(look: Run, photos: Photos, accepted: list[str]) -> None:
    look("landmarks", photos.red, "--accept-license")
    look("landmarks", photos.red)
    assert accepted == ["dlib-68-points"]
