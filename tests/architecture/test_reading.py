"""Files that users name are read in one way, by ``visavis.input_files``; JSON and TOML of other people likewise."""

from __future__ import annotations

import ast

from .source import READS_SOURCE, Module, modules

pytestmark = READS_SOURCE

HOME, PARSER = "visavis.input_files", "visavis.structured_text"

READERS = {
    # the package's own files, and those of the system
    "visavis.compare": "a table of the package",
    "visavis.cli.models.bench": "a table of the package",
    "visavis.attendance.reports.forms": "a part of a page",
    "visavis.clustering.report": "a part of a page",
    "visavis.evaluate.report._rendering": "a part of a page",
    "visavis.server.pages.documentation": "a part of a page",
    "visavis.server.pages.catalogs": "the texts of the pages",
    "visavis.server.pages.static_files": "files of the pages",
    "visavis.embedding_cache.model_key": "the source of the package",
    "visavis.images._limits": "/proc/meminfo",
    "visavis.bulk.worker": "/proc/self/statm",
    "visavis.confined": "/proc/self/statm",
    "visavis.weights.readers._h5_child": "/proc/self/statm",
    "visavis.runtime": "/proc/cpuinfo and the limits of a group of processes",
    "visavis.gallery.sql.network_file_systems": "/proc/self/mountinfo",
    # files that visavis has written itself, in folders that others cannot write to
    "visavis.converted": "networks in the cache",
    "visavis.detectors._onnx_parts": "weights with a known hash",
    "visavis.detectors.scrfd": "weights with a known hash",
    "visavis.landmarks": "a table in the cache",
    "visavis.embedding_cache.crop_folders": "crops in the cache",
    "visavis.quantize": "a temporary folder",
    "visavis.samples": "an archive in the cache",
    "visavis.train.crop_file": "crops in the folder of a run",
    "visavis.weights.download": "parts of downloads",
    "visavis.weights.store": "pins and accepted licenses",
    "visavis.atomic": "files that it has just written",
    "visavis.__main__": "the standard streams",
    "visavis.videos.source": "standard input",
    # files that are opened after their kind was checked, or to write
    "visavis.cli.demo": "pictures of the demo",
    "visavis.compat.keras_vggface._network": "weights with a known hash",
    "visavis.evaluate.data.templates": "a photo of a checked kind",
    "visavis.gallery.export_checks": "a member of an archive that is open",
    "visavis.videos.decode": "a video of a checked kind",
}
"""Modules that open files themselves, and what they open."""

JSON_READERS = {
    PARSER: "the parser itself",
    "visavis.compare": "a table of the package",
    "visavis.cli.models.bench": "a table of the package",
    "visavis.evaluate.calibrate": "text that was just written",
    "visavis.gallery.archive": "a table of the gallery, to export",
    "visavis.gallery.check_text": "text that was just written",
    "visavis.server.state.evaluations": "an evaluation in the server's own database",
    "visavis.server.state.events": "an event in the server's own database",
    "visavis.server.state.jobs": "a job in the server's own database",
    "visavis.server.state.keys": "a key in the server's own database",
    "visavis.videos._process": "a process of visavis",
    "visavis.videos.reader_process": "a process of visavis",
    "visavis.videos.mqtt": "an event of visavis",
    "visavis.confined": "a process of visavis",
    "visavis.weights.readers.h5": "a process of visavis",
}
"""Modules that parse JSON or TOML themselves, and whose."""


def calls(module: Module) -> set[str]:
    return {name for node in module.nodes if isinstance(node, ast.Call) and (name := reading(node))}


def reading(call: ast.Call) -> str:
    """The name of a call that reads a file, or ""."""
    name = ast.unparse(call.func)
    last = name.rpartition(".")[2]
    if last in {"read_text", "read_bytes"} and isinstance(call.func, ast.Attribute):
        return name
    if name in {"open", "np.load", "np.fromfile", "np.loadtxt", "np.genfromtxt", "io.FileIO", "Image.open", "av.open"}:
        return name if not writes(call) else ""
    if last == "open" and isinstance(call.func, ast.Attribute) and name not in {"os.open", "tarfile.open"}:
        return name if mode_of(call, 0) in {"r", "rb"} else ""
    return ""


def writes(call: ast.Call) -> bool:
    return bool(set(mode_of(call, 1)) & set("wax"))


def mode_of(call: ast.Call, place: int) -> str:
    values = [*call.args[place : place + 1], *(each.value for each in call.keywords if each.arg == "mode")]
    return next((str(value.value) for value in values if isinstance(value, ast.Constant)), "r" if place == 1 else "")


def test_files_are_read_in_one_way() -> None:
    readers = {module.name for module in modules().values() if module.name != HOME and calls(module)}
    assert readers - READERS.keys() == set()
    assert READERS.keys() - readers == set(), "no longer readers: take them out of the list"


def test_json_and_toml_are_parsed_in_one_way() -> None:
    parsers = {
        module.name
        for module in modules().values()
        for node in module.nodes
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"json.load", "json.loads", "loads", "tomllib.load", "tomllib.loads"}
    }
    assert parsers - JSON_READERS.keys() == set()
    assert JSON_READERS.keys() - parsers == set(), "no longer parsers: take them out of the list"


def test_the_text_of_a_list_is_read_by_the_function_with_a_limit() -> None:
    """A method ``read_text`` is Python's own, without a limit; the function of ``text_files`` has one."""
    text_files = modules()["visavis.text_files"]
    assert calls(text_files) == set()
