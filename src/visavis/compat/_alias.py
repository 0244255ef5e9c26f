"""Make ``import mtcnn`` import the stand-in: a module finder for the packages with a stand-in, and no others."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, spec_from_loader
from types import ModuleType

from visavis.compat import NAMES


class _AliasLoader(Loader):
    """Load the stand-in module itself, so that its classes are the same under both names."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Import the stand-in."""
        module = import_module(self._name)
        self._spec = module.__spec__
        if self._spec is not None and spec.submodule_search_locations:
            self._spec.submodule_search_locations = [*spec.submodule_search_locations]  # not its __path__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Restore the spec, which the import system has replaced; the module has run already."""
        module.__spec__ = self._spec


class Finder(MetaPathFinder):
    """Find ``visavis.compat.mtcnn`` for ``mtcnn``, and so on."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See :class:`importlib.abc.MetaPathFinder`; raise ImportError for a submodule without a stand-in."""
        if name.partition(".")[0] not in NAMES:
            return None
        ours = f"visavis.compat.{name}"
        stand_in = find_spec(ours)
        if stand_in is None:
            raise ModuleNotFoundError(f"{name} has no stand-in among those of visavis.compat.", name=name)
        spec = spec_from_loader(name, _AliasLoader(ours), is_package=stand_in.submodule_search_locations is not None)
        if spec is not None and "." not in name:
            spec.submodule_search_locations = _list_folders(name, stand_in)
        return spec


def _list_folders(name: str, stand_in: ModuleSpec) -> list[str]:
    """Return the folders of the stand-in and of the original package, in which scripts may look for weight files."""
    original = PathFinder.find_spec(name)
    return [*(stand_in.submodule_search_locations or ()), *((original and original.submodule_search_locations) or ())]


def install() -> None:
    """Put the finder before all others, once; modules that are imported already stay the same."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
