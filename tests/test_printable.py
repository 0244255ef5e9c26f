"""What is foreign is shown escaped: control characters, bidi, zero-width; letters of all scripts stay."""

from __future__ import annotations

import json
import re
import unicodedata
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from least_time import measure_least
from visavis.errors import UsageError, VisavisWarning
from visavis.printable import dump_json, make_printable

TITLE = "\x1b]0;owned\x07"
"""Sets the title of a terminal (OSC 0)."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"a{TITLE}.jpg", "a\\x1b]0;owned\\x07.jpg"),
        ("a\x1b[2J\n\u202egpj.exe\u2028", "a\\x1b[2J\\n\\u202egpj.exe\\u2028"),
        ("\x9b31mred", "\\x9b31mred"),
        ("a\x7fb\rc\td\x00", "a\\x7fb\\rc\\td\\x00"),
        ("An\u200bn\u2060\ufeff", "An\\u200bn\\u2060\\ufeff"),
        ("An\u200dn \u200cBo", "An\\u200dn \\u200cBo"),
        ("\u2066x\u2069 \u200f\u061c", "\\u2066x\\u2069 \\u200f\\u061c"),
        ("hidden\U000e0041\U000e0042", "hidden\\U000e0041\\U000e0042"),
        ("blank\u3164\u115f\uffa0\u034f", "blank\\u3164\\u115f\\uffa0\\u034f"),
        ("a\nb\x00\udc80", "a\\nb\\x00\\udc80"),
        ("caf\udce9\ufffe\ufdd0", "caf\\udce9\\ufffe\\ufdd0"),
    ],
)
def test_foreign_characters_are_escaped(text: str, shown: str) -> None:
    assert make_printable(text) == shown
    assert make_printable(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Screenshot at 9.41\u202fAM \U0001f468\u200d\U0001f469\u200d\U0001f467 é ü 山.png",
        "Åse Ünlü 山田\u3000太郎 é\u00a0e\u0301.jpg",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
        "\u2764\ufe0f\u200d\U0001f525",
        "C:\\new\\x1b.jpg",
        "",
    ],
)
def test_letters_spaces_and_joiners_of_all_scripts_stay(text: str) -> None:
    assert make_printable(text) == text
    assert json.loads(dump_json(text)) == text
    assert "\\u20" not in dump_json(text)


def test_every_control_format_and_separator_of_unicode_is_escaped() -> None:
    foreign = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert len(foreign) > 2200
    assert [letter for letter in foreign if not re.fullmatch(r"\\[\\\w]+", make_printable(letter))] == []
    assert dump_json("".join(foreign)).isascii()


def test_no_letter_number_sign_or_space_is_escaped() -> None:
    kept = {"L", "N", "P", "S", "Z"}
    text = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c))[0] in kept]
    blank = {"\u115f", "\u1160", "\u3164", "\uffa0", "\u2028", "\u2029"}
    assert {letter for letter in text if make_printable(letter) != letter} == blank


def test_what_is_kept_stays() -> None:
    assert make_printable("a\nb\tc\x07", keep="\n\t") == "a\nb\tc\\x07"


def test_json_means_the_same_and_can_be_printed() -> None:
    value = {"a\x9b": ["\u202e\x7f\u200b é", 1.5, None], "b": {"\U000e0041": "\udcff"}}
    text = dump_json(value)
    assert json.loads(text) == value
    assert make_printable(text) == text
    assert "é" in text
    assert json.loads(dump_json(value, indent=1)) == value
    assert make_printable(dump_json(value, indent=1), keep="\n") == dump_json(value, indent=1)
    with pytest.raises(ValueError, match="Out of range float"):
        dump_json(float("nan"))


@settings(max_examples=examples(200), deadline=None)
@given(st.text(st.characters(categories=["C", "Z", "M", "So"]) | st.characters()))
def test_any_text_is_printable_and_json_keeps_it(text: str) -> None:
    shown, line = make_printable(text), dump_json({text: text})
    assert make_printable(shown) == shown
    assert make_printable(line) == line
    assert json.loads(line) == {text: text}
    controls = {chr(c) for c in (*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    assert not controls & {*shown, *line}


def test_messages_of_errors_are_printable() -> None:
    assert str(UsageError(f"there is no {TITLE}\nline two..")) == "there is no \\x1b]0;owned\\x07\nline two."


def test_messages_of_warnings_are_printable() -> None:
    with pytest.warns(VisavisWarning) as caught:
        warnings.warn(f"passed over {TITLE}", VisavisWarning, stacklevel=1)
    assert str(caught[0].message) == "passed over \\x1b]0;owned\\x07"


def test_long_texts_take_no_time() -> None:
    def print_long_texts() -> None:
        assert len(make_printable("\u200d\x1b" * 500_000)) == 5_000_000
        assert make_printable("山" * 1_000_000) == "山" * 1_000_000

    assert measure_least(print_long_texts, bar=5) < 5
