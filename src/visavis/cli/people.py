"""enroll, identify: put people into a gallery, and find them again in other photos."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from visavis.cli._csv import BOX_COLUMNS
from visavis.cli._files import PictureFolder
from visavis.cli._gallery_lines import next_steps, why_skipped
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import GALLERY, INDEX, Csv, GalleryIndex, GalleryUrl, Json, Photos, Pictures
from visavis.cli._output import (
    Output,
    box_text,
    decimals,
    exit_code,
    note,
    percent,
    photo_line,
    short,
    significant,
)
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Column, Row
from visavis.errors import ImageError, UsageError, VisavisError

if TYPE_CHECKING:
    from visavis.gallery import Enrollment, Gallery, IdentifiedPhoto
    from visavis.gallery.cluster_export import NamedFaces
    from visavis.gallery.types import SearchThreshold
    from visavis.types import Candidate, Identification

FPIR = 0.01
TABLES = frozenset({".csv", ".tsv", ".txt"})
"""How the names of tables end that --from takes; any other file is one of JSON."""

IDENTIFY_COLUMNS = ("photo", "face", "box", "who", "distance", "threshold", "probability")
IDENTIFY_CSV = (
    *("photo", "status", "captured", "face", *BOX_COLUMNS, "name", "person_id", "distance", "threshold"),
    *("probability", "margin", "notes", "candidates", "message"),
)

ENROLL_COLUMNS = ("person", "name", "added", Column("there already", drop=2), Column("skipped", drop=1))

From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="DIR|FILE",
        exists=True,
        help="A folder of folders, one a person, or of photos called after people (Ann.jpg); a CSV with the columns "
        "name and photo; a .json that the page of cluster --report exported.",
    ),
]
PersonPhotos = Annotated[
    list[str] | None, typer.Argument(metavar="PHOTO|DIR", help="Photos of that person, and folders of them.")
]
MinQuality = Annotated[
    float, typer.Option("--min-quality", metavar="Q", min=0, max=1, help="Refuse faces of a lower quality.")
]

Strict = Annotated[bool, typer.Option("--strict", help="Refuse photos that seem to show somebody else.")]
Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Do not ask: a name that is written like another's is that of a new person."),
]


class _Told(TypedDict):
    """Options of enroll that are the same for all people."""

    note: str
    consent: str | None
    min_face: float
    min_quality: float
    strict: bool


@takes(OF_GALLERY)
def enroll(  # noqa: PLR0913 - a command's options
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Whose photos these are.")] = None,
    photos: PersonPhotos = None,
    *,
    exclude: Exclude = None,
    source: From = None,
    new: Annotated[bool, typer.Option("--new", help="This is another person of the same name.")] = False,
    person_id: Annotated[int | None, typer.Option("--id", metavar="N", help="Add to the person of this id.")] = None,
    consent: Annotated[str | None, typer.Option("--consent", help="Record what was agreed to, and how.")] = None,
    remark: Annotated[str, typer.Option("--note", help="Record a remark.")] = "",
    gallery: GalleryUrl = GALLERY,
    networks: Networks,
    min_quality: MinQuality = 0.0,
    strict: Strict = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Put people into a gallery.

    One person by NAME PHOTO..., or many with --from. Of each photo the largest face is taken, or those told by box.
    """
    from visavis.gallery.cluster_export import enroll_faces

    people = _people(name, photos, source, one=new or person_id is not None, exclude=exclude or ())
    many, done = source is not None, 0
    with (
        opened(gallery, networks, create=True) as store,
        Output(*ENROLL_COLUMNS, json=json) as output,
    ):
        others = _new_people(store, [who for who, _ in people], yes=yes) if person_id is None and not new else set()
        told = _Told(note=remark, consent=consent, min_face=networks.min_face, min_quality=min_quality, strict=strict)

        def enrolled(who: str, some: list[str] | NamedFaces) -> Enrollment | VisavisError:
            try:
                if not isinstance(some, list):
                    return enroll_faces(store, some, new=who in others, **told)
                return store.enroll(who, some, person_id=person_id, new=new or who in others, **told)
            except (ImageError, UsageError) as error:
                if not many:
                    raise
                return error

        answers = ((who, enrolled(who, some)) for who, some in people)
        for who, answer in output.progress(answers, len(people)):
            done += not isinstance(answer, VisavisError)
            _report(output, who, answer)
    raise typer.Exit(0 if done else 2)


