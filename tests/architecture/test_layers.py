"""Who may import whom. Nothing imports upwards, and every heavy package has its place."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from .source import READS_SOURCE, ROOT, Import, Module, _imports, faults, modules

pytestmark = READS_SOURCE

LAYERS = (
    {
        "plain", "_checks", "_closing", "_pixels", "_show", "atomic", "input_files", "permissions", "encryption",
        "defaults", "types", "errors", "printable", "csv_text", "decoding_time", "structured_text", "model_names",
        "garbage",
    },
    {
        "registry", "cache", "forking", "devices", "opencv", "pytorch", "protobuf", "runtime", "converted", "confined",
        "weights", "nets", "boxes",
    },
    {
        "images", "text_files", "csv_files", "quality", "jpeg_blocks", "detectors", "align", "landmarks", "embedders",
        "poor_photos", "distance_histogram", "compare", "draw", "doubts", "verification", "liveness", "spoof_networks",
        "challenge",
    },
    {"pipeline", "samples", "quantize", "classify", "published", "clustering", "ranking", "embedding_cache", "display",
        "photo_liveness",
    },
    {"gallery", "sql_database", "evaluate", "bulk", "videos"},
    {"train", "attendance"},
    {"server", "client"},
    {"cli", "compat"},
    {"__main__"},
)  # fmt: skip
"""From the bottom to the top. What stands in one set may import what stands there too, in no circle."""

HOMES = {
    "onnxruntime": {"runtime", "quantize"},  # its tools for quantization are a package of their own
    "onnx": {"quantize"},
    "cryptography": {"encryption"},
    "sqlalchemy": {"gallery", "sql_database", "server", "attendance"},
    "typer": {"cli", "compat"},
    "rich": {"cli"},
    "pooch": {"weights"},
    "jinja2": {"evaluate", "clustering", "attendance", "server"},
    "openpyxl": {"attendance"},
    "markupsafe": {"server"},
    "requests": {"weights", "client", "attendance"},
    "ray": {"bulk"},
    "fsspec": {"bulk"},
    "sklearn": {"train"},
    "threadpoolctl": {"train"},
    "av": {"videos"},
    "scipy": {"videos"},
    "paho": {"videos"},
    **{
        name: {"server"}
        for name in ("fastapi", "starlette", "anyio", "uvicorn", "h11", "pydantic", "prometheus_client")
    },
}
"""Packages that only one part knows of."""

FILES = {
    "cv2": {"opencv"},
    "torch": {"pytorch"},
    "psycopg": {"gallery.index.pgvector"},
    "pymilvus": {"gallery.index.milvus"},
    "grpc": {"gallery.index.milvus"},
    "milvus_lite": {"gallery.index.milvus"},
}
"""Packages that only one module knows of."""

NOT_AT_ONCE = {
    "onnxruntime", "onnx", "sqlalchemy", "PIL", "rich", "pooch", "requests", "lz4", "platformdirs", "jinja2",
    "ray", "fsspec", "sklearn", "threadpoolctl", "cryptography", "av", "scipy", "paho", "openpyxl", *FILES,
}  # fmt: skip
"""Packages that cost time to import: inside the function that needs them."""

AT_ONCE = {
    "pytorch": {"torch"}, "draw": {"PIL"}, "opencv": {"cv2"},
    **{name: {"sqlalchemy"} for name in ("gallery", "sql_database", "server", "attendance")},
}  # fmt: skip
"""Unless nobody imports the module itself at once."""

FORBIDDEN = {"tensorflow", "keras", "mtcnn", "face_recognition_models", "dlib"}


def part(module: str) -> str:
    """The file or folder directly in the package that a module belongs to."""
    return module.partition(".")[2].partition(".")[0]


def layer(module: str) -> int:
    (number,) = (n for n, names in enumerate(LAYERS) if part(module) in names)
    return number


def placed() -> list[Module]:
    return [module for name, module in modules().items() if name != "visavis"]


def test_every_module_stands_in_a_layer() -> None:
    assert {part(module.name) for module in placed()} == set().union(*LAYERS)


def test_nothing_imports_upwards() -> None:
    assert [
        f"{module.name}:{imported.line} imports {imported.module}"
        for module in placed()
        for imported in module.imports
        if imported.module.startswith("visavis.") and layer(imported.module) > layer(module.name)
    ] == []


def test_only_the_command_line_asks_the_package_itself() -> None:
    """They are the top, which knows everything; below it only the version may be wanted."""
    askers = {part(module.name) for module in placed() for one in module.imports if one.module == "visavis"}
    assert askers <= {"cli", "compat", "server"}


def test_pytorch_is_imported_by_training_alone() -> None:
    """Modules that import it at once are imported at once by each other alone: all else works without PyTorch."""
    users = {"visavis.pytorch"}
    while (
        added := {module.name for module in placed() for one in module.imports if one.at_once and one.module in users}
        - users
    ):
        users |= added
    assert {part(name) for name in users} == {"pytorch", "nets", "train"}
    assert users >= {"visavis.nets.torch_module", "visavis.train.losses", "visavis.train.network"}
    assert not users & {"visavis.train", "visavis.train.config", "visavis.train.crops", "visavis.nets"}


def test_machinery_is_imported_by_its_own_package_alone() -> None:
    """A name with ``_`` belongs to the folder that it lies in."""

    def foreign_machinery(module: Module) -> Iterator[str]:
        for imported in module.imports:
            parts = imported.module.split(".")
            for depth, name in enumerate(parts):
                home = ".".join(parts[:depth])
                if depth and name.startswith("_") and module.name != home and not module.name.startswith(f"{home}."):
                    yield f"line {imported.line} imports {imported.module}"

    assert faults(foreign_machinery) == {}


USED_LATER = {("visavis.detectors", "visavis.detectors._any_orientation")}
"""The registry imports a wrapper of detectors, which imports their protocol, once such a detector is asked for."""


def test_no_circles() -> None:
    """Of all imports, also in functions and for types: TopologicalSorter raises CycleError, which names the modules."""
    graph = {
        module.name: {one.module for one in module.imports if one.module in modules() and one.module != module.name}
        for module in placed()
    }
    for module, imported in USED_LATER:
        graph[module].remove(imported)
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) >= len(placed())


def test_heavy_packages_have_their_places() -> None:
    def misplaced(module: Module) -> set[str]:
        here, file = part(module.name), module.name.partition(".")[2]
        used = {imported.package for imported in module.imports}
        at_once = {imported.package for imported in module.imports if imported.at_once}
        return (
            {package for package in used & HOMES.keys() if here not in HOMES[package]}
            | {package for package in used & FILES.keys() if file not in FILES[package]}
            | used & FORBIDDEN
            | at_once & NOT_AT_ONCE - AT_ONCE.get(here, set())
        )

    assert {name: packages for name, packages in faults(misplaced).items() if name != "visavis"} == {}


def test_what_may_import_at_once_is_imported_later() -> None:
    later = AT_ONCE.keys() - {"gallery", "pytorch", "server", "sql_database", "attendance"}
    for module in placed():
        assert not [one for one in module.imports if one.at_once and part(one.module) in later - {part(module.name)}]
    outside = [module for module in placed() if part(module.name) not in {"gallery", "server"}]
    heavy = [one.module for module in outside for one in module.imports if one.at_once]
    assert "visavis.gallery.gallery" not in heavy


def test_what_is_imported_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [one for some in project["optional-dependencies"].values() for one in some]
    declared = {_distribution(one) for one in [*project["dependencies"], *extras]}
    packages = {one.package for module in modules().values() for one in module.imports}
    third = packages - sys.stdlib_module_names - {"visavis"}
    names = {
        "cv2": "opencv-python-headless",
        "PIL": "pillow",
        "pillow_heif": "pillow-heif",
        "grpc": "grpcio",
        "milvus_lite": "milvus-lite",
        "sklearn": "scikit-learn",
        "paho": "paho-mqtt",
        "prometheus_client": "prometheus-client",
        "starlette": "fastapi",  # what FastAPI is made of
        "anyio": "fastapi",
        "markupsafe": "jinja2",  # what Jinja2 is made of
    }
    assert {names.get(package, package) for package in third} <= declared


def _distribution(requirement: str) -> str:
    return re.split(r"[\[<>=~! ;]", requirement)[0]


def test_the_reader_of_imports_sees_them_all() -> None:
    """Not least: a test of the tests' own eyes."""
    text = """
import a.b, c
from visavis import compare, __version__
from visavis.types import Face
if TYPE_CHECKING:
    import d
else:
    import e
try:
    import f
except ImportError:
    import g
class C:
    import h
    def method(self):
        with x:
            import i
"""
    seen = list(_imports(ast.parse(text).body, at_once=True))
    assert [one.module for one in seen if one.at_once] == [
        "a.b", "c", "visavis.compare", "visavis", "visavis.types", "f", "g", "h",
    ]  # fmt: skip
    assert {one.module for one in seen if not one.at_once} == {"d", "e", "i"}
    assert Import("a.b", True, 2).package == "a"
    assert layer("visavis.types") < layer("visavis.runtime") < layer("visavis.detectors.mtcnn")
    assert Path(modules()["visavis.gallery"].path).name == "__init__.py"
