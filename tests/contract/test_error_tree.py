"""The tree drawn in the docstring of visavis.errors is the tree of the classes."""

from __future__ import annotations

import re

import pytest

from visavis import errors

LINE = re.compile(
    r"^ {4}(?P<branch>[│ ├└─]*)(?P<name>[A-Z]\w+Error)\b *"
    r"(?:exit (?P<exit>\d))?,? *(?:HTTP (?P<http>\d+))? *(?:status \"(?P<status>\w+)\")?"
)
STEP = 4
"""Letters of the drawing by which a child stands farther to the right."""


def drawn() -> dict[str, tuple[str | None, dict[str, str | None]]]:
    """Name of each drawn class, with its parent's and the figures behind it."""
    tree: dict[str, tuple[str | None, dict[str, str | None]]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := LINE.match(line):
            depth = len(found["branch"]) // STEP
            above[depth:] = [found["name"]]
            parent = above[depth - 1] if depth else None
            tree[found["name"]] = parent, {key: found[key] for key in ("exit", "http", "status")}
    return tree


def classes() -> dict[str, type[errors.VisavisError]]:
    raised = {name: each for name, each in vars(errors).items() if isinstance(each, type) and name.endswith("Error")}
    assert all(issubclass(each, errors.VisavisError) for each in raised.values())
    return raised


TREE = drawn()


def test_every_class_is_drawn_and_every_drawn_class_exists() -> None:
    assert set(TREE) == set(classes())
    assert len(TREE) == 23


@pytest.mark.parametrize("name", TREE)
def test_parent(name: str) -> None:
    parent, _ = TREE[name]
    assert classes()[name].__bases__[0].__name__ == (parent or "Exception")


def _stated(name: str, key: str) -> str | None:
    """Figure drawn behind the class, or behind the nearest class above that states one."""
    parent, figures = TREE[name]
    return figures[key] or (_stated(parent, key) if parent else None)


@pytest.mark.parametrize("name", TREE)
def test_exit_code_and_http_status(name: str) -> None:
    each = classes()[name]
    assert str(each.exit_code) == _stated(name, "exit")
    assert str(each.http_status) == _stated(name, "http")


@pytest.mark.parametrize("name", [name for name, (_, figures) in TREE.items() if figures["status"]])
def test_status(name: str) -> None:
    each = classes()[name]
    assert issubclass(each, errors.ImageError)
    assert errors.image_error(each.status) is each
    assert each.status == TREE[name][1]["status"]


def test_statuses_differ() -> None:
    statuses = [each.status for each in errors.ImageError.__subclasses__()]
    assert sorted(statuses) == ["doubtful", "missing", "no_face", "poor_quality", "too_large", "unreadable"]
    assert errors.image_error("ok") is errors.ImageError


def test_errors_are_also_what_python_calls_them() -> None:
    assert issubclass(errors.UsageError, ValueError)
    assert issubclass(errors.MissingImageError, FileNotFoundError)


def test_the_message_is_what_was_said() -> None:
    assert str(errors.MissingImageError("there is no photo a.jpg.")) == "there is no photo a.jpg."
