"""evaluate clusters: compare clusters of faces with labeled people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._evaluation import Report, check_report
from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.evaluate.clusters import Agreement, ClusterResult
    from visavis.evaluate.data.cluster_files import Clusters


def clusters(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="Output of cluster --json, or a CSV of photo,cluster."
        ),
    ],
    *,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth",
            metavar="CSV",
            exists=True,
            dir_okay=False,
            help="Person of each photo, columns photo and person.",
            show_default="a column person, or the names of folders",
        ),
    ] = None,
    report: Report = None,
    json: Json = False,
) -> None:
    """Measure how well clusters agree with people.

    Prints pairwise and B-cubed precision and recall, mutual information and Rand index. Faces without a cluster (null
    or -1) count as clusters of one. If persons are known per photo, only the largest face of a photo counts.
    """
    from visavis.evaluate.clusters import measure_clustering
    from visavis.evaluate.data.cluster_files import read_clusters

    check_report(report)
    labeled = read_clusters(file, truth)
    result = measure_clustering(labeled.people, labeled.clusters)
    with Output("", file.name, json=json) as output:
        output.answer({"data": file.name, **_make_line(labeled, result)}, *_make_rows(labeled, result))
        if report:
            from visavis.evaluate.report.clusters_page import page

            page(result, labeled, data=file.name).write(report)


def _make_line(labeled: Clusters, result: ClusterResult) -> dict[str, object]:
    return {
        "faces": result.items,
        "people": result.people,
        "clusters": result.clusters,
        "singletons": result.singletons,
        "alone": labeled.alone,
        "bystanders": labeled.bystanders,
        "unlabeled": labeled.unlabeled,
        "failures": labeled.failures,
        "pairs": {"right": result.pairs_right, "together": result.pairs_together, "of_one": result.pairs_of_one},
        "pairwise": _make_agreement(result.pairwise),
        "b_cubed": _make_agreement(result.b_cubed),
        "nmi": significant(result.nmi),
        "rand": significant(result.rand),
    }


def _make_agreement(agreement: Agreement) -> dict[str, object]:
    return {
        "precision": significant(agreement.precision),
        "recall": significant(agreement.recall),
        "f": significant(agreement.f),
    }


def _make_rows(labeled: Clusters, result: ClusterResult) -> list[list[str]]:
    counts = {
        "faces": result.items,
        "  bystanders, left out": labeled.bystanders,
        "  unlabeled, left out": labeled.unlabeled,
        "photos without a face": labeled.failures,
        "people": result.people,
        "clusters": result.clusters,
        "  of one face": result.singletons,
    }
    always = {"faces", "people", "clusters"}
    rates = {
        **_name_rates("pairwise", result.pairwise),
        **_name_rates("B-cubed", result.b_cubed),
        "mutual information (NMI)": result.nmi,
        "adjusted Rand index": result.rand,
    }
    return [
        *([name, f"{count:,}"] for name, count in counts.items() if count or name in always),
        *([name, f"{rate:.4f}"] for name, rate in rates.items()),
    ]


def _name_rates(name: str, agreement: Agreement) -> dict[str, float]:
    return {f"{name} precision": agreement.precision, f"{name} recall": agreement.recall, f"{name} F": agreement.f}
