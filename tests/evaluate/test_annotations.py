"""Annotation files: what each line says, and that a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis.errors import UsageError
from visavis.evaluate.data.annotations import Annotated, read_annotations

WIDER = """0--Parade/a.jpg
2
449 330 122 149 0 0 0 0 0 0
10 20 30 15 2 0 0 1 2 0
1--Handshaking/empty.jpg
0
0 0 0 0 0 0 0 0 0 0
b.jpg
1
5 6 7 8 0 0 0 0 0 1
"""


@pytest.fixture
def wider(tmp_path: Path) -> Path:
    return write(tmp_path / "truth.txt", WIDER)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def summary(one: Annotated) -> tuple[list[list[float]], list[bool]]:
    return one.boxes.tolist(), one.ignored.tolist()


def test_wider_face(wider: Path, tmp_path: Path) -> None:
    a, empty, b = read_annotations(wider)
    assert summary(a) == ([[449, 330, 571, 479], [10, 20, 40, 35]], [False, True])  # the second is invalid
    assert summary(empty) == ([], [])
    assert empty.boxes.shape == (0, 4)
    assert summary(b) == ([[5, 6, 12, 14]], [False])
    assert a.heights.tolist() == [149, 15]
    assert [one.photo for one in (a, empty, b)] == [
        str(tmp_path / name) for name in ("0--Parade/a.jpg", "1--Handshaking/empty.jpg", "b.jpg")
    ]


def test_photos_of_another_folder(wider: Path, tmp_path: Path) -> None:
    assert read_annotations(wider, tmp_path / "images")[2].photo == str(tmp_path / "images" / "b.jpg")


def test_wider_face_without_the_line_of_zeros_and_with_empty_lines(tmp_path: Path) -> None:
    text = WIDER.replace("0 0 0 0 0 0 0 0 0 0\nb", "b").replace("b.jpg", "\nb.jpg\n")
    read = read_annotations(write(tmp_path / "truth.txt", text))
    assert [len(one.boxes) for one in read] == [2, 0, 1]


def test_wider_face_that_ends_with_a_photo_without_faces(tmp_path: Path) -> None:
    for text in ("a.jpg\n0\n", "a.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n"):
        (one,) = read_annotations(write(tmp_path / "truth.txt", text))
        assert summary(one) == ([], [])


def test_small_faces_and_boxes_without_an_area_are_ignored(tmp_path: Path) -> None:
    rows = ["0 0 50 19 0 0 0 0 0 0", "0 0 10 20 0 0 0 0 0 0", "0 0 0 30 0 0 0 0 0 0", "0 0 30 0 0 0 0 0 0 0"]
    path = write(tmp_path / "truth.txt", "\n".join(["a.jpg", "4", *rows]))
    assert read_annotations(path)[0].ignored.tolist() == [False, False, True, True]
    assert read_annotations(path, min_height=20)[0].ignored.tolist() == [True, False, True, True]


def test_table(tmp_path: Path) -> None:
    text = 'photo,x1,y1,x2,y2,ignore\na.jpg,1,2,30.5,40,0\nb.jpg,,,,,\na.jpg,5,6,7,8,1\n"c, d.jpg",0,0,9,9,\n'
    a, b, c = read_annotations(write(tmp_path / "truth.CSV", text))
    assert summary(a) == ([[1, 2, 30.5, 40], [5, 6, 7, 8]], [False, True])
    assert summary(b) == ([], [])
    assert summary(c) == ([[0, 0, 9, 9]], [False])
    assert c.photo == str(tmp_path / "c, d.jpg")


def test_table_without_the_last_column_as_spreadsheets_write_it(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes(b"\xef\xbb\xbfphoto,x1,y1,x2,y2\r\na.jpg,1,2,3,4\r\n")
    assert summary(read_annotations(path)[0]) == ([[1, 2, 3, 4]], [False])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.txt", "a.jpg\n", "line 1: the number of faces of 'a.jpg' is missing."),
        ("t.txt", "a.jpg\ntwo\n", "line 2: expected the number of faces of 'a.jpg', got 'two'."),
        ("t.txt", "a.jpg\n-1\n", "line 2: expected the number of faces of 'a.jpg', got '-1'."),
        ("t.txt", "a.jpg\n2\n1 2 3 4 0 0 0 0 0 0\n", "line 3: the file ends before the last of the 2 faces"),
        ("t.txt", "a.jpg\n1\n1 2 3 4\n", "line 3: a face has 10 numbers"),
        ("t.txt", "a.jpg\n1\n1 2 x 4 0 0 0 0 0 0\n", "line 3: expected four numbers for a box, got '1 2 x 4'."),
        ("t.txt", "a.jpg\n1\n1 2 nan 4 0 0 0 0 0 0\n", "line 3: expected four numbers"),
        ("t.txt", "a.jpg\n0\na.jpg\n0\n", "line 3: 'a.jpg' comes a second time."),
        ("t.txt", "\n\n", "names no photos."),
        ("t.csv", "", "line 1: the head must have the columns photo, x1, y1, x2 and y2, got ''."),
        ("t.csv", "photo,x,y,w,h\n", "y2, got 'photo,x,y,w,h'."),
        ("t.csv", "photo,x1,y1,x2,y2\na.jpg,1,2,3\n", "line 2: expected 5 cells"),
        ("t.csv", "photo,x1,y1,x2,y2\n,1,2,3,4\n", "line 2: there is no photo"),
        ("t.csv", "photo,x1,y1,x2,y2\na.jpg,1,2,3,\n", "line 2: expected four numbers"),
        ("t.csv", "photo,x1,y1,x2,y2\na.jpg,1,2,3,4\na.jpg,9,2,3,4\n", "line 3: the box ends before it begins"),
        ("t.csv", "photo,x1,y1,x2,y2,ignore\na.jpg,1,2,3,4,maybe\n", "line 2: ignore is 0 or 1, got 'maybe'."),
        ("t.csv", "photo,x1,y1,x2,y2\n", "names no photos."),
        ("t.csv", "photo,x1,y1,x2,y2,ignore\na.jpg,,,,,1\n", "line 2: expected four numbers"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = write(tmp_path / name, text)
    with pytest.raises(UsageError) as raised:
        read_annotations(path)
    assert said in str(raised.value)
    assert name in str(raised.value)
    assert str(raised.value).endswith(".")


def test_no_file_a_folder_and_no_text(tmp_path: Path) -> None:
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    for name, said in (("none.txt", "No such file"), (".", "directory"), ("bytes.txt", "no text in UTF-8")):
        with pytest.raises(UsageError, match=said):
            read_annotations(tmp_path / name)


def test_a_box_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"boxes must be \(1, 4\)"):
        Annotated("a.jpg", np.zeros((2, 4), np.float32), np.zeros(1, np.bool_))
