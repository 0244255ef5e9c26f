"""verify: answer whether photos show the person of a reference photo."""

from __future__ import annotations

from collections import Counter
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis._show import percent
from visavis.cli._files import PictureFolder
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Json, Metric
from visavis.cli._output import Output, decimals, exit_code, note, short, write
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Row
from visavis.errors import NoFaceError, UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from visavis.types import PhotoFaces, PhotoVerification, Verification
    from visavis.verification import VerificationRule

    Compared = tuple[PhotoFaces, PhotoFaces, PhotoVerification]

PAIR_SIZE, PAIR_MARGIN = 320, 0.5
"""Side in pixels of a face in the pictures of --out, and the fraction of its box that is added as margin."""

Reference = Annotated[str, typer.Argument(metavar="KNOWN", help="Reference photo of the person; - is standard input.")]
ToCompare = Annotated[
    list[str],
    typer.Argument(metavar="PHOTO|DIR", help="Photos to compare with it, or folders searched with their subfolders."),
]
AnyFace = Annotated[bool, typer.Option("--any-face", help="Compare all faces of a photo, not only the largest.")]
Far = Annotated[
    float | None,
    typer.Option("--far", help="False accept rate (FAR) that sets the threshold.", show_default=str(defaults.FAR)),
]
Threshold = Annotated[
    float | None, typer.Option("--threshold", help="Greatest distance of one person, instead of --far.")
]
Table = Annotated[
    Path | None,
    typer.Option(
        "--calibration", metavar="FILE", help="A table written by visavis calibrate.", show_default="the model's own"
    ),
]
InUnit = Annotated[Metric, typer.Option("--metric", help="Unit of distance and threshold.")]
Pairs = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", file_okay=False, help="Write the compared faces side by side."),
]


