"""CSV files that users write: every user of the reader reads the same nasty files in the same way."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from visavis.csv_files import read_rows, read_table, read_table_with_gaps
from visavis.errors import UsageError
from visavis.evaluate.data.annotations import read_annotations
from visavis.evaluate.data.cluster_files import read_clusters
from visavis.evaluate.data.group_table import read_groups
from visavis.evaluate.data.pairs import read_pairs
from visavis.gallery.enrollment_lists import read_named_photos


@dataclass(frozen=True)
class Reader:
    """A function that reads a CSV: a file for it with a head and two rows, and what it makes of a file.

    The first cells are ``é.jpg`` (or the name ``é``) and ``b``; the last cell of a row is free of quotes.
    """

    rows: tuple[str, str, str]
    read: Callable[[Path], object]


def read_truth(path: Path) -> object:
    clusters = path.with_name("clusters.csv")
    clusters.write_text("photo,cluster\né.jpg,0\nx/b.jpg,1\n", encoding="utf-8")
    found = read_clusters(clusters, path)
    return found.photos, found.people


def read_boxes(path: Path) -> object:
    return [(photo.photo, photo.boxes.tolist(), photo.ignored.tolist()) for photo in read_annotations(path)]


def read_clusters_of(path: Path) -> object:
    found = read_clusters(path)
    return found.photos, found.people, found.clusters.tolist()


def read_listed_pairs(path: Path) -> object:
    found = read_pairs(path)
    return found.photos, found.a.tolist(), found.b.tolist(), found.same.tolist()


READERS = {
    "groups": Reader(("person,age", "é,30", "b,40"), read_groups),
    "annotations": Reader(("photo,x1,y1,x2,y2", "é.jpg,1,2,3,4", "b.jpg,5,6,7,8"), read_boxes),
    "clusters": Reader(("photo,cluster,person", "é.jpg,3,é", "b.jpg,4,b"), read_clusters_of),
    "truth": Reader(("photo,person", "é.jpg,é", "b.jpg,b"), read_truth),
    "pairs": Reader(("photo a,photo b,same", "é.jpg,b.jpg,1", "b.jpg,é.jpg,0"), read_listed_pairs),
    "enrollment": Reader(("name,photo", "é,é.jpg", "b,b.jpg"), read_named_photos),
}
each_reader = pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())


def write(folder: Path, data: bytes) -> Path:
    """Write the file beside the photo that it names, whose own name has the form NFC."""
    (folder / "é.jpg").touch()
    path = folder / "list.csv"
    path.write_bytes(data)
    return path


def quote(text: str) -> str:
    return "\n".join(", ".join(f'"{cell}"' for cell in row.split(",")) for row in text.split("\n"))


SAME: dict[str, Callable[[str], bytes]] = {
    "mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "windows lines": lambda text: text.replace("\n", "\r\n").encode(),
    "old Mac lines": lambda text: text.replace("\n", "\r").encode(),
    "no last line end": lambda text: text.rstrip("\n").encode(),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "separator named": lambda text: ("sep=|\r\n" + text.replace(",", "|")).encode(),
    "quotes": lambda text: quote(text).encode(),
    "spaces": lambda text: text.replace(",", " , ").encode(),
    "empty rows": lambda text: ("\n\n" + text.replace("\n", "\n\n , ,\n")).encode(),
    "upper case head": lambda text: (text.partition("\n")[0].upper() + "\n" + text.partition("\n")[2]).encode(),
    "decomposed": lambda text: unicodedata.normalize("NFD", text).encode(),
}


@each_reader
@pytest.mark.parametrize("form", SAME.values(), ids=SAME.keys())
def test_every_form_says_the_same(reader: Reader, form: Callable[[str], bytes], tmp_path: Path) -> None:
    text = "".join(f"{row}\n" for row in reader.rows)
    plain = reader.read(write(tmp_path, text.encode()))
    assert str(plain).count("é") >= 1
    found = reader.read(write(tmp_path, form(text)))
    if reader is READERS["groups"] and "AGE" in str(found):
        found = str(found).replace("AGE", "age")
        plain = str(plain)
    if reader is READERS["clusters"] and "e\u0301" in str(found):  # photos are named as they are written
        found, plain = unicodedata.normalize("NFC", str(found)), str(plain)
    assert found == plain


@each_reader
@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ('"b', "line 3: this is no CSV: a quote opens in this row and is not closed."),
        ('"b"x', "line 3: this is no CSV: text follows a closed quote; a quote within a cell is written twice."),
        ("b\0", "line 3: this is no CSV: it has a NUL byte. Save it as UTF-8."),
        ("b" * 131_073, "line 3: this is no CSV: a cell has more than 131,072 characters."),
    ],
    ids=["open quote", "text after quote", "NUL", "long"],
)
def test_what_is_no_csv_is_one_sentence_with_its_line(reader: Reader, cell: str, message: str, tmp_path: Path) -> None:
    head, first, second = reader.rows
    text = f"{head}\n{first}\n{cell},{second.partition(',')[2]}\n{first}\n"
    path = write(tmp_path, text.encode())
    with pytest.raises(UsageError) as caught:
        reader.read(path)
    assert str(caught.value) == f"{str(path)!r}, {message}"


@each_reader
def test_what_cannot_be_read_is_one_sentence(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "missing.csv"
    with pytest.raises(UsageError) as caught:
        reader.read(path)
    missing = f"{str(path)!r} cannot be read: No such file or directory."
    assert str(caught.value) == (f"there is no list of pairs {path}." if reader is READERS["pairs"] else missing)
    if reader is not READERS["enrollment"]:  # which guesses, with a note
        path = write(tmp_path, "".join(f"{row}\n" for row in reader.rows).encode("cp1252"))
        with pytest.raises(UsageError) as caught:
            reader.read(path)
        assert str(caught.value) == f"{str(path)!r} is no text in UTF-8."


@pytest.mark.parametrize("name", ["annotations", "clusters", "truth", "enrollment"])
def test_columns_come_in_any_order_among_others_and_once(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    turned = ["x," + ",".join(reversed(row.split(","))) for row in reader.rows]
    plain = reader.read(write(tmp_path, "\n".join(reader.rows).encode()))
    assert reader.read(write(tmp_path, "\n".join(turned).encode())) == plain
    twice = [f"{row},{row.split(',')[0]}" for row in reader.rows]
    path = write(tmp_path, "\n".join(twice).encode())
    with pytest.raises(UsageError, match=r"line 1: the head must have the columns \w+.* and \w+, got '"):
        reader.read(path)


def test_a_row_is_named_by_the_line_on_which_it_begins() -> None:
    text = 'a,b\n"1\n2",x\n\n3,"y\nz"\n'
    assert list(read_rows(text)) == [(1, ["a", "b"]), (2, ["1\n2", "x"]), (5, ["3", "y\nz"])]


def test_separators_within_quotes_do_not_count() -> None:
    assert list(read_rows('"a;b;c;d",e\n1,2\n')) == [(1, ["a;b;c;d", "e"]), (2, ["1", "2"])]


def test_rows_of_another_length() -> None:
    text = "a,b,c\n1,2,3,,\n4,5\n6,7,8,9\n"
    rows = read_table(text, ("a",), optional=("b", "d"))
    assert next(rows) == (2, {"a": "1", "b": "2"})
    with pytest.raises(UsageError, match=r"^line 3: expected 3 cells, got 2\.$"):
        next(rows)
    assert [(number, list(cells.values())) for number, cells in read_table_with_gaps(text, ("c", "a"))] == [
        (2, ["3", "1"]),
        (3, ["", "4"]),
        (4, ["8", "6"]),
    ]
