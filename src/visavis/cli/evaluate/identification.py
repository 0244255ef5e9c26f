"""evaluate identification: measure how often searches miss an enrolled person or name a stranger."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._evaluation import Fresh, People, Report, check_report, templates_of
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, note, short
from visavis.cli._sources import Exclude
from visavis.cli._table import Column

if TYPE_CHECKING:
    from visavis.evaluate.identification import IdentificationResult
    from visavis.evaluate.results import Interval


class RuleName(StrEnum):
    """Distance to a person with several templates; as ``visavis.evaluate.identification.DistanceRule``."""

    person = "person"
    nearest = "nearest"
    mean = "mean"


@takes(EMBEDDING)
def identification(  # noqa: PLR0913 - a command's options
    folder: People,
    *,
    exclude: Exclude = None,
    templates: Annotated[
        int, typer.Option("--templates", min=1, metavar="N", help="Number of photos to enroll per person.")
    ] = 1,
    known_share: Annotated[
        float, typer.Option("--known", metavar="FRACTION", help="Fraction of the people with more photos to enroll.")
    ] = 0.5,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Random seed of the selection of people.")
    ] = 0,
    rule: Annotated[
        RuleName,
        typer.Option(
            "--rule", help="Distance to a person: as in a gallery, to the nearest template, or to their mean."
        ),
    ] = RuleName.person,
    networks: Networks,
    report: Report = None,
    fresh: Fresh = False,
    json: Json = False,
) -> None:
    """Measure searches among many people.

    Enrolls the first photos of a fraction of the people with more photos than --templates. Their other photos are known
    probes, all photos of other people are unknown probes. FNIR is the rate of known probes without the right name, FPIR
    the rate of unknown probes with any name. A photo without a face is a miss if its person is known, and left out if
    not.
    """
    from visavis.evaluate.data.pairs import read_people
    from visavis.evaluate.identification import measure_identification as identify
    from visavis.evaluate.identification import split
    from visavis.evaluate.result_lines import describe_identification

    check_report(report)
    people = read_people(folder, exclude=exclude or ())
    selected = split(people.names, templates=templates, known=known_share, seed=seed)
    recognizer = networks.recognizer()
    with Output("", recognizer.model, "95 % interval", Column("threshold"), json=json) as output:
        photo_templates = templates_of(
            people.photos, recognizer, min_face=networks.min_face, fresh=fresh, output=output
        )
        result = identify(photo_templates, people.names, selected, rule=rule.value, seed=seed)
        _note_unmeasured(result)
        header = {
            "data": folder.name,
            "model": photo_templates.model,
            "detector": photo_templates.detector,
            "seed": seed,
        }
        output.answer(
            {**header, "photos": len(photo_templates.photos), **describe_identification(result)}, *_make_rows(result)
        )
        if report:
            from visavis.evaluate.report.identification_page import page

            page(result, data=folder.name, detector=photo_templates.detector).write(report)


def _note_unmeasured(result: IdentificationResult) -> None:
    """Note the rates that the calibration did not measure."""
    rates = [f"{search.fpir:g}" for search in result.searches if search.calibrated and not search.calibrated.measured]
    if rates:
        note(
            f"an FPIR of {', '.join(rates)} among {result.people} people asks for a FAR that was not measured: the "
            "nearest measured threshold stands in."
        )


def _make_rows(result: IdentificationResult) -> Iterator[list[str]]:
    failures = result.failures
    yield ["people enrolled", f"{result.people:,}{_format_failures(failures.people)}", "", ""]
    yield ["templates", f"{result.templates:,}{_format_failures(failures.templates)}", "", ""]
    yield ["known probes", f"{result.known:,}{_format_failures(failures.known)}", "", ""]
    yield ["unknown probes", f"{result.unknown:,}{_format_failures(failures.unknown)}", "", ""]
    for rank in result.ranks:
        yield [f"rank {rank.rank}", short(rank.rate), _format_interval(rank.interval), ""]
    for search in result.searches:
        rate = short(search.fnir) if search.threshold is not None else "- (too few unknown probes)"
        yield [f"FNIR at FPIR {search.fpir:g}", rate, _format_interval(search.fnir_interval), short(search.threshold)]
        if search.calibrated:
            calibrated = search.calibrated
            yield [
                "  FPIR as calibrated",
                short(calibrated.fpir),
                _format_interval(calibrated.fpir_interval),
                short(calibrated.threshold),
            ]


def _format_failures(failed: int) -> str:
    return f" ({failed:,} without a face)" if failed else ""


def _format_interval(interval: Interval | None) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "-"
