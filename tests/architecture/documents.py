"""The documents as their tests see them: blocks of code, tables, links; and a folder with the photos they speak of."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from visavis.cache import cache_dir
from visavis.defaults import EMBEDDER
from visavis.gallery import Gallery, IndexedPhoto, Template
from visavis.nets import onnx_bytes as onnx_file
from visavis.pipeline import embed
from visavis.types import Quality
from visavis.videos.strangers import Strangers

from .source import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

COMMAND_LINE = ROOT / "docs" / "command-line.md"
COMMAND_PAGES = [
    *(
        ROOT / "docs" / "commands" / f"{name}.md"
        for name in (
            "detect-and-embed",
            "liveness",
            "verify",
            "people-and-galleries",
            "feedback",
            "index-and-search",
            "video",
            "cluster",
            "models",
            "evaluate-and-calibrate",
            "train",
            "cache",
            "change-model",
            "serve",
            "attendance",
            "attendance-days",
            "attendance-integrations",
        )
    ),
    COMMAND_LINE,
]
"""Pages with a section per command, in the order in which their examples run in one folder."""

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
        Block(
            page.relative_to(ROOT).as_posix(), text.count("\n", 0, match.start()) + 1, match["language"], match["text"]
        )
        for match in re.finditer(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]
    assert text.count("\n```") == 2 * len(found)
    return [block for block in found if not languages or block.language in languages]


def sections(page: Path) -> dict[str, str]:
    """Return the text below each heading ``## visavis COMMAND`` of a page, by the command."""
    parts = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    titles = [part.partition("\n")[0] for part in parts]
    assert len(set(titles)) == len(titles)
    return {
        title.removeprefix("visavis "): part
        for title, part in zip(titles, parts, strict=True)
        if title.startswith("visavis ")
    }


def anchors(page: Path) -> set[str]:
    """Return the fragments that GitHub gives the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def table(page: Path, *heads: str) -> list[list[str]]:
    """Rows of the page's table with those heads, without the back quotes of code."""
    text = page.read_text(encoding="utf-8").replace("\\|", "/")
    _, _, rest = text.partition(f"\n| {' | '.join(heads)} |\n")
    assert rest, f"no table {heads}"
    rows = [row for row in rest.split("\n\n")[0].splitlines()[1:] if not row.startswith("<!--")]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


FILES = {
    "pairs.csv": "a,b,same\nann1.jpg,ann2.jpg,1\nann1.jpg,ben.jpg,0\n"
    + "ann2.jpg,party.jpg,1\nparty.jpg,ben.jpg,0\n" * 5,
    "staff.csv": "name,photo\nAnn,ann1.jpg\nAnn,ann2.jpg\nAnn,party.jpg\nBen,ben.jpg\n",
    "clusters.csv": "photo,cluster\nAnn/1.jpg,1\nAnn/2.jpg,1\nAnn/3.jpg,2\nBen/4.jpg,2\n",
    "faces.csv": "photo,x1,y1,x2,y2\nann1.jpg,378,89,613,419\nben.jpg,429,166,711,565\nparty.jpg,641,257,912,609\n",
    "door.csv": "person,from,to\nAnn,0,2\n",
    "people.csv": "number,name,department,joined,left,manages\n"
    "17,Ann,Sales,2024-01-01,,Sales|Plant\n18,Ben,Sales,,,\n19,Eve,Plant,,,\n",
    "punches.csv": "employee,time,direction,device\n18,2026-03-02 08:03,in,gate\n18,2026-03-02 17:05,out,gate\n",
    "own.toml": """name = "own"
file = "own.onnx"
license = "MIT"
trained_on = "nothing"
[input]
size = 112
channels = "RGB"
mean = [127.5, 127.5, 127.5]
scale = 0.0078125
[face]
template = "arcface-112"
[output]
dimension = 8
""",
}
"""Lists of files that the documents speak of, and a row of a model."""


def lay_out_photos(samples: Path, folder: Path) -> None:
    for name, sample in PHOTOS.items():
        shutil.copyfile(samples / sample, folder / name)
    lay_out_video(samples / PHOTOS["ann2.jpg"], folder / "door.mp4")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    shutil.copyfile(ROOT / "src" / "visavis" / "calibration" / f"{EMBEDDER}.json", folder / "office.json")
    (folder / "own.onnx").write_bytes(own_network())
    lay_out_album(folder / "album.db")
    lay_out_strangers(folder / "door.db")
    with Gallery(folder / "staff.db", model=EMBEDDER) as gallery:
        gallery.add("Ann", embed_photos(samples / PHOTOS["ann1.jpg"], samples / PHOTOS["ann2.jpg"]))
    lay_out_cache(folder / ".cache")


@cache
def embed_photos(*photos: Path) -> list[Template]:
    """Return a template of the only face of each photo."""
    return [Template(embedding) for photo in photos for embedding in embed(photo)]


