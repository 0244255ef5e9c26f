"""How tables fit a width: which columns give way, in which order, and what is never cut."""

from __future__ import annotations

from time import perf_counter

import pytest
from rich.cells import cell_len

from visavis.cli._table import STANDARD, Column, Row, make_columns, render
from visavis.cli._text_width import shorten_end, shorten_middle, wrap

IDENTIFY = make_columns(["photo", "face", "box", "who", "distance", "threshold", "probability"])
ANN = ["holiday.jpg", "1", "378 89 613 419", "Ann Example", "0.0315", "0.0831", ">99.9%"]


def lines(rows: list[Row], width: int | None, columns: list[Column] = IDENTIFY) -> list[str]:
    shown = render(columns, rows, width=width)
    assert width is None or all(cell_len(line) <= width for line in shown)
    assert all(line == line.rstrip() for line in shown)
    return shown


def test_a_table_that_fits_is_whole() -> None:
    assert lines([Row(ANN)], 80) == [
        "photo        face  box             who          distance  threshold  probability",
        "─" * 80,
        "holiday.jpg  1     378 89 613 419  Ann Example  0.0315    0.0831     >99.9%",
    ]


@pytest.mark.parametrize(
    ("width", "kept"),
    [
        (80, "photo face box who distance threshold probability"),
        (79, "photo face who distance threshold probability"),
        (64, "photo face who distance threshold probability"),
        (63, "photo face who distance threshold"),
        (51, "photo face who distance threshold"),
        (50, "photo face who distance"),
        (40, "photo face who distance"),
    ],
)
def test_columns_are_left_out_in_their_order(width: int, kept: str) -> None:
    header, _, row = lines([Row(ANN)], width)
    assert header.split() == kept.split()
    assert row.startswith("holiday.jpg  1 ")
    assert "Ann Example" in row


def test_photos_that_leave_no_room_stand_above_their_rows_and_all_else_comes_back() -> None:
    rows = [Row(ANN), Row(["holiday.jpg", "2", *ANN[2:]]), Row(["b.jpg", *ANN[1:]])]
    assert lines(rows, 39) == [
        "photo",
        "  face  who          distance",
        "  ───────────────────────────",
        "holiday.jpg",
        "  1     Ann Example  0.0315",
        "  2     Ann Example  0.0315",
        "b.jpg",
        "  1     Ann Example  0.0315",
    ]
    long = "a" * 60 + ".jpg"
    shown = lines([Row([long, *ANN[1:]])], 80)
    assert shown[3] == long
    assert shown[4].split() == ["1", "378", "89", "613", "419", "Ann", "Example", "0.0315", "0.0831", ">99.9%"]


def test_a_photo_wider_than_the_terminal_is_shortened_in_the_middle() -> None:
    long = "folder/" + "a" * 90 + "/IMG_0001.jpg"
    shown = lines([Row([long, *ANN[1:]])], 60)[3]
    assert cell_len(shown) == 60
    assert shown.startswith("folder/")
    assert shown.endswith("/IMG_0001.jpg")
    assert shown.count("…") == 1


def test_a_message_takes_the_rest_of_its_row_or_lines_of_its_own() -> None:
    rows = [Row(ANN), Row(["a.jpg"], "is text, not a picture (JPEG, PNG, WebP, GIF, BMP, TIFF are read).")]
    assert lines(rows, 80)[3] == "a.jpg        is text, not a picture (JPEG, PNG, WebP, GIF, BMP, TIFF are read)."
    assert lines(rows, 60)[3:] == [
        "a.jpg",
        "  is text, not a picture (JPEG, PNG, WebP, GIF, BMP, TIFF",
        "  are read).",
    ]
    assert lines(rows, None)[3] == lines(rows, 80)[3]
    assert lines([Row(["a" * 70 + ".jpg"], "is no picture."), Row(ANN)], 80)[3:5] == [
        "a" * 70 + ".jpg",
        "  is no picture.",
    ]


def test_without_a_width_nothing_is_cut() -> None:
    long = ["p" * 3000, *ANN[1:3], "n" * 2000, *ANN[4:]]
    header, _, row = lines([Row(long)], None)
    assert row.split() == " ".join(long).split()
    assert len(header.split()) == 7


