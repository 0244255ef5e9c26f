"""Routes that become whole when they are first needed answer, and describe themselves, as FastAPI's own do."""

from __future__ import annotations

import copy
from threading import Barrier, Thread
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, FastAPI, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import Match

from visavis.server.routes import DeferredRoute, Router


class Answer(BaseModel):
    """What the requests of this file answer."""

    total: int


def add(n: int, number: Annotated[int, Query(ge=1)] = 1, body: Annotated[int, Body()] = 0) -> Answer:
    """Add three numbers."""
    return Answer(total=n + number + body)


OPTIONS: dict[str, Any] = {"methods": ["put"], "status_code": 201, "response_model": Answer, "tags": ["sums"]}


def test_a_deferred_route_describes_itself_as_fastapis_own() -> None:
    descriptions = []
    for kind in (APIRouter, Router):
        app, router = FastAPI(), kind(prefix="/v1", tags=["all"], responses={409: {"description": "conflict"}})
        router.add_api_route("/sums/{n}", add, **OPTIONS)
        router.add_api_route("/totals/{n}", add)
        app.router.routes.extend(router.routes)
        descriptions.append(app.openapi())
    assert descriptions[0] == descriptions[1]
    assert {*descriptions[1]["paths"]} == {"/v1/sums/{n}", "/v1/totals/{n}"}


def test_a_deferred_route_has_the_attributes_of_fastapis_own() -> None:
    own, deferred = APIRoute("/sums/{n:int}", add, **OPTIONS), DeferredRoute("/sums/{n:int}", add, **OPTIONS)
    early = ("path", "endpoint", "methods", "name", "path_format", "path_regex", "param_convertors")
    values = {name: getattr(deferred, name) for name in early}
    assert "dependant" not in vars(deferred)
    assert values == {name: getattr(own, name) for name in early}
    assert values["methods"] == {"PUT"}
    assert DeferredRoute("/", add).methods == APIRoute("/", add).methods == {"GET"}
    later = {name for name, value in vars(own).items() if isinstance(value, str | int | list | type | set | None)}
    assert later > {"status_code", "response_model", "tags", "unique_id", "description", "include_in_schema"}
    assert {name: getattr(deferred, name) for name in later} == {name: vars(own)[name] for name in later}
    assert [*vars(own)] == [name for name in vars(own) if name in vars(deferred)]


@pytest.mark.parametrize(
    ("method", "path", "match"),
    [("PUT", "/sums/3", Match.FULL), ("GET", "/sums/3", Match.PARTIAL), ("PUT", "/sums/x", Match.NONE)],
)
def test_a_route_is_matched_before_it_is_whole(method: str, path: str, match: Match) -> None:
    route = DeferredRoute("/sums/{n:int}", add, **OPTIONS)
    assert route.matches({"type": "http", "method": method, "path": path, "root_path": ""})[0] == match
    assert "dependant" not in vars(route)
    assert [field.name for field in route.dependant.query_params] == ["number"]
    assert "dependant" in vars(route)


def test_threads_that_need_a_route_at_once_complete_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    completed, fields, together = [], [], Barrier(8)
    whole = APIRoute.__init__

    def count(route: APIRoute, *args: Any, **options: Any) -> None:
        completed.append(route)
        whole(route, *args, **options)

    monkeypatch.setattr(APIRoute, "__init__", count)
    route = DeferredRoute("/sums/{n}", add, **OPTIONS)

    def ask() -> None:
        together.wait(60)
        fields.append(route.response_field)

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert completed == [route]
    assert len(fields) == 8
    assert {id(field) for field in fields} == {id(route.response_field)}


def test_an_attribute_that_no_route_has_is_an_error() -> None:
    route = DeferredRoute("/sums/{n}", add)
    for asked in (route, copy.copy(route)):
        with pytest.raises(AttributeError, match="DeferredRoute has no attribute 'nothing'"):
            _ = asked.nothing
    assert copy.copy(route).unique_id == route.unique_id == APIRoute("/sums/{n}", add).unique_id