@takes(EMBEDDING)
def verify(  # noqa: PLR0913 - a command's options
    reference: Reference,
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
    """Answer whether photos show the same person as KNOWN.

    Compares the largest face of each photo; with --any-face the nearest face of PHOTO. Exits 0 if all photos show the
    person, 1 if not.
    """
    if far is not None and threshold is not None:
        raise UsageError("--far and --threshold exclude each other: a threshold has a FAR of its own.")
    if [reference, *photos].count("-") > 1:
        raise UsageError("standard input can be read only once: give - for one photo.")
    from visavis.compare import read_calibration
    from visavis.images.photo_files import is_folder

    recognizer = networks.recognizer()
    rule = recognizer.rule(
        far=defaults.FAR if far is None else far,
        threshold=threshold,
        metric=metric.value,
        calibration=None if calibration is None else read_calibration(calibration),
        any_face=any_face,
    )
    several = len(photos) > 1 or is_folder(photos[0])
    sources = expand_folders(photos, exclude=exclude)
    recognizer.load_ahead()
    answers = _complete_answers(
        recognizer.verify_each(reference, sources, rule=rule, min_face=networks.min_face), reference, sources
    )
    folder = PictureFolder(out) if out else None
    if several:
        raise typer.Exit(_print_answers(answers, len(sources), folder, json=json))
    raise typer.Exit(_print_answer(next(answers), folder, rule, json=json))


def _complete_answers(answers: Iterator[Compared], reference: str, photos: Sequence[str]) -> Iterator[Compared]:
    """Yield the answers; if KNOWN has no face, yield that as the answer for each photo."""
    from visavis.types import PhotoFaces, PhotoVerification

    try:
        yield from answers
    except NoFaceError as error:
        status, message = error.status, str(error)
        for photo in photos:
            faceless, unseen = (
                PhotoFaces(reference, status, message=message),
                PhotoFaces(photo, status, message=message),
            )
            yield faceless, unseen, PhotoVerification(photo, status, message=message)


def _print_answer(compared: Compared, folder: PictureFolder | None, rule: VerificationRule, *, json: bool) -> int:
    """Print the answer about one photo in sentences; raise the error of a photo that cannot be read."""
    reference, photo, answer = compared
    verification = answer.verification
    if verification is None:
        return _print_without_face(reference, photo, rule, json=json)
    for text in verification.notes:
        note(text)
    if folder:
        _save_pair(folder, reference, photo, answer)
    if json:
        with Output(json=True) as output:
            output.answer(_make_line(verification))
    else:
        write(_format_sentences(verification, unrated="uncalibrated" if rule.table is None else "no rate was measured"))
    return 0 if answer else 1


def _print_without_face(reference: PhotoFaces, photo: PhotoFaces, rule: VerificationRule, *, json: bool) -> int:
    """Print the answer for two photos, one of them without a face: not the same person."""
    from visavis.types import Verification
    from visavis.verification import require_faces

    try:
        require_faces(photo)
    except NoFaceError as error:
        reason = str(error)
    if not json:
        write(f"{reason}\n")
        return 1
    faces = (len(reference.faces), len(photo.faces))
    answer = Verification(False, nan, rule.metric, nan, None, None, rule.model, rule.detector, *faces, reason=reason)
    with Output(json=True) as output:
        output.answer(_make_line(answer) if photo.photo else {**_make_line(answer), "faces_b": None})
    return 1


def _print_answers(answers: Iterator[Compared], total: int, folder: PictureFolder | None, *, json: bool) -> int:
    """Print the answers about several photos: one row per photo, and a summary."""
    finished: list[PhotoVerification] = []
    printed_notes: set[str] = set()
    with Output("photo", "answer", "distance", "threshold", "probability", json=json) as output:
        for reference, photo, answer in output.progress(answers, total):
            finished.append(answer)
            file = _save_pair(folder, reference, photo, answer) if folder else None
            for text in answer.verification.notes if answer.verification else ():
                if text not in printed_notes:
                    note(text)
                    printed_notes.add(text)
            output.answer(_make_photo_line(answer, file), _make_row(answer))
    if not json:
        write(_summarize(finished))
    return exit_code([answer.status for answer in finished], yes=all(finished))


def _save_pair(
    folder: PictureFolder, reference: PhotoFaces, photo: PhotoFaces, answer: PhotoVerification
) -> Path | None:
    """Write the two faces side by side with the answer below; return None if no face was compared."""
    from visavis.align import square_crops
    from visavis.draw import BLUE, ORANGE, face_pair

    verification = answer.verification
    if reference.photo is None or photo.photo is None or answer.face is None or verification is None:
        return None
    faces = (reference.photo.pixels, reference.faces[reference.largest]), (photo.photo.pixels, answer.face)
    crops = [square_crops(pixels, [face], size=PAIR_SIZE, margin=PAIR_MARGIN)[0] for pixels, face in faces]
    verdict, sign = _judge(verification)
    caption = (
        f"{verdict}: {verification.metric} distance {verification.distance:.4f} {sign} {verification.threshold:.4f}"
    )
    color = BLUE if verification.same else ORANGE
    names = Path(reference.name).name, Path(photo.name).name
    ending = f"-vs-{Path(reference.name).stem}.jpg"
    return folder.save(face_pair(crops[0], crops[1], names, caption, color=color), photo.photo, ending)


def _make_line(answer: Verification) -> dict[str, object]:
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


def _make_photo_line(answer: PhotoVerification, file: Path | None) -> dict[str, object]:
    line: dict[str, object] = {"photo": answer.photo, "status": answer.status}
    if answer.verification is None or answer.face is None:
        return {**line, "same": answer.same, "message": answer.message}
    line |= {**_make_line(answer.verification), "box": decimals(answer.face.box)}
    return line if file is None else {**line, "file": str(file)}


def _make_row(answer: PhotoVerification) -> Row:
    verification = answer.verification
    if verification is None:
        return Row([answer.photo], answer.message)
    figures = [short(verification.distance), short(verification.threshold), percent(verification.probability)]
    return Row([answer.photo, _judge(verification)[0], *figures], verification.reason)


def _summarize(answers: list[PhotoVerification]) -> str:
    counts = Counter(
        answer.status if answer.verification is None else _judge(answer.verification)[0] for answer in answers
    )
    parts = [f"{counts.pop(verdict, 0)} {verdict}" for verdict in ("the same person", "different people")]
    parts += [f"{number} {verdict.replace('_', ' ')}" for verdict, number in counts.items()]
    return f"{len(answers)} photos: {', '.join(parts)}\n"


def _judge(answer: Verification) -> tuple[str, str]:
    if answer.reason:
        return "too poor to say", ">"
    return ("the same person", "<=") if answer.same else ("different people", ">")


def _format_sentences(answer: Verification, *, unrated: str = "uncalibrated") -> str:
    """Write an answer in sentences; ``unrated`` replaces a false accept rate that is not available."""
    verdict, sign = _judge(answer)
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
