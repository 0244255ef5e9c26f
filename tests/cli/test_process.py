"""Whole processes: what is imported, what goes to which stream, how a run ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from command_tree import commands
from visavis.cli import COMMANDS, GROUPS, app, command_line
from visavis.gallery import Gallery

from .conftest import Photos
from .fakes import DETECTOR, MODEL, RED, photo

HERE = Path(__file__).resolve().parent
SQUARES = ("--detector", DETECTOR)

WITH_FAKES = "from cli import fakes; from visavis.__main__ import main; main()"
HEAVY = ("numpy", "cv2", "onnxruntime", "onnx", "sqlalchemy", "PIL", "rich")


def command(*arguments: object, program: str = WITH_FAKES) -> list[str]:
    return [sys.executable, "-c", program, *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "VISAVIS_GALLERY": "faces.db", **more}


def start(folder: Path, *arguments: object, program: str = WITH_FAKES, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments, program=program),
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def loaded(program: str) -> set[str]:
    """The heavy packages that a program has imported when it ends."""
    ending = (
        f"import atexit, sys\natexit.register(lambda: print(*(set({HEAVY!r}) & sys.modules.keys()), file=sys.stderr))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{ending}\n{program}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return set(done.stderr.split())


def test_importing_visavis_loads_nothing_heavy() -> None:
    assert loaded("import visavis") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"], ["gallery", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = f"import sys; sys.argv[1:] = {arguments!r}\nfrom visavis.__main__ import main; main()"
    assert loaded(program) == set()


def test_a_command_is_imported_alone(tmp_path: Path) -> None:
    """Of a command that compares photos: it goes as far as to find the first one missing."""
    unwanted = (
        "rich",
        "sqlalchemy",
        "jinja2",
        "requests",
        "tomllib",
        "importlib.metadata",
        "numpy.ma",
        "visavis.gallery",
    )
    program = (
        f"import atexit, sys\nsys.argv[1:] = ['verify', {str(tmp_path / 'a.jpg')!r}, 'b.jpg']\n"
        f"atexit.register(lambda: print(*[one for one in sys.modules if one in {unwanted!r} or '.cli.' in one]))\n"
        "from visavis.__main__ import main; main()"
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it imports some itself
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False, env=plain
    )
    assert (done.returncode, done.stderr.count("does not exist")) == (2, 1)
    modules = {one.removeprefix("visavis.cli.") for one in done.stdout.split()}
    assert "verify" in modules
    assert all(one == "verify" or one.startswith("_") for one in modules)


def test_an_app_of_one_command_has_the_parameters_that_it_has_among_all() -> None:
    everything = dict(commands(get_command(app)))
    assert list(everything) == list(COMMANDS)
    for name in COMMANDS:
        ((path, command),) = commands(get_command(command_line([*name.split(), "--help"])))
        assert path == name
        assert [parameter.name for parameter in command.params] == [
            parameter.name for parameter in everything[name].params
        ]


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_has_all_its_commands(group: str) -> None:
    for arguments in ([group], [group, "--help"], [group, "lst"]):
        names = [name for name, _ in commands(get_command(command_line(arguments)))]
        assert names == [name for name in COMMANDS if name.startswith(f"{group} ")]
        assert len(names) >= 3


@pytest.mark.parametrize("arguments", [["verfy"], ["verfy", "--help"], [""], ["--version", "-x"]])
def test_without_a_command_all_are_loaded(arguments: list[str]) -> None:
    assert [name for name, _ in commands(get_command(command_line(arguments)))] == list(COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["--version"]])
def test_the_help_of_the_program_loads_no_command_of_a_group(arguments: list[str]) -> None:
    alone, everything = get_command(command_line(arguments)), get_command(app)
    assert [name for name, _ in commands(alone)] == [name for name in COMMANDS if " " not in name]
    assert list(alone.commands) == list(everything.commands)
    assert [command.get_short_help_str() for command in alone.commands.values()] == [
        command.get_short_help_str() for command in everything.commands.values()
    ]


def test_what_is_measured_as_heavy_is_seen_when_it_is_loaded() -> None:
    assert loaded("import numpy") == {"numpy"}


def test_python_m_visavis_and_the_script_are_one(tmp_path: Path) -> None:
    program = "import runpy; runpy.run_module('visavis', run_name='__main__')"
    done = start(tmp_path, "--help", program=program)
    assert done.returncode == 0
    assert done.stdout == start(tmp_path, "--help").stdout
    assert done.stdout.startswith("Usage: visavis [OPTIONS]")


def test_answers_and_messages_go_to_their_own_streams(tmp_path: Path, photos: Photos) -> None:
    done = start(tmp_path, "detect", *SQUARES, photos.red, photos.missing, photos.both, "--json")
    assert done.returncode == 0
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["ok", "missing", "ok"]
    assert done.stderr == ""
    done = start(tmp_path, "identify", *SQUARES, photos.red, "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "visavis: there is no gallery at faces.db: enroll a person first.\n"


def test_json_is_ascii_where_the_output_is(tmp_path: Path) -> None:
    photo(tmp_path / "Zoë 山.png", (RED, 40, 50, 60))
    done = start(tmp_path, "detect", *SQUARES, "Zoë 山.png", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["photo"] == "Zoë 山.png"
    assert done.stdout.isascii()
    done = start(tmp_path, "detect", *SQUARES, "Zoë 山.png", "--json", PYTHONIOENCODING="utf-8")
    assert "Zoë 山.png" in done.stdout
    done = start(tmp_path, "detect", *SQUARES, "Zoë 山.png", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "Zo\\xeb \\u5c71.png" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
@pytest.mark.parametrize("form", [["--json"], []])
def test_a_file_name_that_is_not_text(tmp_path: Path, form: list[str]) -> None:
    photo(tmp_path / "plain.png", (RED, 40, 50, 60)).rename(tmp_path / os.fsdecode(b"caf\xe9.png"))
    done = start(tmp_path, "detect", *SQUARES, os.fsdecode(b"caf\xe9.png"), *form, "--out", "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert r"caf\udce9.png" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_goes_away_is_met_with_silence(tmp_path: Path, photos: Photos) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for form in (["--json"], []):
        done = subprocess.run(
            command("detect", *SQUARES, photos.red, photos.red, *form),
            cwd=tmp_path,
            env=environment(),
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
        assert done.stderr == b""
        assert done.returncode == 128 + signal.SIGPIPE
    os.close(writing)


def test_lines_come_as_they_are_known_and_ctrl_c_ends_with_130(tmp_path: Path) -> None:
    """Photos come from a pipe that stays open: the first answer is read while the command still waits."""
    if os.name != "posix":
        pytest.skip("signals of POSIX")
    first = photo(tmp_path / "first.png", (RED, 40, 50, 60))
    program = (
        "from cli import fakes; import visavis.pipeline as p; p.BATCH_PHOTOS = 1\n"
        "from visavis.__main__ import main; main()"
    )
    with subprocess.Popen(
        command("detect", *SQUARES, first, "-", "--json", program=program),
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert json.loads(running.stdout.readline())["status"] == "ok"
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 130
        assert running.stdout.read() == running.stderr.read() == ""


@pytest.mark.skipif(os.name != "posix", reason="redirections of a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_standard_streams_change_no_answer(tmp_path: Path, photos: Photos, closed: str) -> None:
    """A gallery must not be opened under the number of a closed stream, which messages are written to."""

    def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
        shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *command(*arguments)]
        return subprocess.run(
            shell,
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )

    done = run("enroll", *SQUARES, "--model", MODEL, "Ann", photos.red)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    for form in (["--json"], ["--csv"], []):
        done = run("identify", *SQUARES, photos.red, photos.missing, "--threshold", "0.1", *form)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
        assert (b"Ann" in done.stdout) == (">&-" not in closed.split())
    assert run("detect", *SQUARES, "-", "--json").returncode == 2
    with Gallery(tmp_path / "faces.db", create=False) as gallery:
        assert gallery.check() == []
    assert run("gallery", "remove", "Ann").returncode == 0  # it asks on a terminal alone
    with Gallery(tmp_path / "faces.db", create=False) as gallery:
        assert gallery.people() == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path, photos: Photos) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe.db")
    done = start(tmp_path, "detect", *SQUARES, "pipe.jpg", photos.red, "--json")
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["unreadable", "ok"]
    done = start(tmp_path, "gallery", "list", "--gallery", "pipe.db")
    assert (done.returncode, done.stderr) == (3, "visavis: pipe.db is a pipe, a socket or a device, not a gallery.\n")
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / "red-faces.jpg")
    done = start(tmp_path, "detect", *SQUARES, photos.red, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert len([path for path in (tmp_path / "out").iterdir() if path.is_file()]) == 1


def test_a_name_that_is_nearly_too_long_for_a_file_is_cut_in_the_names_of_pictures(tmp_path: Path) -> None:
    long = photo(tmp_path / "long.png", (RED, 40, 50, 60)).rename(tmp_path / f"{'ä' * 120}.png")
    done = start(tmp_path, "extract", *SQUARES, long.name, "x" * 300 + ".png", "--out", "out", "--json")
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["ok", "missing"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{'ä' * 50}-1.png"]


def test_a_crash_is_no_answer(tmp_path: Path, photos: Photos) -> None:
    program = (
        "from cli import fakes\nfakes.Squares.detect = lambda *_, **__: 1 / 0\n"
        "from visavis.__main__ import main; main()"
    )
    done = start(tmp_path, "detect", *SQUARES, photos.red, "--json", program=program)
    assert done.returncode == 70
    assert done.stdout == ""
    assert "ZeroDivisionError" in done.stderr


def test_a_disk_that_fails_is_one_line(tmp_path: Path, photos: Photos) -> None:
    (tmp_path / "taken").write_bytes(b"")
    done = start(tmp_path, "detect", *SQUARES, photos.red, "--out", "taken/here")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("visavis: taken")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals of POSIX")
def test_progress_is_for_terminals_and_on_standard_error(tmp_path: Path, photos: Photos) -> None:
    import pty

    ours, theirs = pty.openpty()
    done = subprocess.run(
        command("detect", *SQUARES, photos.red, photos.both, "--json"),
        cwd=tmp_path,
        env=environment(TERM="xterm"),
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["ok", "ok"]
    assert b"2/2" in shown


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux tells the end of a terminal so
        return b""


def test_two_processes_one_gallery(tmp_path: Path, photos: Photos) -> None:
    for name, picture in (("Ann", photos.red), ("Bea", photos.blue)):
        done = start(tmp_path, "enroll", *SQUARES, "--model", MODEL, name, picture, "--json")
        assert done.returncode == 0, done.stderr
    done = start(tmp_path, "identify", *SQUARES, photos.both, "--threshold", "0.1", "--json")
    assert [face["name"] for face in json.loads(done.stdout)["faces"]] == ["Bea", "Ann"]
