"""Routes that read their parameters and models when they are first needed: a server has hundreds, and most rest."""

from __future__ import annotations

from collections.abc import Callable, Collection
from threading import RLock
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import compile_path, get_name

_COMPLETING = RLock()
"""Held while a route is completed: by the event loop at its first request, or by the thread that describes them all."""


class DeferredRoute(APIRoute):
    """A route of FastAPI that knows its path and methods, and becomes whole when anything else of it is asked for.

    It takes what :class:`fastapi.routing.APIRoute` takes.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Collection[str] | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        self._deferred = {"path": path, "endpoint": endpoint, "methods": methods, "name": name, **options}
        self.path, self.endpoint = path, endpoint
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self.methods = {method.upper() for method in methods or ("GET",)}
        self.name = get_name(endpoint) if name is None else name

    def __getattr__(self, name: str) -> Any:
        """Complete the route; Python asks here for attributes that are not there yet."""
        with _COMPLETING:
            options = self.__dict__.pop("_deferred", None)
            if options is not None:
                super().__init__(**options)
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}") from None


class Router(APIRouter):
    """A router of FastAPI whose routes are deferred."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=DeferredRoute, **options)
