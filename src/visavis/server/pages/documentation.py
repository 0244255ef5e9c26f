"""Render an OpenAPI description as one page of HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class _Operation:
    """A request: its parameters, the schemas of its body by media type, and of its answers by status."""

    id: str
    method: str
    path: str
    summary: str
    parameters: tuple[Mapping[str, Any], ...]
    bodies: Mapping[str, str]
    answers: Mapping[str, tuple[str, str]]
    example: str


@dataclass(frozen=True, slots=True)
class _Group:
    """The requests of a tag."""

    name: str
    operations: tuple[_Operation, ...]


@cache
def read_style() -> str:
    """Return the style sheet, whose hash stands in the content security policy."""
    return (resources.files(__package__) / "documentation.css").read_text(encoding="utf-8")


def render_documentation(schema: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI description."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = (resources.files(__package__) / "documentation.html.j2").read_text(encoding="utf-8")
    components = schema.get("components", {}).get("schemas", {})
    return environment.from_string(template).render(
        title=schema["info"]["title"],
        version=schema["info"]["version"],
        style=read_style(),
        groups=_group(schema),
        schemas={name: _show(component) for name, component in sorted(components.items())},
    )


def _group(schema: Mapping[str, Any]) -> list[_Group]:
    groups: dict[str, list[_Operation]] = {}
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                groups.setdefault(operation.get("tags", ["other"])[0], []).append(_describe(method, path, operation))
    return [_Group(name, tuple(operations)) for name, operations in groups.items()]


def _describe(method: str, path: str, operation: Mapping[str, Any]) -> _Operation:
    content = operation.get("requestBody", {}).get("content", {})
    bodies = {kind: _show(media.get("schema", {})) for kind, media in content.items()}
    answers = {
        status: (answer["description"], ", ".join(_references(answer.get("content", {}))))
        for status, answer in operation["responses"].items()
    }
    return _Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("description", operation.get("summary", "")),
        parameters=tuple(operation.get("parameters", ())),
        bodies=bodies,
        answers=answers,
        example=_make_example(method.upper(), path, content),
    )


def _make_example(method: str, path: str, content: Mapping[str, Any]) -> str:
    """Return the command of curl for a request."""
    form = content.get("multipart/form-data", {}).get("schema", {})
    parts = [f"-F {name}=@{name}.jpg" for name in form.get("required", ())]
    if not parts and content:
        parts = ["-H 'Content-Type: application/json' -d '{...}'"]
    return " ".join(["curl -X", method, '-H "x-api-key: $KEY"', *parts, f'"$SERVER{path}"'])


def _references(value: object) -> Iterator[str]:
    """Yield the names of the schemas that a description refers to."""
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for item in value.values():
            yield from _references(item)


def _show(schema: object) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False)