def test_a_column_is_cut_before_it_is_left_out() -> None:
    columns = [Column("name"), Column("note", drop=1, least=8)]
    row = Row(["Ann", "a note of many words"])
    assert lines([row], 25, columns)[2] == "Ann   a note of many wor…"
    assert lines([row], 14, columns)[2] == "Ann   a note…"
    assert lines([row], 13, columns) == ["name", "────", "Ann"]


def test_columns_that_say_nothing_are_left_out_first() -> None:
    columns = [Column("name"), Column("note", drop=2), Column("since", drop=1)]
    assert lines([Row(["Ann", "-", "2026-01-02"])], 16, columns)[2] == "Ann   2026-01-02"


def test_more_columns_than_fit_are_printed_in_blocks() -> None:
    columns = [Column(""), Column("model-a"), Column("model-b"), Column("model-c")]
    rows = [Row(["accuracy", "0.9912", "0.9924", "0.9931"]), Row(["photos", "1", "2", "3"])]
    assert lines(rows, 28, columns) == [
        "          model-a  model-b",
        "──────────────────────────",
        "accuracy  0.9912   0.9924",
        "photos    1        2",
        "",
        "          model-c",
        "─────────────────",
        "accuracy  0.9931",
        "photos    3",
    ]


def test_values_of_keys_go_on_on_further_lines() -> None:
    columns = make_columns(["", ""])
    assert lines([Row(["sha256", "0123456789abcdef" * 2])], 30, columns) == [
        "sha256  0123456789abcdef012345",
        "        6789abcdef",
    ]


def test_wide_and_combining_characters_count_as_they_are_shown() -> None:
    rows = [Row(["山田.jpg", "1", "", "山田太郎"]), Row(["e\u0301.jpg", "1", "", "Zoë"]), Row(["🙂.jpg", "1", "", "x"])]
    _, _, *shown = lines(rows, 40)
    assert shown[0] == "山田.jpg  1     山田太郎"
    assert shown[1] == "e\u0301.jpg     1     Zoë"
    assert shown[2] == "🙂.jpg    1     x"


def test_texts_are_cut_by_the_width_at_which_they_are_shown() -> None:
    assert shorten_end("山田太郎", 5) == "山田…"
    assert shorten_end("山田太郎", 8) == "山田太郎"
    assert shorten_middle("0123456789", 7) == "01…6789"
    assert shorten_middle("0123456789", 7, "...") == "0...789"
    assert wrap("山田 太郎", 6) == ["山田", "太郎"]
    assert wrap("abcdefgh ij", 3) == ["abc", "def", "gh", "ij"]
    for width in range(1, 12):
        for text in ("山田太郎山田", "abcdefghijklmnop", "e\u0301" * 20):
            assert cell_len(shorten_end(text, width)) <= width
            assert cell_len(shorten_middle(text, width)) <= width
            assert wrap(text, max(width, 2)) != []
            assert "".join(wrap(text, max(width, 2))) == text


def test_what_a_terminal_would_obey_is_escaped() -> None:
    row = Row(["a\x1b[2J\n\u202egpj.exe\u2028"], "\x9b31m\u200b")
    assert render(make_columns(["photo"]), [row], width=None)[2:] == [
        "a\\x1b[2J\\n\\u202egpj.exe\\u2028  \\x9b31m\\u200b"
    ]


def test_ascii_where_the_output_has_no_more() -> None:
    shown = render(make_columns(["photo"]), [Row(["p" * 50])], width=20, ascii_only=True)
    assert "".join(shown).isascii()


def test_the_standard_columns_keep_photos_people_and_answers() -> None:
    assert {title for title, one in STANDARD.items() if one.lead} == {"photo"}
    for title in ("photo", "name", "who", "person", "distance", "face", "rank", "cluster"):
        assert STANDARD[title].drop == 0
    order = sorted((one for one in STANDARD.values() if one.drop), key=lambda one: one.drop)
    assert [one.title for one in order] == ["since", "size", "within", "box", "score", "probability", "threshold"]


@pytest.mark.parametrize("name", ["A" * 1_000_000, "\u4e2d" * 1_000_000, "a b " * 250_000])
def test_a_name_of_a_million_letters_is_laid_out_at_once(name: str) -> None:
    start = perf_counter()
    shown = render(IDENTIFY, [Row([name, "1", "378 89 613 419", name, *ANN[4:]], name)], width=80)
    assert perf_counter() - start < 30  # far more without a bound
    assert max(map(cell_len, shown)) <= 80
    assert len(shown) < 500
