"""The source as its tests see it: modules, and what each imports, read off the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
READS_SOURCE = pytest.mark.xdist_group("source")
"""Mark of tests that look at all modules: one process parses them for all such tests."""


@dataclass(frozen=True)
class Import:
    """One imported module, by full name.

    ``at_once`` is whether importing the importer imports it; not so in a function or for type checkers only.
    """

    module: str
    at_once: bool
    line: int

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


@dataclass(frozen=True, eq=False)
class Module:
    """A file of the source."""

    name: str
    path: Path
    tree: ast.Module

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the syntax tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(_imports(self.tree.body, at_once=True))

    @property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return [node for node in self.nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


@cache
def modules() -> dict[str, Module]:
    """Every module of the package, by full name."""
    found = [_module(path) for path in sorted((SRC / "visavis").rglob("*.py"))]
    return {module.name: module for module in found}


def faults(find: Callable[[Module], Iterable[object]]) -> dict[str, list[object]]:
    """Return what ``find`` finds in each module, without the modules where it finds nothing."""
    return {name: found for name, module in modules().items() if (found := list(find(module)))}


def _module(path: Path) -> Module:
    parts = path.relative_to(SRC).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse(path.read_text(encoding="utf-8")))


def _imports(body: list[ast.stmt], *, at_once: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (Import(one.name, at_once, node.lineno) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(name, at_once, node.lineno) for name in _named(node))
        else:
            now = at_once and not _is_later(node)
            for part in _bodies(node):
                yield from _imports(part, at_once=now)


def _named(node: ast.ImportFrom) -> Iterator[str]:
    """``from visavis import compare`` names visavis.compare, ``from visavis.types import Face`` its home."""
    if node.level or node.module is None:
        raise AssertionError(f"line {node.lineno}: a relative import")
    for one in node.names:
        below = f"{node.module}.{one.name}"
        yield below if _is_module(below) else node.module


@cache
def _is_module(name: str) -> bool:
    path = SRC.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _is_later(node: ast.stmt) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return True
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _bodies(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        yield getattr(node, field, [])
    for handler in getattr(node, "handlers", []):
        yield handler.body
    for case in getattr(node, "cases", []):
        yield case.body
