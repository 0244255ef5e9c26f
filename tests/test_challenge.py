"""The challenge: heads that turn pass; photos that are waved, tilted, bent or exchanged do not, nor does another order.

Landmarks are projected from points in space, and found by the detector on photographs that are bent and tilted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from visavis.challenge import LIFT, TURN, Challenge, ChallengeState, Movement, measure_pose
from visavis.errors import UsageError
from visavis.types import Face

FLAT = np.array([[-32, -35, 0], [32, -35, 0], [0, 5, 0], [-25, 35, 0], [25, 35, 0]], float)
"""Eyes, nose and mouth on a photo of natural size, in millimeters."""
HEAD = FLAT + np.array([[0, 0, 0], [0, 0, 0], [0, 0, -28], [0, 0, -4], [0, 0, -4]], float)
"""The same in space: the nose stands out, towards the camera."""
WIDTH = 640
RATE = 12


def turned(points: np.ndarray, yaw: float, pitch: float, roll: float = 0.0) -> np.ndarray:
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return points @ (about_z @ about_x @ about_y).T


def seen(points: np.ndarray, *, away: float = 700, shift: tuple[float, float] = (0, 0)) -> Face:
    """The points through a camera of 600 pixels of focal length, ``away`` millimeters from it."""
    depth = away + points[:, 2:]
    landmarks = (np.array([320, 240]) + 600 * (points[:, :2] + shift) / depth).astype(np.float32)
    middle, half = landmarks.mean(axis=0), 1.2 * math.dist(landmarks[0], landmarks[1])
    return Face(np.concatenate([middle - half, middle + half]).astype(np.float32), 0.99, landmarks)


GOALS: dict[Movement | None, tuple[float, float]] = {
    None: (0, 0), "left": (-38, 0), "right": (38, 0), "up": (0, -36),
}  # fmt: skip
"""Yaw and pitch of a movement. The camera sees the person's left at its right."""


class Person:
    """Turns to what is asked for, by at most 10 degrees a picture, with landmarks off by about a pixel."""

    def __init__(self, seed: int = 0, *, wrong: dict[Movement, Movement] | None = None) -> None:
        self._rng = np.random.default_rng(seed)
        self._at = np.zeros(2)
        self._wrong = wrong or {}

    def face(self, movement: Movement | None) -> Face:
        goal = np.array(GOALS[self._wrong.get(movement, movement) if movement else None], float)
        self._at += np.clip(goal - self._at, -10, 10)
        face = seen(turned(HEAD, *self._at))
        noise = self._rng.normal(0, 0.4, (5, 2)).astype(np.float32)
        return Face(face.box, face.score, face.landmarks + noise)


def play(challenge: Challenge, person: Person, *, seconds: float = 60, rate: float = RATE) -> ChallengeState:
    state = challenge.state
    for number in range(int(seconds * rate)):
        state = challenge.update(number / rate, [person.face(state.movement)], WIDTH)
        if state.status != "running":
            return state
    return state


def test_the_pose_of_a_head() -> None:
    straight = measure_pose(seen(HEAD).landmarks)
    assert straight is not None
    assert (straight.aside, straight.skew, straight.shear) == pytest.approx((0, 0, 0), abs=1e-6)
    assert straight.down == pytest.approx(0.573, abs=0.01)
    left, up = measure_pose(seen(turned(HEAD, -36, 0)).landmarks), measure_pose(seen(turned(HEAD, 0, -31)).landmarks)
    assert left is not None
    assert up is not None
    assert left.aside == pytest.approx(TURN, abs=0.03)
    assert straight.down - up.down == pytest.approx(LIFT, abs=0.03)


def test_a_flat_photo_has_one_pose_however_it_is_held() -> None:
    """Seen from far away; near the camera, perspective adds a little."""
    poses = []
    for yaw in (-60, -20, 0, 35, 60):
        for pitch in (-50, 0, 40):
            for roll in (0, 25):
                pose = measure_pose(seen(turned(FLAT, yaw, pitch, roll), away=1e6).landmarks)
                assert pose is not None
                poses.append((pose.aside, pose.down, pose.mouth, pose.skew))
    assert np.ptp(np.array(poses), axis=0) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.arange(10).reshape(5, 2)])
def test_points_on_a_line_have_no_pose(points: np.ndarray) -> None:
    assert measure_pose(points.astype(np.float32)) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_person_passes(seed: int) -> None:
    state = play(Challenge(random=Random(seed)), Person(seed))
    assert (state.status, state.reason) == ("passed", "")
    assert state
    assert (state.done, state.total) == (4, 4)


def test_a_person_passes_with_five_pictures_a_second_and_mirrored() -> None:
    assert play(Challenge(random=Random(1)), Person(), rate=5)
    swapped: dict[Movement, Movement] = {"left": "right", "right": "left"}
    assert play(Challenge(random=Random(1), mirrored=True), Person(wrong=swapped))


