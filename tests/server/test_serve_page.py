"""docs/commands/serve.md: what `visavis serve` prints, and its tables of the configuration."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from architecture.documents import sections
from visavis.server.config import Compat, ExpiryDays, RequestLimits, ServerConfig, VideoSettings

from .running_server import RunningServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands" / "serve.md"


def read_keys(table: str) -> set[str]:
    (row,) = re.findall(
        rf"^\| (?:`\[\w+\]`, )*`\[{table}\]`[^|]* \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return set(re.findall(r"`([a-z_]+)`", row))


def test_the_server_prints_what_the_page_shows(server: RunningServer) -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", sections(PAGE)["serve"], re.DOTALL)
    (printed,) = (line for line in server.lines if "serving at" in line)
    assert shown == re.sub(r":\d+;", ":8000;", printed)


def test_the_keys_of_the_page_are_those_of_the_configuration() -> None:
    tables = {"galleries", "limits", "index_roots", "classifiers", "compat", "video", "retention"}
    assert read_keys("server") == {item.name for item in fields(ServerConfig)} - tables
    assert read_keys("limits") == {item.name for item in fields(RequestLimits)}
    assert read_keys("retention") == {item.name for item in fields(ExpiryDays)}
    assert read_keys("compat") == {item.name for item in fields(Compat)}
    assert read_keys("video") == {item.name for item in fields(VideoSettings)} | {"default"}
