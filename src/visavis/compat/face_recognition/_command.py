"""What the two command lines share: which files are photos, and how one is taken for a command of the package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer


def command(function: Callable[..., None]) -> Any:
    """Make a command of a function, as their ``main`` is one."""
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.command()(function)
    return typer.main.get_command(app)


def image_files_in_folder(folder: str) -> list[str]:
    """Paths of the photos in a folder, by name; told by .jpg, .jpeg or .png anywhere in it."""
    names = sorted(path.name for path in Path(folder).iterdir())
    return [f"{folder.rstrip('/')}/{name}" for name in names if re.match(r".*\.(jpg|jpeg|png)", name, re.IGNORECASE)]


def photos(image_to_check: str) -> Iterator[str]:
    """One photo, or all of a folder."""
    yield from image_files_in_folder(image_to_check) if Path(image_to_check).is_dir() else [image_to_check]
