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


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path) -> None:
    """The limit of a file's size stands for the disk: the second event fits in part."""
    resource = pytest.importorskip("resource", reason="Windows has no limit for the size of files")
    path, limits = tmp_path / "events.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)
    with EventFile(path) as file:
        file.write(EVENT)
        line = path.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(line) * 3 // 2, limits[1]))
        try:
            with pytest.raises(UsageError, match=r"events cannot be written to .*events\.jsonl: File too large\."):
                file.write(EVENT)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.read_bytes() == line
        file.write(EVENT)
    assert path.read_bytes() == line * 2


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine", encoding="utf-8")
    (tmp_path / "events.jsonl").symlink_to(victim)
    with pytest.raises(UsageError, match=r"events cannot be written to .*events\.jsonl"):
        EventFile(tmp_path / "events.jsonl")
    assert victim.read_text(encoding="utf-8") == "mine"
