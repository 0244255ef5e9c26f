"""Page of a clustering: its agreement with the people, and the clusters and people with most errors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from visavis.evaluate.clusters import Agreement, ClusterResult
from visavis.evaluate.data.cluster_files import Clusters
from visavis.evaluate.report._rendering import without_common_folder
from visavis.evaluate.report.page import Cell, Page, Section, Table, Words

LISTED = 30
"""Most clusters and people in each list, the worst first."""
PHOTOS = 6
"""Most photos named in a cell."""

WORDS = {
    "Pairwise": "Of all pairs of faces: precision is the share of pairs in one cluster that are of one person, recall "
    "the share of pairs of one person that are in one cluster. A large cluster weighs by its square.",
    "B-cubed": "The same two shares, asked of each face with all of its cluster and averaged over the faces.",
    "F": "The harmonic mean of precision and recall.",
    "NMI, adjusted Rand index": "Agreement of two partitions: 1 is the same; of the second, 0 is what chance gives.",
    "Alone": "A face in no cluster counts as a cluster of one face.",
}


def page(result: ClusterResult, faces: Clusters, *, data: str) -> Page:
    """Return the page of a clustering of ``faces``."""
    faces = replace(faces, photos=tuple(without_common_folder(faces.photos)))
    mixed, split = _list_mixed(faces), _list_split(faces)
    return Page(
        f"Clusters of {data}",
        "Do the clusters hold one person each, and each person whole?",
        [
            Section(
                "Summary",
                tables=[
                    Table(_make_counts(result, faces)),
                    Table(_make_rates(result), ["", "Precision", "Recall", "F"]),
                ],
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


def _make_counts(result: ClusterResult, faces: Clusters) -> list[list[Cell]]:
    counts = {
        "Faces": result.items,
        "People": result.people,
        "Clusters": result.clusters,
        "Clusters of one face": result.singletons,
        "Faces in no cluster, alone": faces.alone,
        "Bystanders, left out": faces.bystanders,
        "Faces without a label, left out": faces.unlabeled,
        "Photos without a face": faces.failures,
        "Adjusted Rand index": f"{result.rand:.4f}",
        "Mutual information (NMI)": f"{result.nmi:.4f}",
    }
    return [[name, count if isinstance(count, str) else f"{count:,}"] for name, count in counts.items()]


def _make_rates(result: ClusterResult) -> list[list[Cell]]:
    def row(name: str, agreement: Agreement) -> list[Cell]:
        return [name, f"{agreement.precision:.4f}", f"{agreement.recall:.4f}", f"{agreement.f:.4f}"]

    return [row("Pairwise", result.pairwise), row("B-cubed", result.b_cubed)]


def _list_mixed(faces: Clusters) -> list[list[Cell]]:
    """Make rows of the clusters with more than one person, the most faces of others first."""
    rows: list[tuple[int, list[Cell]]] = []
    for members in _group_rows(faces.clusters.tolist(), range(len(faces.people))).values():
        people = Counter(faces.people[row] for row in members)
        (main, most), *others = people.most_common()
        if others:
            photos = [f"{faces.photos[row]} ({faces.people[row]})" for row in members if faces.people[row] != main]
            counts = ", ".join(f"{name} {count}" for name, count in people.most_common())
            rows.append((len(members) - most, [main, f"{len(members):,}", Words(counts), Words(_shorten(photos))]))
    return [row for _, row in sorted(rows, key=lambda entry: -entry[0])]


def _list_split(faces: Clusters) -> list[list[Cell]]:
    """Make rows of the people with faces in more than one cluster, the most faces outside the largest first."""
    rows: list[tuple[int, list[Cell]]] = []
    for name, members in _group_rows(faces.people, range(len(faces.people))).items():
        clusters = Counter(int(faces.clusters[row]) for row in members)
        ((largest, most),) = clusters.most_common(1)
        if len(clusters) > 1:
            photos = [faces.photos[row] for row in members if faces.clusters[row] != largest]
            row: list[Cell] = [str(name), f"{len(members):,}", f"{len(clusters):,}", Words(_shorten(photos))]
            rows.append((len(members) - most, row))
    return [row for _, row in sorted(rows, key=lambda entry: -entry[0])]


def _group_rows(labels: Iterable[object], rows: Iterable[int]) -> Mapping[object, list[int]]:
    members: dict[object, list[int]] = defaultdict(list)
    for label, row in zip(labels, rows, strict=True):
        members[label].append(row)
    return members


def _shorten(photos: list[str]) -> str:
    more = f" and {len(photos) - PHOTOS:,} more" if len(photos) > PHOTOS else ""
    return ", ".join(photos[:PHOTOS]) + more
