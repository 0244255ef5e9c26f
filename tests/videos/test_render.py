from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from visavis.errors import UsageError
from visavis.types import RGB
from visavis.videos.blur import GRAY, BlurChoice, blur_boxes
from visavis.videos.face_paths import BEFORE_S
from visavis.videos.render import HELD_FRAMES, Renderer
from visavis.videos.types import Frame, TrackedFace

from .films import RATE, frame, tracked

ALL = BlurChoice.parse(["all"])


def noise(number: int, height: int = 120, width: int = 240) -> RGB:
    """A picture without any pixel in the gray of what is blurred."""
    return np.random.default_rng(number).integers(0, 100, (height, width, 3), np.uint8)


def rendered(renderer: Renderer, faces: list[list[TrackedFace]], **sizes: int) -> list[Frame]:
    """The frames that come out for frames with these faces."""
    out = [ready for n, of_frame in enumerate(faces) for ready in renderer.add(frame(n, noise(n, **sizes)), of_frame)]
    return [*out, *renderer.finish()]


def is_gray(picture: RGB, box: tuple[float, float, float, float]) -> bool:
    x1, y1, x2, y2 = (round(value) for value in box)
    return bool((picture[max(y1, 0) : y2, max(x1, 0) : x2] == GRAY).all())


def test_the_pixels_of_a_face_have_no_influence_on_what_is_blurred() -> None:
    picture, other = noise(1), noise(1)
    other[30:70, 20:60] = 255
    boxes = np.array([[20, 30, 60, 70]], np.float32)
    blurred = blur_boxes(picture, boxes)
    assert (blurred == blur_boxes(other, boxes)).all()
    assert is_gray(blurred, (20 - 12, 30 - 12, 60 + 12, 70 + 12))
    assert (blurred[83:] == picture[83:]).all()
    assert (blurred[:, 73:] == picture[:, 73:]).all()


def test_boxes_beyond_the_picture_are_cut() -> None:
    blurred = blur_boxes(noise(1), np.array([[-50, -50, 30, 30], [500, 500, 600, 600]], np.float32), margin=0)
    assert is_gray(blurred, (0, 0, 30, 30))
    assert (blurred[31:] == noise(1)[31:]).all()


@pytest.mark.parametrize(
    ("words", "face", "covered"),
    [
        (["all"], {"name": "Ann"}, True),
        (["unknown"], {"name": "Ann"}, False),
        (["unknown"], {"name": None}, True),
        (["Ann"], {"name": "Ann"}, True),
        (["Ann"], {"name": "Bob"}, False),
        (["Ann"], {"name": None}, False),
        (["Ann", "unknown"], {"name": None}, True),
        (["Ann"], {"name": None, "decided": False}, True),
        (["unknown"], {"name": "Ann", "confirmed": False}, True),
    ],
)
def test_who_is_blurred(words: list[str], face: dict[str, object], covered: bool) -> None:
    assert BlurChoice.parse(words).covers(tracked((0, 0, 10, 10), **face)) is covered


def test_a_choice_of_no_one_is_an_error() -> None:
    with pytest.raises(UsageError, match="whose faces are to be blurred"):
        BlurChoice.parse([])


def place(number: int) -> tuple[float, float, float, float]:
    """A face of 20 pixels that moves 2 pixels a frame."""
    return (10 + 2 * number, 40, 30 + 2 * number, 60)


def test_a_face_is_blurred_before_between_and_after_its_detections() -> None:
    """It is visible in all 60 frames, and detected in each fifth from frame 15 to 45."""
    faces = [[tracked(place(n))] if n % 5 == 0 and 15 <= n <= 45 else [] for n in range(60)]
    out = rendered(Renderer(blur=ALL), faces)
    assert [ready.number for ready in out] == list(range(60))
    assert [n for n, ready in enumerate(out) if is_gray(ready.pixels, place(n))] == list(range(60))


def test_only_the_time_around_a_track_is_blurred() -> None:
    faces = [[tracked((100, 40, 120, 60))] if n == 50 else [] for n in range(101)]
    out = rendered(Renderer(blur=ALL), faces)
    gray = [n for n, ready in enumerate(out) if (ready.pixels == GRAY).any()]
    assert gray == list(range(50 - 18, 50 + 18 + 1))


def test_a_face_that_stops_and_turns_within_the_gap_of_two_detections_stays_blurred() -> None:
    """The predicted box and the interpolated one are both blurred."""
    faces = [[tracked((10, 40, 30, 60))], [tracked((60, 40, 80, 60), detected=False)], [tracked((10, 40, 30, 60))]]
    middle = rendered(Renderer(blur=ALL), faces)[1].pixels
    assert is_gray(middle, (10, 40, 30, 60))
    assert is_gray(middle, (60, 40, 80, 60))


