"""Tables of groups: what they say, whom they fit, and that a wrong line is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis.errors import UsageError
from visavis.evaluate.data.group_table import GroupTable, place, read_groups


def read(tmp_path: Path, text: str) -> GroupTable:
    path = tmp_path / "groups.csv"
    path.write_text(text, encoding="utf-8")
    return read_groups(path)


def test_people_and_their_groups(tmp_path: Path) -> None:
    table = read(tmp_path, "\ufeffPerson,sex,age\nann,f,30-40\n\nbob, m ,\n")
    assert table == GroupTable("person", ("sex", "age"), {"ann": ("f", "30-40"), "bob": ("m", "")})
    placed = place(table, ["1.jpg", "2.jpg", "3.jpg"], ["bob", "ann", "cy"])
    assert placed.groups == {"sex": ("m", "f", ""), "age": ("", "30-40", "")}
    assert (placed.unlisted, placed.unknown) == (("cy",), ())


def test_those_missing_on_either_side_are_named(tmp_path: Path) -> None:
    table = read(tmp_path, "person,sex\nzoe,f\nann,f\nyan,m\n")
    placed = place(table, list("abcd"), ["ann", "dan", "dan", "bo"])
    assert (placed.unlisted, placed.unknown) == (("bo", "dan"), ("yan", "zoe"))


def test_a_name_is_the_same_however_its_accents_are_written(tmp_path: Path) -> None:
    table = read(tmp_path, "person,sex\nZoe\u0308,f\n")
    for name in ("Zo\u00eb", "Zoe\u0308"):
        assert place(table, ["1.jpg"], [name]).groups == {"sex": ("f",)}


def test_photos_by_the_end_of_their_path(tmp_path: Path) -> None:
    table = read(tmp_path, "photo,light\nann/1.jpg,dark\n./x/bob/1.jpg,bright\n/data/bob/2.jpg,dark\nbob/9.jpg,dark\n")
    photos = ["/data/ann/1.jpg", "./x/bob/1.jpg", "/data/bob/2.jpg", "/data/joann/1.jpg"]
    placed = place(table, photos, ["ann", "bob", "bob", "joann"])
    assert placed.groups == {"light": ("dark", "bright", "dark", "")}
    assert (placed.unlisted, placed.unknown) == (("/data/joann/1.jpg",), ("bob/9.jpg",))


def test_the_longest_end_is_the_one_meant(tmp_path: Path) -> None:
    table = read(tmp_path, "photo,light\n1.jpg,dark\nbob/1.jpg,bright\n")
    assert place(table, ["p/bob/1.jpg", "p/ann/1.jpg"], ["bob", "ann"]).groups == {"light": ("bright", "dark")}


def test_an_end_that_fits_several_photos_is_refused(tmp_path: Path) -> None:
    table = read(tmp_path, "photo,light\n1.jpg,dark\n")
    with pytest.raises(UsageError, match=r"'1.jpg' of the table of groups fits 2 photos: name its folder too\."):
        place(table, ["p/bob/1.jpg", "p/ann/1.jpg"], ["bob", "ann"])


def test_a_table_of_others_is_refused(tmp_path: Path) -> None:
    table = read(tmp_path, "person,sex\nzoe,f\n")
    with pytest.raises(UsageError, match="names no person that is there: it begins 'zoe'"):
        place(table, ["1.jpg"], ["ann"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the head must be person or photo"),
        ("name,sex\nann,f\n", "line 1: the head must be"),
        ("person\nann\n", "line 1: the head must be"),
        ("person,sex,sex\nann,f,f\n", "all different"),
        ("person,sex,\nann,f,f\n", "line 1: the head must be"),
        ("person,sex\nann\n", "line 2: expected 2 cells, the first a name, got 1."),
        ("person,sex\nann,f\n,m\n", "line 3: expected 2 cells"),
        ("person,sex\nann,f\n\nann,m\n", "line 4: 'ann' comes a second time."),
        ("person,sex\n", "names no person."),
        ("person,id\n" + "".join(f"p{n},{n}\n" for n in range(101)), "column 'id' holds 101 different values"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text)
    assert said in str(raised.value)
    assert "groups.csv" in str(raised.value)
    assert str(raised.value).endswith(".")


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_groups(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no text in UTF-8"):
        read_groups(tmp_path / "bytes.csv")
