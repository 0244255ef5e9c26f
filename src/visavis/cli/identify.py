"""identify: name the people of a gallery in photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis._show import percent
from visavis.cli._classifiers import ClassifierRun, check_no_gallery, check_rule_options, identify_by_classifier
from visavis.cli._csv import BOX_COLUMNS
from visavis.cli._files import PictureFolder
from visavis.cli._galleries import next_steps, open_gallery
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import GALLERY, INDEX, Csv, GalleryIndex, GalleryUrl, Json, Photos, Pictures
from visavis.cli._output import (
    Output,
    box_text,
    decimals,
    exit_code,
    note,
    photo_line,
    short,
)
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Row
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.gallery import Gallery, IdentifiedPhoto
    from visavis.gallery.types import SearchThreshold
    from visavis.types import Candidate, Identification

IDENTIFY_COLUMNS = ("photo", "face", "box", "who", "distance", "threshold", "probability")

IDENTIFY_CSV = (
    *("photo", "status", "captured", "face", *BOX_COLUMNS, "name", "person_id", "distance", "threshold"),
    *("probability", "margin", "notes", "candidates", "message"),
)

Margin = Annotated[
    float, typer.Option("--margin", min=0, help="Least difference in cosine distance to the second candidate.")
]


@takes(OF_GALLERY)
def identify(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    sources: Photos,
    *,
    exclude: Exclude = None,
    top: Annotated[
        int, typer.Option("--top", min=1, metavar="K", help="Number of candidates per face.")
    ] = defaults.TOP_NAMES,
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
    margin: Margin = 0.0,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="Allow a person twice in a photo: collages, mirrors, photos of photos.")
    ] = False,
    out: Pictures = None,
    gallery: GalleryUrl = GALLERY,
    classifier: ClassifierRun = None,
    index: GalleryIndex = INDEX,
    networks: Networks,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Identify people of a gallery or a classifier in photos.

    Exits 1 if no person is identified. A face that is near enough to no person is unknown: its name is null in JSON.
    """
    if fpir is not None and threshold is not None:
        raise UsageError("--fpir and --threshold exclude each other: a threshold has a rate of its own.")
    photos = expand_folders(sources, exclude=exclude)
    folder = PictureFolder(out) if out else None
    if classifier is not None:
        check_rule_options(fpir, threshold, margin or None, repeats)
        check_no_gallery(context)
        raise typer.Exit(identify_by_classifier(classifier, photos, networks, folder, top=top, json=json, csv=csv))
    rate = defaults.FPIR if fpir is None else fpir
    statuses, any_known = [], False
    with (
        open_gallery(gallery, networks, index=index) as store,
        Output(*IDENTIFY_COLUMNS, json=json, csv=IDENTIFY_CSV if csv else None) as output,
    ):
        _note_limits(store, None if threshold is not None else rate)
        answers = store.identify_photos(
            photos, top=top, fpir=rate, threshold=threshold, margin=margin, min_face=networks.min_face, repeats=repeats
        )
        for answer in output.progress(answers, len(photos)):
            statuses.append(answer.photo.status)
            any_known |= any(face.known for face in answer.identifications)
            if folder:
                save_named(folder, answer)
            output.answer(_make_line(answer), *_make_rows(answer))
    raise typer.Exit(exit_code(statuses, yes=any_known))


def _note_limits(store: Gallery, fpir: float | None) -> None:
    """Note that the gallery has no people, or that the requested rate was not measured."""
    if not len(store):
        for text in next_steps(0, store.stats().unassigned, store.url):
            note(text)
    elif fpir is not None:
        _note_unmeasured(store.threshold(fpir=fpir))


def _note_unmeasured(threshold: SearchThreshold) -> None:
    """Note that the requested rate is lower than any measured rate."""
    if not threshold.measured:
        note(
            f"an fpir of {threshold.fpir:g} among {threshold.people} people asks for a FAR of "
            f"{threshold.far:.2g}, lower than was measured: the strictest measured threshold, "
            f"{threshold.distance:.4f}, is used."
        )


def save_named(folder: PictureFolder, answer: IdentifiedPhoto) -> Path | None:
    """Write the photo with the names of its faces; return the path, or None without a photo."""
    from visavis.draw import BLUE, ORANGE, annotate

    photo = answer.photo.photo
    if photo is None:
        return None
    labels = [_format_label(face) for face in answer.identifications]
    colors = [BLUE if face.known else ORANGE for face in answer.identifications]
    picture = annotate(photo.pixels, answer.photo.faces, labels, colors=colors)
    return folder.save(picture, photo, "-named.jpg")


def _format_label(face: Identification) -> str:
    value = percent(face.probability) if face.probability is not None else short(face.distance)
    return f"{face.name} {value}" if face.known else "unknown"


def _make_line(answer: IdentifiedPhoto) -> dict[str, object]:
    faces = [
        {
            "box": decimals(face.box),
            "name": result.name,
            "person_id": result.person_id,
            "distance": significant(result.distance),
            "threshold": significant(result.threshold),
            "probability": significant(result.probability),
            "margin": significant(result.margin),
            "notes": list(result.notes),
            "candidates": [_make_candidate(candidate) for candidate in result.candidates],
        }
        for face, result in zip(answer.photo.faces, answer.identifications, strict=True)
    ]
    return photo_line(answer.photo, faces)


def _make_candidate(candidate: Candidate) -> dict[str, object]:
    return {
        "name": candidate.name,
        "person_id": candidate.person_id,
        "distance": significant(candidate.distance),
        "probability": significant(candidate.probability),
    }


def _make_rows(answer: IdentifiedPhoto) -> list[Row]:
    name = answer.photo.name
    if not answer.photo.faces:
        return [Row([name], answer.photo.message)]
    return [
        Row(
            [
                name,
                str(n),
                box_text(face),
                result.name if result.name is not None else "unknown",
                short(result.distance),
                short(result.threshold),
                percent(result.probability),
            ],
            " ".join(result.notes),
        )
        for n, (face, result) in enumerate(zip(answer.photo.faces, answer.identifications, strict=True), 1)
    ]
