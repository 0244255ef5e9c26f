"""demo: enroll, identify and verify on sample photos, and print the same steps as commands."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

import typer

from visavis import atomic, permissions
from visavis._show import percent
from visavis.cli._files import PictureFolder
from visavis.cli._options import Json, Threads
from visavis.cli._output import Output, note, short, write
from visavis.cli._table import Column
from visavis.cli.identify import save_named
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.gallery import Gallery
    from visavis.pipeline import Recognizer

T = TypeVar("T")
OUT = Path("visavis-demo")
NAME = "Barack Obama"
UNKNOWN, SAME, DIFFERENT = "unknown", "same person", "different people"
ENROLLED = "obama.jpg"
COLUMNS = (
    "step",
    Column("photo"),
    "answer",
    Column("distance", drop=6),
    "threshold",
    "probability",
    Column("seconds", drop=1),
    "",
)
SEARCHED = {"obama2.jpg": NAME, "obama3.jpg": NAME, "biden.jpg": None}
"""Photo -> name expected in it; the man in the last photo is not enrolled."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the demo: its question, the expected answer, and the answer."""

    step: str
    photo: str
    expected: str
    answer: str
    distance: float | None
    threshold: float | None
    probability: float | None
    seconds: float
    picture: str | None = None

    @property
    def right(self) -> bool:
        """Whether the answer is the expected one."""
        return self.answer == self.expected


def demo(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", file_okay=False, help="Folder for the results.")] = OUT,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Run enroll, identify and verify on sample photos.

    Enrolls a man from one photo and identifies him in others; a stranger stays unknown. Exits 0 only if all answers are
    right. Can be run again.
    """
    from visavis.gallery import Gallery
    from visavis.pipeline import Recognizer

    photos = _copy_photos(out / "photos")
    recognizer = Recognizer(threads=threads)
    steps = []
    with (
        Output(*COLUMNS, json=json) as output,
        Gallery(out / "demo.db", recognizer=recognizer) as store,
    ):
        for step in _run_steps(photos, recognizer, store, PictureFolder(out)):
            steps.append(step)
            output.answer(_make_line(step), _make_row(step))
    overview = _draw_overview(steps, out / "overview.jpg")
    if not json:
        write(_format_commands(photos, out, overview))
    wrong = sum(not step.right for step in steps)
    if wrong:
        note(f"{wrong} of {len(steps)} steps did not have the expected result.")
    raise typer.Exit(1 if wrong else 0)


def _copy_photos(folder: Path) -> Path:
    """Copy the sample photos to a folder with a short path for the printed commands."""
    from visavis.samples import load_samples

    permissions.make_folder(folder)
    for path in load_samples().all:
        shutil.copyfile(path, folder / path.name)
    return folder


def _run_steps(photos: Path, recognizer: Recognizer, store: Gallery, folder: PictureFolder) -> Iterator[Step]:
    loaded = _measure(lambda: (recognizer.detector.name, recognizer.embedder.name))
    names = " + ".join(loaded.value)
    yield Step("load", "", names, names, None, None, None, loaded.seconds)
    yield _enroll(store, photos / ENROLLED)
    for photo, name in SEARCHED.items():
        yield _identify(store, photos / photo, name, folder)
    for photo, name in SEARCHED.items():
        yield _verify(recognizer, photos / ENROLLED, photos / photo, same=name is not None)


def _enroll(store: Gallery, photo: Path) -> Step:
    timing = _measure(lambda: store.enroll(NAME, [str(photo)]))
    return Step("enroll", photo.name, NAME, timing.value.name, None, None, None, timing.seconds)


def _identify(store: Gallery, photo: Path, name: str | None, folder: PictureFolder) -> Step:
    timing = _measure(lambda: list(store.identify_photos([str(photo)])))
    (answer,) = timing.value
    picture = save_named(folder, answer)
    if not answer.photo.faces:
        return Step("identify", photo.name, name or UNKNOWN, "no face", None, None, None, timing.seconds)
    face = answer.identifications[answer.photo.largest]
    return Step(
        "identify",
        photo.name,
        name or UNKNOWN,
        face.name or UNKNOWN,
        face.distance,
        face.threshold,
        face.probability,
        timing.seconds,
        str(picture),
    )


def _verify(recognizer: Recognizer, a: Path, b: Path, *, same: bool) -> Step:
    timing = _measure(lambda: recognizer.verify(str(a), str(b)))
    answer = timing.value
    return Step(
        "verify",
        f"{a.name} {b.name}",
        SAME if same else DIFFERENT,
        SAME if answer.same else DIFFERENT,
        answer.distance,
        answer.threshold,
        answer.probability,
        timing.seconds,
    )


@dataclass(frozen=True, slots=True)
class _Timing(Generic[T]):
    value: T
    seconds: float


def _measure(work: Callable[[], T]) -> _Timing[T]:
    start = time.perf_counter()
    value = work()
    return _Timing(value, time.perf_counter() - start)


def _make_line(step: Step) -> dict[str, object]:
    return {
        **asdict(step),
        "right": step.right,
        "distance": significant(step.distance),
        "threshold": significant(step.threshold),
        "probability": significant(step.probability),
        "seconds": significant(step.seconds, 3),
    }


def _make_row(step: Step) -> list[str]:
    figures = [short(step.distance), short(step.threshold), percent(step.probability)]
    verdict = "right" if step.right else f"WRONG: expected {step.expected}"
    return [step.step, step.photo, step.answer, *figures, short(step.seconds, ".2f"), verdict]


def _draw_overview(steps: list[Step], path: Path) -> Path:
    """Draw the annotated photos on one sheet, and write it."""
    import numpy as np
    from PIL import Image

    from visavis.draw import contact_sheet

    annotated = [step for step in steps if step.picture]
    pictures = [np.asarray(Image.open(step.picture).convert("RGB")) for step in annotated if step.picture]
    captions = [
        f"{step.photo}: {step.answer}\ndistance {short(step.distance)}, threshold {short(step.threshold)}"
        for step in annotated
    ]
    sheet = Image.fromarray(contact_sheet(pictures, captions))
    atomic.write(path, lambda file: sheet.save(file, "JPEG", quality=92))
    return path


def _format_commands(photos: Path, out: Path, overview: Path) -> str:
    gallery = shlex.quote(str(out / "demo.db"))
    first, *others = (shlex.quote(str(photos / name)) for name in (ENROLLED, *SEARCHED))
    return (
        f"\nThe annotated photos are in {out}, all of them on {overview}. The same by hand:\n\n"
        f"  visavis detect {first}\n"
        f"  visavis enroll '{NAME}' {first} --gallery {gallery}\n"
        f"  visavis identify {' '.join(others)} --gallery {gallery}\n"
        f"  visavis verify {first} {others[0]}\n"
        f"  visavis gallery list --gallery {gallery}\n"
    )
