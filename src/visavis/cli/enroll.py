"""enroll: add people to a gallery."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from visavis.cli._galleries import open_gallery
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, confirm, note
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Column, Row
from visavis.errors import DoubtfulPhotoError, ImageError, UsageError, VisavisError

if TYPE_CHECKING:
    from visavis.gallery import Enrollment, Gallery
    from visavis.gallery.cluster_export import NamedFaces
    from visavis.gallery.types import Skipped

TABLES = frozenset({".csv", ".tsv", ".txt"})
"""File endings of tables that --from reads; any other file is JSON."""

ENROLL_COLUMNS = ("person", "name", "added", Column("there already", drop=2), Column("skipped", drop=1))

From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="DIR|FILE",
        exists=True,
        help="A folder with one subfolder per person, or with photos named after people (Ann.jpg); a CSV with the "
        "columns name and photo; a .json exported from the page of cluster --report.",
    ),
]
PersonPhotos = Annotated[
    list[str] | None, typer.Argument(metavar="PHOTO|DIR", help="Photos of the person, or folders of them.")
]
MinQuality = Annotated[
    float, typer.Option("--min-quality", metavar="Q", min=0, max=1, help="Refuse faces of lower quality.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse photos that seem to show another person.")]
Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Do not ask: a name spelled like another one is a new person."),
]


class _EnrollOptions(TypedDict):
    """Options of enroll that apply to all people."""

    note: str
    consent: str | None
    min_face: float
    min_quality: float
    strict: bool


@takes(OF_GALLERY)
def enroll(  # noqa: PLR0913 - a command's options
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Name of the person.")] = None,
    photos: PersonPhotos = None,
    *,
    exclude: Exclude = None,
    source: From = None,
    new: Annotated[bool, typer.Option("--new", help="Add another person of the same name.")] = False,
    person_id: Annotated[int | None, typer.Option("--id", metavar="N", help="Add to the person with this id.")] = None,
    consent: Annotated[str | None, typer.Option("--consent", help="Record which consent was given, and how.")] = None,
    remark: Annotated[str, typer.Option("--note", help="Record a remark.")] = "",
    gallery: GalleryUrl = GALLERY,
    networks: Networks,
    min_quality: MinQuality = 0.0,
    strict: Strict = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Add people to a gallery.

    Adds one person (NAME PHOTO...) or many (--from). Uses the largest face of each photo, or the face at a listed box.
    """
    from visavis.gallery.cluster_export import enroll_faces

    people = _collect_people(name, photos, source, single=new or person_id is not None, exclude=exclude or ())
    several, enrolled_count = source is not None, 0
    with (
        open_gallery(gallery, networks, create=True) as store,
        Output(*ENROLL_COLUMNS, json=json) as output,
    ):
        new_people = (
            _find_new_people(store, [who for who, _ in people], yes=yes) if person_id is None and not new else set()
        )
        options = _EnrollOptions(
            note=remark, consent=consent, min_face=networks.min_face, min_quality=min_quality, strict=strict
        )

        def enroll_person(who: str, faces: list[str] | NamedFaces) -> Enrollment | VisavisError:
            try:
                if not isinstance(faces, list):
                    return enroll_faces(store, faces, new=who in new_people, **options)
                return store.enroll(who, faces, person_id=person_id, new=new or who in new_people, **options)
            except (ImageError, UsageError) as error:
                if not several:
                    raise
                return error

        answers = ((who, enroll_person(who, sources)) for who, sources in people)
        for who, answer in output.progress(answers, len(people)):
            enrolled_count += not isinstance(answer, VisavisError)
            _print_enrollment(output, who, answer)
    raise typer.Exit(0 if enrolled_count else 2)


def _collect_people(
    name: str | None, photos: list[str] | None, folder: Path | None, *, single: bool, exclude: Sequence[str]
) -> list[tuple[str, list[str]]] | list[tuple[str, NamedFaces]]:
    """Return the name and photos of each person from the arguments; ``single`` is whether --new or --id is set."""
    if folder and single:
        raise UsageError("--new and --id are for a single person: give NAME PHOTO... instead of --from.")
    if folder is None:
        if name is None or not photos:
            raise UsageError(
                f"a person needs a name and photos: NAME PHOTO..., or --from DIR or FILE{_suggest(name, single)}."
            )
        return [(name, expand_folders(photos, exclude=exclude))]
    if name is not None:
        raise UsageError("NAME PHOTO... and --from exclude each other.")
    if folder.is_file() and folder.suffix.lower() not in TABLES:
        from visavis.gallery.cluster_export import read_people

        return [(person.name, person) for person in read_people(folder)]
    from visavis.gallery.enrollment_lists import read_named_photos

    named = read_named_photos(folder, exclude=exclude)
    for text in named.notes:
        note(text)
    return [(person.name, list(person.photos)) for person in named.people]


def _suggest(path: str | None, single: bool) -> str:
    """Return the command to suggest, in brackets, where a path stands in the place of a name."""
    if not path or not Path(path).exists():
        return ""
    people = not single and (Path(path).is_dir() or Path(path).suffix.lower() in {*TABLES, ".json"})
    return f" (visavis enroll {'--from' if people else 'NAME'} {shlex.quote(path)})"


def _find_new_people(store: Gallery, names: list[str], *, yes: bool) -> set[str]:
    """Return the names of new people that resemble other names, confirmed at a terminal or by ``yes``.

    Enrolling refuses the other names, with a message that says what to do.
    """
    from visavis.gallery.names import fold_name

    chosen: set[str] = set()
    earlier: dict[str, str] = {}
    names = [name for name in names if name.strip()]
    alike = store.find_similar_names(names)  # all at once: there may be very many
    for name in names:
        others = alike.get(fold_name(name), [])
        exists = any(other == name for _, other in others) or (others and name in store)
        stored = [] if exists else [f"{other} (id {person_id})" for person_id, other in others]
        first = earlier.setdefault(fold_name(name), name)
        if not stored and first == name:
            continue
        question = f"{' and '.join(stored) or first} is there already. Is {name} another person?"
        if yes or (sys.stdin.isatty() and confirm(question)):
            chosen.add(name)
    return chosen


def _print_enrollment(output: Output, name: str, answer: Enrollment | VisavisError) -> None:
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
        "duplicates": [asdict(duplicate) for duplicate in answer.duplicates],
        "skipped": [asdict(photo) for photo in answer.skipped],
        "notes": list(answer.notes),
        "doubts": [asdict(doubt) for doubt in answer.doubts],
    }
    counts = [str(len(photos)) for photos in (answer.added, answer.duplicates, answer.skipped)]
    output.answer(line, [str(answer.person_id), answer.name, *counts])


def why_skipped(photo: Skipped) -> str:
    """Return a sentence that names the photo once and says why it was skipped."""
    if photo.status == DoubtfulPhotoError.status:
        return f"{photo.photo} {photo.message}"
    return photo.message if photo.photo in photo.message else f"{photo.photo}: {photo.message}"
