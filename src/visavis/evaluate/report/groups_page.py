"""Page of groups: error rates of each group at one threshold for all, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from visavis.evaluate.groups import Group, Grouping, GroupRate, GroupsResult, Ratio
from visavis.evaluate.report.page import Bar, Cell, Page, Section, Table, Words, decades, percent

WORDS = {
    "FMR": "False-match rate: share of the pairs of two people of the group that are taken for one person.",
    "FNMR": "False-non-match rate: share of the pairs of photos of one person that are taken for two people.",
    "No template": "Photos that gave no face to compare; their pairs of one person count as not matched.",
    "Worst to best": "How many times the rate of the worst group is that of the best. Where its interval excludes 1, "
    "the groups do differ.",
    "95 % interval": "Where the figure would lie, 19 times in 20, for other people like these.",
}


def page(result: GroupsResult, *, data: str) -> Page:
    """Return the page of one model on one set of people."""
    return Page(
        f"Groups of {data}",
        f"Does one threshold serve all alike? Model {result.model}, detector {result.detector};",
        [
            Section(
                "Everybody",
                f"Threshold {result.threshold:.4f}, at which {result.far:.3g} of the pairs of two people pass.",
                tables=[
                    Table([_make_counts(result.everybody)], ["", "People", "Photos", "FMR", "FNMR", "No template"])
                ],
            ),
            *(_make_section(grouping, result.everybody) for grouping in result.groupings),
            *_list_left_out(result),
        ],
        WORDS,
    )


def _make_section(grouping: Grouping, everybody: Group) -> Section:
    groups = [*grouping.groups, everybody]
    tables = [
        _make_rates(
            groups, lambda group: group.fmr, "FMR: strangers of the group taken for one person", grouping.fmr_ratio
        ),
        _make_rates(groups, lambda group: group.fnmr, "FNMR: one person not recognized", grouping.fnmr_ratio),
        Table(
            [_make_counts(group) for group in grouping.groups],
            ["Group", "People", "Photos", "FMR", "FNMR", "No template"],
        ),
    ]
    text = f"{grouping.ungrouped:,} photos are in no group." if grouping.ungrouped else ""
    return Section(f"By {grouping.column}", text, tables=tables)


def _make_rates(groups: Sequence[Group], rate_of: Callable[[Group], GroupRate], caption: str, ratio: Ratio) -> Table:
    """Draw the rates of all groups on one axis, with the ratio of the worst to the best below."""
    rates = [rate_of(group) for group in groups]
    axis = decades([end for rate in rates if rate.rate and rate.interval for end in (rate.rate, *rate.interval)])
    rows: list[list[Cell]] = [[group.name, *_draw_rate(rate, axis)] for group, rate in zip(groups, rates, strict=True)]
    rows.append(["worst to best", *_format_ratio(ratio)])
    marks = f"{axis[0]:g} to {axis[1]:g}, by decades"
    return Table(rows, ["Group", "Rate, 95 % interval", marks, "Errors"], caption)


def _draw_rate(rate: GroupRate, axis: tuple[float, float]) -> list[Cell]:
    errors = f"{rate.errors:,} of {rate.whole:,}"
    if rate.rate is None or rate.interval is None:
        return ["–", Words(rate.reason), errors]
    bar = Bar(rate.rate, rate.interval, *axis) if rate.rate else Words("no error")
    return [f"{rate.rate:.3g} ({rate.interval[0]:.3g} to {rate.interval[1]:.3g})", bar, errors]


def _format_ratio(ratio: Ratio) -> list[Cell]:
    if ratio.value is None or ratio.interval is None:
        return ["–", Words(ratio.reason), ""]
    left_out = f"; without a rate: {', '.join(ratio.left_out)}" if ratio.left_out else ""
    ends = f"{ratio.interval[0]:.2f} to {ratio.interval[1]:.2f}"
    return [f"{ratio.value:.2f} times ({ends})", Words(f"{ratio.worst} to {ratio.best}{left_out}"), ""]


def _make_counts(group: Group) -> list[Cell]:
    rates = [percent(rate.rate, rate.interval) for rate in (group.fmr, group.fnmr)]
    return [group.name, f"{group.people:,}", f"{group.photos:,}", *rates, f"{group.failures.errors:,}"]


def _list_left_out(result: GroupsResult) -> list[Section]:
    lists = (("Not in the table of groups", result.unlisted), ("Only in the table of groups", result.unknown))
    rows: list[list[Cell]] = [[what, f"{len(names):,}", Words(", ".join(names[:30]))] for what, names in lists if names]
    return [Section("Left out", tables=[Table(rows, ["", "", "Among them"])])] if rows else []
