"""CSV says what the JSON says: the same keys, flattened, and the same values."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bulk.conftest import plugin
from visavis import quality
from visavis.cli._csv import lines

from .conftest import Done, Photos, Run
from .fakes import BLUE, DETECTOR, MODEL, RED, photo
from .test_process import command, environment

__all__ = ["plugin"]  # a fixture of theirs: the fakes as a package that worker processes know

ROOT = Path(__file__).resolve().parents[2]
POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
WHOLE = {"candidates", "notes", "metadata"}
"""Keys whose value is one cell of JSON."""


def flattened(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of an answer, written anew from what the documentation says."""
    shared = {key: value for key, value in answer.items() if key != "faces"}
    faces = [{"face": n, **face} for n, face in enumerate(answer.get("faces") or [], 1)] or [{}]
    for face in faces:
        if "notes" in face:
            face["notes"] = [*shared.get("notes", []), *face["notes"]]
    return [parts({**shared, **face}) for face in faces]


def parts(values: Mapping[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for key, value in values.items():
        if key == "box":
            cells |= {f"box.{side}": part for side, part in zip(("x1", "y1", "x2", "y2"), value, strict=True)}
        elif key == "landmarks":
            for point, (x, y) in zip(POINTS, value, strict=True):
                cells |= {f"landmarks.{point}.x": x, f"landmarks.{point}.y": y}
        elif isinstance(value, dict) and key not in WHOLE:
            cells |= {f"{key}.{name}": part for name, part in value.items()}
        else:
            cells[key] = value
    return cells


def rows_of(text: str) -> tuple[list[str], list[dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    return list(reader.fieldnames or []), list(reader)


def cell(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value}" if value.startswith("=") else value  # so that no spreadsheet runs it
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def same(as_csv: Done, as_json: Done) -> list[str]:
    """Check that both say the same; return the columns."""
    assert as_csv.code == as_json.code
    columns, rows = rows_of(as_csv.out)
    expected = [row for answer in as_json.lines for row in flattened(answer)]
    assert {key for row in expected for key in row} <= set(columns)
    assert rows == [{name: cell(row.get(name)) for name in columns} for row in expected]
    return columns


@pytest.fixture
def album(photos: Photos, tmp_path: Path) -> list[str]:
    """Photos with and without faces and dates, one that is none, and one that is not there."""
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2023:07:15 18:34:22", 0x9011: "+02:00"})
    Image.open(tmp_path / photos.red).save(tmp_path / "dated.png", exif=exif.tobytes())
    photo(tmp_path / '山田, "太郎".png', (BLUE, 10, 20, 64))
    return ["dated.png", photos.both, '山田, "太郎".png', photos.empty, photos.broken, photos.missing]


LOOK = ("--detector", DETECTOR)
KNOW = (*LOOK, "--model", MODEL)
COMMANDS = {
    "detect": (*LOOK, "PHOTOS"),
    "embed": (*KNOW, "--out", "faces.npz", "PHOTOS"),
    "identify": (*LOOK, "--threshold", "0.1", "PHOTOS"),
    "similar": ("dark.png", *KNOW, "PHOTOS"),
    "similar --gallery faces.db": ("dark.png", *LOOK),
    "cluster": (*KNOW, "--threshold", "0.1", "PHOTOS"),
    "cluster --gallery faces.db": ("--threshold", "0.1"),
    "gallery list": (),
}


def words(name: str, album: list[str]) -> list[str]:
    return [*name.split(), *(one for word in COMMANDS[name] for one in (album if word == "PHOTOS" else [word]))]


@pytest.fixture
def gallery(run: Run, photos: Photos, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A person and an indexed photo in ``faces.db``, which the first test makes and the others copy."""
    kept = tmp_path_factory.getbasetemp() / "gallery of CSV.db"
    if not kept.exists():
        assert run("enroll", "=cmd|' /C calc'!A0", photos.red, *KNOW, "--note", 'a, "b"\nc').code == 0
        assert run("gallery", "describe", "1", "--metadata", '{"desk": 4}').code == 0
        assert run("index", photos.blue, *KNOW, "--workers", "1").code == 0
        shutil.copyfile(tmp_path / "faces.db", kept)
    shutil.copyfile(kept, tmp_path / "faces.db")
    assert run("gallery", "list", "--json").lines


@pytest.mark.usefixtures("gallery")
@pytest.mark.parametrize("name", COMMANDS)
def test_csv_says_what_json_says(run: Run, album: list[str], name: str) -> None:
    line = words(name, album)
    same(run(*line, "--csv"), run(*line, "--json"))


def documented() -> dict[str, list[str]]:
    """Columns of each command, from the table of the page."""
    page = (ROOT / "docs" / "commands" / "csv.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| `")]
    return {name.strip().strip("`"): [one.strip("` ") for one in names.split(",")] for name, names in rows}


@pytest.mark.parametrize("name", ["detect", "embed", "identify", "similar", "cluster", "gallery list"])
def test_the_columns_are_those_of_the_documentation(run: Run, photos: Photos, album: list[str], name: str) -> None:
    assert run("enroll", "Ann", photos.red, *KNOW).code == 0
    header = run(*words(name, album), "--csv").out.splitlines()[0]
    expected = []
    for column in documented()[name]:
        if column == "box.*":
            expected += [f"box.{side}" for side in ("x1", "y1", "x2", "y2")]
        elif column == "landmarks.*":
            expected += [f"landmarks.{point}.{axis}" for point in POINTS for axis in "xy"]
        elif column == "quality_parts.*":
            parts = (*quality.PARTS, "brightness")
            expected += [f"quality_parts.{part}" for part in parts]
        else:
            expected.append(column)
    assert header.split(",") == expected


def test_every_command_with_csv_is_looked_at_here() -> None:
    from command_tree import COMMANDS as ALL_COMMANDS

    having = {
        name for name, one in ALL_COMMANDS.items() if "--csv" in [option for each in one.params for option in each.opts]
    }
    assert having == {name.split(" --")[0] for name in COMMANDS} == set(documented())


def test_the_time_of_capture_is_iso_8601(run: Run, album: list[str]) -> None:
    answers = run("detect", *LOOK, *album, "--json").lines
    assert [one["captured"] for one in answers] == ["2023-07-15T18:34:22+02:00", None, None, None, None, None]
    _, rows = rows_of(run("detect", *LOOK, *album, "--csv").out)
    assert [row["captured"] for row in rows] == ["2023-07-15T18:34:22+02:00", "", "", "", "", "", ""]


def test_json_and_csv_exclude_each_other(run: Run, photos: Photos) -> None:
    done = run("detect", *LOOK, photos.red, "--json", "--csv")
    assert (done.code, done.out) == (2, "")
    assert done.err == "visavis: --json and --csv exclude each other.\n"


def test_a_header_even_without_rows_but_not_where_a_command_fails(run: Run, know: Run, photos: Photos) -> None:
    assert run("gallery", "list", "--csv").out == ""  # there is no gallery: exit code 3
    know("enroll", "Ann", photos.red)
    run("gallery", "remove", "Ann", "--yes")
    header, *rows = run("gallery", "list", "--csv").out.split("\n")
    assert (header.split(",")[0], rows) == ("person_id", [""])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 123", "'+49 30 123"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("'=1", "''=1"),
        ("-", "-"),
        ("'t Hooft", "'t Hooft"),
        ("Ann = Bob", "Ann = Bob"),
        ("", ""),
    ],
)
def test_no_text_is_a_formula(text: str, written: str) -> None:
    (line,) = lines({"name": text, "distance": -0.5}, ("name", "distance"))
    assert next(csv.reader(io.StringIO(line, newline=""))) == [written, "-0.5"]
    taken_back = written[1:] if written != text else written
    assert taken_back == text


def test_lines_end_as_rfc_4180_says_and_quotes_are_doubled() -> None:
    assert list(lines({"a": 'x "y", z', "b": None, "c": True}, ("a", "b", "c"))) == ['"x ""y"", z",,true\r\n']


def test_csv_is_utf_8_whatever_the_output_is(tmp_path: Path) -> None:
    photo(tmp_path / "Zoë 山.png", (RED, 40, 50, 60))
    done = subprocess.run(
        command("detect", *LOOK, "Zoë 山.png", "--csv"),
        cwd=tmp_path,
        env=environment(PYTHONIOENCODING="ascii"),
        capture_output=True,
        check=True,
        timeout=120,
    )
    header, row, end = done.stdout.decode("utf-8").split("\r\n")
    assert header.startswith("photo,status,captured,")
    assert row.startswith("Zoë 山.png,ok,,320,240,1,40.0,50.0,")
    assert (end, b"\r\r\n" in done.stdout) == ("", False)


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_a_name_that_is_not_text(tmp_path: Path) -> None:
    photo(tmp_path / "plain.png", (RED, 40, 50, 60)).rename(tmp_path / os.fsdecode(b"caf\xe9.png"))
    done = subprocess.run(
        command("detect", *LOOK, os.fsdecode(b"caf\xe9.png"), "--csv"),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.decode("utf-8").split("\r\n")[1].startswith(r"caf\udce9.png,ok,")
