"""Parts that both commands share: the photos of a folder, and the conversion of a function to a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer


def command(function: Callable[..., None]) -> Any:
    """Convert a function to a command, like ``main`` of the original."""
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.command()(function)
    return typer.main.get_command(app)


def image_files_in_folder(folder: str) -> list[str]:
    """Return the paths of the photos in a folder, sorted by name: names with .jpg, .jpeg or .png anywhere in them."""
    names = sorted(path.name for path in Path(folder).iterdir() if path.is_file() or path.is_dir() or not path.exists())
    return [f"{folder.rstrip('/')}/{name}" for name in names if re.match(r".*\.(jpg|jpeg|png)", name, re.IGNORECASE)]


def photos(image_to_check: str) -> Iterator[str]:
    """Yield the path of one photo, or of all photos of a folder."""
    yield from image_files_in_folder(image_to_check) if Path(image_to_check).is_dir() else [image_to_check]
