"""Names of cameras hold no password."""

from __future__ import annotations

import pytest

from visavis.errors import UsageError
from visavis.videos.addresses import find_port_fault, is_address, mask_address
from visavis.videos.source import open_source


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


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("rtsp://cam:99999/x", "99999"),
        ("rtsp://cam:-1/x", "-1"),
        ("rtsp://cam:abc/x", "abc"),
        ("rtsp://cam:0", "0"),
        ("rtsp://ann:secret@cam:65536/x", "65536"),
        ("rtsp://ann:se/cret@cam:x/y", "x"),
        ("http://[fe80::1]:8o/", "8o"),
        ("rtsp://cam:\u0665/x", "\u0665"),
        ("rtsp://cam:554/x", ""),
        ("rtsp://cam/a:b", ""),
        ("rtsp://cam:/x", ""),
        ("rtsp://ann:secret@cam", ""),
        ("rtsp://ann:se/cret@cam/x", ""),
        ("http://[fe80::1]/a", ""),
        ("http://[fe80::1]:65535?a=b:c", ""),
    ],
)
def test_ports_are_numbers_up_to_65535(address: str, port: str) -> None:
    fault = f"the port {port!r} is not a number from 1 to 65535" if port else ""
    assert find_port_fault(address) == fault


def test_a_wrong_port_is_refused_before_a_camera_is_looked_for() -> None:
    with pytest.raises(UsageError, match=r"^'rtsp://\*\*\*@cam:x/' cannot be opened: the port 'x' is not a number"):
        open_source("rtsp://ann:secret@cam:x/")