def test_the_order_is_of_the_systems_generator_and_differs() -> None:
    orders = {tuple(Challenge()._order) for _ in range(200)}
    assert len(orders) > 50  # of 81
    assert {movement for order in orders for movement in order} == {"left", "right", "up"}


@pytest.mark.parametrize(("asked", "shown"), [("left", "right"), ("right", "left"), ("up", "left"), ("left", "up")])
def test_another_movement_fails(asked: Movement, shown: Movement) -> None:
    seed = next(n for n in range(100) if Challenge(random=Random(n))._order[0] == asked)
    state = play(Challenge(random=Random(seed)), Person(wrong={asked: shown}))
    assert (state.status, state.reason) == ("failed", "That was another movement than the one asked for.")
    assert not state


def test_a_replay_passes_only_for_the_order_it_was_recorded_for() -> None:
    """A recording of somebody who passed, played to challenges of all other orders at the right speed."""
    recorded = Challenge(random=Random(3))
    person, pictures = Person(3), []
    state = recorded.state
    while state.status == "running":
        pictures.append(person.face(state.movement))
        state = recorded.update(len(pictures) / RATE, [pictures[-1]], WIDTH)
    assert state
    passed = []
    for seed in range(300):
        other = Challenge(random=Random(1000 + seed))
        for number, face in enumerate(pictures, 1):
            other.update(number / RATE, [face], WIDTH)
        if other.state:
            passed.append(other._order)
    assert all(order == recorded._order for order in passed)
    assert len(passed) <= 10


def wave(seed: int, *, bent: bool) -> Iterator[Face]:
    """A photo that is moved, turned, tilted and bent, smoothly and at random, for 30 seconds."""
    rng = np.random.default_rng(seed)
    speeds, phases = rng.uniform(0.2, 0.9, 6), rng.uniform(0, 2 * np.pi, 6)
    reach = np.array([60, 50, 25, 40, 30, 1])
    axis, offset = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)]), rng.uniform(-30, 30)
    for number in range(30 * RATE):
        now = number / RATE
        grow = min(now / 3, 1.0)  # held straight at first
        yaw, pitch, roll, x, y, bend = reach * np.sin(2 * np.pi * speeds * now + phases) * grow
        points = bent_photo(1 / 60 * abs(bend), axis, offset) if bent and abs(bend) > 0.02 else FLAT
        yield seen(turned(points, yaw, pitch, roll), away=600, shift=(x, y))


def bent_photo(curvature: float, axis: float, offset: float) -> np.ndarray:
    """The photo around a cylinder of radius 1 / ``curvature``, 60 mm at least."""
    along, across = np.array([np.cos(axis), np.sin(axis)]), np.array([-np.sin(axis), np.cos(axis)])
    angle = (FLAT[:, :2] @ along - offset) * curvature
    plane = np.outer(np.sin(angle) / curvature + offset, along) + np.outer(FLAT[:, :2] @ across, across)
    return np.column_stack([plane, (1 - np.cos(angle)) / curvature])


@pytest.mark.parametrize("bent", [False, True], ids=["flat", "bent"])
def test_a_photo_that_is_waved_does_not_pass(bent: bool) -> None:
    furthest = 0
    for seed in range(150):
        challenge = Challenge(random=Random(seed))
        for number, face in enumerate(wave(seed, bent=bent)):
            if challenge.update(number / RATE, [face], WIDTH).status != "running":
                break
        assert challenge.state.status != "passed"
        furthest = max(furthest, challenge.state.done)
    assert furthest <= (1 if bent else 0)


def test_a_photo_that_lies_still_runs_out_of_time() -> None:
    challenge = Challenge(random=Random(0))
    for number in range(20 * RATE):
        challenge.update(number / RATE, [seen(FLAT)], WIDTH)
    assert (challenge.state.done, challenge.state.reason) == (0, "Too slow: each movement has 6 seconds.")


def test_photos_that_are_exchanged_on_request_do_not_pass() -> None:
    """Four photos of the person, one put in the place of another in the moment it is asked for."""
    for hidden in (0.0, 0.3):
        challenge = Challenge(random=Random(2))
        state, now, shown = challenge.state, 0.0, None
        while state.status == "running" and now < 60:
            if state.movement != shown and hidden:
                now += hidden
                state = challenge.update(now, [], WIDTH)
            shown = state.movement
            state = challenge.update(now, [seen(turned(HEAD, *GOALS[shown]))], WIDTH)
            now += 1 / RATE
        assert (state.status, state.done) == ("failed", 0)
        assert state.reason == "The head moved too fast: turn slowly."


