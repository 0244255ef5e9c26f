"""The CSV of who is on in a video."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis.errors import UsageError
from visavis.evaluate.data.video_truth import Presence, read_video_truth


def read(folder: Path, text: str) -> tuple[Presence, ...]:
    path = folder / "truth.csv"
    path.write_text(text, encoding="utf-8")
    return read_video_truth(path)


def test_rows_without_boxes(tmp_path: Path) -> None:
    rows = read(tmp_path, "person,from,to\nAnn,0,2.5\nBob,1:02.5,1:00:03\nAnn,4,4\n")
    assert rows == (Presence("Ann", 0, 2.5), Presence("Bob", 62.5, 3603), Presence("Ann", 4, 4))


def test_rows_with_boxes_in_any_order_of_columns(tmp_path: Path) -> None:
    rows = read(tmp_path, "from;to;person;x1;y1;x2;y2;note\n0;1;Ann;10;20;30.5;50;near\n")
    assert rows == (Presence("Ann", 0, 1, (10, 20, 30.5, 50)),)


def test_names_are_of_one_form_of_unicode(tmp_path: Path) -> None:
    assert read(tmp_path, "person,from,to\nRene\u0301,0,1\n")[0].person == "Ren\u00e9"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("person,from\n", "line 1: the head must have the columns person, from and to"),
        ("person,from,to\n", "names no person"),
        ("person,from,to\n,0,1\n", "line 2: there is no person"),
        ("person,from,to\nAnn,2,1\n", "line 2: the time ends before it begins: 2 to 1"),
        ("person,from,to\nAnn,-1,1\n", "a time is seconds, m:ss or h:mm:ss"),
        ("person,from,to\nAnn,nan,1\n", "a time is seconds"),
        ("person,from,to\nAnn,1:2:3:4,1\n", "a time is seconds"),
        ("person,from,to,x1,y1,x2,y2\nAnn,0,1,1,2,3,\n", "expected four numbers for a box"),
        ("person,from,to,x1,y1,x2,y2\nAnn,0,1,1,2,inf,4\n", "expected four numbers for a box"),
        ("person,from,to,x1,y1,x2,y2\nAnn,0,1,5,2,3,4\n", "the box ends before it begins: 5 2 3 4"),
        ("person,from,to,x1,y1,x2,y2\nAnn,0,1,1,2,3,4\nBob,0,1,,,,\n", "line 3: either every row has a box"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match="truth") as raised:
        read(tmp_path, text)
    assert message in str(raised.value)
