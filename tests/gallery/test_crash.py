"""``kill -9`` at any moment: nothing acknowledged is lost, nothing is half done."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from example_counts import rounds
from visavis.gallery import Gallery

from .faces import MODEL, child, digest, person

ENROLLMENTS = 200


def enrolled_until_killed(place: str, first: int, *, after: int, wait: float) -> tuple[list[int], bool]:
    """Kill an enrolling process ``wait`` seconds after acknowledgement ``after``; return all, and whether it was.

    It enrolls a few more, so that it does not enroll all on a machine that is too busy to kill it in time.
    """
    told: list[int] = []
    with child("enroll_process", place, "whole", first, after + 30) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while len(told) < after and (line := process.stdout.readline()):
            told.append(int(line))
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout if line.endswith("\n")]
    return told, process.returncode == -signal.SIGKILL


def assert_whole(place: str | Path, acknowledged: Iterable[int]) -> set[int]:
    """Everybody acknowledged is there, everybody there is whole; returns who is there."""
    with Gallery(place, model=MODEL, create=False) as gallery:
        assert gallery.check() == []
        there = {int(one.name.split()[1]): one for one in gallery.people()}
        assert set(acknowledged) <= set(there), "an acknowledged enrollment is lost"
        for i, one in there.items():
            hashes = [template.photo_sha256 for template in one.templates]
            assert hashes == [digest(1000 * i + k) for k in range(3)], f"{one.name} is half enrolled"
        probes = [template.embedding for i in there for template in person(i)[1]]
        nearest = [hits[0] for hits in gallery.lookalikes(probes, top=1)] if probes else []
        assert [hit.person_id for hit in nearest] == [one.id for one in there.values() for _ in range(3)]
        assert max((hit.distance for hit in nearest), default=0.0) < 1e-6
    return set(there)


@pytest.mark.slow(seconds=15)
def test_kill_9_loses_no_acknowledged_enrollment_and_leaves_none_half_done(place: str) -> None:
    acknowledged: set[int] = set()
    kills = 0
    while len(acknowledged) < ENROLLMENTS or kills < 4:
        first = max(acknowledged, default=-1) + 1
        after, wait = random.randint(5, 50), random.uniform(0, 0.004)
        told, was_killed = enrolled_until_killed(place, first, after=after, wait=wait)
        assert told == list(range(first, first + len(told)))
        acknowledged.update(told)
        assert_whole(place, acknowledged)
        kills += was_killed
    assert acknowledged == set(range(len(acknowledged)))


@pytest.mark.parametrize(
    ("mode", "what"),
    [("acknowledges too early", "is lost"), ("a transaction a template", "is half enrolled")],
)
def test_this_test_would_notice_a_gallery_that_is_not_crash_safe(path: Path, mode: str, what: str) -> None:
    with child("enroll_process", path, mode, 0, 5) as process:
        assert process.stdout is not None
        told = [int(line) for line in process.stdout if line != "ready\n"]
    assert process.returncode == -signal.SIGKILL
    with pytest.raises(AssertionError, match=what):
        assert_whole(path, told)


@pytest.mark.parametrize("deed", [pytest.param("create", marks=pytest.mark.slow(seconds=12)), "add", "remove"])
def test_killed_at_each_statement_of_a_deed_it_is_done_or_not_done(tmp_path: Path, deed: str) -> None:
    """One process dies at the first statement, the next at the second, and so on until one survives."""
    with child("kill_at_each_statement", tmp_path, deed) as process:
        deaths = int(process.communicate()[0])
    files = sorted(tmp_path.glob("*.db"))
    assert deaths == len(files) - 1 >= 6
    people = []
    for file in files:
        with Gallery(file, model=MODEL) as gallery:
            gallery.add(*person(7))
        people.append(assert_whole(file, [7]))
    before, after = {"create": ({7}, {7}), "add": ({0, 7}, {0, 1, 7}), "remove": ({0, 1, 7}, {0, 7})}[deed]
    assert all(there in (before, after) for there in people)
    assert people[-1] == after  # the one that nobody killed
    assert people[0] == before


@pytest.mark.slow
@pytest.mark.parametrize("deed", ["add", "index", "merge", "migrate"])
def test_killed_at_random_moments_nothing_acknowledged_is_lost(tmp_path: Path, deed: str) -> None:
    with child("kill_at_random", tmp_path, deed, random.randrange(2**32)) as process:
        found = json.loads(process.communicate()[0])
    assert found["problems"] == []
    assert found["kills"] >= rounds(50)
    assert found["between"] >= rounds(50) // 5  # with some done and some not; or with the old schema still there
