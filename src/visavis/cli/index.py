"""index: folders of photos into a gallery, as nobody's faces yet."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._gallery_lines import counted
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
from visavis.cli._output import Output, note
from visavis.cli._sources import Exclude
from visavis.cli._table import Row
from visavis.errors import UsageError, VisavisError

if TYPE_CHECKING:
    from visavis.bulk import Engine, Outcome
    from visavis.gallery import Gallery

LISTED = 10_000
"""Photos that could not be used that are listed at the end: one disk that is gone must not fill the memory."""

DONE = frozenset({"ok", "no_face", "known"})


class EngineName(StrEnum):
    """What the work is done on."""

    local = "local"
    ray = "ray"


def index(  # noqa: PLR0913 - a command's options
    sources: Annotated[list[str], typer.Argument(metavar="DIR", help="Folders, photos, or URLs of either.")],
    *,
    exclude: Exclude = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Processes that work.", show_default="one a processor"),
    ] = None,
    engine: Annotated[EngineName, typer.Option("--engine", help="Processes of this machine, or a Ray cluster.")] = (
        EngineName.local
    ),
    ray_address: Annotated[
        str | None,
        typer.Option(
            "--ray-address", metavar="ADDRESS", help="The cluster of --engine ray.", show_default="RAY_ADDRESS, or none"
        ),
    ] = None,
    gallery: GalleryUrl = GALLERY,
    model: GalleryModel = None,
    detector: DetectorName = DETECTOR,
    any_orientation: AnyOrientation = False,
    min_face: MinFace = 20,
    json: Json = False,
) -> None:
    """Put the faces of whole folders of photos into a gallery.

    They are nobody's until they are named. A photo is told of once it is stored: after an interrupt, or a crash, the
    same command goes on where it was. Exits 2 where not one photo could be used.
    """
    detector = detector_id(detector, any_orientation=any_orientation)
    if ray_address is not None and engine is not EngineName.ray:
        raise UsageError("--ray-address is that of a cluster for --engine ray.")
    from visavis import bulk

    chosen = _engine(engine, workers, ray_address)
    with (
        _gallery(gallery, model, detector) as store,
        Output("photo", "status", json=json) as output,
        _summed_up(json=json) as tally,
        _counting(sources, exclude=exclude or (), shown=output.shows_progress) as done,
        closing(
            bulk.index(store, sources, engine=chosen, detector=detector, min_face=min_face, exclude=exclude or ())
        ) as outcomes,
    ):
        for one in outcomes:
            done(one)
            listed = tally.add(one)
            output.answer(_line(one), *([Row([one.photo, one.status], one.message)] if listed else []))
    if not tally.statuses:
        raise UsageError(f"no photo was found: {', '.join(sources)}.")
    raise typer.Exit(0 if tally.usable else 2)


def _engine(name: EngineName, workers: int | None, ray_address: str | None) -> Engine:
    from visavis import bulk

    if name is EngineName.ray:
        return bulk.RayEngine(workers=workers, address=ray_address)
    return bulk.LocalEngine(workers=workers)


def _gallery(url: str, model: str | None, detector: str) -> Gallery:
    """Open the gallery, made where there is none; not before it is known that the names mean something."""
    from visavis.bulk import Stage
    from visavis.gallery import Gallery

    Stage(MODEL if model is None else model, detector).check()
    return Gallery(url, model=model)


class _Tally:
    """Counts what became of the photos, and remembers those that could not be used."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.faces = 0
        self.failures: list[Outcome] = []
        self._start = time.monotonic()

    @property
    def usable(self) -> int:
        """Photos that were not failures."""
        return sum(self.statuses[status] for status in DONE)

    def add(self, one: Outcome) -> bool:
        """Take one in; returns whether it is to be listed at the end."""
        self.statuses[one.status] += 1
        self.faces += (one.faces or 0) if one.status == "ok" else 0
        listed = one.status not in DONE and len(self.failures) < LISTED
        if listed:
            self.failures.append(one)
        return listed

    def text(self) -> str:
        """Sum up in a line."""
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
def _summed_up(*, json: bool) -> Iterator[_Tally]:
    """Say at the end, however it comes, what was done, and under ``json`` (which has no table) what was not."""
    tally = _Tally()
    try:
        yield tally
    finally:
        for one in tally.failures if json else ():
            note(f"{one.status}: {one.message}")
        note(tally.text())


def _line(one: Outcome) -> dict[str, object]:
    line: dict[str, object] = {"photo": one.photo, "status": one.status, "faces": one.faces}
    return {**line, "message": one.message} if one.message else line


@contextmanager
def _counting(
    sources: Sequence[str], *, shown: bool, exclude: Sequence[str] = ()
) -> Iterator[Callable[[Outcome], None]]:
    """Show a bar while inside; what is yielded is to be called with each outcome. Where not ``shown``, it does nothing.

    How many photos there are is counted meanwhile, since listing them may take long: only then the time left is known.
    """
    if not shown:
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
    found = 0
    with bar, _counted(sources, exclude) as total:
        row = bar.add_task("", total=None, faces=found)

        def done(one: Outcome) -> None:
            nonlocal found
            found += one.faces or 0
            bar.update(row, advance=1, total=total(), faces=found)

        yield done


@contextmanager
def _counted(sources: Sequence[str], exclude: Sequence[str]) -> Iterator[Callable[[], int | None]]:
    """Count photos in a thread while inside; the total is None until it is known."""
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
