"""docs/networks.md says what the definitions say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from visavis.nets.shapes import Shape, ShapeOps, shapes

from .narrow_networks import NETS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "networks.md"


def told() -> dict[str, list[str]]:
    """Cells of the table behind the name of each network."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {row[0]: row[1:] for row in rows if len(row) == 6}


def test_every_network_is_told() -> None:
    assert [*told()] == [*NETS]


@pytest.mark.parametrize("name", NETS)
def test_the_table_is_true(name: str) -> None:
    net, side = NETS[name]
    needed = shapes(net, side=side)
    outputs: tuple[Any, ...] = net(ShapeOps(), Shape(3, side))
    assert told()[name][:4] == [
        str(side),
        ", ".join(str(out.channels) for out in outputs),
        str(len(needed)),
        f"{sum(math.prod(shape) for shape in needed.values()):,}",
    ]
