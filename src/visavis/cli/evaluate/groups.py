"""evaluate groups: error rates per group of people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._evaluation import Fresh, People, Report, check_report, ends, templates_of
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, note, significant
from visavis.cli._sources import Exclude
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.evaluate.groups import Group, Grouping, GroupRate, GroupsResult, Ratio

FAR = 1e-3
NAMED = 3
"""People named in a note."""


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
            help="A column headed person or photo, then a column a way of grouping (sex, age band ...).",
        ),
    ],
    far: Annotated[
        float | None,
        typer.Option("--far", help="FAR over all people that sets the threshold.", show_default=str(FAR)),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Greatest cosine distance of one person, in place of --far.")
    ] = None,
    networks: Networks,
    report: Report = None,
    fresh: Fresh = False,
    json: Json = False,
) -> None:
    """Measure error rates per group of people.

    One threshold serves all, so that bias is seen.
    FMR is how often two people of a group are taken for one, FNMR how often two photos of one person are not. A group
    with too few people or errors has no rate. Ratios are those of the worst group to the best.
    """
    if far is not None and threshold is not None:
        raise UsageError("--far and --threshold exclude each other: a threshold stands for its own FAR.")
    from visavis.evaluate.data.group_table import read_groups
    from visavis.evaluate.data.pairs import read_people
    from visavis.evaluate.groups import groups_result

    check_report(report)
    listed, people = read_groups(table), read_people(folder, exclude=exclude or ())
    one = networks.recognizer()
    with Output("group", "people", "photos", "FMR", "FNMR", "no template", json=json) as output:
        taken = templates_of(people.photos, one, min_face=networks.min_face, fresh=fresh, output=output)
        result = groups_result(taken, people.names, listed, far=FAR if far is None else far, threshold=threshold)
        _say_who_is_missing(result, listed.kind)
        for number, grouping in enumerate(result.groupings):
            rows = [*([] if number else [_row(result.everybody)]), *_rows(grouping)]
            output.answer(_line(folder.name, result, grouping), *rows)
        if report:
            from visavis.evaluate.report.groups_page import page

            page(result, data=folder.name).write(report)


def _say_who_is_missing(result: GroupsResult, kind: str) -> None:
    for some, what in ((result.unlisted, "not in the table of groups"), (result.unknown, "only in the table")):
        if some:
            more = " ..." if len(some) > NAMED else ""
            note(f"{len(some)} of kind {kind} are {what}: {', '.join(some[:NAMED])}{more}")


def _line(data: str, result: GroupsResult, grouping: Grouping) -> dict[str, object]:
    return {
        "data": data,
        "model": result.model,
        "detector": result.detector,
        "threshold": significant(result.threshold),
        "far": significant(result.far),
        "column": grouping.column,
        "groups": [_group(one) for one in grouping.groups],
        "all": _group(result.everybody),
        "fmr_ratio": _ratio(grouping.fmr_ratio),
        "fnmr_ratio": _ratio(grouping.fnmr_ratio),
        "ungrouped": grouping.ungrouped,
        "unlisted": list(result.unlisted),
        "unknown": list(result.unknown),
    }


def _group(one: Group) -> dict[str, object]:
    return {
        "group": one.name,
        "people": one.people,
        "photos": one.photos,
        **_rate("fmr", one.fmr),
        **_rate("fnmr", one.fnmr),
        **_rate("failures", one.failures),
    }


def _rate(name: str, one: GroupRate) -> dict[str, object]:
    return {
        name: {
            "rate": significant(one.rate),
            "interval": ends(one.interval),
            "errors": one.errors,
            "of": one.whole,
            **({"reason": one.reason} if one.reason else {}),
        }
    }


def _ratio(one: Ratio) -> dict[str, object]:
    return {
        "ratio": significant(one.value),
        "interval": ends(one.interval),
        "worst": one.worst or None,
        "best": one.best or None,
        "left_out": list(one.left_out),
        **({"reason": one.reason} if one.reason else {}),
    }


def _rows(grouping: Grouping) -> Iterator[list[str]]:
    for one in grouping.groups:
        row = _row(one)
        yield [f"{grouping.column}: {row[0]}", *row[1:]]
    yield ["  worst to best", "", "", _times(grouping.fmr_ratio), _times(grouping.fnmr_ratio), ""]


def _row(one: Group) -> list[str]:
    figures = [_figure(rate) for rate in (one.fmr, one.fnmr)]
    return [one.name, f"{one.people:,}", f"{one.photos:,}", *figures, f"{one.failures.errors:,}"]


def _figure(one: GroupRate) -> str:
    if one.rate is None or one.interval is None:
        return f"- ({one.errors:,} of {one.whole:,}: too few to tell)"
    return f"{one.rate:.3g} ({one.interval[0]:.3g} to {one.interval[1]:.3g})"


def _times(one: Ratio) -> str:
    if one.value is None or one.interval is None:
        return "-"
    return f"{one.value:.2f} ({one.interval[0]:.2f} to {one.interval[1]:.2f}), {one.worst} to {one.best}"
