"""evaluate clusters: how well clusters of faces agree with the people they are of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._evaluation import Report, check_report
from visavis.cli._options import Json
from visavis.cli._output import Output, significant

if TYPE_CHECKING:
    from visavis.evaluate.clusters import Agreement, ClusterResult
    from visavis.evaluate.data.cluster_files import Clusters


def clusters(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="What cluster --json printed, or a CSV of photo,cluster."
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
            help="Whose each photo is, columns photo and person.",
            show_default="a column person, or the names of folders",
        ),
    ] = None,
    report: Report = None,
    json: Json = False,
) -> None:
    """Measure how well clusters agree with people.

    Prints pairwise and B-cubed precision and recall, mutual information and Rand index. Faces in no cluster (null or
    -1) stand alone. Where it is the photo whose person is known, only its largest face counts.
    """
    from visavis.evaluate.clusters import clustering
    from visavis.evaluate.data.cluster_files import read_clusters

    check_report(report)
    found = read_clusters(file, truth)
    result = clustering(found.people, found.clusters)
    with Output("", file.name, json=json) as output:
        output.answer({"data": file.name, **_line(found, result)}, *_rows(found, result))
        if report:
            from visavis.evaluate.report.clusters_page import page

            page(result, found, data=file.name).write(report)


def _line(found: Clusters, result: ClusterResult) -> dict[str, object]:
    return {
        "faces": result.items,
        "people": result.people,
        "clusters": result.clusters,
        "singletons": result.singletons,
        "alone": found.alone,
        "bystanders": found.bystanders,
        "unlabeled": found.unlabeled,
        "failures": found.failures,
        "pairs": {"right": result.pairs_right, "together": result.pairs_together, "of_one": result.pairs_of_one},
        "pairwise": _agreement(result.pairwise),
        "b_cubed": _agreement(result.b_cubed),
        "nmi": significant(result.nmi),
        "rand": significant(result.rand),
    }


def _agreement(one: Agreement) -> dict[str, object]:
    return {"precision": significant(one.precision), "recall": significant(one.recall), "f": significant(one.f)}


def _rows(found: Clusters, result: ClusterResult) -> list[list[str]]:
    counts = {
        "faces": result.items,
        "  bystanders, left out": found.bystanders,
        "  of nobody known, left out": found.unlabeled,
        "photos without a face": found.failures,
        "people": result.people,
        "clusters": result.clusters,
        "  of one face": result.singletons,
    }
    always = {"faces", "people", "clusters"}
    rates = {
        **_named("pairwise", result.pairwise),
        **_named("B-cubed", result.b_cubed),
        "mutual information (NMI)": result.nmi,
        "adjusted Rand index": result.rand,
    }
    return [
        *([name, f"{count:,}"] for name, count in counts.items() if count or name in always),
        *([name, f"{rate:.4f}"] for name, rate in rates.items()),
    ]


def _named(name: str, one: Agreement) -> dict[str, float]:
    return {f"{name} precision": one.precision, f"{name} recall": one.recall, f"{name} F": one.f}
