"""Files of at most 10 MB that would take minutes or gigabytes: refused by their structure, before they are decoded."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pictures
from example_counts import LONG
from pictures import encode, png_chunk
from visavis import images
from visavis.errors import ImageError, TooLargeImageError
from visavis.images import _limits
from visavis.images._cost import check_file
from visavis.images.photo_files import photos_in

SCENE = pictures.scene()
SMALL = Image.fromarray(SCENE)
JPEG = encode(SCENE, "JPEG")
PROGRESSIVE = encode(SCENE, "JPEG", progressive=True)
PIXELS = zlib.compress(bytes((64 * 3 + 1) * 48))
MEGABYTES = 10_000_000 if LONG else 1_000_000


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(before: bytes = b"", *, after: bytes = b"", base: bytes = JPEG) -> bytes:
    """A JPEG with bytes after its first marker, and others before its last."""
    return base[:2] + before + base[2:-2] + after + base[-2:]


def png(*chunks: bytes, width: int = 64, height: int = 48, bits: int = 8, color: int = 2, interlaced: int = 0) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced))
    end = (png_chunk(b"IDAT", PIXELS), png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join([header, *chunks, *end])


def webp(width: int, height: int) -> bytes:
    canvas = struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + canvas + bytes(8)


def lossless_webp(side: int) -> bytes:
    bits = (side - 1) | (side - 1) << 14
    return b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8L" + struct.pack("<IBI", 18, 0x2F, bits) + bytes(8)


def gif(before: bytes) -> bytes:
    data = encode(SMALL.convert("P"), "GIF")
    at = 13 + (3 << ((data[10] & 7) + 1))
    return data[:at] + before + data[at:]


def bmp(width: int, height: int, rows: bytes, *, compression: int = 1) -> bytes:
    palette = bytes(range(256)) * 4
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(rows), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(rows), 0, 0, 54 + 1024) + head + palette + rows


def tiff(*more: tuple[int, int, int, int | bytes], width: int = 64, height: int = 48, big: int = 0) -> bytes:
    """A gray TIFF; entries are tag, type, count and value, which stands behind the directory where it is bytes."""
    stated = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1)}
    entries = stated | {tag: (kind, count, value) for tag, kind, count, value in more}
    at, values, rows = 8 + 2 + 12 * len(entries) + 4, b"", b""
    for tag, (kind, count, value) in sorted(entries.items()):
        place = value if isinstance(value, int) else at + len(values)
        values += b"" if isinstance(value, int) else value
        rows += struct.pack("<HHII", tag, kind, count, place)
    return b"II*\0" + struct.pack("<IH", 8, len(entries) + big) + rows + bytes(4) + values + bytes(64 * 48)


def strips(count: int) -> bytes:
    return tiff((273, 4, count, struct.pack("<I", 8) * count), (278, 4, 1, 1), width=1, height=count)


def jpeg_2000(width: int, height: int, **options: object) -> bytes:
    data = bytearray(encode(SMALL, "JPEG2000", **options))
    header, size = data.index(b"ihdr"), data.index(b"\xff\x51")
    data[header + 4 : header + 12] = struct.pack(">II", height, width)
    data[size + 6 : size + 14] = data[size + 22 : size + 30] = struct.pack(">II", width, height)
    return bytes(data)


def frame(width: int, height: int, *, marker: int, scans: int) -> bytes:
    """A JPEG of three components and scans without data."""
    components = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    head = segment(marker, b"\x08" + struct.pack(">HH", height, width) + b"\x03" + components)
    return b"\xff\xd8" + head + segment(0xDA, bytes([1, 1, 0, 0, 63, 0])) * scans + b"\xff\xd9"


def heic(*, items: int, length: int) -> bytes:
    """A HEIC file whose items have the same bytes, after the table that says where they are."""
    table = b"".join(struct.pack(">HHHHII", item, 0, 0, 1, 100, length) for item in range(items))
    content = bytes([1, 0, 0, 0, 0x44, 0]) + struct.pack(">H", items) + table
    head = struct.pack(">I", 16) + b"ftypheic\0\0\0\0"
    return head + struct.pack(">I", 8 + len(content)) + b"iloc" + content + bytes(length)


COSTLY: dict[str, Callable[[], bytes]] = {
    "progressive JPEG with repeated scans": lambda: jpeg(
        after=segment(0xDA, bytes([1, 1, 0, 1, 63, 0x10])) * 9_000, base=PROGRESSIVE
    ),
    "end marker in a comment between repeated scans": lambda: jpeg(
        after=segment(0xFE, b"\xff\xd9") + segment(0xDA, bytes([1, 1, 0, 1, 63, 0x10])) * 9_000, base=PROGRESSIVE
    ),
    "sequential JPEG with a scan for each component, repeated": lambda: frame(4000, 3000, marker=0xC0, scans=5_000),
    "large JPEG with a hundred scans": lambda: frame(10_000, 10_000, marker=0xC2, scans=99),
    "arithmetic JPEG": lambda: frame(4000, 3000, marker=0xCA, scans=99),
    "progressive JPEG of 100 megapixels without subsampling": lambda: frame(10_001, 9_999, marker=0xC2, scans=3),
    "JPEG with empty segments": lambda: jpeg(segment(0xE5, b"") * (MEGABYTES // 4)),
    "JPEG with empty comments": lambda: jpeg(segment(0xFE, b"") * (MEGABYTES // 4)),
    "JPEG with filling": lambda: jpeg(b"\xff" * MEGABYTES),
    "JPEG with bytes between segments": lambda: jpeg(segment(0xFE, b"") + b"\0" * MEGABYTES),
    "JPEG without a picture": lambda: JPEG[:20] + b"\0" * MEGABYTES,
    "PNG of one column": lambda: png(width=1, height=99_999_999, color=0),
    "PNG of one row": lambda: png(width=99_999_999, height=1, color=0),
    "PNG of 16 bits": lambda: png(width=10_000, height=10_000, bits=16, color=6),
    "PNG, large and interlaced": lambda: png(width=10_000, height=10_000, color=6, interlaced=1),
    "PNG with empty chunks": lambda: png(png_chunk(b"abCd", b"") * 100_001),
    "PNG with profiles that unpack to a megabyte each": lambda: png(
        *[png_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(1 << 20)))] * 99
    ),
    "GIF with a comment of blocks of one byte": lambda: gif(b"!\xfe" + b"\1a" * 200_000 + b"\0"),
    "GIF with a long comment": lambda: gif(b"!\xfe" + (b"\xff" + b"a" * 255) * 5_000 + b"\0"),
    "GIF with empty extensions": lambda: gif(b"!\xf9\0" * 200_000),
    "WebP with a canvas of 16384 x 16384": lambda: webp(16_384, 16_384),
    "WebP of 100 megapixels in 38 bytes": lambda: lossless_webp(10_000),
    "BMP of many runs": lambda: bmp(2000, 3000, b"\1\2" * 1_500_000),
    "BMP of many short rows": lambda: bmp(60_000, 1_600, b"\1\2\0\0" * 1_600),
    "TIFF of many strips": lambda: strips(MEGABYTES // 8),
    "TIFF of 70,000 strips": lambda: strips(70_000),
    "TIFF whose entries share their bytes": lambda: tiff(
        *((tag, 7, MEGABYTES, 8) for tag in range(40_000, 40_100)),
        (273, 4, 1, 8),
        (65_000, 7, MEGABYTES, bytes(MEGABYTES)),
    ),
    "TIFF of many fractions": lambda: tiff((282, 5, 600_000, bytes(8 * 600_000)), (273, 4, 1, 8)),
    "TIFF of many entries": lambda: tiff(*((tag, 3, 1, 1) for tag in range(40_000, 45_000)), (273, 4, 1, 8)),
    "TIFF with a tile larger than the picture": lambda: tiff(
        (259, 3, 1, 8), (322, 4, 1, 30_000), (323, 4, 1, 30_000), (324, 4, 1, 8), (325, 4, 1, 99)
    ),
    "TIFF with JPEG data of many scans": lambda: tiff(
        (259, 3, 1, 7),
        (277, 3, 1, 3),
        (273, 4, 1, 8),
        (279, 4, 1, 9_999_999),
        (40_000, 7, 12_000, segment(0xDA, bytes([1, 1, 0, 1, 63, 0x10])) * 1_200),
        width=4_000,
        height=3_000,
    ),
    "HEIC whose items share their bytes": lambda: heic(items=500, length=MEGABYTES // 2),
    "HEIC of many items": lambda: heic(items=10_001, length=1),
    "JPEG 2000 of 100 megapixels": lambda: jpeg_2000(10_000, 10_000),
    "JPEG 2000 with precincts of a few pixels": lambda: jpeg_2000(4_000, 3_000, precinct_size=(4, 4)),
    "JPEG 2000 with code blocks of a few pixels": lambda: jpeg_2000(4_000, 3_000, codeblock_size=(4, 4)),
}


@pytest.mark.parametrize("name", COSTLY)
def test_a_costly_file_is_refused_before_it_is_decoded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visavis.images._decode._load_plugin", None)  # opening the file would fail
    data = COSTLY[name]()
    with pytest.raises(TooLargeImageError) as caught:
        images.read(data, name="x.jpg")
    message = str(caught.value)
    assert message.startswith("'x.jpg' ")
    assert len(message) < 240
    assert caught.value.status == "too_large"
    assert images.captured(data) is None


PLAIN = b"P2\n# two\n3 2 # more\n9\n0 1 2\n 3 4 9\n"


def test_what_is_costly_in_python_is_decoded_in_c() -> None:
    """Comments, text and odd maxima of PPM files: the values are those that Pillow gives."""
    gray = np.array([[0, 28, 57], [85, 113, 255]])
    np.testing.assert_array_equal(images.read(PLAIN).pixels[..., 0], gray)
    np.testing.assert_array_equal(images.read(b"P5 3 2 9\n\0\1\2\3\4\t").pixels[..., 1], gray)
    np.testing.assert_array_equal(images.read(b"P5 3 2 9\n\0\1\2\3\4\xff").pixels[..., 1], gray)
    rows = images.read(b"P3 1 2 1023\n0 512 1023 1 2 3").pixels
    np.testing.assert_array_equal(rows, [[[0, 128, 255]], [[0, 0, 1]]])
    np.testing.assert_array_equal(
        images.read(b"P6 1 2 1023\n\0\0\2\0\3\xff\0\1\0\2\0\3").pixels, [[[0, 128, 255]], [[0, 0, 1]]]
    )
    deep = images.read(b"P5 2 1 1023\n\2\0\3\xff").pixels[..., 0]
    np.testing.assert_array_equal(deep, [[128, 255]])
    bits = images.read(b"P1\n#\n10 2\n1010101010\n0 1 0 1 0 1 0 1 0 1").pixels[..., 0]
    np.testing.assert_array_equal(bits, 255 * np.array([[0, 1] * 5, [1, 0] * 5]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"P2\n3 2\n9\n0 1 2 3 4 10", "not from 0 to 9"),
        (b"P2\n3 2\n9\n0 1 2 3 4 -1", "not from 0 to 9"),
        (b"P2\n3 2\n9\n0 1 2 3 4 x", "damaged PPM file"),
        (b"P2\n3 2\n9\n" + b"1" * 3_000_000, "too long"),
        (b"P2\n3 2\n9\n0 1 2", "cut off"),
        (b"P1\n3 2\n0 1 2 0 1 0", "neither 0 nor 1"),
        (b"P1\n3 2\n0 1 1 0", "cut off"),
        (b"P5\n#" + b"a" * MEGABYTES + b"\n3 2\n255\n" + bytes(6), "header takes more than 65,536 bytes"),
        (b"P5\n" + b"#\n" * MEGABYTES + b"3 2\n255\n" + bytes(6), "header takes more than 65,536 bytes"),
        (b"Pf\n" + b" " * MEGABYTES + b"3 2\n1.0\n" + bytes(24), "header takes more than 65,536 bytes"),
    ],
)
def test_damage_in_ppm_files(data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        images.read(data)


@pytest.mark.parametrize("start", [2**64 - 1, 2**63, 2**63 - 1, 2**40])
def test_a_tiff_whose_directory_is_beyond_any_file(start: int) -> None:
    with pytest.raises(ImageError, match=r"^[^\n]+\.$"):
        images.read(b"II+\0" + struct.pack("<HHQ", 8, 0, start) + bytes(500))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_directories_that_lead_to_each_other(kind: str) -> None:
    """4 billion pairs of entries, where only the first of each tag counts."""
    entries = 60_000
    block = b"II*\0" + struct.pack("<IH", 8, entries) + struct.pack("<HHII", 0x8769, 4, 1, 8) * entries
    if kind == "PNG":
        data = png(png_chunk(b"eXIf", block))
    else:
        parts = [block[at : at + 65_000] for at in range(0, len(block), 65_000)]
        data = jpeg(b"".join(segment(0xE1, b"Exif\0\0" + part) for part in parts))
    assert images.read(data).captured is None


def test_a_large_jpeg_without_its_end_marker_is_not_decoded_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visavis.images._end_marker.MAX_MEMORY", 64 * 48 * 7)
    assert images.read(JPEG[:-2]).notes
    monkeypatch.setattr("visavis.images._end_marker.MAX_MEMORY", 64 * 48 * 7 - 1)
    with pytest.raises(ImageError, match="cut off"):
        images.read(JPEG[:-2])


def test_the_limit_of_memory_is_that_of_the_pixels_or_half_of_the_memory_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = frame(8_001, 7_999, marker=0xC0, scans=1)  # of one component: all coefficients stay in memory
    blocks, pixels = 3 * 1_001 * 1_000, 8_001 * 7_999
    monkeypatch.setattr(_limits, "memory_at_hand", lambda: None)
    cost = check_file(data, "JPEG", label="x", max_pixels=100_000_000)
    assert cost.memory == 128 * blocks + 4 * pixels
    with pytest.raises(
        TooLargeImageError, match=r"takes 0\.64 GB of memory to decode, more than the limit of 0\.64 GB"
    ):
        check_file(data, "JPEG", label="x", max_pixels=64_000_000)
    assert check_file(data, "JPEG", label="x", max_pixels=64_100_000) == cost
    monkeypatch.setattr(_limits, "memory_at_hand", lambda: 1_000_000_000)
    with pytest.raises(TooLargeImageError, match=r"limit of 0\.50 GB"):
        check_file(data, "JPEG", label="x", max_pixels=100_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux states")
def test_memory_at_hand_is_stated() -> None:
    free = _limits.memory_at_hand()
    assert free is not None
    assert 10_000_000 < free < 1 << 50


MEASURE = """
import sys, time, pathlib
from visavis import images
from visavis.errors import ImageError
images.read(pathlib.Path(sys.argv[1]))
def peak():
    return int(pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
data, before, start = pathlib.Path(sys.argv[2]).read_bytes(), peak(), time.process_time()
try:
    images.read(data)
except ImageError:
    pass
print(time.process_time() - start, peak() - before)
"""


def large(kind: str, **options: object) -> Callable[[], bytes]:
    mode, color = str(options.pop("mode", "RGB")), options.pop("color", (90, 120, 150))
    return lambda: encode(Image.new(mode, (10_000, 10_000), color), kind, **options)


LARGEST = {
    "JPEG": large("JPEG", quality=30, subsampling=0),
    "progressive JPEG": large("JPEG", quality=30, progressive=True),
    "JPEG without its end marker": lambda: large("JPEG", quality=30)()[:-2],
    "PNG": large("PNG"),
    "GIF": large("GIF", mode="P", color=3),
    "TIFF, LZW": large("TIFF", compression="tiff_lzw"),
    "TIFF, LZMA": large("TIFF", compression="lzma"),
    "TIFF, JPEG": large("TIFF", compression="jpeg"),
    "JPEG with tables": lambda: jpeg(segment(0xDB, (b"\0" + b"\1" * 64) * 1_000) * 153),
    "PGM in text": lambda: b"P2\n2500 2000\n255\n" + b"1 " * 5_000_000,
    "PBM": lambda: b"P4\n8900 8900\n" + bytes(1113 * 8900),
    "TIFF of 65,000 strips": lambda: strips(65_000),
    "PNG with 99,000 chunks": lambda: png(png_chunk(b"gAMA", b"\0\0\1\1") * 99_000),
}


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured as Linux does")
@pytest.mark.parametrize("name", LARGEST if LONG else ["JPEG with tables", "TIFF of 65,000 strips"])
def test_no_file_of_ten_megabytes_takes_three_seconds_or_a_gigabyte(name: str, tmp_path: Path) -> None:
    small = pictures.write(tmp_path, "small.jpg", JPEG)
    path = pictures.write(tmp_path, "large", LARGEST[name]())
    assert path.stat().st_size < 11_000_000
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(small), str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 3
    assert megabytes < 1000


def test_the_limits_refuse_no_photo(data: Path) -> None:
    paths = [path for path in photos_in(data) if "faults" not in path]
    if not LONG:
        paths = paths[:: max(1, len(paths) // 400)]
    assert len(paths) > 100
    for path in paths:
        content = Path(path).read_bytes()
        kind = images._decode.kind_of(content)
        assert kind is not None, path
        check_file(content, kind.name, label=path, max_pixels=images.MAX_PIXELS)
