"""evaluate video, as a command; people are squares of a color."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Photos, Run
from cli.fakes import BLUE, DETECTOR, RED
from videos.made_up import draw, film, write_video
from visavis.evaluate.stats.intervals import wilson

pytest.importorskip("av")
pytest.importorskip("scipy")

NEAR = ("--threshold", "0.1")
GREEN = (0, 200, 0)
KEYS = [
    "video", "truth", "model", "detector", "min_face", "fpir", "threshold", "boxes", "frames", "searched_frames",
    "tracks", "false_tracks", "switches", "switches_interval", "mixed_tracks", "purity", "coverage", "identified",
    "misnamed", "false_alarms", "false_alarms_per_1000", "false_alarms_per_1000_interval", "people",
]  # fmt: skip


@pytest.fixture
def clip(tmp_path: Path) -> str:
    """Two seconds: red moves, blue is on from 0.5 s on, and a green square that is no face of the list."""
    always = [(GREEN, 250, 10, 40)]
    scene = film(
        lambda t: draw((RED, 20 + 40 * t, 40, 60), *always, *([(BLUE, 220, 150, 60)] if t >= 0.5 else [])), seconds=2
    )
    return write_video(tmp_path / "clip.mkv", scene).name


@pytest.fixture
def gallery(know: Run, photos: Photos) -> None:
    assert know("enroll", "Red", photos.red).code == 0


def write(text: str) -> str:
    Path("truth.csv").write_text(text, encoding="utf-8")
    return "truth.csv"


BOXES = "person,from,to,x1,y1,x2,y2\n" + "".join(
    f"Red,{n / 10},{n / 10},{20 + 4 * n},40,{80 + 4 * n},100\n" for n in range(20)
)


@pytest.mark.usefixtures("gallery")
def test_the_figures_by_boxes(run: Run, clip: str) -> None:
    truth = write(BOXES + "Blue,0.5,2,220,150,280,210\n")
    done = run("evaluate", "video", clip, "--truth", truth, "--detector", DETECTOR, *NEAR, "--json")
    assert done.code == 0, done.err
    line = done.line
    assert list(line) == KEYS
    assert (line["video"], line["truth"], line["boxes"], line["frames"], line["threshold"]) == (
        "clip.mkv", "truth.csv", True, 20, 0.1,
    )  # fmt: skip
    searched = line["searched_frames"]
    assert 5 <= searched <= 20
    assert (line["tracks"], line["false_tracks"]) == (3, {"tracks": 1, "named": 0})
    assert (line["switches"], line["mixed_tracks"]) == (0, 0)
    assert (line["purity"]["rate"], line["coverage"]["rate"]) == (1, 1)
    assert line["purity"]["count"] == line["coverage"]["of"]
    interval = pytest.approx(wilson(1, 1), abs=1e-4)
    assert line["identified"] == {"rate": 1, "interval": interval, "count": 1, "of": 1}
    assert (line["misnamed"]["count"], line["false_alarms_per_1000"]) == (0, 0)
    assert line["false_alarms"] == {"rate": 0, "interval": pytest.approx(wilson(0, 1), abs=1e-4), "count": 0, "of": 1}
    people = [(person["person"], person["enrolled"], person["tracks"], person["named"]) for person in line["people"]]
    assert people == [("Red", True, 1, 1), ("Blue", False, 1, 0)]
    assert "1 person of the list not in the gallery" in done.err


@pytest.mark.usefixtures("gallery")
def test_the_figures_by_times_as_a_table(run: Run, clip: str) -> None:
    done = run(
        "evaluate",
        "video",
        clip,
        "--truth",
        write("person,from,to\nRed,0,2\nBlue,0:00.5,2\n"),
        "--detector",
        DETECTOR,
        *NEAR,
    )
    rows = [" ".join(row.split()) for row in done.out.splitlines()]
    assert "switches 0 0.00 to 3.69" in rows
    assert any(row.startswith("identified tracks 1.0000 (1 of 1)") for row in rows)
    assert any(row.startswith("false alarms per 1,000 tracks 0.0 (0 of 1)") for row in rows)


def test_without_a_gallery_tracks_alone_are_measured(run: Run, clip: str) -> None:
    done = run(
        "evaluate",
        "video",
        clip,
        "--truth",
        write("person,from,to\nRed,0,2\nBlue,0.5,2\n"),
        "--detector",
        DETECTOR,
        "--json",
    )
    assert done.code == 0
    assert done.line["identified"] == {"rate": None, "interval": None, "count": 0, "of": 0}
    assert "no gallery" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("clip.mkv", "--truth", "none.csv"), "none.csv"),
        (("clip.mkv", "--truth", "truth.csv", "--fpir", "0.1", *NEAR), "exclude each other"),
        (("none.mp4", "--truth", "truth.csv"), "none.mp4"),
        (("clip.mkv", "--truth", "bad.csv"), "line 2: the time ends before it begins"),
    ],
)
@pytest.mark.usefixtures("clip")
def test_what_is_wrong_is_one_sentence(run: Run, arguments: tuple[str, ...], message: str) -> None:
    write("person,from,to\nRed,0,2\n")
    Path("bad.csv").write_text("person,from,to\nRed,2,0\n", encoding="utf-8")
    done = run("evaluate", "video", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())


@pytest.mark.parametrize(("end", "noted"), [(1, False), (100, True)])
def test_rows_beyond_the_end_of_the_video_are_noted(run: Run, clip: str, end: int, noted: bool) -> None:
    truth = write(f"person,from,to\nRed,0,1\nBlue,{end},{end}\n")
    done = run("evaluate", "video", clip, "--truth", truth, "--detector", DETECTOR, *NEAR)
    assert ("1 of 2 rows in truth.csv begins after the end of the video (1.9 s)" in done.err) is noted
