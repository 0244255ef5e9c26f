"""The file of events: lines that are added, and places that are refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from visavis.errors import UsageError
from visavis.videos.events import EventFile
from visavis.videos.find import SearchMemory
from visavis.videos.types import VideoEvent

EVENT = VideoEvent("a", "ended", 1, None, None, 0.0, 1.5, "door.mp4")


def test_events_are_added_line_by_line(tmp_path: Path) -> None:
    for _ in range(2):
        with EventFile(tmp_path / "events.jsonl") as file:
            file.write(EVENT)
    first, second = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert first == second
    assert json.loads(first)["to"] == 1.5


def test_an_event_does_not_continue_a_line_that_a_loss_of_power_has_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"id": "a"}\n{"id": "b", "ev')
    for _ in range(2):
        with EventFile(path) as file:
            file.write(EVENT)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ['{"id": "a"}', '{"id": "b", "ev']
    assert [json.loads(line)["to"] for line in lines[2:]] == [1.5, 1.5]


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


@pytest.mark.parametrize("content", [b"\x00\x00\x00\x20ftypisom", b"SQLite format 3\0", b"notes", b"\xff\xd8"])
def test_nothing_is_added_to_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="it holds something other than lines of JSON"):
        EventFile(path)
    with pytest.raises(UsageError, match="it holds something other than lines of JSON"):
        SearchMemory(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b'{"my": "settings"}', b'{"key": "1", "appearances": []}\n{"my": 1}', b"{}"])
def test_a_file_without_a_last_line_feed_is_not_cut_off(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="its last line is of something else"):
        SearchMemory(path)
    assert path.read_bytes() == content


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_pipe_that_no_program_reads_is_an_error_and_one_that_is_read_gets_the_events(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(UsageError, match="events cannot be written to"):
        EventFile(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with EventFile(path) as file:
        file.write(EVENT)
    assert json.loads(os.read(reader, 10_000))["to"] == 1.5
    os.close(reader)
