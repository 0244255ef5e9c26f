"""Every command, in a pseudo-terminal of 60, 80, 120 and 200 columns: what it prints fits, and what matters is whole.

A new command fails the first test until it is in ``SCRIPT``, with a line that prints its table.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.cells import cell_len

from bulk.conftest import install
from command_tree import COMMANDS

from .fakes import BLUE, DARK_RED, DETECTOR, GRAY, MODEL, RED, photo
from .terminal import run_in_terminal
from .test_classify import MODEL as CLASSIFIER

WIDTHS = (60, 80, 120, 200)
TESTS = Path(__file__).resolve().parents[1]

LONG = "Summer holiday in Italy with the family/IMG_20230715_183422.png"
WIDE = "山田太郎.png"
PERSON, OTHER = "Wolfeschlegelsteinhausen Hubert", "山田花子"
NOTE = "met at the conference on face recognition in Killarney"
BROKEN = (
    "'broken.png' is text, not a picture (JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, JPEG 2000, AVIF and HEIC are read)."
)
MISSING = "'missing.png' does not exist."
NO_FACE = "no face was found."

FIND = ["--detector", DETECTOR]
KNOW = [*FIND, "--model", MODEL]
NEAR = ["--threshold", "0.1"]


@dataclass(frozen=True)
class Line:
    """A command line, and what has to be whole in what it prints: texts, and messages, which may be wrapped."""

    name: str
    arguments: list[str] = field(default_factory=list)
    whole: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    prose: bool = False
    """It prints sentences, which the terminal wraps, in place of a table."""


PHOTOS = ["red.png", LONG, WIDE, "empty.png", "broken.png", "missing.png"]
NAMES = (LONG, WIDE, "red.png", "empty.png", "broken.png", "missing.png")
FAILED = (BROKEN, MISSING, NO_FACE)

SCRIPT = [
    Line("detect", [*FIND, *PHOTOS], NAMES, FAILED),
    Line("extract", [*FIND, *PHOTOS, "--out", "crops"], (*NAMES, "crops/IMG_20230715_183422-1.png"), FAILED),
    Line("landmarks", [*FIND, *PHOTOS, "--points", "5"], NAMES, FAILED),
    Line("embed", [*KNOW, *PHOTOS, "--out", "faces.npz"], NAMES, FAILED),
    Line("verify", [*KNOW, *NEAR, "red.png", LONG], prose=True),
    Line(
        "verify", [*KNOW, *NEAR, "red.png", LONG, WIDE, "empty.png", "broken.png"], (LONG, WIDE), (BROKEN,), prose=True
    ),
    Line("enroll", [PERSON, "red.png", *KNOW, "--note", NOTE, "--consent", "in writing, kept at the desk"], (PERSON,)),
    Line("enroll", [OTHER, WIDE, *KNOW], (OTHER,)),
    Line("identify", [*FIND, *PHOTOS, *NEAR], (*NAMES, PERSON, OTHER), FAILED),
    Line("why", [*FIND, "dark.png", "--person", OTHER, *NEAR], (), ("Compare the enrolled photos of both people",)),
    Line("classify", [*FIND, "--model", CLASSIFIER, *PHOTOS], (*NAMES, "Red", "Blue"), FAILED),
    Line("similar", ["red.png", *KNOW, LONG, WIDE, "empty.png", "broken.png"], (LONG, WIDE), (BROKEN, NO_FACE)),
    Line("similar", ["dark.png", "--gallery", "faces.db", *FIND], ("red.png", WIDE, PERSON, OTHER)),
    Line("cluster", [*KNOW, *NEAR, *PHOTOS], NAMES, FAILED),
    Line("representative", [*KNOW, "red.png", LONG, "empty.png", "broken.png"], (LONG,), (BROKEN, NO_FACE)),
    Line("index", [*KNOW, LONG, "broken.png", "--workers", "1"], ("broken.png",), (BROKEN,)),
    Line("cluster", ["--gallery", "faces.db", *NEAR], (Path(LONG).name, WIDE, PERSON, OTHER)),
    Line("gallery list", [], (PERSON, OTHER)),
    Line("gallery show", ["1"], ("red.png", PERSON), (NOTE, "in writing, kept at the desk")),
    Line("gallery describe", ["2", "--note", NOTE], (OTHER,)),
    Line("gallery rename", ["2", "山田花子 (Tokyo)"], ("山田花子 (Tokyo)",)),
    Line("gallery name", [PERSON, "3"], (PERSON,)),
    Line("gallery move", ["3", "--to", "2"], (OTHER,)),
    Line("gallery audit"),
    Line("gallery stats", [], ("test-colors",)),
    Line("gallery check", [], (), ("the gallery is sound",)),
    Line("calibrate", ["people", *KNOW, "--fresh", "--out", "table.json"]),
    Line("gallery calibrate", ["table.json"]),
    Line("gallery export", ["out"], ("test-colors",)),
    Line("gallery import", ["out", "--gallery", "copy.db"], ("test-colors",)),
    Line("gallery merge", ["2", "1"], (PERSON,)),
    Line("gallery forget", [LONG, "--yes"], (Path(LONG).name,)),
    Line("gallery remove", ["1", "--yes"], (PERSON,), prose=True),
    Line("evaluate pairs", ["pairs.csv", *KNOW, "--fresh"]),
    Line("evaluate lfw", ["lfw", *KNOW, "--fresh"]),
    Line("evaluate identification", ["people", *KNOW, "--fresh"]),
    Line("evaluate groups", ["people", "--groups", "groups.csv", *KNOW, "--far", "0.05", "--fresh"]),
    Line("evaluate clusters", ["clusters.csv"]),
    Line("evaluate detection", ["faces.csv", *FIND]),
    Line("train classifier", ["people", *KNOW, "--out", "run", "--head", "nearest-mean"], ("nearest-mean", "accuracy")),
    Line("train classifier", ["staff", *KNOW, "--out", "run2", "--head", "nearest-mean"], (PERSON, OTHER, "accuracy")),
    Line("identify", [*FIND, *PHOTOS, "--classifier", "run2"], NAMES, FAILED),
    Line("models list", [], ("dlib-resnet", "vggface2-senet50")),
    Line("models show", ["dlib-resnet"]),
    Line("models fetch", ["mtcnn-pnet"], ("mtcnn-pnet",)),
    Line("models bench", [MODEL], (MODEL,)),
]

ELSEWHERE = {
    "video": "tests/cli/test_video.py",
    "gallery strangers": "tests/cli/test_video.py",
    "evaluate video": "tests/cli/evaluate/test_video.py",
    "demo": "test_the_demo_fits",
    "liveness": "tests/cli/test_liveness.py",
    "evaluate liveness": "tests/cli/evaluate/test_liveness.py",
    "evaluate camera": "tests/cli/evaluate/test_camera.py",
    "cache list": "tests/cli/test_cache.py",
    "cache clear": "tests/cli/test_cache.py",
    "cache forget": "tests/cli/test_cache.py",
    "gallery compact": "tests/cli/gallery/test_compact.py",
    "gallery reject": "tests/cli/gallery/test_reject.py",
    "gallery rejections": "tests/cli/gallery/test_reject.py",
    "gallery undo-rejection": "tests/cli/gallery/test_reject.py",
    "gallery coach": "tests/cli/gallery/test_coach.py",
    "gallery keep-crops": "tests/cli/gallery/test_migrate.py",
    "gallery migrate": "tests/cli/gallery/test_migrate.py",
    "serve": "a line without a table: tests/server/test_serve_page.py",
    **{f"keys {name}": "tests/cli/test_keys.py" for name in ("create", "list", "rotate", "revoke")},
    **{
        f"attendance {name}": "tests/cli/attendance/test_days.py"
        for name in ("day", "report", "close", "replay", "demo")
    },
    **{
        f"attendance {name}": "tests/attendance/integrations/test_targets.py"
        for name in ("export", "push", "targets", "terminals")
    },
    **{
        f"attendance {name}": "tests/cli/attendance/test_commands.py"
        for name in (
            "init",
            "import-people",
            "people",
            "import-punches",
            "punch",
            "correct",
            "history",
            "who-is-in",
            "request",
            "requests",
            "approve",
            "outage",
            "consent",
            "credential",
            "export-person",
            "erase-person",
            "retain",
            "access",
            "verify",
        )
    },
    "models import": "the key and value of models show",
    "models remove": "a name and a folder",
    "models quantize": "the key and value of models show",
    "train network": "tests/train/test_train_network.py",
    "train compare": "tests/train/test_compare.py",
    "train suspects": "tests/train/test_suspects.py",
}
"""Commands that are not in the script, and where their tables are looked at."""

PROGRAM = """
import json, sys
from cli import test_classify
from visavis.classify import CLASSIFIERS
from visavis.cli import command_line
CLASSIFIERS._factories[test_classify.MODEL] = test_classify.named
for arguments in json.load(open(sys.argv[1])):
    print(chr(30), end="", flush=True)
    try:
        command_line(arguments)(arguments, prog_name="visavis")
    except SystemExit as end:
        if end.code not in (0, 1):
            sys.exit(f"{arguments} exits with {end.code}")
