"""Lists of pairs: what is in them is read as it is meant, and what is wrong with them is said by line."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from visavis.errors import UsageError
from visavis.evaluate.data.pairs import PairList, join_lists, read_pairs

VIEW_1 = "2\nAda_Lovelace\t1\t12\nBob\t2\t3\nAda_Lovelace\t1\tBob\t2\nBob\t3\tCleo\t1\n"
VIEW_2 = "2 1\nAda\t1\t2\nAda\t1\tBob\t1\nBob\t1\t2\nBob\t2\tCleo\t10000\n"


def write(folder: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


def shown(pairs: PairList, folder: Path) -> list[tuple[str, str, bool]]:
    """Pairs as they are listed, by paths from the folder."""
    names = [os.path.relpath(photo, folder) for photo in pairs.photos]
    return [(names[a], names[b], bool(same)) for a, b, same in zip(pairs.a, pairs.b, pairs.same, strict=True)]


def test_the_format_of_view_1(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, VIEW_1))
    assert shown(pairs, tmp_path) == [
        ("Ada_Lovelace/Ada_Lovelace_0001.jpg", "Ada_Lovelace/Ada_Lovelace_0012.jpg", True),
        ("Bob/Bob_0002.jpg", "Bob/Bob_0003.jpg", True),
        ("Ada_Lovelace/Ada_Lovelace_0001.jpg", "Bob/Bob_0002.jpg", False),
        ("Bob/Bob_0003.jpg", "Cleo/Cleo_0001.jpg", False),
    ]
    assert len(pairs) == 4
    assert len(pairs.photos) == len(set(pairs.photos)) == 5
    assert pairs.names == ("Ada_Lovelace", "Ada_Lovelace", "Bob", "Bob", "Cleo")
    assert pairs.folds.tolist() == [0, 0, 0, 0]


def test_the_format_of_view_2(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, VIEW_2))
    assert [pair[2] for pair in shown(pairs, tmp_path)] == [True, False, True, False]
    assert pairs.folds.tolist() == [0, 0, 1, 1]
    assert shown(pairs, tmp_path)[3][1] == "Cleo/Cleo_10000.jpg"
    tabs = read_pairs(write(tmp_path, VIEW_2.replace("2 1\n", "2\t1\n", 1)))
    assert tabs.folds.tolist() == [0, 0, 1, 1]


def test_ten_folds(tmp_path: Path) -> None:
    lines = [f"P{n}\t1\t2" if n % 6 < 3 else f"P{n}\t1\tQ{n}\t1" for n in range(60)]
    pairs = read_pairs(write(tmp_path, "\n".join(["10\t3", *lines])))
    assert pairs.folds.tolist() == [n // 6 for n in range(60)]
    assert pairs.same.tolist() == [n % 6 < 3 for n in range(60)]
    assert set(pairs.names) == {f"P{n}" for n in range(60)} | {f"Q{n}" for n in range(60) if n % 6 > 2}


@pytest.mark.parametrize(
    "text",
    [
        VIEW_1.replace("\n", "\r\n"),
        "\ufeff" + VIEW_1,
        VIEW_1 + "\n\n",
        VIEW_1.rstrip("\n"),
    ],
    ids=["windows", "bom", "blank lines", "no last line end"],
)
def test_the_same_list_written_otherwise(tmp_path: Path, text: str) -> None:
    plain, other = (shown(read_pairs(write(tmp_path, each)), tmp_path) for each in (VIEW_1, text))
    assert other == plain


def test_ten_pairs_of_a_csv(tmp_path: Path) -> None:
    """Every word for yes and no, in any case."""
    words = ["1", "0", "true", "False", "YES", "no", "Same", "different", "y", "N"]
    text = "".join(f"{n}.jpg,{n + 1}.jpg,{word}\n" for n, word in enumerate(words))
    pairs = read_pairs(write(tmp_path, text))
    assert shown(pairs, tmp_path) == [(f"{n}.jpg", f"{n + 1}.jpg", n % 2 == 0) for n in range(10)]
    assert (pairs.names, pairs.folds.tolist(), len(pairs.photos)) == ((), [0] * 10, 11)


PLAIN = "a.jpg,b.jpg,1\nb.jpg,c.jpg,0\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "one,other,same?\n" + PLAIN,
        "\n\n one , other , same person \n\n" + PLAIN,
        "\ufeffphoto a,photo b,same\n" + PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip(),
        '"a.jpg","b.jpg","1"\r\n"b.jpg","c.jpg","0"\r\n',
        '"a.jpg", "b.jpg", 1\n  b.jpg ,\tc.jpg , 0 \n',
        "a.jpg,b.jpg,1,a note,and more\n,,\nb.jpg,c.jpg,0,\n",
        "./a.jpg,x/../b.jpg,1\nb.jpg,c.jpg,0\n".replace("x/../", ""),
    ],
)
def test_ways_to_write_a_csv(tmp_path: Path, text: str) -> None:
    pairs = read_pairs(write(tmp_path, text))
    assert shown(pairs, tmp_path) == [("a.jpg", "b.jpg", True), ("b.jpg", "c.jpg", False)]


@pytest.mark.parametrize("heads", ["a,b,same,fold", "fold of,other,label, Fold ", "a,b,same,age,FOLD"])
def test_the_column_of_folds(tmp_path: Path, heads: str) -> None:
    others = ",9" * (heads.count(",") - 3)
    rows = "".join(f"a{n}.jpg,b.jpg,{n % 2}{others},{n // 2}\n" for n in range(6))
    pairs = read_pairs(write(tmp_path, f"{heads}\n{rows}"))
    assert pairs.folds.tolist() == [0, 0, 1, 1, 2, 2]
    assert len(pairs) == 6


def test_heads_are_told_from_photos_by_what_there_is(tmp_path: Path) -> None:
    """The head "same" is a word of a pair too: of photos whose names have no ending, the file tells."""
    text = "one,other,same\nthree,four,different\n"
    assert len(read_pairs(write(tmp_path, text))) == 1
    (tmp_path / "other").touch()
    assert shown(read_pairs(write(tmp_path, text)), tmp_path)[0] == ("one", "other", True)
    with pytest.raises(UsageError, match="holds no pair"):
        read_pairs(write(tmp_path, f"{'x' * 5000},b,same\n"))


def test_commas_quotes_and_other_scripts_in_names(tmp_path: Path) -> None:
    text = '"Müller, Jürgen/1 2.jpg","he said ""hi"".jpg",1\n山田/太郎.jpg,Zoë\u2028x.jpg,0\n'
    assert shown(read_pairs(write(tmp_path, text)), tmp_path) == [
        ("Müller, Jürgen/1 2.jpg", 'he said "hi".jpg', True),
        ("山田/太郎.jpg", "Zoë\u2028x.jpg", False),
    ]


def test_photos_are_found_from_the_list_or_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    elsewhere = tmp_path / "photos"
    path = write(tmp_path / "lists", f"a.jpg,../b.jpg,1\n{tmp_path}/c.jpg,d/e.jpg,0\n")
    beside, given = read_pairs(path), read_pairs(path, elsewhere)
    assert set(beside.photos) == {
        f"{tmp_path}/lists/a.jpg",
        f"{tmp_path}/lists/../b.jpg",
        f"{tmp_path}/c.jpg",
        f"{tmp_path}/lists/d/e.jpg",
    }
    assert set(given.photos) == {
        f"{elsewhere}/a.jpg",
        f"{elsewhere}/../b.jpg",
        f"{tmp_path}/c.jpg",
        f"{elsewhere}/d/e.jpg",
    }
    lfw = read_pairs(write(tmp_path, VIEW_1), elsewhere)
    assert lfw.photos[0] == f"{elsewhere}/Ada_Lovelace/Ada_Lovelace_0001.jpg"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no pair"),
        ("\n \n", "holds no pair"),
        ("one,other,same\n", "holds no pair"),
        ("0\n", "holds no pair"),
        ("a.jpg,b.jpg\n", "line 1: a pair is two photos"),
        ("a.jpg,b.jpg,maybe\nb.jpg,c.jpg,1\n", "line 1: a pair is two photos"),
        ("a.jpg,b.jpg,\n", "line 1: a pair is two photos"),
        ("one,other,same?\none,other,same?\n", "line 2: a pair is two photos"),
        ("a.jpg,b.jpg,1\nb.jpg,c.jpg,2\n", "line 2: a pair is two photos"),
        ("a.jpg,b.jpg,1\n\nb.jpg\n", "line 3: a pair is two photos"),
        ("a.jpg,b.jpg,1\n,c.jpg,0\n", "line 2: a pair is two photos"),
        ("a.jpg,b.jpg,1\nb.jpg, ,0\n", "line 2: a pair is two photos"),
        ('a.jpg,b.jpg,1,"note\nb.jpg,c.jpg,0\n', "line 1: this is no CSV"),
        ('a.jpg,b.jpg,1\n"b".jpg,c.jpg,0\n', "line 2: this is no CSV"),
        (f"a.jpg,b.jpg,1\n{'x' * 140_000},c.jpg,0\n", "line 2: this is no CSV"),
        ("a,b,same,fold\na.jpg,b.jpg,1\n", "line 2: a fold is a number"),
        ("a,b,same,fold\na.jpg,b.jpg,1,1\na.jpg,b.jpg,1,first\n", "line 3: a fold is a number"),
        ("a,b,same,fold\na.jpg,b.jpg,1,-1\n", "line 2: a fold is a number"),
        (f"a,b,same,fold\na.jpg,b.jpg,1,{10**30}\n", "line 2: a fold is a number"),
        (VIEW_1 + "Cleo\t1\t2\n", "announces 4 pairs and holds 5"),
        (VIEW_1.replace("Bob\t2\t3\n", ""), "announces 4 pairs and holds 3"),
        (VIEW_1.replace("2\n", "2 3\n", 1), "announces 12 pairs and holds 4"),
        (VIEW_1.replace("Bob\t2\t3", "Bob 2 3"), "line 3: not a pair of LFW's format"),
        (VIEW_1.replace("Bob\t2\t3", "Bob\ttwo\t3"), "line 3: not a pair of LFW's format"),
        (VIEW_1.replace("Bob\t2\t3", "Bob\t2\tCleo\tx"), "line 3: not a pair of LFW's format"),
        (VIEW_1.replace("Bob\t2\t3", "Bob\t2\tCleo\t1\t1"), "line 3: not a pair of LFW's format"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read_pairs(write(tmp_path, text))
    assert "pairs.csv" in str(caught.value)
    assert str(caught.value).endswith(".")


def test_what_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no text in UTF-8"):
        read_pairs(write(tmp_path, "Müller.jpg,b.jpg,1\n", encoding="latin-1"))
    with pytest.raises(UsageError, match="there is no list of pairs"):
        read_pairs(tmp_path / "nothing.csv")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_pairs(tmp_path)


def test_lists_put_together_keep_their_pairs(tmp_path: Path) -> None:
    one = read_pairs(write(tmp_path, VIEW_1))
    two = read_pairs(write(tmp_path, VIEW_2))
    both = join_lists(one, two)
    for before, after in zip((one, two), both, strict=True):
        assert shown(after, tmp_path) == shown(before, tmp_path)
        assert (after.folds.tolist(), after.same.tolist()) == (before.folds.tolist(), before.same.tolist())
    assert both[0].photos == both[1].photos == tuple(sorted({*one.photos, *two.photos}))
    assert both[0].names == tuple(Path(photo).parent.name for photo in both[0].photos)
    assert [each.tolist() for each in (both[1].a, both[1].b)] == [
        [both[1].photos.index(two.photos[row]) for row in rows] for rows in (two.a, two.b)
    ]


def test_a_list_without_names_leaves_none(tmp_path: Path) -> None:
    one, two = read_pairs(write(tmp_path, VIEW_1)), read_pairs(write(tmp_path, PLAIN))
    assert [each.names for each in join_lists(one, two)] == [(), ()]
    (alone,) = join_lists(one)
    assert (alone.names, alone.photos) == (one.names, one.photos)
    assert np.array_equal(alone.a, one.a)
