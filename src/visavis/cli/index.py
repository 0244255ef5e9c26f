"""index: add the faces of folders of photos to a gallery, unassigned."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis.cli._options import (
    DETECTOR,
    GALLERY,
    MODEL,
    AnyOrientation,
    DetectorName,
    GalleryModel,
    GalleryUrl,
    Json,
    MinFace,
    detector_id,
)
from visavis.cli._output import Output, counted, note
from visavis.cli._signals import catch_signals
from visavis.cli._sources import Exclude
from visavis.cli._table import Row
from visavis.errors import UsageError, VisavisError

if TYPE_CHECKING:
    from visavis.bulk import Engine, Outcome
    from visavis.gallery import Gallery

LISTED = 10_000
"""Greatest number of unusable photos listed at the end: a missing disk must not fill the memory."""

DONE = frozenset({"ok", "no_face", "known"})


class EngineName(StrEnum):
    """Engine that runs the work."""

    local = "local"
    ray = "ray"


def index(  # noqa: PLR0913 - a command's options
    sources: Annotated[list[str], typer.Argument(metavar="DIR", help="Folders, photos, or URLs of either.")],
    *,
    exclude: Exclude = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Number of processes.", show_default="one per processor"),
    ] = None,
    engine: Annotated[EngineName, typer.Option("--engine", help="Run on this machine, or on a Ray cluster.")] = (
        EngineName.local
    ),
    ray_address: Annotated[
        str | None,
        typer.Option(
            "--ray-address",
            metavar="ADDRESS",
            help="Address of the cluster for --engine ray.",
            show_default="RAY_ADDRESS, or none",
        ),
    ] = None,
    gallery: GalleryUrl = GALLERY,
    model: GalleryModel = None,
    detector: DetectorName = DETECTOR,
    any_orientation: AnyOrientation = False,
    min_face: MinFace = defaults.MIN_FACE,
    json: Json = False,
) -> None:
    """Add the faces of whole folders of photos to a gallery.

    The faces are unassigned until they are named. A photo is printed once it is stored: after an interrupt (Ctrl-C or
    SIGTERM) or a crash, the same command continues. Exits 2 if no photo could be used.
    """
    detector = detector_id(detector, any_orientation=any_orientation)
    if ray_address is not None and engine is not EngineName.ray:
        raise UsageError("--ray-address needs --engine ray.")
    from visavis import bulk

    selected = _create_engine(engine, workers, ray_address)
    with (
        catch_signals() as interrupts,
        _open_gallery(gallery, model, detector) as store,
        Output("photo", "status", json=json) as output,
        _print_summary(json=json) as tally,
        _show_progress(sources, exclude=exclude or (), visible=output.shows_progress) as done,
        closing(
            bulk.index(store, sources, engine=selected, detector=detector, min_face=min_face, exclude=exclude or ())
        ) as outcomes,
    ):
        for outcome in interrupts.each(outcomes):
            done(outcome)
            listed = tally.add(outcome)
            output.answer(
                _make_line(outcome), *([Row([outcome.photo, outcome.status], outcome.message)] if listed else [])
            )
    if not tally.statuses:
        raise UsageError(f"no photo was found: {', '.join(sources)}.")
    raise typer.Exit(0 if tally.usable else 2)


def _create_engine(name: EngineName, workers: int | None, ray_address: str | None) -> Engine:
    from visavis import bulk

    if name is EngineName.ray:
        return bulk.RayEngine(workers=workers, address=ray_address)
    return bulk.LocalEngine(workers=workers)


def _open_gallery(url: str, model: str | None, detector: str) -> Gallery:
    """Open or create the gallery, after checking the names of model and detector."""
    from visavis.bulk import EmbedStage
    from visavis.gallery import Gallery

    EmbedStage(MODEL if model is None else model, detector).check()
    return Gallery(url, model=model)


class _Tally:
    """Counts the outcomes of photos, and keeps those that could not be used."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.faces = 0
        self.failures: list[Outcome] = []
        self._start = time.monotonic()

    @property
    def usable(self) -> int:
        """Number of photos that did not fail."""
        return sum(self.statuses[status] for status in DONE)

    def add(self, outcome: Outcome) -> bool:
        """Count an outcome; return whether to list it at the end."""
        self.statuses[outcome.status] += 1
        self.faces += (outcome.faces or 0) if outcome.status == "ok" else 0
        listed = outcome.status not in DONE and len(self.failures) < LISTED
        if listed:
            self.failures.append(outcome)
        return listed

    def text(self) -> str:
        """Return the summary in one line."""
        total, seconds = self.statuses.total(), time.monotonic() - self._start
        failed = {status: number for status, number in self.statuses.items() if status not in DONE}
        parts = [
            f"{self.statuses['ok'] + self.statuses['no_face']} indexed with {counted(self.faces, 'face')} "
            f"({self.statuses['no_face']} without)",
            f"{self.statuses['known']} there already",
            *(f"{number} {status}" for status, number in sorted(failed.items())),
        ]
        rate = total / max(seconds, 1e-9)
        return f"{counted(total, 'photo')} in {seconds:.1f} s ({rate:.1f} a second): {', '.join(parts)}."


@contextmanager
def _print_summary(*, json: bool) -> Iterator[_Tally]:
    """Print the summary at the end or after an error; with ``json``, which has no table, also the failures."""
    tally = _Tally()
    try:
        yield tally
    finally:
        for outcome in tally.failures if json else ():
            note(f"{outcome.status}: {outcome.message}")
        note(tally.text())


def _make_line(outcome: Outcome) -> dict[str, object]:
    line: dict[str, object] = {"photo": outcome.photo, "status": outcome.status, "faces": outcome.faces}
    return {**line, "message": outcome.message} if outcome.message else line


@contextmanager
def _show_progress(
    sources: Sequence[str], *, visible: bool, exclude: Sequence[str] = ()
) -> Iterator[Callable[[Outcome], None]]:
    """Show a progress bar during the block, if ``visible``; yield a function to call with each outcome.

    A thread counts the photos meanwhile, since listing them may take long: the remaining time is shown after that.
    """
    if not visible:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:.1f} photos/s")

    faces = TextColumn("{task.fields[faces]} faces")
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        faces,
        Rate(),
        TimeLeft(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # answers stay on standard output
    )
    face_count = 0
    with bar, _count_photos(sources, exclude) as total:
        row = bar.add_task("", total=None, faces=face_count)

        def done(outcome: Outcome) -> None:
            nonlocal face_count
            face_count += outcome.faces or 0
            bar.update(row, advance=1, total=total(), faces=face_count)

        yield done


@contextmanager
def _count_photos(sources: Sequence[str], exclude: Sequence[str]) -> Iterator[Callable[[], int | None]]:
    """Count photos in a thread during the block; the yielded function returns None until the total is complete."""
    from visavis.bulk.sources import walk

    stopped, counts = Event(), list[int]()

    def count() -> None:
        number = 0
        with suppress(VisavisError):  # reported when the photos are read
            for _ in walk(sources, exclude=exclude):
                number += 1
                if stopped.is_set():
                    return
            counts.append(number)

    Thread(target=count, daemon=True).start()
    try:
        yield lambda: counts[0] if counts else None
    finally:
        stopped.set()
