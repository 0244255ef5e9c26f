"""Photos that a list of others names as standard input or what is open already: refused, never waited for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from visavis import images
from visavis.clustering.previous import read_previous
from visavis.errors import UnreadableImageError, UsageError
from visavis.evaluate.data.annotations import read_annotations
from visavis.evaluate.data.pairs import read_pairs
from visavis.gallery.cluster_export import read_named
from visavis.gallery.enrollment_lists import read_table

FACE = {"box": [1, 2, 30, 40], "cluster": 3}
LISTS: dict[str, tuple[Callable[[str], str], Callable[[Path], object]]] = {
    "people.csv": (lambda name: f"name,photo\nAnn,{name}\n", read_table),
    "pairs.csv": (lambda name: f"photo1,photo2,same\n{name},b.jpg,1\na.jpg,b.jpg,0\n", read_pairs),
    "boxes.csv": (lambda name: f"photo,x1,y1,x2,y2\n{name},1,2,30,40\n", read_annotations),
    "boxes.txt": (lambda name: f"{name}\n1\n1 2 30 40 0 0 0 0 0 0\n", read_annotations),
    "names.json": (lambda name: json.dumps([{"name": "Ann", "faces": [FACE | {"photo": name}]}]), read_named),
    "clusters.jsonl": (lambda name: json.dumps(FACE | {"photo": name}) + "\n", read_previous),
}
STREAMS = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("file", LISTS)
def test_a_list_names_photos_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, stream: str) -> None:
    monkeypatch.chdir(tmp_path)
    write, read = LISTS[file]
    Path(file).write_text(write("a.jpg"), encoding="utf-8")
    read(Path(file))
    Path(file).write_text(write(stream), encoding="utf-8")
    with pytest.raises(UsageError, match=f"{file}.*'{stream}' is no photo in a file"):
        read(Path(file))


@contextmanager
def open_pipe() -> Iterator[int]:
    """The end of a pipe that stays open, and to which nothing is written: to read it would wait for ever."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(writing)
        os.close(reading)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd here")
def test_the_path_of_a_stored_photo_is_never_waited_for() -> None:
    """A gallery of others may hold any path."""
    with open_pipe() as descriptor:
        for path in (f"/dev/fd/{descriptor}", f"/proc/self/fd/{descriptor}"):
            with pytest.raises(UnreadableImageError, match=f"'{path}' is no photo in a file"):
                images.read_again(path, None)
