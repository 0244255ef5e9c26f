"""Page of an identification: ranks of enrolled people, and searches for people who are not enrolled."""

from __future__ import annotations

import math

import numpy as np

from visavis.evaluate.identification import IdentificationResult
from visavis.evaluate.report import svg
from visavis.evaluate.report.page import Cell, Figure, Page, Section, Table, percent
from visavis.evaluate.stats.open_set import SearchRate

WORDS = {
    "Known, unknown probe": "A photo that is searched for, of a person who is enrolled; of a person who is not.",
    "Rank, CMC": "At rank r the right person is among the nearest r of the enrolled; CMC is the curve over all ranks.",
    "FPIR": "False-positive identification rate: share of the unknown probes that are given a name.",
    "FNIR": "False-negative identification rate: share of the known probes that are not given the right name.",
    "As calibrated": "At the threshold that the model's own table names for this FPIR and so many people.",
    "95 % interval": "Where the figure would lie, 19 times in 20, for other people like these.",
}


def page(result: IdentificationResult, *, data: str, detector: str) -> Page:
    """Return the page of one result."""
    return Page(
        f"Identification on {data}",
        f"Who is it, among {result.people:,} people? Model {result.model}, detector {detector};",
        [
            Section("Summary", tables=[Table(_make_counts(result))]),
            Section(
                "People who are enrolled",
                "No face is refused here: the question is only how near the right person is.",
                [
                    Figure(
                        _draw_cmc(result),
                        "CMC: share of the known probes whose person is among the nearest. Higher is better.",
                    )
                ],
                [Table(_make_ranks(result), ["Rank", "Rate, 95 % interval", "Found"])],
            ),
            Section("Strangers too", _explain_threshold(result), _draw_open_set(result), [_make_searches(result)]),
        ],
        WORDS,
    )


def _make_counts(result: IdentificationResult) -> list[list[Cell]]:
    lost = result.failures
    rows = (
        ("People enrolled", result.people, lost.people),
        ("Their templates", result.templates, lost.templates),
        (f"Known probes, of {result.known_people:,} people", result.known, lost.known),
        (f"Unknown probes, of {result.unknown_people:,} people", result.unknown, lost.unknown),
    )
    return [[name, f"{count:,}", f"{failed:,} more without a face" if failed else ""] for name, count, failed in rows]


def _make_ranks(result: IdentificationResult) -> list[list[Cell]]:
    return [
        [f"{rate.rank}", percent(rate.rate, rate.interval), f"{rate.hits:,} of {result.known:,}"]
        for rate in result.ranks
    ]


def _draw_cmc(result: IdentificationResult) -> str:
    rates = 100 * result.cmc
    lowest = min(90.0, 10.0 * math.floor(float(rates[0]) / 10))
    most = max(len(rates), 2)
    steps = (digit * 10**power for power in range(len(str(most))) for digit in (1, 2, 5))
    ranks = tuple((float(rank), f"{rank}") for rank in steps if rank <= most)
    frame = svg.PlotFrame(svg.Axis("Rank", "log", 1.0, float(most), ranks), svg.linear("Found, %", lowest, 100.0))
    curve = svg.steps(frame, np.arange(1, len(rates) + 1, dtype=np.float64), rates, series=0)
    marks = [
        svg.whisker(
            frame, rate.rank, 100 * rate.rate, (100 * rate.interval[0], 100 * rate.interval[1]), series=0,
            tip=f"rank {rate.rank}: {rate.rate:.2%}",
        )
        for rate in result.ranks
    ]  # fmt: skip
    return svg.figure(frame, [curve, *marks], label=f"CMC of {result.model}")


def _explain_threshold(result: IdentificationResult) -> str:
    if result.roc is None:
        return "There are no unknown probes, so nothing is known of strangers."
    return "A probe is named where the nearest person is within the threshold. A lower FPIR costs known people: FNIR."


def _draw_open_set(result: IdentificationResult) -> list[Figure]:
    """Draw the share of known probes that are named rightly against the FPIR, on a logarithmic axis."""
    roc = result.roc
    if roc is None:
        return []
    first = int(np.searchsorted(roc.impostors_accepted, 1))
    fpir, named = roc.far[first:], 100 * roc.tar[first:]
    least = min(-1, math.floor(-math.log10(roc.impostors) + 1e-9))
    lowest = min(90.0, 10.0 * math.floor(float(named[0]) / 10))
    frame = svg.PlotFrame(
        svg.logarithmic("FPIR: strangers named", least, 0), svg.linear("Known people named rightly, %", lowest, 100.0)
    )
    marks = [
        svg.whisker(
            frame, search.fpir, 100 * (1 - search.fnir), _named_interval(search), series=0, tip=f"FPIR {search.fpir:g}"
        )
        for search in result.searches
        if search.fnir is not None and search.fpir >= frame.x.low
    ]
    drawn = svg.figure(frame, [svg.steps(frame, fpir, named, series=0), *marks], label=f"1 - FNIR of {result.model}")
    return [Figure(drawn, "Known people named rightly (1 − FNIR) against FPIR. Higher is better.")]


def _named_interval(search: SearchRate) -> tuple[float, float] | None:
    ends = search.fnir_interval
    return None if ends is None else (100 * (1 - ends[1]), 100 * (1 - ends[0]))


def _make_searches(result: IdentificationResult) -> Table:
    heads = ["FPIR", "Threshold", "FNIR, 95 % interval", "As calibrated: threshold", "FPIR there", "FNIR there"]
    return Table([_make_search_row(search) for search in result.searches], heads)


def _make_search_row(search: SearchRate) -> list[Cell]:
    row: list[Cell] = [f"{search.fpir:g}"]
    if search.threshold is None:
        row += ["–", "too few unknown probes"]
    else:
        row += [f"{search.threshold:.4f}", percent(search.fnir, search.fnir_interval)]
    promise = search.calibrated
    if promise is None:
        return [*row, "–", "–", "–"]
    beyond = "" if promise.measured else " (the last one measured)"
    rates = [percent(promise.fpir, promise.fpir_interval), percent(promise.fnir, promise.fnir_interval)]
    return [*row, f"{promise.threshold:.4f}{beyond}", *rates]
