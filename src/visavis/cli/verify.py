"""verify: whether photos show the person of a known photo."""

from __future__ import annotations

from collections import Counter
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._files import PictureFolder
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Json, Metric
from visavis.cli._output import Output, decimals, exit_code, note, percent, short, significant, write
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Row
from visavis.errors import NoFaceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from visavis.types import PhotoFaces, PhotoVerification, Verification
    from visavis.verification import Rule

    Compared = tuple[PhotoFaces, PhotoFaces, PhotoVerification]

FAR = 1e-3
PAIR_SIZE, PAIR_MARGIN = 320, 0.5
"""Side of a face in the pictures of --out, and the part of its box by which it is extended."""


Known = Annotated[str, typer.Argument(metavar="KNOWN", help="A photo of the person; - is standard input.")]
ToCompare = Annotated[
    list[str],
    typer.Argument(metavar="PHOTO|DIR", help="Photos to compare with it, and folders, whatever is below."),
]
AnyFace = Annotated[bool, typer.Option("--any-face", help="Compare all faces of a photo: is the person in it?")]
Far = Annotated[
    float | None,
    typer.Option("--far", help="Rate at which strangers may be taken for one person.", show_default=str(FAR)),
]
Threshold = Annotated[
    float | None, typer.Option("--threshold", help="Greatest distance of one person, in place of --far.")
]
Table = Annotated[
    Path | None,
    typer.Option(
        "--calibration", metavar="FILE", help="A table that visavis calibrate wrote.", show_default="the model's own"
    ),
]
InUnit = Annotated[Metric, typer.Option("--metric", help="Unit of distance and threshold.")]
Pairs = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", file_okay=False, help="Write the compared faces side by side."),
]


@takes(EMBEDDING)
def verify(  # noqa: PLR0913 - a command's options
    known: Known,
    photos: ToCompare,
    *,
    exclude: Exclude = None,
    any_face: AnyFace = False,
    far: Far = None,
    threshold: Threshold = None,
    calibration: Table = None,
    metric: InUnit = Metric.cosine,
    networks: Networks,
    out: Pairs = None,
    json: Json = False,
) -> None:
    """Say whether photos show the same person as KNOWN.

    The largest face of each is compared; with --any-face the nearest face of PHOTO. Exits 0 if all photos show the
    person, 1 if not.
    """
    if far is not None and threshold is not None:
        raise UsageError("--far and --threshold exclude each other: a threshold stands for its own FAR.")
    if [known, *photos].count("-") > 1:
        raise UsageError("standard input can be read only once: give - for one photo.")
    from visavis.compare import read_calibration
    from visavis.images.photo_files import is_folder

    recognizer = networks.recognizer()
    rule = recognizer.rule(
        far=FAR if far is None else far,
        threshold=threshold,
        metric=metric.value,
        calibration=None if calibration is None else read_calibration(calibration),
        any_face=any_face,
    )
    several = len(photos) > 1 or is_folder(photos[0])
    sources = expand_folders(photos, exclude=exclude)
    recognizer.load_ahead()
    answers = _answers(recognizer.verify_each(known, sources, rule=rule, min_face=networks.min_face), known, sources)
    folder = PictureFolder(out) if out else None
    if several:
        raise typer.Exit(_many(answers, len(sources), folder, json=json))
    raise typer.Exit(_single(next(answers), folder, rule, json=json))


def _answers(answers: Iterator[Compared], known: str, photos: Sequence[str]) -> Iterator[Compared]:
    """Yield the answers; where KNOWN shows no face, that is the answer for each photo."""
    from visavis.types import PhotoFaces, PhotoVerification

    try:
        yield from answers
    except NoFaceError as error:
        status, message = error.status, str(error)
        for photo in photos:
            faceless, unseen = PhotoFaces(known, status, message=message), PhotoFaces(photo, status, message=message)
            yield faceless, unseen, PhotoVerification(photo, status, message=message)


def _single(compared: Compared, folder: PictureFolder | None, rule: Rule, *, json: bool) -> int:
    """Answer about one photo, in sentences; raises the error of a photo that cannot be read."""
    known, photo, answer = compared
    verification = answer.verification
    if verification is None:
        return _without_face(known, photo, rule, json=json)
    for text in verification.notes:
        note(text)
    if folder:
        _save_pair(folder, known, photo, answer)
    if json:
        with Output(json=True) as output:
            output.answer(_line(verification))
    else:
        write(_sentences(verification, unrated="uncalibrated" if rule.table is None else "no rate was measured"))
    return 0 if answer else 1


def _without_face(known: PhotoFaces, photo: PhotoFaces, rule: Rule, *, json: bool) -> int:
    """Answer that two photos, one of them without a face, do not show the same person."""
    from visavis.types import Verification
    from visavis.verification import usable

    try:
        usable(photo)
    except NoFaceError as error:
        reason = str(error)
    if not json:
        write(f"{reason}\n")
        return 1
    faces = (len(known.faces), len(photo.faces))
    answer = Verification(False, nan, rule.metric, nan, None, None, rule.model, rule.detector, *faces, reason=reason)
    with Output(json=True) as output:
        output.answer(_line(answer) if photo.photo else {**_line(answer), "faces_b": None})
    return 1


