"""evaluate groups: measure error rates per group of people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis.cli._evaluation import Fresh, People, Report, check_report, templates_of
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.cli._sources import Exclude
from visavis.errors import UsageError
from visavis.printable import round_interval, significant

if TYPE_CHECKING:
    from visavis.evaluate.groups import Group, Grouping, GroupRate, GroupsResult, Ratio

NAMED = 3
"""Greatest number of people named in a note."""


@takes(EMBEDDING)
def groups(  # noqa: PLR0913 - a command's options
    folder: People,
    *,
    exclude: Exclude = None,
    table: Annotated[
        Path,
        typer.Option(
            "--groups",
            metavar="CSV",
            exists=True,
            dir_okay=False,
            help="A column person or photo, then one column per grouping (sex, age band ...).",
        ),
    ],
    far: Annotated[
        float | None,
        typer.Option(
            "--far", help="False accept rate over all people that sets the threshold.", show_default=str(defaults.FAR)
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Greatest cosine distance of one person, instead of --far.")
    ] = None,
    networks: Networks,
    report: Report = None,
    fresh: Fresh = False,
    json: Json = False,
) -> None:
    """Measure error rates per group of people.

    Uses one threshold for all groups, to show bias. FMR is the rate of pairs of two people of a group taken for one
    person, FNMR the rate of pairs of one person taken for two. A group with too few people or errors has no rate.
    Ratios compare the worst group with the best.
    """
    if far is not None and threshold is not None:
        raise UsageError("--far and --threshold exclude each other: a threshold has a FAR of its own.")
    from visavis.evaluate.data.group_table import read_groups
    from visavis.evaluate.data.pairs import read_people
    from visavis.evaluate.groups import measure_groups

    check_report(report)
    group_table, people = read_groups(table), read_people(folder, exclude=exclude or ())
    recognizer = networks.recognizer()
    with Output("group", "people", "photos", "FMR", "FNMR", "no template", json=json) as output:
        templates = templates_of(people.photos, recognizer, min_face=networks.min_face, fresh=fresh, output=output)
        result = measure_groups(
            templates, people.names, group_table, far=defaults.FAR if far is None else far, threshold=threshold
        )
        _note_missing(result, group_table.kind)
        for number, grouping in enumerate(result.groupings):
            rows = [*([] if number else [_make_row(result.everybody)]), *_make_rows(grouping)]
            output.answer(_make_line(folder.name, result, grouping), *rows)
        if report:
            from visavis.evaluate.report.groups_page import page

            page(result, data=folder.name).write(report)


def _note_missing(result: GroupsResult, kind: str) -> None:
    for people, problem in ((result.unlisted, "not in the table of groups"), (result.unknown, "only in the table")):
        if people:
            ellipsis = " ..." if len(people) > NAMED else ""
            note(f"{len(people)} of kind {kind} are {problem}: {', '.join(people[:NAMED])}{ellipsis}")


def _make_line(data: str, result: GroupsResult, grouping: Grouping) -> dict[str, object]:
    return {
        "data": data,
        "model": result.model,
        "detector": result.detector,
        "threshold": significant(result.threshold),
        "far": significant(result.far),
        "column": grouping.column,
        "groups": [_make_group(group) for group in grouping.groups],
        "all": _make_group(result.everybody),
        "fmr_ratio": _make_ratio(grouping.fmr_ratio),
        "fnmr_ratio": _make_ratio(grouping.fnmr_ratio),
        "ungrouped": grouping.ungrouped,
        "unlisted": list(result.unlisted),
        "unknown": list(result.unknown),
    }


def _make_group(group: Group) -> dict[str, object]:
    return {
        "group": group.name,
        "people": group.people,
        "photos": group.photos,
        **_make_rate("fmr", group.fmr),
        **_make_rate("fnmr", group.fnmr),
        **_make_rate("failures", group.failures),
    }


def _make_rate(name: str, rate: GroupRate) -> dict[str, object]:
    return {
        name: {
            "rate": significant(rate.rate),
            "interval": round_interval(rate.interval),
            "errors": rate.errors,
            "of": rate.whole,
            **({"reason": rate.reason} if rate.reason else {}),
        }
    }


def _make_ratio(ratio: Ratio) -> dict[str, object]:
    return {
        "ratio": significant(ratio.value),
        "interval": round_interval(ratio.interval),
        "worst": ratio.worst or None,
        "best": ratio.best or None,
        "left_out": list(ratio.left_out),
        **({"reason": ratio.reason} if ratio.reason else {}),
    }


def _make_rows(grouping: Grouping) -> Iterator[list[str]]:
    for group in grouping.groups:
        row = _make_row(group)
        yield [f"{grouping.column}: {row[0]}", *row[1:]]
    yield ["  worst to best", "", "", _format_ratio(grouping.fmr_ratio), _format_ratio(grouping.fnmr_ratio), ""]


def _make_row(group: Group) -> list[str]:
    figures = [_format_rate(rate) for rate in (group.fmr, group.fnmr)]
    return [group.name, f"{group.people:,}", f"{group.photos:,}", *figures, f"{group.failures.errors:,}"]


def _format_rate(rate: GroupRate) -> str:
    if rate.rate is None or rate.interval is None:
        return f"- ({rate.errors:,} of {rate.whole:,}: too few to tell)"
    return f"{rate.rate:.3g} ({rate.interval[0]:.3g} to {rate.interval[1]:.3g})"


def _format_ratio(ratio: Ratio) -> str:
    if ratio.value is None or ratio.interval is None:
        return "-"
    return f"{ratio.value:.2f} ({ratio.interval[0]:.2f} to {ratio.interval[1]:.2f}), {ratio.worst} to {ratio.best}"
