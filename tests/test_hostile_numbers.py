"""Each number of each file that users write or receive, replaced by what no code expects: read, or an error of visavis.

Numbers that no float can hold, that no database holds, that cannot be printed, and texts that are not Unicode.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from test_changed_files import TABLE, TOML
from visavis import compare
from visavis.clustering.previous import read_previous
from visavis.errors import UsageError, VisavisError
from visavis.evaluate.data.annotations import read_annotations
from visavis.evaluate.data.cluster_files import read_clusters
from visavis.evaluate.data.group_table import read_groups
from visavis.evaluate.data.pairs import read_pairs
from visavis.evaluate.data.video_truth import read_video_truth
from visavis.gallery import Gallery
from visavis.gallery.cluster_export import read_named
from visavis.gallery.enrollment_lists import read_table
from visavis.gallery.types import Template
from visavis.train import config
from visavis.videos.camera_file import read_camera_file
from visavis.videos.find import SearchMemory
from visavis.weights.model_row import read_row

NUMBERS = (
    "9" * 40, "9" * 309, "9" * 5000, "-" + "9" * 400, "-1", "0", "1e308", "-1e308", "1e400", "1e-320", "NaN", "nan",
    "inf", "-inf", "Infinity", "0x" + "F" * 2000, "0x" + "F" * 100, "9223372036854775808", "true", "null", '"\\ud800"',
    '""', "[]", "{}", "1_0", "٣", "²",
)  # fmt: skip
CAMERAS = """sighting_seconds = 30
[[camera]]
name = "door"
source = 0
detect = "rtsp://camera:554/sub"
every = 2
min_face = 40
look = [[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]]
"""
SETTINGS = "size = 64\ndimension = 128\nmargin = 0.5\n[optimizer]\nrate = 0.001\n[schedule]\ndrops = [0.5, 0.75]\n"
BOX = '"box": [1, 2, 30, 40]'
READERS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "calibration": ("table.json", json.dumps(TABLE), compare.read_calibration),
    "named faces": ("names.json", f'[{{"name": "Ann", "faces": [{{"photo": "1.jpg", {BOX}}}]}}]', read_named),
    "clusters before": ("c.jsonl", f'{{"photo": "1.jpg", {BOX}, "cluster": 3}}\n', read_previous),
    "clusters": ("c.jsonl", f'{{"photo": "a/1.jpg", {BOX}, "cluster": 3}}\n', read_clusters),
    "clusters as a table": ("c.csv", "photo,cluster\na/1.jpg,3\n", read_clusters),
    "searched videos": (
        "s.jsonl", '{"key": "1", "appearances": [{"start": 1.5, "end": 2, "distance": 0.5}]}\n', SearchMemory,
    ),
    "pairs": ("pairs.csv", "photo1,photo2,same,fold\n1.jpg,2.jpg,1,0\n", read_pairs),
    "pairs of LFW": ("pairs.txt", "1\t1\nAnn\t1\t2\nAnn\t1\tBob\t2\n", read_pairs),
    "people of a video": ("t.csv", "person,from,to,x1,y1,x2,y2\nAnn,0:01,2.5,1,2,30,40\n", read_video_truth),
    "boxes": ("boxes.csv", "photo,x1,y1,x2,y2\n1.jpg,1,2,30,40\n", read_annotations),
    "boxes of WIDER FACE": ("boxes.txt", "1.jpg\n1\n1 2 30 40 0 0 0 0 0 0\n", read_annotations),
    "groups": ("g.csv", "person,age\nAnn,30\n", read_groups),
    "people": ("people.csv", "name,photo\n1,2.jpg\n", read_table),
    "cameras": ("cameras.toml", CAMERAS, read_camera_file),
    "settings": ("settings.toml", SETTINGS, config.read),
    "model": ("model.toml", TOML, read_row),
}  # fmt: skip


def altered(content: str) -> Iterator[str]:
    for match in re.finditer(r"-?\d+(?:\.\d+)?", content):
        for number in NUMBERS:
            yield content[: match.start()] + number + content[match.end() :]


@pytest.mark.parametrize("kind", READERS)
def test_any_number_is_read_or_is_an_error_of_visavis(tmp_path: Path, kind: str) -> None:
    name, content, read = READERS[kind]
    path = tmp_path / name
    refused: list[str] = []
    for text in altered(content):
        path.write_text(text, encoding="utf-8")
        try:
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                read(path)
        except VisavisError as error:
            refused.append(str(error))
    assert all(len(message) < 1000 for message in refused)
    assert refused or kind in {"people", "groups", "clusters as a table"}


EXPORTED = ("quality", "cluster", "id", "person_id", "box")


@pytest.mark.parametrize("number", ["9" * 40, "9" * 400, "-1", "1e400", "NaN", "9223372036854775808", "[1e300,0,0,0]"])
@pytest.mark.parametrize("column", EXPORTED)
def test_any_number_of_an_export_is_stored_or_refused(tmp_path: Path, column: str, number: str) -> None:
    with Gallery(tmp_path / "a.db", model="m") as gallery:
        box = np.array([1, 2, 30, 40], np.float32)
        gallery.add("Ann", [Template(np.eye(4, dtype=np.float32)[0], "0" * 64, "1.jpg", box, 0.5)])
        gallery.export(tmp_path / "out")
    file = tmp_path / "out" / "gallery.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["templates"][0][column] = "HERE"
    file.write_text(json.dumps(content).replace('"HERE"', number), encoding="utf-8")
    with Gallery(tmp_path / "b.db", model="m") as gallery:
        with suppress(UsageError):
            gallery.import_from(tmp_path / "out")
        assert gallery.check() == []


@pytest.mark.parametrize("model", ["/tmp/x", "../../x", "a/b", "a\\b", ".hidden", "", "C:x", "a" * 101, "a\nb", "a\0b"])
def test_the_model_of_an_export_is_a_name_and_no_path(tmp_path: Path, model: str) -> None:
    with Gallery(tmp_path / "a.db", model="m") as gallery:
        gallery.export(tmp_path / "out")
    file = tmp_path / "out" / "gallery.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"model": "m"', f'"model": {json.dumps(model)}'))
    from visavis.gallery.archive import read_model

    with pytest.raises(UsageError, match="is not the name of a model"):
        read_model(tmp_path / "out")
    with pytest.raises(UsageError, match="the name of a model has letters"):
        compare.parse_calibration({**TABLE, "model": model})
    with pytest.raises(UsageError, match="the name of a model has letters"):
        Gallery(tmp_path / "b.db", model=model)
    assert compare.calibration(model) is None
