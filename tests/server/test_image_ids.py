"""Image ids of CompreFace and template ids, there and back."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from visavis.server.compat.image_ids import make_image_id, parse_image_id


def test_an_image_id_holds_the_id_of_the_template() -> None:
    assert make_image_id(42) == "76697361-7669-8381-8000-00000000002a"
    assert UUID(make_image_id(42)).version == 8


@given(st.integers(1, 2**62 - 1))
def test_each_template_has_an_id_that_leads_back(template_id: int) -> None:
    assert parse_image_id(UUID(make_image_id(template_id))) == template_id


def test_ids_of_others_mean_no_template() -> None:
    assert parse_image_id(uuid4()) is None
    assert parse_image_id(UUID(int=0)) is None
    assert parse_image_id(UUID("76697361-7669-8381-c000-00000000002a")) is None
