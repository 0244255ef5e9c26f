from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from visavis.errors import UsageError, VisavisError
from visavis.types import RGB
from visavis.videos.writer import VideoWriter

from .films import RATE, clicks_of, film, pictures_of


def plain(number: int, height: int = 64, width: int = 96) -> RGB:
    return np.full((height, width, 3), (number * 3 % 256, 40, 200), np.uint8)


def written(path: Path, seconds: list[float], *, sound: Path | None = None, height: int = 64, width: int = 96) -> Path:
    with VideoWriter(path, sound=sound) as writer:
        for number, time in enumerate(seconds):
            writer.write(plain(number, height, width), time)
    return path


def test_frames_keep_their_times_at_a_variable_rate(tmp_path: Path) -> None:
    """The frame before a gap of ten hours is repeated each hour."""
    seconds = [0.0, 0.04, 0.05, 0.4, 1.25, 1.2501, 3.0, 36_000.5]
    path = written(tmp_path / "out.mp4", seconds)
    pictures, times = pictures_of(path)
    repeated = [3.0 + 3600 * hour for hour in range(1, 10)]
    assert times == pytest.approx([*seconds[:-1], *repeated, seconds[-1]], abs=1 / 90_000)
    reds = [int(np.rint(picture[:, :, 0].mean())) for picture in pictures]
    assert reds == pytest.approx([0, 3, 6, 9, 12, 15, *[18] * 10, 21], abs=2)


