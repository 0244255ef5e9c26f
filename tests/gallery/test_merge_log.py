"""The detail of a merge in the audit log is read as it was written."""

from __future__ import annotations

import pytest

from visavis.gallery.merge_log import LoggedMerge, describe_merge, read_merge


@pytest.mark.parametrize(
    ("ids", "detail"),
    [
        ([], "0 templates of person 7"),
        ([12], "1 templates of person 7: 12"),
        ([9, 3, 4, 5, 12, 13], "6 templates of person 7: 3-5 9 12-13"),
    ],
)
def test_a_merge_is_read_as_it_was_written(ids: list[int], detail: str) -> None:
    assert describe_merge(7, ids) == detail
    assert read_merge(detail) == LoggedMerge(7, tuple(sorted(ids)))


def test_what_others_have_written() -> None:
    assert read_merge("6 templates of person 7") == LoggedMerge(7, None)  # an older version
    assert read_merge("templates 3, 4") is None
