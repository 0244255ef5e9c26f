"""Names of cameras hold no password."""

from __future__ import annotations

import pytest

from visavis.videos.addresses import is_address, mask_address


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("rtsp://10.0.0.7:554/stream1", "rtsp://10.0.0.7:554/stream1"),
        ("rtsp://admin:secret@10.0.0.7:554/stream1", "rtsp://***@10.0.0.7:554/stream1"),
        ("rtsp://admin:se@cret@cam/x", "rtsp://***@cam/x"),
        ("rtsp://admin:se/cret@cam/x", "rtsp://***@cam/x"),
        ("rtsp://admin:se?cret@cam/x", "rtsp://***@cam/x"),
        ("RTSP://admin@cam/x?channel=1", "RTSP://***@cam/x?channel=1"),
        ("http://cam/video?user=ann&pwd=secret&res=hd", "http://cam/video?user=***&pwd=***&res=hd"),
        ("http://cam/video?loginuse=ann&loginpas=secret", "http://cam/video?loginuse=***&loginpas=***"),
        ("http://cam/@home/video", "http://cam/@home/video"),
        ("http://[fe80::1]:80/@home", "http://[fe80::1]:80/@home"),
        ("video.mp4", "video.mp4"),
    ],
)
def test_secrets_are_masked(address: str, masked: str) -> None:
    assert mask_address(address) == masked


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("rtsp://cam/x", True),
        ("HTTP://cam", True),
        ("a.mp4", False),
        ("concat:a", False),
        ("file:///a", False),
        (0, False),
    ],
)
def test_what_an_address_is(source: object, expected: bool) -> None:
    assert is_address(source) is expected