def _people(
    name: str | None, photos: list[str] | None, folder: Path | None, *, one: bool, exclude: Sequence[str]
) -> list[tuple[str, list[str]]] | list[tuple[str, NamedFaces]]:
    """Read who has which photos off the arguments; ``one`` is whether an option speaks of one person."""
    if folder and one:
        raise UsageError("--new and --id speak of one person: give NAME PHOTO... in place of --from.")
    if folder is None:
        if name is None or not photos:
            raise UsageError(
                f"a person needs a name and photos: NAME PHOTO..., or --from DIR or FILE{_hint(name, one)}."
            )
        return [(name, expand_folders(photos, exclude=exclude))]
    if name is not None:
        raise UsageError("NAME PHOTO... and --from exclude each other.")
    if folder.is_file() and folder.suffix.lower() not in TABLES:
        from visavis.gallery.cluster_export import read_people

        return [(each.name, each) for each in read_people(folder)]
    from visavis.gallery.enrollment_lists import read_named_photos

    named = read_named_photos(folder, exclude=exclude)
    for text in named.notes:
        note(text)
    return [(person.name, list(person.photos)) for person in named.people]


def _hint(path: str | None, one: bool) -> str:
    """Return the command that is meant where a path stands alone in the place of a name, in brackets."""
    if not path or not Path(path).exists():
        return ""
    people = not one and (Path(path).is_dir() or Path(path).suffix.lower() in {*TABLES, ".json"})
    return f" (visavis enroll {'--from' if people else 'NAME'} {shlex.quote(path)})"


def _new_people(store: Gallery, names: list[str], *, yes: bool) -> set[str]:
    """Return the names that are of new people although others are written alike: asked at a terminal, or by ``yes``.

    The others are refused when they are enrolled, with what to do.
    """
    from visavis.gallery.names import folded

    chosen: set[str] = set()
    earlier: dict[str, str] = {}
    names = [name for name in names if name.strip()]
    alike = store.names_alike(names)  # all at once: there may be very many
    for name in names:
        others = alike.get(folded(name), [])
        known = any(other == name for _, other in others) or (others and name in store)
        stored = [] if known else [f"{other} (id {person_id})" for person_id, other in others]
        first = earlier.setdefault(folded(name), name)
        if not stored and first == name:
            continue
        question = f"{' and '.join(stored) or first} is there already. Is {name} another person?"
        if yes or (sys.stdin.isatty() and typer.confirm(question, err=True)):
            chosen.add(name)
    return chosen


def _report(output: Output, name: str, answer: Enrollment | VisavisError) -> None:
    if isinstance(answer, VisavisError):
        status = answer.status if isinstance(answer, ImageError) else "refused"
        failed = {"person_id": None, "name": name, "status": status, "message": str(answer)}
        output.answer(failed, Row(["-", name], str(answer)))
        return
    for text in (*answer.notes, *map(why_skipped, answer.skipped)):
        note(text)
    line = {
        "person_id": answer.person_id,
        "name": answer.name,
        "status": "ok",
        "new": answer.new,
        "added": len(answer.added),
        "templates": list(answer.added),
        "duplicates": [asdict(one) for one in answer.duplicates],
        "skipped": [asdict(one) for one in answer.skipped],
        "notes": list(answer.notes),
        "doubts": [asdict(one) for one in answer.doubts],
    }
    counts = [str(len(some)) for some in (answer.added, answer.duplicates, answer.skipped)]
    output.answer(line, [str(answer.person_id), answer.name, *counts])


@contextmanager
def opened(url: str, networks: Networks, *, create: bool = False, index: str = INDEX) -> Iterator[Gallery]:
    """Open a gallery with a recognizer of its own model, which is not known before it was opened.

    Raises GalleryError where ``networks`` name another model.
    """
    from visavis.gallery import Gallery

    with Gallery(url, model=networks.model, index=index, create=create) as store:
        recognizer = networks.recognizer(store.model)
    with Gallery(url, recognizer=recognizer, index=index, create=False) as store:
        yield store


