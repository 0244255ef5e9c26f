"""The page of an identification: who is found among the enrolled, and how often a stranger is named."""

from __future__ import annotations

import math

import numpy as np

from visavis.evaluate.identification import IdentificationResult
from visavis.evaluate.report import _svg
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
            Section("Summary", tables=[Table(_counts(result))]),
            Section(
                "People who are enrolled",
                "Nobody is refused here: the question is only how near the right person is.",
                [
                    Figure(
                        _cmc(result),
                        "CMC: share of the known probes whose person is among the nearest. Higher is better.",
                    )
                ],
                [Table(_ranks(result), ["Rank", "Rate, 95 % interval", "Found"])],
            ),
            Section("Strangers too", _threshold_text(result), _open_set_figures(result), [_searches(result)]),
        ],
        WORDS,
    )


def _counts(result: IdentificationResult) -> list[list[Cell]]:
    lost = result.failures
    rows = (
        ("People enrolled", result.people, lost.people),
        ("Their templates", result.templates, lost.templates),
        (f"Known probes, of {result.known_people:,} people", result.known, lost.known),
        (f"Unknown probes, of {result.unknown_people:,} people", result.unknown, lost.unknown),
    )
    return [[name, f"{count:,}", f"{failed:,} more without a face" if failed else ""] for name, count, failed in rows]


def _ranks(result: IdentificationResult) -> list[list[Cell]]:
    return [
        [f"{one.rank}", percent(one.rate, one.interval), f"{one.hits:,} of {result.known:,}"] for one in result.ranks
    ]


def _cmc(result: IdentificationResult) -> str:
    rates = 100 * result.cmc
    lowest = min(90.0, 10.0 * math.floor(float(rates[0]) / 10))
    most = max(len(rates), 2)
    steps = (digit * 10**power for power in range(len(str(most))) for digit in (1, 2, 5))
    ranks = tuple((float(rank), f"{rank}") for rank in steps if rank <= most)
    frame = _svg.Frame(_svg.Axis("Rank", "log", 1.0, float(most), ranks), _svg.linear("Found, %", lowest, 100.0))
    curve = _svg.steps(frame, np.arange(1, len(rates) + 1, dtype=np.float64), rates, series=0)
    marks = [
        _svg.whisker(
            frame, one.rank, 100 * one.rate, (100 * one.interval[0], 100 * one.interval[1]), series=0,
            tip=f"rank {one.rank}: {one.rate:.2%}",
        )
        for one in result.ranks
    ]  # fmt: skip
    return _svg.figure(frame, [curve, *marks], label=f"CMC of {result.model}")


def _threshold_text(result: IdentificationResult) -> str:
    if result.roc is None:
        return "There are no unknown probes, so nothing is known of strangers."
    return "A probe is named where the nearest person is within the threshold. A lower FPIR costs known people: FNIR."


def _open_set_figures(result: IdentificationResult) -> list[Figure]:
    """Draw the share of known probes that are named rightly against the FPIR, by decades."""
    roc = result.roc
    if roc is None:
        return []
    first = int(np.searchsorted(roc.impostors_accepted, 1))
    fpir, named = roc.far[first:], 100 * roc.tar[first:]
    least = min(-1, math.floor(-math.log10(roc.impostors) + 1e-9))
    lowest = min(90.0, 10.0 * math.floor(float(named[0]) / 10))
    frame = _svg.Frame(
        _svg.logarithmic("FPIR: strangers named", least, 0), _svg.linear("Known people named rightly, %", lowest, 100.0)
    )
    marks = [
        _svg.whisker(frame, one.fpir, 100 * (1 - one.fnir), _named(one), series=0, tip=f"FPIR {one.fpir:g}")
        for one in result.searches
        if one.fnir is not None and one.fpir >= frame.x.low
    ]
    svg = _svg.figure(frame, [_svg.steps(frame, fpir, named, series=0), *marks], label=f"1 - FNIR of {result.model}")
    return [Figure(svg, "Known people named rightly (1 − FNIR) against FPIR. Higher is better.")]


def _named(one: SearchRate) -> tuple[float, float] | None:
    ends = one.fnir_interval
    return None if ends is None else (100 * (1 - ends[1]), 100 * (1 - ends[0]))


def _searches(result: IdentificationResult) -> Table:
    heads = ["FPIR", "Threshold", "FNIR, 95 % interval", "As calibrated: threshold", "FPIR there", "FNIR there"]
    return Table([_search(one) for one in result.searches], heads)


def _search(one: SearchRate) -> list[Cell]:
    row: list[Cell] = [f"{one.fpir:g}"]
    if one.threshold is None:
        row += ["–", "too few unknown probes"]
    else:
        row += [f"{one.threshold:.4f}", percent(one.fnir, one.fnir_interval)]
    real = one.calibrated
    if real is None:
        return [*row, "–", "–", "–"]
    beyond = "" if real.measured else " (the last one measured)"
    rates = [percent(real.fpir, real.fpir_interval), percent(real.fnir, real.fnir_interval)]
    return [*row, f"{real.threshold:.4f}{beyond}", *rates]
