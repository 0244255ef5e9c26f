"""Acceptance of licenses that restrict use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from visavis.cli._output import note

if TYPE_CHECKING:
    from visavis.weights.spec import WeightSpec


def accept_licenses(specs: Sequence[WeightSpec]) -> None:
    """Accept the licenses of files, and note each."""
    from visavis.weights import store

    for spec in specs:
        if spec.non_commercial:
            store.accept(spec)
            note(f"{spec.name}: {spec.license}.")
