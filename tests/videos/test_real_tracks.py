"""Liveness of tracks: a name only for a track that is real; people are squares, blue ones are attacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import BLUE, DARK_RED, DETECTOR, MODEL, RED, photo
from visavis import liveness, spoof_networks
from visavis.errors import UsageError
from visavis.gallery import Gallery
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face, Floats
from visavis.videos.real_tracks import LivenessMode
from visavis.videos.recognize import VideoOptions
from visavis.videos.run import video

from .made_up import Square, draw, film, write_video

pytest.importorskip("av")
pytest.importorskip("scipy")


class Whites:
    """Takes a face for real unless the corner of the picture is white."""

    def __init__(self, *, threads: int | None = None) -> None:
        self.threads = threads

    def probabilities(self, picture: RGB, faces: Sequence[Face]) -> Floats:
        real = 0.1 if picture[0, 0].min() > 250 else 0.9
        return np.array([[1 - real, real, 0]] * len(faces), np.float32)


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoof_networks, "SpoofNetworks", Whites)
    monkeypatch.setattr(liveness, "find_doubts", lambda *_: ())


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    recognizer = Recognizer(detector=DETECTOR, embedder=MODEL)
    gallery = Gallery(f"sqlite:///{tmp_path / 'faces.db'}", recognizer=recognizer)
    gallery.enroll("Red", photo(tmp_path / "red.png", (RED, 40, 50, 60)))
    gallery.enroll("Blue", photo(tmp_path / "blue.png", (BLUE, 40, 50, 60)))
    return gallery


def clip(path: Path, *, fake_from: float, seconds: float = 1.2, other: Square | None = None) -> Path:
    """A red face that moves; from that second on it is an attack."""

    def scene(t: float) -> RGB:
        picture = draw((RED, 20 + 8 * t, 20, 60), *([other] if other else []), size=(90, 180))
        picture[:8, :8] = 255 if t >= fake_from else 128
        return picture

    return write_video(path, film(scene, seconds=seconds))


def run(path: Path, gallery: Gallery, mode: LivenessMode) -> list[tuple[str, str | None, float | None]]:
    events = video(path, gallery=gallery, threshold=0.1, liveness=mode)
    return [(event.event, event.name, event.liveness) for event in events]


def test_off_measures_nothing(tmp_path: Path, gallery: Gallery) -> None:
    path = clip(tmp_path / "fake.mkv", fake_from=0)
    assert run(path, gallery, "off") == [("recognized", "Red", None), ("ended", "Red", None)]


def test_observe_states_the_liveness_and_names_all(tmp_path: Path, gallery: Gallery) -> None:
    path = clip(tmp_path / "fake.mkv", fake_from=0)
    *_, ended = run(path, gallery, "observe")
    assert ended == ("ended", "Red", pytest.approx(0.1))


def test_require_names_a_real_face_and_no_attack(tmp_path: Path, gallery: Gallery) -> None:
    real = run(clip(tmp_path / "real.mkv", fake_from=9), gallery, "require")
    assert real == [("recognized", "Red", pytest.approx(0.9)), ("ended", "Red", pytest.approx(0.9))]
    fake = run(clip(tmp_path / "fake.mkv", fake_from=0), gallery, "require")
    assert fake == [("ended", None, pytest.approx(0.1))]


def test_require_names_no_track_of_which_too_few_faces_are_judged(
    tmp_path: Path, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clip(tmp_path / "real.mkv", fake_from=9)
    monkeypatch.setattr(liveness, "find_doubts", lambda *_: ("the face is small.",))
    assert run(path, gallery, "require") == [("ended", None, None)]


def test_a_name_is_taken_back_when_an_attack_takes_the_place_of_the_face(tmp_path: Path, gallery: Gallery) -> None:
    path = clip(tmp_path / "both.mkv", fake_from=1.2, seconds=3.6)
    events = run(path, gallery, "require")
    assert [(event, name) for event, name, _ in events] == [("recognized", "Red"), ("updated", None), ("ended", None)]


def test_a_photo_of_a_person_does_not_take_the_name_from_the_person(
    tmp_path: Path, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both at one time; the photo looks more like the enrolled one."""

    class Dark(Whites):
        def probabilities(self, picture: RGB, faces: Sequence[Face]) -> Floats:
            reds = [picture[int(face.box[1]) + 5, int(face.box[0]) + 5, 0] for face in faces]
            return np.array([[0, 0.9 if red == DARK_RED[0] else 0.1, 0] for red in reds], np.float32)

    monkeypatch.setattr(spoof_networks, "SpoofNetworks", Dark)
    path = clip(tmp_path / "two.mkv", fake_from=9, other=(DARK_RED, 115, 25, 60))
    ended = [(score, name) for event, name, score in run(path, gallery, "require") if event == "ended"]
    assert {round(score or 0, 2): name for score, name in ended} == {0.9: "Red", 0.1: None}


def test_another_mode_is_an_error() -> None:
    with pytest.raises(UsageError, match="liveness is one of off, observe, require, got 'on'"):
        VideoOptions(liveness="on")  # type: ignore[arg-type]