def lay_out_video(photo: Path, path: Path) -> None:
    """Film a photo that moves to the right, for two seconds."""
    if find_spec("av") is None:
        return
    import av

    picture = np.asarray(Image.open(photo).convert("RGB").resize((320, 400)))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.bit_rate = 480, 400, 4_000_000
        for number in range(24):
            frame = np.full((400, 480, 3), 90, np.uint8)
            frame[:, 4 * number : 4 * number + 320] = picture
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def lay_out_album(path: Path) -> None:
    """Make a gallery: Ann (templates 1 and 2), Anne (3), Ben (4 and 5), two faces of nobody (6 and 7)."""
    directions = np.eye(7, 128, dtype=np.float32)
    faces = tuple(Template(one, box=np.array([9 * n, 0, 9 * n + 8, 8])) for n, one in enumerate(directions[5:]))
    with Gallery(path, model=EMBEDDER) as gallery:
        counts, start = {"Ann": 2, "Anne": 1, "Ben": 2}, 0
        for name, count in counts.items():
            gallery.add(name, [Template(one) for one in directions[start : start + count]])
            start += count
        gallery.add_photos([IndexedPhoto("party.jpg", "5" * 64, "ok", faces)])


def lay_out_strangers(path: Path) -> None:
    """Make a gallery with Ann (template 1), and a stranger who was seen twice (2 and 3)."""
    directions = np.eye(2, 128, dtype=np.float32)
    views = [
        (None, "door", datetime(2026, 11, 26, 7, 58, tzinfo=UTC)),
        (2, "gate", datetime(2026, 11, 27, 8, 3, tzinfo=UTC)),
    ]
    with Gallery(path, model=EMBEDDER) as gallery:
        gallery.add("Ann", [Template(directions[0])])
        strangers = Strangers(gallery, days=30, fpir=0.01, threshold=0.1)
        for number, camera, at in views:
            quality = Quality(0.9, *[0.99] * 10)
            strangers.remember(directions[1], quality, number=number, camera=camera, seconds=0, at=at)


def own_network() -> bytes:
    """An embedder as small as can be: one convolution of made-up weights, and the mean of each of its maps."""
    kernel = np.sin(np.arange(8 * 3 * 3 * 3, dtype=np.float32)).reshape(8, 3, 3, 3)
    nodes = [
        onnx_file.node("Conv", ["x", "k"], "c", {"strides": [2, 2]}),
        onnx_file.node("Relu", ["c"], "r", {}),
        onnx_file.node("GlobalAveragePool", ["r"], "p", {}),
        onnx_file.node("Flatten", ["p"], "y", {}),
    ]
    picture = onnx_file.value("x", onnx_file.FLOAT, ("n", 3, 112, 112))
    answer = onnx_file.value("y", onnx_file.FLOAT, ("n", 8))
    return onnx_file.model(nodes, [onnx_file.tensor("k", kernel)], [picture], [answer])


def lay_out_cache(folder: Path) -> None:
    """A cache that shares all with the real one but the models that documents import."""
    folder.mkdir()
    for name in ("onnx", "samples", "weights"):
        shared = cache_dir().absolute() / name
        shared.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(shared)


def lay_out_lfw(data: Path, folder: Path) -> None:
    """LFW as ``lfw``, and ``halves.csv``, which puts its people into two groups in turn."""
    (folder / "lfw").symlink_to(data / "lfw")
    people = sorted(path.name for path in (data / "lfw" / "images").iterdir())
    rows = [f"{name},{'ab'[n % 2]}\n" for n, name in enumerate(people)]
    (folder / "halves.csv").write_text("person,half\n" + "".join(rows), encoding="utf-8")


def run(command: list[str], *, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of a document in a folder; ``visavis`` is the one of this Python."""
    cache = {"VISAVIS_CACHE": str(cwd / ".cache")} if (cwd / ".cache").is_dir() else {}
    scripts = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **cache, "PATH": scripts, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=1800,  # embedding LFW for the first time takes four minutes on two quiet cores
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def laid_out(value: Any, *, indent: int = 0, width: int = 120, before: int = 0) -> str:
    """Write JSON as the pages do: what fits on a line on one, the rest with as many items a line as fit."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent + before <= width - 1 or not isinstance(value, dict | list) or not value:
        return line
    inner, lines, row = indent + 2, [], ""
    items = value.items() if isinstance(value, dict) else [(None, item) for item in value]
    for key, item in items:
        name = "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
        text = name + laid_out(item, indent=inner, width=width, before=len(name))
        if "\n" in text or len(row) + len(text) + inner + 2 > width - 1:
            lines += [row] if row else []
            row = text
        else:
            row += f", {text}" if row else text
        if "\n" in row:
            lines, row = [*lines, row], ""
    lines += [row] if row else []
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    body = ",\n".join(" " * inner + each for each in lines)
    return f"{opening}\n{body}\n{' ' * indent}{closing}"