def test_a_name_that_comes_late_counts_for_the_frames_that_are_held_back() -> None:
    undecided = [tracked((100, 40, 120, 60), decided=False)]
    ann = [tracked((100, 40, 120, 60), name="Ann")]
    out = rendered(Renderer(blur=BlurChoice.parse(["unknown"]), draw=False), [undecided] * 10 + [ann] * 30)
    assert not any((ready.pixels == GRAY).any() for ready in out)
    out = rendered(Renderer(blur=BlurChoice.parse(["Ann"])), [undecided] * 10 + [ann] * 30)
    assert all(is_gray(ready.pixels, (100, 40, 120, 60)) for ready in out)


def test_a_face_that_is_not_blurred_keeps_its_box_and_a_blurred_face_has_none() -> None:
    faces = [tracked((20, 40, 40, 60), name="Ann"), tracked((140, 40, 180, 80), 2, name=None)]
    (out,) = rendered(Renderer(blur=BlurChoice.parse(["unknown"])), [faces])
    assert (out.pixels[40:60, 20] == (0, 114, 178)).all()
    assert is_gray(out.pixels, (130, 30, 190, 90))
    assert not (out.pixels == (230, 159, 0)).all(axis=2).any()


def test_frames_held_back_are_bounded_by_number_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer(blur=ALL)
    still = [list(renderer.add(frame(n, noise(0, 8, 8), 0.0), [])) for n in range(HELD_FRAMES + 10)]
    assert [len(ready) for ready in still] == [0] * HELD_FRAMES + [1] * 10
    monkeypatch.setattr("visavis.videos.render.HELD_BYTES", 3 * 8 * 8 * 3)
    renderer = Renderer(blur=ALL)
    assert [len(list(renderer.add(frame(n, noise(0, 8, 8), 0.0), []))) for n in range(5)] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("rate", [60, 240])
def test_slow_motion_is_held_back_as_long_as_other_videos(rate: int) -> None:
    renderer, out = Renderer(blur=ALL), []
    for n in range(2 * rate):
        faces = [tracked((10, 10, 20, 20))] if n >= rate else []
        out += renderer.add(frame(n, noise(0, 30, 30), n / rate), faces)
    first = next(ready.seconds for ready in [*out, *renderer.finish()] if is_gray(ready.pixels, (10, 10, 20, 20)))
    assert first == pytest.approx(1 - BEFORE_S, abs=1 / rate)
    assert renderer.notes == []


def test_a_note_says_when_frames_are_too_large_to_be_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visavis.videos.render.HELD_BYTES", 10 * 8 * 8 * 3)
    renderer = Renderer(blur=ALL)
    rendered_frames = [ready for n in range(50) for ready in renderer.add(frame(n, noise(0, 8, 8)), [])]
    assert len(rendered_frames) == 40
    assert [note.partition(",")[0] for note in renderer.notes] == ["frames were held back for 0.40 s only"]


def test_paths_of_tracks_are_forgotten() -> None:
    """Ten hours with a new track each second and one that never ends."""
    renderer = Renderer(blur=ALL)
    for n in range(5000):
        faces = [tracked((0, 0, 5, 5)), tracked((5, 5, 9, 9), 2 + n // RATE, detected=n % 3 == 0)]
        list(renderer.add(frame(n, noise(0, 8, 8)), faces))
    paths = renderer._paths._paths
    assert len(paths) <= 4
    assert max(len(path.detections) + len(path.predictions) for path in paths.values()) <= 3 * RATE


def test_without_blur_frames_come_back_at_once_with_boxes_and_names() -> None:
    picture = frame(0, noise(0))
    known = tracked((20, 60, 50, 90), name="Ann")
    unknown = tracked((120, 60, 150, 90), 2)
    unconfirmed = tracked((200, 60, 220, 80), 3, confirmed=False)
    (out,) = Renderer().add(picture, [known, unknown, unconfirmed])
    assert out.pixels.shape == picture.pixels.shape
    assert (out.pixels[62:88, 20] == (0, 114, 178)).all()
    assert (out.pixels[62:88, 120] == (230, 159, 0)).all()
    assert (out.pixels[55:85, 195:225] == picture.pixels[55:85, 195:225]).all()
    (plain,) = Renderer(draw=False).add(picture, [known])
    assert (plain.pixels == picture.pixels).all()
    assert (picture.pixels == noise(0)).all()


def test_labels_without_room_do_not_change_the_size_of_the_frame() -> None:
    crowd = [tracked((10 * n, 0, 10 * n + 9, 120), n + 1, name="Maximiliane von Hohenstein") for n in range(24)]
    (out,) = Renderer().add(frame(0, noise(0)), crowd)
    assert out.pixels.shape == (120, 240, 3)


def test_frames_of_cameras_keep_their_times() -> None:
    from datetime import UTC, datetime

    captured = datetime(2026, 1, 2, tzinfo=UTC)
    (out,) = Renderer().add(replace(frame(3, noise(0)), captured=captured), [])
    assert (out.captured, out.number, out.seconds, out.source) == (captured, 3, 3 / RATE, "film")
