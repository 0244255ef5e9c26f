"""The page of a clustering: how well it agrees with the people, and which clusters and people to look at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from visavis.evaluate.clusters import Agreement, ClusterResult
from visavis.evaluate.data.cluster_files import Clusters
from visavis.evaluate.report._rendering import without_common_folder
from visavis.evaluate.report.page import Cell, Page, Section, Table, Words

LISTED = 30
"""Clusters and people in each list, the worst first."""
PHOTOS = 6
"""Photos named in a cell."""

WORDS = {
    "Pairwise": "Of all pairs of faces: precision is the share of pairs in one cluster that are of one person, recall "
    "the share of pairs of one person that are in one cluster. A large cluster weighs by its square.",
    "B-cubed": "The same two shares, asked of each face with all of its cluster and averaged over the faces.",
    "F": "The harmonic mean of precision and recall.",
    "NMI, adjusted Rand index": "Agreement of two partitions: 1 is the same; of the second, 0 is what chance gives.",
    "Alone": "A face in no cluster counts as a cluster of one face.",
}


def page(result: ClusterResult, found: Clusters, *, data: str) -> Page:
    """Return the page of one clustering and the faces that it is of."""
    found = replace(found, photos=tuple(without_common_folder(found.photos)))
    mixed, split = _mixed(found), _split(found)
    return Page(
        f"Clusters of {data}",
        "Do the clusters hold one person each, and each person whole?",
        [
            Section(
                "Summary",
                tables=[Table(_counts(result, found)), Table(_rates(result), ["", "Precision", "Recall", "F"])],
            ),
            Section(
                "Clusters of several people",
                f"{len(mixed):,} of {result.clusters:,} clusters. The most faces of others first; before blaming the "
                "model, look whether the label is right.",
                tables=[Table(mixed[:LISTED], ["Cluster with", "Faces", "People", "Faces of others"])] if mixed else [],
            ),
            Section(
                "People in several clusters",
                f"{len(split):,} of {result.people:,} people. The most faces outside the largest cluster first.",
                tables=[Table(split[:LISTED], ["Person", "Faces", "Clusters", "Outside the largest cluster"])]
                if split
                else [],
            ),
        ],
        WORDS,
    )


def _counts(result: ClusterResult, found: Clusters) -> list[list[Cell]]:
    counts = {
        "Faces": result.items,
        "People": result.people,
        "Clusters": result.clusters,
        "Clusters of one face": result.singletons,
        "Faces in no cluster, alone": found.alone,
        "Bystanders, left out": found.bystanders,
        "Faces of nobody known, left out": found.unlabeled,
        "Photos without a face": found.failures,
        "Adjusted Rand index": f"{result.rand:.4f}",
        "Mutual information (NMI)": f"{result.nmi:.4f}",
    }
    return [[name, count if isinstance(count, str) else f"{count:,}"] for name, count in counts.items()]


def _rates(result: ClusterResult) -> list[list[Cell]]:
    def row(name: str, one: Agreement) -> list[Cell]:
        return [name, f"{one.precision:.4f}", f"{one.recall:.4f}", f"{one.f:.4f}"]

    return [row("Pairwise", result.pairwise), row("B-cubed", result.b_cubed)]


def _mixed(found: Clusters) -> list[list[Cell]]:
    """Rows of the clusters that hold more than one person, the most faces of others first."""
    rows: list[tuple[int, list[Cell]]] = []
    for members in _members(found.clusters.tolist(), range(len(found.people))).values():
        people = Counter(found.people[row] for row in members)
        (main, most), *others = people.most_common()
        if others:
            photos = [f"{found.photos[row]} ({found.people[row]})" for row in members if found.people[row] != main]
            counts = ", ".join(f"{name} {count}" for name, count in people.most_common())
            rows.append((len(members) - most, [main, f"{len(members):,}", Words(counts), Words(_some(photos))]))
    return [row for _, row in sorted(rows, key=lambda one: -one[0])]


def _split(found: Clusters) -> list[list[Cell]]:
    """Rows of the people whose faces are in more than one cluster, the most faces outside the largest first."""
    rows: list[tuple[int, list[Cell]]] = []
    for name, members in _members(found.people, range(len(found.people))).items():
        clusters = Counter(int(found.clusters[row]) for row in members)
        ((largest, most),) = clusters.most_common(1)
        if len(clusters) > 1:
            photos = [found.photos[row] for row in members if found.clusters[row] != largest]
            row: list[Cell] = [str(name), f"{len(members):,}", f"{len(clusters):,}", Words(_some(photos))]
            rows.append((len(members) - most, row))
    return [row for _, row in sorted(rows, key=lambda one: -one[0])]


def _members(labels: Iterable[object], rows: Iterable[int]) -> Mapping[object, list[int]]:
    members: dict[object, list[int]] = defaultdict(list)
    for label, row in zip(labels, rows, strict=True):
        members[label].append(row)
    return members


def _some(photos: list[str]) -> str:
    more = f" and {len(photos) - PHOTOS:,} more" if len(photos) > PHOTOS else ""
    return ", ".join(photos[:PHOTOS]) + more
