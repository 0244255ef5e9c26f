"""The documents as their tests see them: blocks of code, tables, links; and a folder with the photos they speak of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .source import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

PHOTOS = {"ann1.jpg": "obama.jpg", "ann2.jpg": "obama2.jpg", "party.jpg": "obama3.jpg", "ben.jpg": "biden.jpg"}
"""What the documents call a photo, and which of the samples it then is."""


@dataclass(frozen=True)
class Block:
    """A fenced block of code: its page, the line it starts at, its language ("" for none) and its text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path, *languages: str) -> list[Block]:
    """The page's blocks of those languages, all if none is named."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(page.name, text.count("\n", 0, match.start()) + 1, match["language"], match["text"])
        for match in re.finditer(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]
    assert text.count("\n```") == 2 * len(found)
    return [block for block in found if not languages or block.language in languages]


def table(page: Path, *heads: str) -> list[list[str]]:
    """Rows of the page's table with those heads, without the back quotes of code."""
    text = page.read_text(encoding="utf-8").replace("\\|", "/")
    _, _, rest = text.partition(f"\n| {' | '.join(heads)} |\n")
    assert rest, f"no table {heads}"
    rows = rest.split("\n\n")[0].splitlines()[1:]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


FILES = {
    "pairs.csv": "a,b,same\nann1.jpg,ann2.jpg,1\nann1.jpg,ben.jpg,0\n"
    + "ann2.jpg,party.jpg,1\nparty.jpg,ben.jpg,0\n" * 5,
    "clusters.csv": "photo,cluster\nAnn/1.jpg,1\nAnn/2.jpg,1\nAnn/3.jpg,2\nBen/4.jpg,2\n",
    "faces.csv": "photo,x1,y1,x2,y2\nann1.jpg,378,89,613,419\nben.jpg,429,166,711,565\nparty.jpg,641,257,912,609\n",
}
"""Lists that the documents speak of."""


def lay_out_photos(samples: Path, folder: Path) -> None:
    for name, sample in PHOTOS.items():
        shutil.copyfile(samples / sample, folder / name)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    shutil.copyfile(ROOT / "src" / "visavis" / "calibration" / "dlib-resnet.json", folder / "office.json")


def lay_out_lfw(data: Path, folder: Path) -> None:
    """LFW as ``lfw``, and ``halves.csv``, which puts its people into two groups in turn."""
    (folder / "lfw").symlink_to(data / "lfw")
    people = sorted(path.name for path in (data / "lfw" / "images").iterdir())
    rows = [f"{name},{'ab'[n % 2]}\n" for n, name in enumerate(people)]
    (folder / "halves.csv").write_text("person,half\n" + "".join(rows), encoding="utf-8")


def run(command: list[str], *, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of a document in a folder; ``visavis`` is the one of this Python."""
    scripts = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PATH": scripts, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done
