"""Made-up data to train on: each person is a pattern of colors, each picture a noisy copy of it."""

from __future__ import annotations

import numpy as np

from visavis.train.crops import Crops

SIZE = 32


def crops(*, people: int = 6, pictures: int = 8, noise: float = 30, seed: int = 0, shuffle: bool = False) -> Crops:
    """Crops of 32 pixels; cells of 8 pixels have the person's colors. ``shuffle`` gives the pictures to anybody."""
    rng = np.random.default_rng(seed)
    patterns = rng.uniform(40, 215, (people, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)
    labels = np.repeat(np.arange(people), pictures)
    pixels = np.clip(patterns[labels] + rng.normal(0, noise, (len(labels), SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
    labels = rng.permutation(labels) if shuffle else labels
    names = tuple(f"person {number}" for number in range(people))
    return Crops(pixels, labels, names, tuple(f"{label}/{n}.png" for n, label in enumerate(labels)))
