"""Commands on a disk without room: one sentence names the file and says that the disk is full, and the code is 2 or 3.

The disk is a file system of a few megabytes in a namespace of its own, which is filled before each command.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from videos.made_video import make_video

COMMANDS = """
import contextlib, io, json, os, sys
from pathlib import Path
from visavis.cli import command_line
disk, ann, bob, film = sys.argv[1:]
os.chdir(disk)

def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            command_line(list(arguments))(list(arguments), prog_name="visavis")
        except SystemExit as done:
            return done.code, out.getvalue(), err.getvalue().strip().splitlines()[-1:]

def fill(free):
    with open("filler", "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        os.truncate("filler", os.stat("filler").st_size - free)

codes = [run("enroll", "Ann", ann, "--gallery", "faces.db")[0]]
answers = []
for command, free in json.load(sys.stdin):
    fill(free)
    answers.append(run(*(part.format(ann=ann, bob=bob, film=film) for part in command.split())))
    os.remove("filler")
listed = run("gallery", "list", "--gallery", "faces.db", "--json")[1]
codes += [run("gallery", "check", "--gallery", "faces.db")[0], run("enroll", "Bob", bob, "--gallery", "faces.db")[0]]
left = sorted(str(path) for path in Path().rglob("*.*") if path.is_file() and path.stat().st_size)
print(json.dumps([codes, answers, [json.loads(line)["name"] for line in listed.splitlines()], left]))
"""

WRITES = [
    ("enroll Bob {bob} --gallery faces.db", 0, 3, "faces.db can only be read, the disk is full: make room and open it"),
    ("enroll Bob {bob} --gallery faces.db", 36864, 3, "faces.db could not grow, the disk is full: make room and try "),
    ("enroll Bob {bob} --gallery new.db", 0, 3, "new.db can only be read, the disk is full: make room and open it"),
    ("gallery rename Ann Anna --gallery faces.db", 0, 3, "faces.db can only be read, the disk is full: make room and "),
    (
        "gallery remove Ann --yes --gallery faces.db",
        0,
        3,
        "faces.db can only be read, the disk is full: make room and ",
    ),
    ("gallery remove Ann --yes --gallery faces.db", 40960, 3, "faces.db could not grow, the disk is full: make room"),
    ("index {bob} --gallery faces.db", 0, 3, "faces.db can only be read, the disk is full: make room and open it"),
    ("gallery export copy --gallery faces.db", 0, 2, "copy cannot be written: the disk is full."),
    ("embed {bob} --out e.npz", 0, 2, "e.npz: the disk is full."),
    ("detect {bob} --out drawn", 0, 2, "drawn/biden-faces.jpg: the disk is full."),
    ("extract {bob} --out cut", 0, 2, "cut/biden-1.png: the disk is full."),
    ("verify {ann} {bob} --out pairs", 0, 2, "the disk is full."),
    ("identify {ann} --out named --gallery faces.db", 0, 2, "named/obama-named.jpg: the disk is full."),
    ("similar {ann} {bob} --out strip.jpg", 0, 2, "'strip.jpg' cannot be written: the disk is full."),
    ("representative {ann} --average-face average.png", 0, 2, "'average.png' cannot be written: the disk is full."),
    ("cluster {ann} {bob} --report page.html", 0, 2, "page.html: the disk is full."),
    ("cluster {ann} {bob} --out clusters", 0, 2, "the disk is full."),
    (
        "video {film} --gallery faces.db --events e.jsonl",
        0,
        2,
        "events cannot be written to e.jsonl: the disk is full.",
    ),
    ("video {film} --gallery faces.db --faces best", 0, 2, ".jpg cannot be written: the disk is full."),
    ("video {film} --gallery faces.db --out film.mp4", 0, 2, "film.mp4: the disk is full."),
    (
        "video {film} --post http://127.0.0.1:9 --outbox box.db",
        0,
        2,
        "box.db cannot hold the events to deliver: the disk ",
    ),
    ("video {film} --find {ann} --resume done.jsonl", 0, 2, "done.jsonl cannot be written: the disk is full."),
    ("video {film} --find {ann} --clips clips", 0, 2, "-000000-000001.mp4: the disk is full."),
]
"""Command, free bytes, exit code, and the end of standard error, or its beginning."""


@pytest.mark.slow
def test_each_command_that_writes_names_the_file_and_the_full_disk(sample_photos: Path, tmp_path: Path) -> None:
    mount, tmpfs = ["unshare", "--map-root-user", "--mount", "sh", "-c"], "mount -t tmpfs -o size=8m none"
    if not shutil.which("unshare") or subprocess.run([*mount, f"{tmpfs} {tmp_path}"], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    film, disk = tmp_path / "film.mp4", tmp_path / "disk"
    disk.mkdir()
    with Image.open(sample_photos / "obama.jpg") as photo:
        make_video(film, [np.asarray(photo.convert("RGB").resize((320, 320)))] * 50)
    script = (
        f'{tmpfs} {disk} && exec "$0" -c "$1" {disk} {sample_photos / "obama.jpg"} {sample_photos / "biden.jpg"} {film}'
    )
    done = subprocess.run(
        [*mount, script, sys.executable, COMMANDS],
        input=json.dumps([row[:2] for row in WRITES]), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    codes, answers, names, left = json.loads(done.stdout)
    wrong = [
        (row, actual, last)
        for row, (actual, _, last) in zip(WRITES, answers, strict=True)
        if actual != row[2] or len(last) != 1 or row[3] not in last[0]
    ]
    assert not wrong, "\n".join(map(str, wrong))
    assert names == ["Ann"], "nothing acknowledged was lost"
    assert codes == [0, 0, 0], "with room the gallery is as before"
    assert left == ["faces.db"]
