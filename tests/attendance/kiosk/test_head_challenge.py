"""The challenge of a kiosk: a head that turns passes; two people, photos, and frames of another time do not."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from test_challenge import FLAT, HEAD, RATE, WIDTH, Person, seen, turned, wave
from visavis.attendance.kiosk.head_challenge import LASTS, ChallengeFrame, HeadChallenge, HeadState
from visavis.challenge import Movement
from visavis.types import Face

WHO, OTHER = 7, 8
Name = Callable[[HeadState, int], int | None]
"""Returns whom a frame names, by what is asked for and the number of the frame."""


def play(challenge: HeadChallenge, person: Person, name: Name = lambda *_: WHO, *, late: float = 0.0) -> HeadState:
    """Send frames, three at a time, while the head does what is asked for."""
    for number in range(0, int(LASTS * RATE), 3):
        frames = []
        asked = challenge.state
        for row in range(number, number + 3):
            movement: Movement | None = None if asked == "straight" else asked  # type: ignore[assignment]
            face = person.face(movement)
            frames.append(ChallengeFrame(row / RATE + late, [face], WIDTH, name(asked, row), asked == "straight"))
        state = challenge.add(frames, now=100 + (number + 3) / RATE)
        if state in ("passed", "challenge_failed"):
            return state
    return challenge.state


def show(faces: list[Face]) -> HeadState:
    """Return what comes of frames of what is held before the camera, all of which name the person."""
    challenge = HeadChallenge(WHO, now=100, random=Random(1))
    for number, face in enumerate(faces):
        frame = ChallengeFrame(number / RATE, [face], WIDTH, WHO, is_straight=True)
        challenge.add([frame], now=100 + number / RATE)
    return challenge.state


@pytest.mark.parametrize("seed", range(8))
def test_a_head_that_turns_as_asked_passes(seed: int) -> None:
    challenge = HeadChallenge(WHO, now=100, random=Random(seed))
    assert challenge.state == "straight"
    assert play(challenge, Person(seed)) == "passed"


def test_movements_need_no_name_in_each_frame() -> None:
    challenge = HeadChallenge(WHO, now=100, random=Random(2))
    assert play(challenge, Person(2), lambda _, row: WHO if row % 3 == 0 else None) == "passed"


@pytest.mark.parametrize(
    "name",
    [
        lambda asked, _: WHO if asked == "straight" else OTHER,
        lambda asked, _: OTHER if asked == "straight" else WHO,
        lambda asked, _: WHO if asked == "straight" else None,  # a stranger moves the head
        lambda asked, _: None if asked == "straight" else WHO,
        lambda asked, row: OTHER if row == 30 else WHO,
    ],
    ids=["another moves", "another looks", "a stranger moves", "a stranger looks", "another for a moment"],
)
def test_two_people_fail(name: Name) -> None:
    for seed in range(4):
        assert play(HeadChallenge(WHO, now=100, random=Random(seed)), Person(seed), name) == "challenge_failed"


def test_the_other_order_fails() -> None:
    swapped: dict[Movement, Movement] = {"left": "right", "right": "up", "up": "left"}
    assert play(HeadChallenge(WHO, now=100, random=Random(3)), Person(3, wrong=swapped)) == "challenge_failed"


def test_photos_fail() -> None:
    still = show([seen(FLAT)] * (10 * RATE))
    in_plane = show([seen(turned(FLAT, 0, 0, roll=row % 40), shift=(row % 30, 0)) for row in range(10 * RATE)])
    tilted = show([seen(turned(FLAT, 50 * min(row / RATE, 1), 0)) for row in range(10 * RATE)])
    assert (still, in_plane, tilted) == ("challenge_failed",) * 3
    for bent in (False, True):
        assert {show([*wave(seed, bent=bent)]) for seed in range(20)} == {"challenge_failed"}


def test_it_ends_once_and_expires() -> None:
    challenge = HeadChallenge(WHO, now=100, random=Random(2))
    assert play(challenge, Person(2)) == "passed"
    assert challenge.add([ChallengeFrame(0, [], WIDTH, OTHER, False)], now=101) == "passed"
    assert not challenge.is_expired(100 + LASTS)
    assert challenge.is_expired(101 + LASTS)
    late = HeadChallenge(WHO, now=100)
    frame = ChallengeFrame(LASTS + 1, [seen(HEAD)], WIDTH, WHO, True)
    assert late.add([frame], now=101 + LASTS) == "challenge_failed"


def test_frames_are_not_of_the_future() -> None:
    """Else the time of all movements could be claimed at once."""
    challenge = HeadChallenge(WHO, now=100, random=Random(2))
    assert play(challenge, Person(2), late=1.5) == "challenge_failed"
