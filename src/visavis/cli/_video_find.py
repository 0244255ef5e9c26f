"""What visavis video --find prints: where a person appears in video files, and the clips cut out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import GALLERY
from visavis.cli._output import Output, note, short
from visavis.cli._signals import catch_signals
from visavis.cli._table import Column, Row
from visavis.cli._videos import format_moment, open_video_gallery
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.cli._networks import Networks
    from visavis.videos.find import Appearance, SearchedFile
    from visavis.videos.recognize import VideoOptions


Find = Annotated[
    str | None,
    typer.Option("--find", metavar="PHOTO|NAME", help="List where this person appears, in one or many files."),
]
Clips = Annotated[
    Path | None,
    typer.Option("--clips", metavar="DIR", file_okay=False, help="Cut each appearance of --find out as a clip."),
]
Resume = Annotated[
    Path | None,
    typer.Option("--resume", metavar="FILE.jsonl", help="Remember the files that --find has searched, and skip them."),
]


@dataclass(frozen=True, slots=True)
class FindRequest:
    """The options of --find."""

    who: str
    every: int
    clips: Path | None
    resume: Path | None


def refuse(**options: object) -> None:
    """Raise UsageError for an option that --find does not take, if it was given a value."""
    for name, value in options.items():
        if value:
            raise UsageError(f"--find lists appearances, and does nothing with --{name}: leave --{name} out.")


def only_source(sources: list[str], *, clips: Path | None, resume: Path | None) -> str:
    """Return the source of a run without --find; UsageError for several, and for options of --find."""
    if clips is not None or resume is not None:
        raise UsageError("--clips and --resume belong to --find PHOTO|NAME.")
    if len(sources) > 1:
        raise UsageError("events are of one source. Give one, or search several files with --find PHOTO|NAME.")
    return sources[0]


def find_in_files(
    files: list[str],
    request: FindRequest,
    gallery: str | None,
    networks: Networks,
    options: VideoOptions,
    *,
    json: bool,
) -> int:
    """Print where a person appears in files, and cut clips; return the exit code."""
    refuse(liveness=options.liveness != "off")
    from visavis.videos.find import SearchMemory, find_person, wanted_person

    with ExitStack() as stack:
        interrupts = stack.enter_context(catch_signals())
        is_there = gallery is not None or Path(GALLERY.removeprefix("sqlite:///")).exists()
        store = open_video_gallery(stack, gallery, networks) if is_there else None
        recognizer = networks.recognizer() if store is None else store.recognizer
        wanted, person = stack.enter_context(wanted_person(request.who, store, recognizer))
        memory = None if request.resume is None else SearchMemory(request.resume)
        searched = find_person(files, person, wanted, options=options, every=request.every, memory=memory)
        return print_appearances(interrupts.each(searched), len(files), clips=request.clips, json=json)


def print_appearances(searched: Iterator[SearchedFile], total: int, *, clips: Path | None, json: bool) -> int:
    """Print the appearances in each file as they become known, and cut the clips; return the exit code.

    The code is 0 if the person appears, 1 if not, and 2 if no file could be read.
    """
    if clips is not None:
        from visavis.permissions import make_folder

        make_folder(clips)
    appears, readable = False, False
    with Output("file", Column("from"), Column("to"), "distance", Column("clip", drop=1), json=json) as output:
        for file in output.progress(searched, total):
            if file.message:
                note(file.message)
            readable |= not file.message
            appears |= bool(file.appearances)
            made = [_cut(file.file, item, clips) for item in file.appearances]
            output.answer(_make_line(file, made), *map(_make_row, [file.file] * len(made), file.appearances, made))
    return 0 if appears else (1 if readable else 2)


def _cut(file: str, appearance: Appearance, folder: Path | None) -> str | None:
    """Write the clip of an appearance, unless it is there; return its path."""
    from visavis.errors import VideoError
    from visavis.videos.clips import clip_path, cut_clip

    if folder is None:
        return None
    path = clip_path(folder, file, appearance.start, appearance.end)
    if not path.exists():
        try:
            cut_clip(file, path, start=appearance.start, end=appearance.end)
        except VideoError as error:
            note(str(error))
            return None
    return str(path)


def _make_line(file: SearchedFile, clips: list[str | None]) -> dict[str, object]:
    appearances = [
        {
            "from": significant(item.start),
            "to": significant(item.end),
            "distance": significant(item.distance),
            "clip": clip,
        }
        for item, clip in zip(file.appearances, clips, strict=True)
    ]
    line: dict[str, object] = {"file": file.file, "appearances": appearances}
    return {**line, "message": file.message} if file.message else line


def _make_row(file: str, item: Appearance, clip: str | None) -> Row:
    return Row([file, format_moment(item.start), format_moment(item.end), short(item.distance), clip or "-"])
