"""Made-up videos, with faces that are squares of one color."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from visavis.evaluate.data.made_up_video import Look, Scene, Walker, Waypoint, make_crossings, make_side_by_side
from visavis.types import RGB

RED, BLUE, GREEN = (250, 0, 0), (0, 0, 250), (0, 250, 0)


def look(color: tuple[int, int, int]) -> Look:
    """A photo of one color, with a face of 80 x 100 pixels in its middle."""
    return Look(np.full((250, 250, 3), color, np.uint8), np.array([85, 75, 165, 175], np.float32))


def walker(person: str, *places: tuple[float, float, float, float], looks: int = 1, depth: float = 0.0) -> Walker:
    colors = (RED, BLUE, GREEN)[:looks]
    return Walker(person, tuple(map(look, colors)), tuple(Waypoint(*place) for place in places), depth)


def frames_of(scene: Scene) -> list[RGB]:
    return list(scene.frames())


def is_colored(frame: RGB, x: float, y: float, color: tuple[int, int, int]) -> bool:
    return bool(np.abs(frame[round(y), round(x)].astype(int) - color).max() < 40)


def test_a_face_is_where_the_truth_says() -> None:
    scene = Scene(400, 200, 2, (walker("Ann", (0, 100, 100, 50), (2, 300, 100, 50)),))
    frames, truth = frames_of(scene), scene.truth()
    assert len(frames) == len(truth) == 50
    assert all(frame.shape == (200, 400, 3) and frame.dtype == np.uint8 for frame in frames)
    assert truth[25].box == pytest.approx((200 - 20, 75, 200 + 20, 125))  # at 1 s; 80 x 100 becomes 40 x 50
    assert (truth[25].person, truth[25].start, truth[25].end) == ("Ann", 1, 1)
    for frame, row in list(zip(frames, truth, strict=True))[::10]:
        x1, y1, x2, y2 = row.box or (0, 0, 0, 0)
        assert all(is_colored(frame, x, y, RED) for x in (x1 + 2, x2 - 2) for y in (y1 + 5, y2 - 5))
        assert not is_colored(frame, x1 - 40, 100, RED)
        assert not is_colored(frame, x2 + 40, 100, RED)


def test_photos_alternate() -> None:
    scene = Scene(200, 200, 2.4, (walker("Ann", (0, 100, 100, 60), (2.4, 100, 100, 60), looks=3),))
    frames = frames_of(scene)
    shown = [next(n for n, color in enumerate((RED, BLUE, GREEN)) if is_colored(f, 100, 100, color)) for f in frames]
    assert [shown[round(25 * seconds)] for seconds in (0, 0.3, 0.5, 0.9, 1.3, 1.7, 2.1)] == [0, 0, 1, 2, 0, 1, 2]


def test_motion_blurs_along_itself() -> None:
    """Ten pixels a frame at a shutter of a half: the edge in this direction is five pixels wider."""

    empty = frames_of(Scene(900, 200, 2, ()))[25].astype(float)

    def edge(places: tuple[tuple[float, float, float, float], ...]) -> int:
        frame = frames_of(Scene(900, 200, 2, (walker("Ann", *places),)))[25].astype(float)
        shares = ((frame - empty) / (RED - empty))[95:105].mean(axis=(0, 2))
        return int(((shares > 0.1) & (shares < 0.9)).sum())

    still = edge(((0, 450, 100, 60), (2, 450, 100, 60)))
    fast = edge(((0, 200, 100, 60), (2, 700, 100, 60)))
    assert 3 <= fast - still <= 12


def test_a_pillar_hides_and_the_truth_has_a_gap() -> None:
    scene = Scene(400, 200, 4, (walker("Ann", (0, 50, 100, 50), (4, 350, 100, 50)),), pillars=((180, 240),))
    times = [row.start for row in scene.truth()]
    gaps = [(a, b) for a, b in pairwise(times) if b - a > 0.05]
    ((before, after),) = gaps
    # 75 pixels a second; half of 40 pixels is covered from x = 180 to x = 240
    assert before == pytest.approx((180 - 50) / 75, abs=0.05)
    assert after == pytest.approx((240 - 50) / 75, abs=0.05)
    assert not is_colored(frames_of(scene)[50], 200, 100, RED)
    assert scene.count_events() == 1


def test_the_nearer_one_hides_the_other() -> None:
    near = walker("Ann", (0, 150, 100, 60), (1, 150, 100, 60))
    far = Walker("Bob", (look(BLUE),), (Waypoint(0, 155, 100, 60), Waypoint(1, 155, 100, 60)), depth=1)
    for walkers in ((near, far), (far, near)):
        scene = Scene(300, 200, 1, walkers)
        assert {row.person for row in scene.truth()} == {"Ann"}
        assert is_colored(frames_of(scene)[5], 150, 100, RED)
        assert scene.count_events() == 1


def test_people_who_pass_each_other_twice_cross_twice() -> None:
    first = walker("Ann", (0, 50, 100, 40), (2, 350, 100, 40), (4, 50, 100, 40))
    other = walker("Bob", (0, 200, 100, 40), (4, 200, 100, 40), depth=1)
    assert Scene(400, 200, 4, (first, other)).count_events() == 2
    apart = walker("Bob", (0, 200, 160, 40), (4, 200, 160, 40), depth=1)
    assert Scene(400, 200, 4, (first, apart)).count_events() == 0


def test_a_walker_is_on_between_its_first_and_its_last_place() -> None:
    scene = Scene(200, 200, 3, (walker("Ann", (1, 100, 100, 50), (2, 100, 100, 50)),))
    times = [row.start for row in scene.truth()]
    assert (times[0], times[-1]) == (1, 2)
    assert not is_colored(frames_of(scene)[10], 100, 100, RED)


def test_equal_scenes_are_equal_frames() -> None:
    people = {name: (look(RED), look(BLUE), look(GREEN)) for name in "ABCDEF"}
    first, again, other = (next(make_crossings(people, seed=seed).frames()) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_scenes_of_crossings() -> None:
    people = {name: (look(RED), look(BLUE), look(GREEN)) for name in "ABCDEF"}
    scenes = [make_crossings(people, seed=seed) for seed in range(6)]
    assert all(len(scene.walkers) == 4 and len(scene.pillars) == 2 for scene in scenes)
    assert sum(scene.count_events() for scene in scenes) >= 60
    rows = [row for scene in scenes for row in scene.truth()]
    heights = np.array([row.box[3] - row.box[1] for row in rows if row.box])
    assert 36 <= heights.min() < 60
    assert 90 < heights.max() <= 110


def test_people_side_by_side_are_always_seen() -> None:
    people = {f"person {number}": (look(RED), look(BLUE), look(GREEN)) for number in range(8)}
    scene = make_side_by_side(people, seed=1)
    rows = scene.truth()
    assert len(rows) == 8 * 40
    assert scene.count_events() == 0
    heights = [row.box[3] - row.box[1] for row in rows if row.box]
    assert 30 <= min(heights) < 50
    assert 80 < max(heights) <= 120
    assert all(row.box[0] >= 0 and row.box[2] <= scene.width for row in rows if row.box)