@takes(OF_GALLERY)
def identify(  # noqa: PLR0913 - a command's options
    sources: Photos,
    *,
    exclude: Exclude = None,
    top: Annotated[int, typer.Option("--top", min=1, metavar="K", help="Candidates a face.")] = 5,
    fpir: Annotated[
        float | None,
        typer.Option("--fpir", help="Rate at which a search may name a stranger.", show_default=str(FPIR)),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Greatest cosine distance (0 to 2), in place of --fpir.")
    ] = None,
    margin: Annotated[
        float,
        typer.Option("--margin", min=0, help="How much farther the second person must be, in cosine distance."),
    ] = 0.0,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="A person may be in a photo twice: collages, mirrors, photos of photos.")
    ] = False,
    out: Pictures = None,
    gallery: GalleryUrl = GALLERY,
    index: GalleryIndex = INDEX,
    networks: Networks,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Name the people in photos who are in a gallery.

    Exits 1 where nobody is. Whoever is not near enough to anyone is unknown: the name is null in JSON.
    """
    if fpir is not None and threshold is not None:
        raise UsageError("--fpir and --threshold exclude each other: a threshold stands for its own rate.")
    photos = expand_folders(sources, exclude=exclude)
    folder = PictureFolder(out) if out else None
    rate = FPIR if fpir is None else fpir
    statuses, known = [], False
    with (
        opened(gallery, networks, index=index) as store,
        Output(*IDENTIFY_COLUMNS, json=json, csv=IDENTIFY_CSV if csv else None) as output,
    ):
        _warn(store, None if threshold is not None else rate)
        answers = store.identify_photos(
            photos, top=top, fpir=rate, threshold=threshold, margin=margin, min_face=networks.min_face, repeats=repeats
        )
        for answer in output.progress(answers, len(photos)):
            statuses.append(answer.photo.status)
            known |= any(face.known for face in answer.identifications)
            if folder:
                save_named(folder, answer)
            output.answer(_identify_line(answer), *_identify_rows(answer))
    raise typer.Exit(exit_code(statuses, yes=known))


def _warn(store: Gallery, fpir: float | None) -> None:
    """Say where nobody is in the gallery, or where the wanted rate is beyond what was measured."""
    if not len(store):
        for text in next_steps(0, store.stats().unnamed, store.url):
            note(text)
    elif fpir is not None:
        _doubt(store.threshold(fpir=fpir))


def _doubt(threshold: SearchThreshold) -> None:
    """Say where the wanted rate is beyond what was measured."""
    if not threshold.measured:
        note(
            f"an fpir of {threshold.fpir:g} among {threshold.people} people asks for a FAR of "
            f"{threshold.far:.2g}, lower than was measured: the strictest measured threshold, "
            f"{threshold.distance:.4f}, is used."
        )


def save_named(folder: PictureFolder, answer: IdentifiedPhoto) -> Path | None:
    """Write the photo with its faces named; return the file; None without a photo."""
    from visavis.draw import BLUE, ORANGE, annotate

    photo = answer.photo.photo
    if photo is None:
        return None
    labels = [_label(face) for face in answer.identifications]
    colors = [BLUE if face.known else ORANGE for face in answer.identifications]
    picture = annotate(photo.pixels, answer.photo.faces, labels, colors=colors)
    return folder.save(picture, photo, "-named.jpg")


def _label(face: Identification) -> str:
    figure = percent(face.probability) if face.probability is not None else short(face.distance)
    return f"{face.name} {figure}" if face.known else "unknown"


def _identify_line(answer: IdentifiedPhoto) -> dict[str, object]:
    faces = [
        {
            "box": decimals(face.box),
            "name": found.name,
            "person_id": found.person_id,
            "distance": significant(found.distance),
            "threshold": significant(found.threshold),
            "probability": significant(found.probability),
            "margin": significant(found.margin),
            "notes": list(found.notes),
            "candidates": [_candidate(one) for one in found.candidates],
        }
        for face, found in zip(answer.photo.faces, answer.identifications, strict=True)
    ]
    return photo_line(answer.photo, faces)


def _candidate(one: Candidate) -> dict[str, object]:
    return {
        "name": one.name,
        "person_id": one.person_id,
        "distance": significant(one.distance),
        "probability": significant(one.probability),
    }


def _identify_rows(answer: IdentifiedPhoto) -> list[Row]:
    name = answer.photo.name
    if not answer.photo.faces:
        return [Row([name], answer.photo.message)]
    return [
        Row(
            [
                name,
                str(n),
                box_text(face),
                found.name if found.name is not None else "unknown",
                short(found.distance),
                short(found.threshold),
                percent(found.probability),
            ],
            " ".join(found.notes),
        )
        for n, (face, found) in enumerate(zip(answer.photo.faces, answer.identifications, strict=True), 1)
    ]
