"""evaluate identification: who is found among the enrolled, and who is taken for one of them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._evaluation import Fresh, People, Report, check_report, ends, templates_of
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, note, short, significant
from visavis.cli._sources import Exclude
from visavis.cli._table import Column

if TYPE_CHECKING:
    from visavis.evaluate.identification import IdentificationResult
    from visavis.evaluate.results import Interval
    from visavis.evaluate.stats.open_set import Promise, SearchRate


class Rule(StrEnum):
    """How far a person of several templates is; as ``visavis.evaluate.identification.Rule``."""

    person = "person"
    nearest = "nearest"
    mean = "mean"


@takes(EMBEDDING)
def identification(  # noqa: PLR0913 - a command's options
    folder: People,
    *,
    exclude: Exclude = None,
    templates: Annotated[
        int, typer.Option("--templates", min=1, metavar="N", help="Photos to enroll a person with.")
    ] = 1,
    known: Annotated[
        float, typer.Option("--known", metavar="SHARE", help="Share of the people with more photos who are enrolled.")
    ] = 0.5,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Draws other people.")] = 0,
    rule: Annotated[
        Rule, typer.Option("--rule", help="How far a person is: as in a gallery, the nearest template, or their mean.")
    ] = Rule.person,
    networks: Networks,
    report: Report = None,
    fresh: Fresh = False,
    json: Json = False,
) -> None:
    """Measure searches among many people.

    How often is the right person found, and how often a stranger taken for somebody?

    Of the people with more photos than --templates a share is enrolled with their first ones; their other photos are
    known probes, all photos of everybody else unknown ones. FNIR is how often a known person is not named, FPIR how
    often an unknown one is. A photo without a face is a miss if its person is known, and left out if not.
    """
    from visavis.evaluate.data.pairs import read_people
    from visavis.evaluate.identification import identification as identify
    from visavis.evaluate.identification import split

    check_report(report)
    people = read_people(folder, exclude=exclude or ())
    chosen = split(people.names, templates=templates, known=known, seed=seed)
    one = networks.recognizer()
    with Output("", one.model, "95 % interval", Column("threshold"), json=json) as output:
        taken = templates_of(people.photos, one, min_face=networks.min_face, fresh=fresh, output=output)
        result = identify(taken, people.names, chosen, rule=rule.value, seed=seed)
        _doubt(result)
        about = {"data": folder.name, "model": taken.model, "detector": taken.detector, "seed": seed}
        output.answer({**about, "photos": len(taken.photos), **_line(result)}, *_rows(result))
        if report:
            from visavis.evaluate.report.identification_page import page

            page(result, data=folder.name, detector=taken.detector).write(report)


def _doubt(result: IdentificationResult) -> None:
    """Say where the calibration does not reach."""
    beyond = [f"{one.fpir:g}" for one in result.searches if one.calibrated and not one.calibrated.measured]
    if beyond:
        note(
            f"an FPIR of {', '.join(beyond)} among {result.people} people asks for a FAR that was not measured: the "
            "nearest measured threshold stands in."
        )


def _line(result: IdentificationResult) -> dict[str, object]:
    lost = result.failures
    return {
        "rule": result.rule,
        "people": result.people,
        "templates": result.templates,
        "known": result.known,
        "known_people": result.known_people,
        "unknown": result.unknown,
        "unknown_people": result.unknown_people,
        "failures": {
            "templates": lost.templates,
            "people": lost.people,
            "known": lost.known,
            "orphans": lost.orphans,
            "unknown": lost.unknown,
        },
        "ranks": [
            {"rank": one.rank, "rate": significant(one.rate), "interval": ends(one.interval), "hits": one.hits}
            for one in result.ranks
        ],
        "searches": [_search(one) for one in result.searches],
    }


def _search(one: SearchRate) -> dict[str, object]:
    return {
        "fpir": one.fpir,
        "threshold": significant(one.threshold),
        "threshold_interval": ends(one.threshold_interval),
        "fnir": significant(one.fnir),
        "fnir_interval": ends(one.fnir_interval),
        "false_positives": one.false_positives,
        "calibrated": _promise(one.calibrated) if one.calibrated else None,
    }


def _promise(one: Promise) -> dict[str, object]:
    return {
        "threshold": significant(one.threshold),
        "measured": one.measured,
        "fpir": significant(one.fpir),
        "fpir_interval": ends(one.fpir_interval),
        "false_positives": one.false_positives,
        "fnir": significant(one.fnir),
        "fnir_interval": ends(one.fnir_interval),
    }


def _rows(result: IdentificationResult) -> Iterator[list[str]]:
    lost = result.failures
    yield ["people enrolled", f"{result.people:,}{_without(lost.people)}", "", ""]
    yield ["templates", f"{result.templates:,}{_without(lost.templates)}", "", ""]
    yield ["known probes", f"{result.known:,}{_without(lost.known)}", "", ""]
    yield ["unknown probes", f"{result.unknown:,}{_without(lost.unknown)}", "", ""]
    for rank in result.ranks:
        yield [f"rank {rank.rank}", short(rank.rate), _range(rank.interval), ""]
    for one in result.searches:
        rate = short(one.fnir) if one.threshold is not None else "- (too few unknown probes)"
        yield [f"FNIR at FPIR {one.fpir:g}", rate, _range(one.fnir_interval), short(one.threshold)]
        if one.calibrated:
            real = one.calibrated
            yield ["  FPIR as calibrated", short(real.fpir), _range(real.fpir_interval), short(real.threshold)]


def _without(failed: int) -> str:
    return f" ({failed:,} without a face)" if failed else ""


def _range(interval: Interval | None) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "-"
