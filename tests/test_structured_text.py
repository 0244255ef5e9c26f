"""JSON and TOML of other people: what would cost memory or time, or make later code fail, is refused."""

from __future__ import annotations

import math
import time
import tracemalloc

import pytest

from visavis.structured_text import NUMBER_DIGITS, TOML_BYTES, TOML_DEPTH, parse_json, parse_toml

DEEP = TOML_DEPTH + 1
COSTLY = {
    "dots": "a." * 30_000 + "b = 1",
    "dots in a head": "[" + "a." * 30_000 + "b]",
    "dots between quoted parts": '"a" . ' * 30_000 + "b = 1",
    "dots behind a text with quotes": 'x = ["""a"""", ' + "{" + "a." * 30_000 + "b = 1}]",
    "dots behind a comment": "# '''\n" + "a." * 30_000 + "b = 1",
    "dots on the line behind an escaped line feed": 'x = "a\\\\"\n' + "a." * 30_000 + "b = 1",
    "lists within each other": "a = " + "[" * DEEP + "]" * DEEP,
    "tables within each other": "a = " + "{b = " * DEEP + "1" + "}" * DEEP,
    "more than a file of settings": "#" * (TOML_BYTES + 1),
    "a long hexadecimal number": "a = 0x" + "F" * 2000,
    "a long number in a list": "a = [{b = [0b" + "1" * 2000 + "]}]",
    "a long decimal number": "a = " + "9" * 5000,
}


@pytest.mark.parametrize("what", COSTLY)
def test_costly_toml_is_refused_before_it_costs(what: str) -> None:
    tracemalloc.start()
    started = time.thread_time()
    try:
        with pytest.raises(ValueError):  # noqa: PT011 - which fault depends on the text
            parse_toml(COSTLY[what])
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert time.thread_time() - started < 10


@pytest.mark.parametrize(
    "text",
    [
        'a = "' + "\\\\" * 60_000 + "\n",
        'a = """' + '\\"""' * 40_000,
        "'''a" * 60_000,
        '"' * 200_000,
        ".\n" * 100_000,
        "a" + " " * 200_000,
        "a = " + "[" * 200_000,
        "]" * 200_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_no_text_takes_long(text: str) -> None:
    started = time.thread_time()
    with pytest.raises(ValueError):  # noqa: PT011
        parse_toml(text)
    assert time.thread_time() - started < 10


def test_toml_of_ordinary_files_is_read() -> None:
    text = '''
    # a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z
    address = "rtsp://1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23/a"
    times = [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 1.5, 2.5, 3.5]
    text = """[[[[[[[[[[[[[[[[[[[[[[[["""
    [a.b.c]
    d = {e = [[0.0, 0.0], [1.0, 1.0]]}
    '''
    content = parse_toml(text)
    assert content["a"] == {"b": {"c": {"d": {"e": [[0.0, 0.0], [1.0, 1.0]]}}}}
    assert len(content["times"]) == 21


def test_a_key_has_as_many_parts_as_are_allowed() -> None:
    key = ".".join("a" * TOML_DEPTH)
    assert parse_toml(f"{key} = 1")
    with pytest.raises(ValueError, match=f"a key has more than {TOML_DEPTH} parts"):
        parse_toml(f"{key}.a = 1")


def test_whole_numbers_of_json_fit_into_a_float() -> None:
    assert parse_json(b'{"a": [12, -3, 1.5, true]}') == {"a": [12, -3, 1.5, True]}
    assert float(parse_json("9" * NUMBER_DIGITS)) == pytest.approx(10.0**NUMBER_DIGITS)
    for digits in (400, 5000):
        assert parse_json(f"[{'9' * digits}, -{'9' * digits}]") == [math.inf, -math.inf]


def test_what_is_no_json_is_a_value_error() -> None:
    for text in (b"\xff", "[" * 100_000, "", '{"a": }', b'{"a": 1'):
        with pytest.raises(ValueError):  # noqa: PT011
            parse_json(text)
