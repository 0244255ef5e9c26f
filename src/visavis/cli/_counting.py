"""Progress of bulk work on a terminal: photos done, faces, photos a second, time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from visavis.errors import VisavisError

if TYPE_CHECKING:
    from visavis.bulk import Outcome


@contextmanager
def counting(
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
        with suppress(VisavisError):  # it is told of where the photos are gone through
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