print(chr(30), end="", flush=True)
"""
"""Runs all command lines of a file one after another, in one process, with a mark before each."""


def test_every_command_is_here() -> None:
    assert {line.name for line in SCRIPT} | set(ELSEWHERE) == set(COMMANDS)


def people(folder: Path) -> None:
    """Two photos each of 24 people, in colors at random, with groups and lists of pairs."""
    drawn = np.random.default_rng(7).integers(0, 256, (2000, 3))
    colors = drawn[np.ptp(drawn, axis=1) > 120].tolist()
    names = [f"person{n:02}" for n in range(24)]
    for n, name in enumerate(names):
        for second in range(2):
            picture = Image.new("RGB", (40, 40), GRAY)
            picture.paste(tuple(colors[2 * n + second]), (8, 8, 32, 32))
            for path in (f"people/{name}/{second}.png", f"lfw/images/{name}/{name}_{second + 1:04}.jpg"):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                picture.save(folder / path, "PNG")
    groups = "\n".join(f"{name},{'xy'[n % 2]}" for n, name in enumerate(names))
    (folder / "groups.csv").write_text(f"person,letter\n{groups}\n")
    same = [(f"people/{name}/0.png", f"people/{name}/1.png", 1) for name in names]
    other = [(f"people/{a}/0.png", f"people/{b}/1.png", 0) for a, b in pairwise(names)]
    (folder / "pairs.csv").write_text("\n".join(f"{a},{b},{one}" for a, b, one in same + other))
    listed = "2\n" + "\n".join(f"{name}\t1\t2" for name in names[:2])
    listed += "\n" + "\n".join(f"{a}\t1\t{b}\t2" for a, b in zip(names[:2], names[2:4], strict=True)) + "\n"
    for name in ("pairsDevTrain.txt", "pairsDevTest.txt"):
        (folder / "lfw" / name).write_text(listed)


def album(folder: Path) -> None:
    """The photos that the script names."""
    photo(folder / "red.png", (RED, 40, 50, 60))
    photo(folder / "dark.png", (DARK_RED, 140, 90, 80))
    photo(folder / LONG, (DARK_RED, 40, 50, 60))
    photo(folder / WIDE, (BLUE, 10, 20, 64))
    photo(folder / "empty.png")
    (folder / "broken.png").write_bytes(b"not a picture")
    for number in range(3):
        photo(folder / "staff" / PERSON / f"{number}.png", ((255 - 9 * number, 0, 0), 40, 50, 60))
        photo(folder / "staff" / OTHER / f"{number}.png", ((0, 0, 255 - 9 * number), 40, 50, 60))
    (folder / "clusters.csv").write_text("photo,cluster\nann/1.jpg,1\nann/2.jpg,1\nbob/1.jpg,2\n")
    (folder / "faces.csv").write_text("photo,x1,y1,x2,y2\nred.png,40,50,100,110\n")


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory) -> object:
    """What each line of the script shows, at a width."""

    @cache
    def at(columns: int) -> list[str]:
        folder = tmp_path_factory.mktemp(f"columns{columns}")
        album(folder)
        people(folder)
        (folder / "script.json").write_text(json.dumps([[*line.name.split(), *line.arguments] for line in SCRIPT]))
        site = install(tmp_path_factory.mktemp("site"))  # the fakes as a package that worker processes know
        env = {**environment(), "PYTHONPATH": os.pathsep.join([str(site), str(TESTS)])}
        code, shown = run_in_terminal(folder, "script.json", columns=columns, program=PROGRAM, env=env, timeout=500)
        assert code == 0, shown.splitlines()[-30:]
        return shown.split("\x1e")[1:-1]

    return at


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(TESTS), "VISAVIS_GALLERY": "faces.db", "PYTHONIOENCODING": "utf-8"}


@pytest.mark.slow(seconds=21)
@pytest.mark.parametrize("columns", WIDTHS)
def test_no_line_of_a_table_is_wider_than_the_terminal(screens: object, columns: int) -> None:
    for line, screen in zip(SCRIPT, screens(columns), strict=True):
        wide = [text for text in screen.splitlines() if cell_len(text) > columns and not line.prose]
        assert not wide, (line.name, wide)
        assert screen.strip(), line.name


@pytest.mark.parametrize("columns", WIDTHS)
def test_photos_people_and_messages_are_whole(screens: object, columns: int) -> None:
    for line, screen in zip(SCRIPT, screens(columns), strict=True):
        for text in line.whole:
            assert text in screen or cell_len(text) > columns, (line.name, text, screen)
        words = " ".join(screen.split())
        for text in line.messages:
            assert text in words, (line.name, text, screen)


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_message_begins_in_the_row_of_its_photo_or_in_the_line_below(screens: object, columns: int) -> None:
    for line, screen in zip(SCRIPT, screens(columns), strict=True):
        if BROKEN not in line.messages:
            continue
        shown = screen.splitlines()
        at = next(n for n, text in enumerate(shown) if "'broken.png' is text" in text)
        beside = shown[at].split("'broken.png'")[0]
        assert "broken.png" in (beside if beside.strip() else shown[at - 1]), (line.name, screen)
        assert beside.strip() or len(beside) <= 2 * 2, (line.name, screen)


@pytest.mark.parametrize("columns", WIDTHS)
def test_the_demo_fits(sample_photos: Path, tmp_path: Path, columns: int) -> None:
    assert sample_photos.is_dir()
    program = "from visavis.__main__ import main; main()"
    code, shown = run_in_terminal(tmp_path, "demo", columns=columns, program=program, env=dict(os.environ))
    assert code == 0
    header, rule, *rows = shown.partition("\n\n")[0].splitlines()
    assert max(map(cell_len, (header, rule, *rows))) <= columns
    expected = ["step", "photo", "answer", "distance", "threshold", "probability", "seconds"]
    assert header.split() == expected[: {60: 3, 80: 5, 120: 7, 200: 7}[columns]]
    assert [row.split()[0] for row in rows] == ["load", "enroll", *["identify"] * 3, *["verify"] * 3]
    assert all(row.endswith("right") for row in rows)
    text = "\n".join(rows)
    for whole in (
        "obama.jpg obama2.jpg",
        "obama.jpg biden.jpg",
        "Barack Obama",
        "different people",
        "mtcnn + sface",
    ):
        assert whole in text
