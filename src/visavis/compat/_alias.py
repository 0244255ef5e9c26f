"""Making ``import mtcnn`` mean ours: a finder of modules for the names there is a stand-in for, and no others."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, spec_from_loader
from types import ModuleType

from visavis.compat import NAMES


class _Alias(Loader):
    """Gives the stand-in itself, so that a class is one class by either name."""

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
        """It has run already; the import system has only written another spec into it."""
        module.__spec__ = self._spec


class Finder(MetaPathFinder):
    """Finds ``visavis.compat.mtcnn`` where ``mtcnn`` is asked for, and so on."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See :class:`importlib.abc.MetaPathFinder`; ImportError for a part of a package that has no stand-in."""
        if name.partition(".")[0] not in NAMES:
            return None
        ours = f"visavis.compat.{name}"
        found = find_spec(ours)
        if found is None:
            raise ModuleNotFoundError(f"{name} has no stand-in among those of visavis.compat.", name=name)
        spec = spec_from_loader(name, _Alias(ours), is_package=found.submodule_search_locations is not None)
        if spec is not None and "." not in name:
            spec.submodule_search_locations = _locations(name, found)
        return spec


def _locations(name: str, found: ModuleSpec) -> list[str]:
    """Folders of the stand-in, and of the package itself: who looks for weight files in that one still finds them."""
    real = PathFinder.find_spec(name)
    return [*(found.submodule_search_locations or ()), *((real and real.submodule_search_locations) or ())]


def install() -> None:
    """Put the finder before all others, once; what is imported already stays what it is."""
    if not any(isinstance(one, Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, Finder())
