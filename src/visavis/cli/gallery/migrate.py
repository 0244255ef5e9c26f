"""gallery migrate: change the model of a gallery without enrolling people again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import DETECTOR, GALLERY, DetectorName, GalleryUrl, Json, Threads
from visavis.cli._output import Output, counted
from visavis.cli._table import Row
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.gallery import LostFaces, Migration, MigrationState, PairErrors
    from visavis.gallery.migration_types import Progress


def migrate(  # noqa: PLR0913 - its parameters are its options
    *,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Model to change to.", show_default=False)
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Let the model that answered before answer again.")] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Remove the embeddings of the model that does not answer.")
    ] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Remove faces without a crop or photo, and people without others.")
    ] = False,
    accept_errors: Annotated[
        bool, typer.Option("--accept-errors", help="Switch to a model that errs more or could not be measured.")
    ] = False,
    thresholds: Annotated[
        Path | None,
        typer.Option("--thresholds", metavar="FILE", help="Table of the new model, of visavis calibrate."),
    ] = None,
    detector: DetectorName = DETECTOR,
    threads: Threads = None,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Change the model without enrolling people again.

    Embeds all faces with --model, from kept crops or from the photos at their paths. The gallery answers as before
    until both models were compared on its own pairs; then it switches in one transaction. Exits 1 if it did not.
    Repeat the command after an interruption. Without --model, --back or --finish, shows the state.
    """
    from visavis.compare import read_calibration
    from visavis.gallery import Gallery

    if sum((model is not None, back, finish)) > 1:
        raise UsageError("--model, --back and --finish exclude each other.")
    if thresholds is not None and model is None:
        raise UsageError("--thresholds belongs to --model.")
    table = None if thresholds is None else read_calibration(thresholds)
    with (
        Gallery(gallery, detector=detector, threads=threads, create=False) as store,
        Output("migration", "", json=json) as output,
    ):
        if finish or (model is None and not back):
            _answer_state(store.finish_migration() if finish else store.migration(), output)
            return
        with _bar(output) as progress:
            if model is None:
                outcome = store.migrate_back(accept_loss=accept_loss, progress=progress)
            else:
                outcome = store.migrate(
                    model,
                    accept_loss=accept_loss,
                    accept_errors=accept_errors,
                    thresholds=table,
                    progress=progress,
                )
        output.answer(_make_line(outcome), *_make_rows(outcome))
    raise typer.Exit(0 if outcome.switched else 1)


@contextmanager
def _bar(output: Output) -> Iterator[Progress]:
    """Yield a function that shows the progress on a terminal."""

    def show(done: int, total: int) -> bool:
        if output.shows_progress and total:
            typer.echo(f"\rembedded {done} of {total}", err=True, nl=False)
        return True

    try:
        yield show
    finally:
        if output.shows_progress:
            typer.echo("", err=True)


def _answer_state(state: MigrationState, output: Output) -> None:
    output.answer(state.to_dict(), *_describe_state(state))


def _describe_state(state: MigrationState) -> Iterator[Row]:
    yield Row(["answering", state.model])
    if state.second is not None:
        verb = "answered before" if state.state == "switched" else "prepared"
        yield Row([verb, f"{state.second}: {state.filled} of {counted(state.faces, 'face')}"])


def _make_line(outcome: Migration) -> dict[str, object]:
    line = outcome.to_dict()
    for side in ("old", "new"):
        if line[side]:
            line[side]["threshold"] = significant(line[side]["threshold"])
            line[side]["miss_rate"] = significant(line[side]["miss_rate"])
    return line


def _make_rows(outcome: Migration) -> Iterator[Row]:
    yield Row(["switched", "yes" if outcome.switched else "no"], outcome.message)
    yield from _describe_state(outcome.state)
    for errors in (outcome.old, outcome.new):
        if errors is not None:
            yield Row(["errors", errors.model], _describe_errors(errors))
    for lost in outcome.lost:
        yield Row(["lost", lost.name or "unassigned faces"], _describe_lost(lost))


def _describe_errors(errors: PairErrors) -> str:
    if errors.miss_rate is None:
        return f"{errors.same_pairs} pairs of one person, {errors.stranger_pairs} of two: not measured."
    return (
        f"misses {errors.missed} of {counted(errors.same_pairs, 'pair')} of one person ({errors.miss_rate:.2%}) at a "
        f"distance that accepts {errors.accepted} of {counted(errors.stranger_pairs, 'pair')} of two."
    )


def _describe_lost(lost: LostFaces) -> str:
    faces = [
        counted(len(ids), kind) for kind, ids in (("photo", lost.templates), ("rejection", lost.rejections)) if ids
    ]
    whole = ", all there are" if lost.whole else ""
    return f"{' and '.join(faces)}{whole}: {'; '.join(lost.reasons)}."
