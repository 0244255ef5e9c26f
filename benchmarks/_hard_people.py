"""People who are hard to tell apart, and photos of them as they are: relatives, real sunglasses, groups.

All from the embeddings of LFW's photos of view 1, at the threshold of a FAR of 1e-3.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis import compare
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.stats.intervals import wilson, wilson_of_people

SUNGLASSES = Path(__file__).parent / "sunglasses_lfw.txt"

SISTERS = (("Venus_Williams", "Serena_Williams"),)
BROTHERS = (("Jeb_Bush", "George_W_Bush"), ("Michael_Schumacher", "Ralf_Schumacher"))
PARENTS = (
    ("George_HW_Bush", "George_W_Bush"),
    ("George_HW_Bush", "Jeb_Bush"),
    ("Jeb_Bush", "George_P_Bush"),
    ("Jeb_Bush", "Noelle_Bush"),
    ("Columba_Bush", "George_P_Bush"),
    ("Columba_Bush", "Noelle_Bush"),
    ("Martin_Sheen", "Charlie_Sheen"),
    ("Kirk_Douglas", "Michael_Douglas"),
    ("Bill_Clinton", "Chelsea_Clinton"),
    ("Hillary_Clinton", "Chelsea_Clinton"),
)
RELATIVES = {
    "sisters (Williams)": SISTERS,
    "brothers (Bush, Schumacher)": BROTHERS,
    "parent and child (10 pairs)": PARENTS,
}
GROUP_SIZES = (2, 5, 10)
GROUPS_A_PHOTO = 40

Flags = NDArray[np.bool_]
Distances = NDArray[np.float32]


def relatives(templates: Templates, names: Sequence[str], threshold: float) -> dict[str, Any]:
    """Count the pairs of photos of relatives that pass; intervals are Wilson's, as if the pairs were independent."""
    rows = _rows(templates, names)
    figures = {}
    for kind, pairs in RELATIVES.items():
        parts = [
            compare.cosine_distances(templates.embeddings[rows[a]], templates.embeddings[rows[b]]).ravel()
            for a, b in pairs
        ]
        distances = np.concatenate(parts)
        figures[kind] = _rate(distances <= threshold)
    return figures


def sunglasses(templates: Templates, names: Sequence[str], threshold: float) -> dict[str, Any]:
    """Compare photos with sunglasses with each other and with those without.

    Intervals of own pairs are by people: see :func:`visavis.evaluate.stats.intervals.wilson_of_people`.
    """
    listed = {line for line in SUNGLASSES.read_text(encoding="utf-8").splitlines() if not line.startswith("#")}
    files = [Path(photo).name for photo in templates.photos]
    if missing := listed - set(files):
        raise SystemExit(f"these photos of {SUNGLASSES.name} are not among LFW's view 1: {sorted(missing)}")
    worn = np.array([file in listed for file in files]) & templates.has_template
    people = np.unique(np.array(names), return_inverse=True)[1]
    plain = templates.has_template & ~worn
    figures: dict[str, Any] = {"photos": int(worn.sum())}
    for name, others in (("one wears sunglasses", plain), ("both wear sunglasses", worn)):
        distances = compare.cosine_distances(templates.embeddings[worn], templates.embeddings[others])
        own = people[worn][:, None] == people[others]
        if others is worn:
            own &= ~np.eye(len(own), dtype=np.bool_)
        figures[name] = {
            "strangers_pass": _rate(
                distances[people[worn][:, None] != people[others]] <= threshold, twice=others is worn
            ),
            "own_missed": _own(distances > threshold, own, people[worn], twice=others is worn),
        }
    return figures


def groups(templates: Templates, names: Sequence[str], far: float) -> dict[str, Any]:
    """Put photos of n people together and look for a stranger among them, ``GROUPS_A_PHOTO`` times for each photo.

    Counts how often the nearest face passes at the threshold of one face, and at the one for n faces.
    """
    table = compare.calibration(templates.model)
    if table is None:
        return {}
    embeddings = templates.embeddings[templates.has_template]
    people = np.unique(np.array(names)[templates.has_template], return_inverse=True)[1]
    distances = compare.cosine_distances(embeddings, embeddings)
    distances[people[:, None] == people] = 2
    rng = np.random.default_rng(0)
    figures = {}
    for size in GROUP_SIZES:
        nearest = np.concatenate(
            [
                np.take_along_axis(distances, rng.integers(len(embeddings), size=(len(embeddings), size)), axis=1).min(
                    axis=1
                )
                for _ in range(GROUPS_A_PHOTO)
            ]
        )
        stricter = table.threshold(compare.search_far(far, size))
        figures[str(size)] = {
            "photos": len(nearest),
            "threshold of one face": float((nearest <= table.threshold(far)).mean()),
            "any face": float((nearest <= stricter).mean()),
        }
    return figures


def _rows(templates: Templates, names: Sequence[str]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, (name, found) in enumerate(zip(names, templates.has_template, strict=True)):
        if found:
            rows.setdefault(name, []).append(row)
    return rows


def _rate(passed: Flags, *, twice: bool = False) -> dict[str, Any]:
    """Share of pairs and its interval; ``twice``: each pair is there two times."""
    times = 2 if twice else 1
    count, trials = int(passed.sum()) // times, passed.size // times
    return {"share": count / trials, "count": count, "trials": trials, "interval": wilson(count, trials)}


def _own(missed: Flags, own: Flags, people: NDArray[np.intp], *, twice: bool) -> dict[str, Any]:
    times = 2 if twice else 1
    numbers = np.unique(people, return_inverse=True)[1]
    trials = np.bincount(numbers, own.sum(axis=1)).astype(np.int64) // times
    misses = np.bincount(numbers, (missed & own).sum(axis=1)).astype(np.int64) // times
    count, total = int(misses.sum()), int(trials.sum())
    share = count / total if total else None
    interval = wilson_of_people(misses, trials) if total else None
    return {"share": share, "count": count, "trials": total, "people": int((trials > 0).sum()), "interval": interval}
