"""Files of every kind, and what is wrong with them: frames, their times, and one sentence for each fault."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from visavis.errors import UsageError, VideoError
from visavis.videos.decode import FORMATS
from visavis.videos.source import open_source
from visavis.videos.types import Frame

from .films import film
from .made_video import MATRICES, corners_of, draw_corners, draw_frames, make_video, number_of, turn_mp4


def read(source: object, *, every: int = 1) -> list[Frame]:
    return list(open_source(source, every=every))  # type: ignore[arg-type]


def numbers(frames: list[Frame]) -> list[int]:
    return [number_of(frame.pixels) for frame in frames]


def test_frames_come_in_order_with_their_times(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", draw_frames(12))
    source = open_source(path)
    frames = list(source)
    assert numbers(frames) == list(range(12))
    assert [frame.number for frame in frames] == list(range(12))
    assert [frame.seconds for frame in frames] == pytest.approx([number / 25 for number in range(12)])
    assert (source.name, source.live, source.rate) == (str(path), False, 25)
    assert source.duration == pytest.approx(12 / 25, abs=0.05)
    assert {frame.source for frame in frames} == {str(path)}
    assert {frame.captured for frame in frames} == {None}
    counts = source.counts()
    assert (counts.read, counts.dropped, counts.reopened, counts.notes) == (12, 0, 0, ())
    assert not frames[0].pixels.flags.writeable


def test_a_whole_file_has_no_notes_after_it_is_closed(tmp_path: Path) -> None:
    """What the file states is read while it is open: memory of a closed one has any content."""
    source = open_source(make_video(tmp_path / "a.mp4", draw_frames(20)))
    assert len(list(source)) == 20
    source.close()
    make_video(tmp_path / "b.mp4", draw_frames(20))  # uses freed memory again
    assert source.counts().notes == ()


def test_every_third_frame_keeps_its_number_and_time(tmp_path: Path) -> None:
    frames = read(make_video(tmp_path / "a.mp4", draw_frames(10)), every=3)
    assert [(frame.number, number_of(frame.pixels)) for frame in frames] == [(0, 0), (3, 3), (6, 6), (9, 9)]
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.12, 0.24, 0.36])


def test_a_source_is_read_once(tmp_path: Path) -> None:
    source = open_source(make_video(tmp_path / "a.mp4", draw_frames(2)))
    assert len(list(source)) == 2
    with pytest.raises(UsageError, match="open it again"):
        list(source)
    source.close()


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "2"])
def test_every_is_a_number_of_frames(every: object) -> None:
    with pytest.raises(UsageError, match="every is a number of frames"):
        open_source("a.mp4", every=every)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize(("degrees", "corners"), [(0, "rgbw"), (90, "wrgb"), (180, "bwrg"), (270, "gbwr")])
def test_rotated_videos_of_phones_are_upright(tmp_path: Path, degrees: int, corners: str) -> None:
    path = turn_mp4(make_video(tmp_path / "a.mp4", [draw_corners()]), MATRICES[degrees])
    (frame,) = read(path)
    assert frame.pixels.shape == ((64, 48, 3) if degrees in {90, 270} else (48, 64, 3))
    assert corners_of(frame.pixels) == corners
    assert frame.pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("matrix", "corners"),
    [((-1, 0, 0, 1), "grwb"), ((1, 0, 0, -1), "wbgr"), ((0, 1, 1, 0), "rwbg"), ((0, 0, 0, 0), "rgbw")],
)
def test_mirrored_videos_are_mirrored_back(tmp_path: Path, matrix: tuple[int, int, int, int], corners: str) -> None:
    (frame,) = read(turn_mp4(make_video(tmp_path / "a.mp4", [draw_corners()]), matrix))
    assert corners_of(frame.pixels) == corners


@pytest.mark.parametrize("size", [(33, 17), (1, 1), (2, 64), (101, 3)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    path = make_video(tmp_path / "a.mkv", draw_frames(3, width=width, height=height), codec="ffv1", pix_fmt="bgr0")
    assert [frame.pixels.shape for frame in read(path)] == [(height, width, 3)] * 3


def test_pixels_that_are_not_square_are_stretched(tmp_path: Path) -> None:
    from fractions import Fraction

    path = make_video(tmp_path / "a.mp4", [draw_corners()], sample_aspect_ratio=Fraction(4, 3))
    (frame,) = read(path)
    assert frame.pixels.shape == (48, 85, 3)
    assert corners_of(frame.pixels) == "rgbw"


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "yuv422p10le", "yuv444p"])
def test_ten_bits_give_the_same_colors(tmp_path: Path, pix_fmt: str) -> None:
    (frame,) = read(make_video(tmp_path / "a.mp4", [draw_corners()], pix_fmt=pix_fmt))
    assert corners_of(frame.pixels) == "rgbw"
    assert frame.pixels.dtype == np.uint8


@pytest.mark.parametrize(("height", "expected"), [(96, 5), (720, 1)])
def test_unstated_colors_are_those_of_players(tmp_path: Path, height: int, expected: int) -> None:
    """From 720 rows on BT.709, below BT.601: a gray-green that both read differently by 10 and more."""
    import av

    frame = av.VideoFrame(128, height, "yuv420p")
    for plane, value in zip(frame.planes, (120, 90, 80), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, height, "yuv420p"
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    luma, blue, red = 1.16438 * (120 - 16), 90 - 128, 80 - 128
    by_space = {
        1: (luma + 1.79274 * red, luma - 0.21325 * blue - 0.53291 * red, luma + 2.11240 * blue),
        5: (luma + 1.59603 * red, luma - 0.39176 * blue - 0.81297 * red, luma + 2.01723 * blue),
    }
    (decoded,) = read(tmp_path / "a.mkv")
    assert decoded.pixels[height // 2, 64].tolist() == pytest.approx(by_space[expected], abs=2)


def test_hdr_is_mapped_to_the_range_of_screens(tmp_path: Path) -> None:
    """A gray of 50 nits in PQ: 111 as it is stored, and a good middle gray on a screen."""
    import av

    power = (50 / 10_000) ** 0.1593017578125
    signal = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    frame = av.VideoFrame(64, 48, "yuv420p10le")
    for plane, value in zip(frame.planes, (round(64 + 876 * signal), 512, 512), strict=True):
        plane.update(np.full(plane.buffer_size // 2, value, np.uint16).tobytes())
    frame.colorspace, frame.color_trc, frame.color_primaries, frame.color_range = 9, 16, 9, 1
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        codec = stream.codec_context
        codec.colorspace, codec.color_trc, codec.color_primaries, codec.color_range = 9, 16, 9, 1
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (decoded,) = read(tmp_path / "a.mkv")
    red, green, blue = decoded.pixels[24, 32].tolist()
    assert red == green == blue
    assert 125 <= red <= 150


def test_sizes_that_change_in_the_middle(tmp_path: Path) -> None:
    small = make_video(tmp_path / "a.ts", draw_frames(3))
    large = make_video(tmp_path / "b.ts", draw_frames(3, width=128, height=96))
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    shapes = [frame.pixels.shape for frame in read(both)]
    assert set(shapes) == {(48, 64, 3), (96, 128, 3)}
    assert len(shapes) >= 5


def test_hostile_sizes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_video(tmp_path / "a.mp4", draw_frames(2, width=256, height=256))
    monkeypatch.setattr("visavis.videos._picture.MAX_PIXELS", 60_000)
    monkeypatch.setattr("visavis.videos._picture.check_size.__kwdefaults__", {"max_pixels": 60_000})
    with pytest.raises(VideoError, match=r"frames of 256 x 256 pixels, more than the limit of 60,000"):
        read(path)


# ---------------------------------------------------------------------------------------------------------- times


def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0, 0.04, 0.5, 0.54, 2.0, 7.25]
    frames = read(make_video(tmp_path / "a.mp4", draw_frames(6), seconds=times))
    assert [frame.seconds for frame in frames] == pytest.approx(times, abs=0.001)


def test_times_begin_with_the_file(tmp_path: Path) -> None:
    times = [1234.5 + number / 25 for number in range(5)]
    frames = read(make_video(tmp_path / "a.ts", draw_frames(5), seconds=times))
    assert [frame.seconds for frame in frames] == pytest.approx([number / 25 for number in range(5)], abs=0.001)


@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts"])
def test_ten_hours(tmp_path: Path, kind: str) -> None:
    times = [0, 1, 12_000, 24_000, 36_000, 36_000.04]
    frames = read(make_video(tmp_path / f"a.{kind}", draw_frames(6), seconds=times, options={"bf": "0"}))
    assert [frame.seconds for frame in frames] == pytest.approx(times, abs=0.002)
    assert numbers(frames) == [0, 1, 2, 3, 4, 5]


def test_times_that_begin_anew_go_on(tmp_path: Path) -> None:
    """Two recordings of a camera in one file: the second begins at 0 again."""
    first = make_video(tmp_path / "a.ts", draw_frames(5))
    second = make_video(tmp_path / "b.ts", draw_frames(5))
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    seconds = [frame.seconds for frame in read(both)]
    assert len(seconds) >= 9
    assert seconds == sorted(seconds)
    assert seconds[-1] <= 0.5


# ------------------------------------------------------------------------------------------------- kinds of sources


def test_bytes_and_file_objects(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", draw_frames(4))
    assert numbers(read(path.read_bytes())) == [0, 1, 2, 3]
    assert numbers(read(io.BytesIO(path.read_bytes()))) == [0, 1, 2, 3]
    with path.open("rb") as file:
        assert numbers(read(file)) == [0, 1, 2, 3]


def test_a_name_that_looks_like_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "a.mp4", draw_frames(2)).rename("concat:a|b é.mp4")
    assert len(read("concat:a|b é.mp4")) == 2


def test_standard_input(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", draw_frames(4))
    script = "from visavis.videos.source import open_source; print(sum(1 for _ in open_source('-')))"
    with path.open("rb") as file:
        done = subprocess.run([sys.executable, "-c", script], stdin=file, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("4\n", "", 0)


def test_an_mp4_file_whose_index_is_at_the_end_needs_a_path(tmp_path: Path) -> None:
    data = film(
        tmp_path / "a.mp4", list(np.random.default_rng(1).integers(0, 255, (8, 240, 320, 3), np.uint8))
    ).read_bytes()
    ours, theirs = os.pipe()

    def write() -> None:
        with io.FileIO(theirs, "w") as pipe:
            pipe.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    with (
        io.FileIO(ours) as pipe,
        pytest.raises(VideoError, match="cannot be read in one pass: this MP4 file has its index at the end"),
    ):
        read(pipe)
    writer.join()


def test_standard_input_that_is_left_early_ends_the_process() -> None:
    script = (
        "from visavis.errors import VideoError\nfrom visavis.videos.source import open_source\n"
        "try: open_source('-')\nexcept VideoError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=b"no video " * 1000, capture_output=True, check=False, timeout=60
    )
    assert done.stdout.startswith(b"'-' is no video that can be read")
    assert (done.stderr, done.returncode) == (b"", 0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_named_pipe(tmp_path: Path) -> None:
    data = make_video(tmp_path / "a.mkv", draw_frames(4)).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    assert numbers(read(pipe)) == [0, 1, 2, 3]
    writer.join()


def test_a_folder_of_frames_in_natural_order(tmp_path: Path) -> None:
    from PIL import Image

    for number in (10, 2, 1, 0):
        Image.fromarray(draw_frames(11)[number]).save(tmp_path / f"frame{number}.png")
    (tmp_path / "frame3.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not a frame")
    source = open_source(tmp_path)
    frames = list(source)
    assert numbers(frames) == [0, 1, 2, 10]
    assert [frame.number for frame in frames] == [0, 1, 2, 4]
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.16])
    assert len(source.counts().notes) == 1
    assert "frame3.png" in source.counts().notes[0]


def test_a_consumer_that_stops_early_ends_the_thread(tmp_path: Path) -> None:
    source = open_source(make_video(tmp_path / "a.mp4", draw_frames(20)))
    for frame in source:
        assert frame.number == 0
        break
    source.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "visavis-video"]


def test_few_frames_are_read_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visavis.videos._read_ahead.MOST_FRAMES", 4)
    source = open_source(make_video(tmp_path / "a.mp4", draw_frames(25)))
    frames = iter(source)
    next(frames)
    waiting = source._ahead._waiting  # type: ignore[attr-defined]
    for _ in range(50):
        assert len(waiting) <= 4
        threading.Event().wait(0.002)
    assert len(list(frames)) == 24


# ----------------------------------------------------------------------------------------------------------- faults


def make_sound(path: Path) -> Path:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 44_100), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_faults_are_one_sentence_each(tmp_path: Path) -> None:
    good = make_video(tmp_path / "good.mp4", draw_frames(5)).read_bytes()
    files = {
        "empty.mp4": (b"", "is empty"),
        "garbage.mp4": (np.random.default_rng(1).bytes(100_000), "is no video that can be read"),
        "text.mp4": (b"no video\n" * 500, "is no video that can be read"),
        "cut.mp4": (good[: good.index(b"moov") - 4], "MP4 has its index at the end"),
        "photo.jpg": (b"", "is empty"),
        "list.m3u8": (f"#EXTM3U\n#EXTINF:10,\n{tmp_path}/good.mp4\n".encode(), "is no video that can be read"),
        "list.txt": (f"ffconcat version 1.0\nfile {tmp_path}/good.mp4\n".encode(), "is no video that can be read"),
    }
    for name, (data, message) in files.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(VideoError, match=rf"^'{re.escape(str(path))}' .*{message}.*\.$"):
            read(path)
    with pytest.raises(VideoError, match=r"there is no file '.*none\.mp4'\."):
        open_source(tmp_path / "none.mp4")
    with pytest.raises(VideoError, match="holds no video, only audio"):
        open_source(make_sound(tmp_path / "sound.mp4"))
    with pytest.raises(VideoError, match="is a device"):
        open_source(os.devnull)
    with pytest.raises(UsageError, match="cannot be read from float"):
        open_source(1.5)  # type: ignore[arg-type]


def test_a_photo_is_no_video(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(draw_corners()).save(tmp_path / "a.png")
    with pytest.raises(VideoError, match="is a photo: give a video, or the folder of its frames"):
        open_source(tmp_path / "a.png")


def test_a_folder_without_photos(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="holds no photo"):
        open_source(tmp_path)


def test_a_cut_file_gives_what_is_there(tmp_path: Path) -> None:
    """The index at the beginning, the pictures cut off in the middle."""
    import av

    noise = np.random.default_rng(5)
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(50):
            frame = av.VideoFrame.from_ndarray(noise.integers(0, 256, (48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source = open_source(path)
    assert 15 <= len(list(source)) <= 35
    assert any("ends early" in note and "of 50 frames" in note for note in source.counts().notes)


def test_damage_in_the_middle_is_skipped_and_counted(tmp_path: Path) -> None:
    noise = np.random.default_rng(5)
    pictures = [noise.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(30)]
    path = make_video(tmp_path / "a.ts", pictures, options={"g": "5"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = noise.bytes(20_000)
    path.write_bytes(data)
    source = open_source(path)
    assert 20 <= len(list(source)) <= 30
    assert source.counts().notes


def test_containers_that_lead_to_other_files_are_not_opened() -> None:
    assert not {"hls", "concat", "dash", "sdp", "image2", "lavfi", "rtsp"} & set(FORMATS.split(","))


def test_a_day_takes_bounded_memory(tmp_path: Path) -> None:
    """24 hours with a frame each 20 seconds: memory for a few frames, whatever their number."""
    import tracemalloc

    count = 24 * 180
    pictures = draw_frames(25) * (count // 25 + 1)
    path = make_video(
        tmp_path / "a.mkv", pictures[:count], seconds=[20.0 * number for number in range(count)], options={"bf": "0"}
    )
    source = open_source(path)
    tracemalloc.start()
    last = None
    for frame in source:
        last = frame
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert last is not None
    assert last.number == count - 1
    assert last.seconds == pytest.approx(24 * 3600 - 20, abs=0.01)
    assert peak < 8 << 20
