"""Names -> factories, one registry per kind of object; other packages add theirs by entry point.

An implementation registers itself where it is defined::

    DETECTORS = Registry("detector", entry_points="visavis.detectors")

    @DETECTORS.register("mtcnn", min_score=0.7)
    def mtcnn(*, threads: int | None = None, min_score: float = 0.7) -> Mtcnn: ...

A factory takes ``threads``; its other options are declared with their defaults, so that callers can ask what it takes.
Built-in implementations are listed by module, so that listing them imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from visavis.errors import UnknownNameError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

T = TypeVar("T")


class Registry(Generic[T]):
    """Factories of ``T`` by name. ``builtin`` maps a name to the module whose import registers it."""

    def __init__(self, kind: str, *, entry_points: str, builtin: Mapping[str, str]) -> None:
        self.kind = kind
        self._group = entry_points
        self._modules = dict(builtin)
        self._factories: dict[str, Callable[..., T]] = {}
        self._options: dict[str, dict[str, Any]] = {}

    def register(self, name: str, **options: Any) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Decorate a factory, and declare its options beside ``threads`` with their defaults.

        ValueError if the name is registered already.
        """

        def add(factory: Callable[..., T]) -> Callable[..., T]:
            if name in self._factories:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._factories[name], self._options[name] = factory, options
            return factory

        return add

    def names(self) -> list[str]:
        """Return all names, built in, registered and from installed packages; loads none of them."""
        return sorted({*self._modules, *self._factories, *(e.name for e in self._entry_points())})

    def check(self, name: str) -> None:
        """Raise UnknownNameError with the nearest names where ``name`` is not registered; loads nothing."""
        if name not in self._modules and name not in self._factories and name not in self.names():
            raise self._unknown(name)

    def create(self, name: str, **options: object) -> T:
        """Call the factory of ``name``; raises UnknownNameError with the nearest names."""
        return self.factory(name)(**options)

    def factory(self, name: str) -> Callable[..., T]:
        """Return the factory, importing the module that defines it."""
        if name not in self._factories:
            self._load(name)
        return self._factories[name]

    def options(self, name: str) -> Mapping[str, Any]:
        """Return the declared options of a factory, with their defaults; raises UnknownNameError."""
        if name not in self._factories:
            self._load(name)
        return self._options.get(name, {})

    def _load(self, name: str) -> None:
        if name in self._modules:
            import_module(self._modules[name])
            return
        for entry in self._entry_points():
            if entry.name == name:
                self._factories[name] = entry.load()
                return
        raise self._unknown(name)

    def _entry_points(self) -> EntryPoints:
        from importlib.metadata import entry_points  # takes 15 ms, and built-in names do not need it

        return entry_points(group=self._group)

    def _unknown(self, name: str) -> UnknownNameError:
        near = get_close_matches(name, self.names(), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(self.names())}."
        return UnknownNameError(f"no {self.kind} is called {name!r}; {hint}")
