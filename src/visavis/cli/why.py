"""why: explain why a person was, or was not, recognized in a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis.cli._galleries import open_gallery
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import GALLERY, INDEX, GalleryIndex, GalleryUrl, Json
from visavis.cli._output import Output, decimals, short
from visavis.cli._sources import check_one_photo
from visavis.cli._table import Column, Row
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.gallery import Explanation, FaceExplanation, NearTemplate

COLUMNS = (
    *("face", Column("box", drop=1), "who", "distance", "threshold", "fpir"),
    *(Column("nearest template", drop=3, least=12), Column("nearest other", drop=2, least=12)),
)


@takes(OF_GALLERY)
def why(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="Photo of the person; - is standard input.")],
    *,
    person: Annotated[
        str, typer.Option("--person", metavar="WHO", help="The person expected: an id or a unique name.")
    ],
    fpir: Annotated[
        float | None,
        typer.Option(
            "--fpir",
            help="False positive identification rate that sets the threshold.",
            show_default=str(defaults.FPIR),
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Greatest cosine distance (0 to 2), instead of --fpir.")
    ] = None,
    gallery: GalleryUrl = GALLERY,
    index: GalleryIndex = INDEX,
    networks: Networks,
    json: Json = False,
) -> None:
    """Explain why a person was, or was not, recognized in a photo.

    Shows for each face what stopped it, at which rate it would pass, and what would help. Exits 1 if the person is not
    recognized.
    """
    if fpir is not None and threshold is not None:
        raise UsageError("--fpir and --threshold exclude each other: a threshold has a rate of its own.")
    check_one_photo(photo, "PHOTO")
    rate = defaults.FPIR if fpir is None else fpir
    with open_gallery(gallery, networks, index=index) as store, Output(*COLUMNS, json=json) as output:
        answer = store.why(photo, person, fpir=rate, threshold=threshold, min_face=networks.min_face)
        output.answer(_make_line(answer), *_make_rows(answer))
    raise typer.Exit(0 if answer.recognized else 1)


def _make_line(answer: Explanation) -> dict[str, object]:
    line = answer.to_dict()
    line["faces"] = [
        {
            **face.to_dict(),
            "box": decimals(face.box),
            **{key: significant(getattr(face, key)) for key in ("quality", "distance", "threshold", "fpir")},
            "nearest": _make_template_line(face.nearest),
            "nearest_other": _make_template_line(face.nearest_other),
        }
        for face in answer.faces
    ]
    return line


def _make_template_line(template: NearTemplate | None) -> dict[str, object] | None:
    return None if template is None else {**template.to_dict(), "distance": significant(template.distance)}


def _make_rows(answer: Explanation) -> list[Row]:
    if not answer.faces:
        return [Row(["-"], f"{answer.message} {answer.advice}")]
    return [
        Row(
            [
                str(number),
                " ".join(f"{value:.0f}" for value in face.box),
                face.name or "unknown",
                short(face.distance),
                short(face.threshold),
                short(face.fpir, ".2g"),
                _format_template(face.nearest),
                _format_template(face.nearest_other),
            ],
            _join_sentences(face),
        )
        for number, face in enumerate(answer.faces, 1)
    ]


def _format_template(template: NearTemplate | None) -> str:
    return "-" if template is None else f"{template.template_id} ({template.name}, {short(template.distance)})"


def _join_sentences(face: FaceExplanation) -> str:
    faults = ", ".join(fault.message for fault in face.faults)
    return " ".join(text for text in (face.message, f"Faults: {faults}." if faults else "", face.advice) if text)