def _many(answers: Iterator[Compared], total: int, folder: PictureFolder | None, *, json: bool) -> int:
    """Answer about several photos: a row a photo and a summary."""
    given: list[PhotoVerification] = []
    noted: set[str] = set()
    with Output("photo", "answer", "distance", "threshold", "probability", json=json) as output:
        for known, photo, answer in output.progress(answers, total):
            given.append(answer)
            file = _save_pair(folder, known, photo, answer) if folder else None
            for text in answer.verification.notes if answer.verification else ():
                if text not in noted:
                    note(text)
                    noted.add(text)
            output.answer(_photo_line(answer, file), _row(answer))
    if not json:
        write(_summary(given))
    return exit_code([answer.status for answer in given], yes=all(given))


def _save_pair(folder: PictureFolder, known: PhotoFaces, photo: PhotoFaces, answer: PhotoVerification) -> Path | None:
    """Write the two faces side by side with the answer below; None where no face was compared."""
    from visavis.align import square_crops
    from visavis.draw import BLUE, ORANGE, face_pair

    verification = answer.verification
    if known.photo is None or photo.photo is None or answer.face is None or verification is None:
        return None
    faces = (known.photo.pixels, known.faces[known.largest]), (photo.photo.pixels, answer.face)
    crops = [square_crops(pixels, [face], size=PAIR_SIZE, margin=PAIR_MARGIN)[0] for pixels, face in faces]
    verdict, sign = _verdict(verification)
    below = f"{verdict}: {verification.metric} distance {verification.distance:.4f} {sign} {verification.threshold:.4f}"
    color = BLUE if verification.same else ORANGE
    names = Path(known.name).name, Path(photo.name).name
    ending = f"-vs-{Path(known.name).stem}.jpg"
    return folder.save(face_pair(crops[0], crops[1], names, below, color=color), photo.photo, ending)


def _line(answer: Verification) -> dict[str, object]:
    line: dict[str, object] = {
        "same": answer.same,
        "distance": significant(answer.distance),
        "metric": answer.metric,
        "threshold": significant(answer.threshold),
        "far": significant(answer.far),
        "probability": significant(answer.probability),
        "model": answer.model,
        "detector": answer.detector,
        "faces_a": answer.faces_a,
        "faces_b": answer.faces_b,
    }
    if answer.reason:
        line["reason"] = answer.reason
    return {**line, "notes": list(answer.notes)} if answer.notes else line


def _photo_line(answer: PhotoVerification, file: Path | None) -> dict[str, object]:
    line: dict[str, object] = {"photo": answer.photo, "status": answer.status}
    if answer.verification is None or answer.face is None:
        return {**line, "same": answer.same, "message": answer.message}
    line |= {**_line(answer.verification), "box": decimals(answer.face.box)}
    return line if file is None else {**line, "file": str(file)}


def _row(answer: PhotoVerification) -> Row:
    verification = answer.verification
    if verification is None:
        return Row([answer.photo], answer.message)
    figures = [short(verification.distance), short(verification.threshold), percent(verification.probability)]
    return Row([answer.photo, _verdict(verification)[0], *figures], verification.reason)


def _summary(answers: list[PhotoVerification]) -> str:
    counts = Counter(
        answer.status if answer.verification is None else _verdict(answer.verification)[0] for answer in answers
    )
    parts = [f"{counts.pop(verdict, 0)} {verdict}" for verdict in ("the same person", "different people")]
    parts += [f"{number} {verdict.replace('_', ' ')}" for verdict, number in counts.items()]
    return f"{len(answers)} photos: {', '.join(parts)}\n"


def _verdict(answer: Verification) -> tuple[str, str]:
    if answer.reason:
        return "too poor to say", ">"
    return ("the same person", "<=") if answer.same else ("different people", ">")


def _sentences(answer: Verification, *, unrated: str = "uncalibrated") -> str:
    """Put an answer in words; ``unrated`` stands for a rate of false accepts that is not known."""
    verdict, sign = _verdict(answer)
    if answer.reason:
        return (
            f"{verdict}\n{answer.reason}\n"
            f"{answer.metric} distance {answer.distance:.4f}, which says nothing of such photos\n"
            f"model {answer.model}, detector {answer.detector}\n"
        )
    rate = unrated if answer.far is None else f"strangers pass at a rate of {answer.far:.3g}"
    likely = ""
    if answer.probability is not None:
        likely = f"\nprobability of one person, at even odds: {percent(answer.probability)}"
        if (answer.probability > 0.5) is not answer.same:
            likely += " (the answer goes by the threshold)"
    return (
        f"{verdict}\n"
        f"{answer.metric} distance {answer.distance:.4f} {sign} threshold {answer.threshold:.4f} ({rate})"
        f"{likely}\n"
        f"model {answer.model}, detector {answer.detector}\n"
    )