def test_colors_are_kept(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4") as writer:
        for number in range(3):
            writer.write(np.full((720, 1280, 3), (200, 30, 60), np.uint8), number / 25)
    pictures, _ = pictures_of(tmp_path / "out.mp4")
    assert pictures[1].mean(axis=(0, 1)) == pytest.approx([200, 30, 60], abs=3)


def test_odd_sizes_get_a_row_and_a_column_and_other_sizes_are_scaled(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4") as writer:
        writer.write(plain(0, 63, 95), 0)
        writer.write(plain(1, 120, 200), 0.5)
    assert [picture.shape for picture in pictures_of(tmp_path / "out.mp4")[0]] == [(64, 96, 3)] * 2


@pytest.mark.parametrize(
    ("name", "codec", "copied"),
    [("in.mp4", "aac", True), ("in.mkv", "mp3", True), ("in.mkv", "pcm_s16le", False), ("in.mkv", "opus", True)],
)
def test_sound_stays_in_step_with_the_pictures(tmp_path: Path, name: str, codec: str, copied: bool) -> None:
    """Also where both begin two seconds late: clicks stay at the whole seconds of the pictures."""
    source = film(tmp_path / name, [plain(n) for n in range(60)], sound=codec, begins=2.0)
    out = written(tmp_path / "out.mp4", [n / RATE for n in range(60)], sound=source)
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == (codec if copied else "aac")
    assert clicks_of(out) == pytest.approx([0, 1, 2], abs=0.03)
    packets = [[bytes(packet) for packet in av.open(str(path)).demux(audio=0)] for path in (source, out)]
    assert (packets[0] == packets[1]) is copied


def test_only_pictures_and_sound_are_taken_over(tmp_path: Path) -> None:
    """A title, a place and an attached picture of the source may show what was blurred."""
    source = tmp_path / "in.mp4"
    made = film(tmp_path / "plain.mp4", [plain(n) for n in range(30)], sound="aac")
    command = ["ffmpeg", "-v", "error", "-i", str(made), "-metadata", "title=Ann", "-metadata", "location=+1+2/"]
    if subprocess.run(["which", "ffmpeg"], capture_output=True, check=False).returncode:
        pytest.skip("Debian's ffmpeg is not installed")
    subprocess.run([*command, "-c", "copy", str(source)], check=True)
    out = written(tmp_path / "out.mp4", [n / RATE for n in range(30)], sound=source)
    with av.open(str(out)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert not {"title", "location"} & container.metadata.keys()


def test_a_source_without_sound_or_without_any_stream_is_noted(tmp_path: Path) -> None:
    silent = film(tmp_path / "in.mp4", [plain(n) for n in range(5)])
    assert av.open(str(written(tmp_path / "a.mp4", [0, 0.1], sound=silent))).streams.audio == ()
    (tmp_path / "text.txt").write_text("no video")
    with VideoWriter(tmp_path / "b.mp4", sound=tmp_path / "text.txt") as writer:
        writer.write(plain(0), 0)
    (note,) = writer.notes
    assert note.startswith("the video has no sound, because that of ")


def test_sound_of_an_unknown_codec_is_noted_and_left_out(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mkv", [plain(0)] * 12, sound="pcm_s16le")
    source.write_bytes(source.read_bytes().replace(b"A_PCM/INT/LIT", b"A_XXX/INT/LIT"))
    with VideoWriter(tmp_path / "out.mp4", sound=source) as writer:
        writer.write(plain(0), 0.0)
    assert writer.notes == [f"the video has no sound, because that of {source} cannot be read: its codec is unknown"]
    assert len(pictures_of(tmp_path / "out.mp4")[0]) == 1


def test_sound_of_a_file_with_a_colon_and_tags_in_another_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    film(Path("in.mkv"), [plain(0)] * 50, sound="aac")
    content = Path("in.mkv").read_bytes()
    assert content.count(b"Lavf") >= 1
    Path("08:00:00.mkv").write_bytes(content.replace(b"Lavf", b"\xe9avf"))
    with VideoWriter(Path("out.mp4"), sound=Path("08:00:00.mkv")) as writer:
        for number in range(50):
            writer.write(plain(0), number / RATE)
    assert writer.notes == []
    assert len(clicks_of(Path("out.mp4"))) == 2


def test_the_file_is_private_and_has_its_name_only_at_the_end(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"before")
    with VideoWriter(out) as writer:
        writer.write(plain(0), 0)
        assert out.read_bytes() == b"before"
        (part,) = tmp_path.glob("*unfinished*")
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert len(pictures_of(out)[0]) == 1


def interrupted(writer: VideoWriter, error: BaseException) -> None:
    """Write two seconds, then raise the error."""
    with writer:
        for number in range(50):
            writer.write(plain(number), number / RATE)
        raise error


def test_ctrl_c_completes_the_file(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", [plain(n) for n in range(200)], sound="aac")
    with pytest.raises(KeyboardInterrupt):
        interrupted(VideoWriter(tmp_path / "out.mp4", sound=source), KeyboardInterrupt())
    assert len(pictures_of(tmp_path / "out.mp4")[0]) == 50
    assert clicks_of(tmp_path / "out.mp4") == pytest.approx([0, 1], abs=0.03)


def test_another_error_leaves_a_part_that_can_be_played(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        interrupted(VideoWriter(tmp_path / "out.mp4"), RuntimeError())
    assert [path.name for path in tmp_path.iterdir()] == ["out.unfinished.mp4"]
    assert len(pictures_of(tmp_path / "out.unfinished.mp4")[0]) == 50


def test_nothing_is_left_of_a_video_without_frames(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4"):
        pass
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys, time, numpy as np
from pathlib import Path
from visavis.videos.writer import VideoWriter
with VideoWriter(Path(sys.argv[1])) as writer:
    for number in range(10**6):
        writer.write(np.random.default_rng(number).integers(0, 255, (64, 96, 3), np.uint8), number / 25)
        print(number, flush=True)
"""


def test_a_killed_process_leaves_a_part_that_can_be_played_until_the_film_is_made(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "out.mp4")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        number = next(int(line) for line in process.stdout if int(line) >= 250)
        process.send_signal(signal.SIGKILL)
    assert [path.name for path in tmp_path.iterdir()] == ["out.unfinished.mp4"]
    pictures, _ = pictures_of(tmp_path / "out.unfinished.mp4")
    assert number - 125 <= len(pictures)
    os.utime(tmp_path / "out.unfinished.mp4", (0, 0))
    (tmp_path / "out.unfinished-x.mp4").touch()  # not a name that visavis gives
    with VideoWriter(tmp_path / "out.mp4"):
        pass  # no frame came, so this run is not a new film
    assert (tmp_path / "out.unfinished.mp4").exists()
    with VideoWriter(tmp_path / "out.mp4") as running:
        running.write(plain(0), 0)
        os.utime(tmp_path / "out.unfinished-2.mp4", (0, 0))
        written(tmp_path / "out.mp4", [0, 0.1])
        left = ["out.mp4", "out.unfinished-2.mp4", "out.unfinished-x.mp4"]
        assert sorted(path.name for path in tmp_path.iterdir()) == left, "only that of the killed run is deleted"


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
exec(sys.argv.pop(1))
"""


def test_a_full_disk_is_one_sentence_and_leaves_a_part_that_can_be_played(tmp_path: Path) -> None:
    """The limit of a file's size stands for the disk: the error comes from the same calls."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, KILLED, str(tmp_path / "out.mp4")], capture_output=True, text=True, check=False
    )
    last = done.stderr.strip().splitlines()[-1]
    part = tmp_path / "out.unfinished.mp4"
    assert last.endswith(f"{tmp_path / 'out.mp4'}: File too large. The part written so far can be played: {part}.")
    assert [path.name for path in tmp_path.iterdir()] == [part.name]
    assert len(pictures_of(part)[0]) > 20


def test_the_source_and_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", [plain(n) for n in range(3)])
    before = source.read_bytes()
    (tmp_path / "link.mp4").symlink_to(source)
    (tmp_path / "folder.mp4").mkdir()
    for name in ("in.mp4", "link.mp4"):
        with pytest.raises(UsageError, match="is the video that is read"):
            VideoWriter(tmp_path / name, sound=source)
    with pytest.raises(UsageError, match=r"Give a name that ends in \.mp4"):
        VideoWriter(tmp_path / "out.avi")
    with pytest.raises(UsageError, match="is no regular file"):
        VideoWriter(tmp_path / "folder.mp4")
    with pytest.raises(VisavisError, match="No such file or directory"):
        VideoWriter(tmp_path / "missing" / "out.mp4")
    assert source.read_bytes() == before