def test_a_head_that_turns_too_far_is_asked_back() -> None:
    seed = next(n for n in range(100) if Challenge(random=Random(n))._order[0] == "left")
    challenge = Challenge(random=Random(seed))
    number = 0
    while challenge.state.movement is None:
        challenge.update(number / RATE, [seen(HEAD)], WIDTH)
        number += 1
    for yaw in (-12, -24, -30, -46, -52, -52):
        challenge.update(number / RATE, [seen(turned(HEAD, yaw, 0))], WIDTH)
        number += 1
    assert challenge.state.instruction == "Not so far: come back a little."
    for yaw in (-46, -38, -38):
        challenge.update(number / RATE, [seen(turned(HEAD, yaw, 0))], WIDTH)
        number += 1
    assert (challenge.state.done, challenge.state.instruction) == (1, "Look straight into the camera.")


def test_faults() -> None:
    def first(*faces: Face, seconds: float = 1.0) -> ChallengeState:
        challenge = Challenge(random=Random(0))
        for number in range(RATE + 6):
            challenge.update(number / RATE, [seen(HEAD)], WIDTH)
        return challenge.update((RATE + 5) / RATE + seconds, faces, WIDTH)

    assert first(seen(HEAD), seen(HEAD), seconds=0.1).reason == "There is more than one face."
    assert first(seconds=0.2).status == "running"
    assert first(seconds=1).reason == "The face left the picture."
    assert first(seen(HEAD), seconds=1).reason == "The face left the picture."
    assert first(seen(HEAD, away=250), seconds=0.1).reason == "The face is too near: stand back."
    assert first(seen(HEAD, away=3000), seconds=0.1).reason == "The face is too far away: come nearer."
    assert first(seen(HEAD, shift=(150, 0)), seconds=0.1).reason == "The face moved too far at once."
    with pytest.raises(UsageError, match="time goes back"):
        first(seen(HEAD), seconds=-1)


def test_a_challenge_that_ended_stays_so() -> None:
    challenge = Challenge(random=Random(0))
    play(challenge, Person())
    assert challenge.state
    assert challenge.update(1000, [], WIDTH) == challenge.state


@pytest.mark.parametrize("options", [{"movements": 0}, {"movements": 1.5}, {"seconds_each": 0}, {"seconds_each": "x"}])
def test_options(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Challenge(**options)  # type: ignore[arg-type]


def bend_picture(picture: np.ndarray, *, yaw: float, pitch: float, radius: float | None) -> np.ndarray:
    """A square photo around an upright cylinder, turned, through a camera; each pixel of the answer looked up."""
    import cv2

    side, focus, away = len(picture), 2.0, 2.5
    u, v = np.meshgrid(np.linspace(-0.5, 0.5, side), np.linspace(-0.5, 0.5, side))
    points = np.stack([u, v, np.zeros_like(u)], axis=-1)
    if radius:
        points = np.stack([radius * np.sin(u / radius), v, radius * (1 - np.cos(u / radius))], axis=-1)
    points = turned(points.reshape(-1, 3), yaw, pitch)
    places = points[:, :2] / (points[:, 2:] + away) * focus * side * 1.2 + side / 2
    result = np.full_like(picture, 90)
    x, y = places.round().astype(int).T
    order = np.argsort(-points[:, 2])  # the nearest last
    inside = order[((places[order] > 0) & (places[order] < side - 1)).all(axis=1)]
    result[y[inside], x[inside]] = picture.reshape(-1, 3)[inside]
    return np.asarray(cv2.medianBlur(result, 3), np.uint8)


def test_photographs_held_into_the_camera_do_not_turn_their_heads(data: Path) -> None:
    """The detector's landmarks on photographs of a real face, straight, tilted and bent."""
    import cv2

    from visavis.pipeline import Recognizer

    recognizer = Recognizer(threads=1)
    (photo,) = recognizer.detect([data / "photos" / "presidents" / "obama.jpg"])
    box = photo.faces[0].box
    middle, half = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
    assert photo.photo is not None
    matrix = np.array([[200 / half, 0, 200], [0, 200 / half, 200]]) - np.outer(middle * 200 / half, [0, 0, 1])
    picture = cv2.warpAffine(photo.photo.pixels, matrix, (400, 400))
    ways = [(yaw, pitch, radius) for radius in (None, 0.3, 0.5) for yaw in (-50, 0, 50) for pitch in (-40, 0)]
    pictures = [bend_picture(picture, yaw=yaw, pitch=pitch, radius=radius) for yaw, pitch, radius in ways]
    faces = [answer[0] for answer in recognizer.detector.detect(pictures, min_face=40) if answer]
    assert len(faces) >= 12
    challenge = Challenge(random=Random(0))
    rest = measure_pose(recognizer.detector.detect([picture], min_face=40)[0][0].landmarks)
    challenge._rest = rest
    for face in faces:
        pose = measure_pose(face.landmarks)
        assert pose is not None
        assert challenge._recognize(pose)[0] is None
