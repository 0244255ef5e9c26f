"""The lines of an upload of the table ATTLOG: ``PIN<TAB>YYYY-MM-DD HH:MM:SS<TAB>status<TAB>verify`` and more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from visavis.attendance.types import Direction, Method

LONGEST_LINE = 500
"""Bytes of a line; a longer one is malformed."""
PIN_LENGTH = 24
DIRECTIONS: Mapping[int, Direction] = {0: "in", 1: "out", 2: "out", 3: "in", 4: "in", 5: "out"}
"""By the status: check-in, check-out, break out, break in, overtime in, overtime out; any other is unspecified."""
FACE = 15
"""The verify code of a face; the meaning of others differs between terminals."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_CODE = re.compile(r"\d{1,5}", re.ASCII)
UNKNOWN_STATUS = 255


class MalformedLineError(ValueError):
    """A line of which no punch can be made; the message says why."""


@dataclass(frozen=True, slots=True)
class TerminalLine:
    """A line: ``time`` is that of the terminal's clock, without a zone."""

    pin: str
    time: datetime
    status: int
    verify: int

    @property
    def direction(self) -> Direction:
        """What the person chose at the terminal."""
        return DIRECTIONS.get(self.status, "unspecified")

    @property
    def method(self) -> Method:
        """How the terminal recognized the person."""
        return "face" if self.verify == FACE else "import"


def split_lines(body: bytes) -> list[str]:
    """Return the lines of an upload that are not empty, without blanks around fields; no UTF-8 in them is replaced."""
    lines = (line.strip(b"\r\n \x00") for line in body.split(b"\n"))
    texts = (line[: LONGEST_LINE + 1].decode("utf-8", "replace") for line in lines if line)
    return ["\t".join(field.strip() for field in text.split("\t")) for text in texts]


def parse_line(text: str) -> TerminalLine:
    """Return the line of a text; raises MalformedLineError."""
    fields = [field.strip() for field in text.split("\t")]
    if len(text) > LONGEST_LINE or len(fields) < 2:
        raise MalformedLineError("it has not the fields PIN, time, status and verify")
    pin, time = fields[:2]
    if not pin or len(pin) > PIN_LENGTH or not pin.isprintable() or "\ufffd" in pin:
        raise MalformedLineError("it has no PIN")
    if not _TIME.fullmatch(time):
        raise MalformedLineError("its time is not written as 2026-11-30 07:42:00")
    try:
        moment = datetime.fromisoformat(time)
    except ValueError as error:
        raise MalformedLineError("there is no such time") from error
    codes = [*fields[2:4], "", ""][:2]
    if not all(_CODE.fullmatch(code) or not code for code in codes):
        raise MalformedLineError("its status or verify code is no number")
    status, verify = (int(code) if code else UNKNOWN_STATUS for code in codes)
    return TerminalLine(pin, moment, status, verify)
