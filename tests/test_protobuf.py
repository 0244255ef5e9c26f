"""The wire format of protocol buffers, as its documentation describes it, and bytes that are no message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.protobuf import Field, WireError, read_fields, read_varint, write_field, write_integer, write_text


@pytest.mark.parametrize(
    ("number", "data"),
    [(0, b"\0"), (1, b"\1"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02"), (2**35, b"\x80" * 5 + b"\1")],
)
def test_numbers_as_protobuf_documents_them(number: int, data: bytes) -> None:
    assert write_integer(1, number) == b"\x08" + data
    assert read_varint(b"x" + data + b"x", 1, len(data) + 1) == (number, len(data) + 1)


def test_negative_numbers_are_refused_in_writing_and_read_as_64_bits() -> None:
    with pytest.raises(ValueError, match="negative numbers are not used"):
        write_integer(1, -1)
    assert read_varint(b"\xff" * 9 + b"\x01", 0, 10) == (2**64 - 1, 10)


@given(
    st.lists(
        st.tuples(st.integers(1, 2**29 - 1), st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=150))), max_size=10
    )
)
def test_what_is_written_is_read_in_its_order(fields: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(
        write_integer(number, value) if isinstance(value, int) else write_field(number, value)
        for number, value in fields
    )
    read = list(read_fields(b"?" + data, 1, len(data) + 1))
    values = [data[part.start - 1 : part.end - 1] if part.value is None else part.value for part in read]
    assert list(zip([part.number for part in read], values, strict=True)) == fields
    assert b"".join(data[part.first - 1 : part.end - 1] for part in read) == data


def test_fields_of_fixed_size() -> None:
    data = b"\x09" + b"12345678" + b"\x15" + b"1234" + write_text(3, "é")
    assert list(read_fields(data, 0, len(data))) == [
        Field(1, 0, None, 1, 9),
        Field(2, 9, None, 10, 14),
        Field(3, 14, None, 16, 18),
    ]


@pytest.mark.parametrize(
    ("data", "fault", "at"),
    [
        (b"\x80", "an integer that does not end", 0),
        (b"\x08" + b"\x80" * 11, "an integer that does not end", 1),
        (b"\x0a\x05abcd", "a field of kind 2 with 5 bytes, where 4 are left", 2),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a field of kind 2 with 18446744073709551615 bytes", 11),
        (b"\x09abcd", "a field of kind 1 with 8 bytes, where 4 are left", 1),
        (b"\x0b", "a field of kind 3 with -1 bytes", 1),
    ],
)
def test_what_is_no_message_is_refused_with_its_byte(data: bytes, fault: str, at: int) -> None:
    with pytest.raises(WireError, match=fault) as caught:
        list(read_fields(data, 0, len(data)))
    assert caught.value.at == at


def test_no_byte_beyond_the_end_is_read() -> None:
    with pytest.raises(WireError):
        list(read_fields(b"\x0a\x03abc", 0, 4))
    assert list(read_fields(b"\x08\x01\x08\x02", 0, 2)) == [Field(1, 0, 1, 2, 2)]
