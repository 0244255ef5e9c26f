"""The file of events: lines that are added, and places that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from visavis.errors import UsageError
from visavis.videos.events import EventFile
from visavis.videos.types import VideoEvent

EVENT = VideoEvent("a", "ended", 1, None, None, 0.0, 1.5, "door.mp4")


def test_events_are_added_line_by_line(tmp_path: Path) -> None:
    for _ in range(2):
        with EventFile(tmp_path / "events.jsonl") as file:
            file.write(EVENT)
    first, second = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert first == second
    assert json.loads(first)["to"] == 1.5


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine", encoding="utf-8")
    (tmp_path / "events.jsonl").symlink_to(victim)
    with pytest.raises(UsageError, match=r"events cannot be written to .*events\.jsonl"):
        EventFile(tmp_path / "events.jsonl")
    assert victim.read_text(encoding="utf-8") == "mine"
