"""Made-up templates: person ``i`` has the same three in every process."""

from __future__ import annotations

import hashlib

import numpy as np

from visavis.gallery import Template
from visavis.types import Floats

MODEL = "test-model"
DIMENSION = 16


def vector(seed: int, *, dimension: int = DIMENSION) -> Floats:
    row = np.random.default_rng(seed).normal(size=dimension)
    return (row / np.linalg.norm(row)).astype(np.float32)


def digest(seed: int) -> str:
    return hashlib.sha256(str(seed).encode()).hexdigest()


def template(seed: int) -> Template:
    box = np.array([1, 2, 31, 42], np.float32)
    return Template(vector(seed), photo_sha256=digest(seed), photo=f"{seed}.jpg", box=box, quality=0.5)


def person(i: int) -> tuple[str, list[Template]]:
    return f"person {i}", [template(1000 * i + k) for k in range(3)]
