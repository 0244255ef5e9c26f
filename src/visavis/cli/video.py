"""video: recognize the people in a video or before a camera, once for each track of a face."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import GALLERY, Json
from visavis.cli._output import Output, counted, note
from visavis.cli._signals import catch_signals
from visavis.cli._video_cameras import Cameras, RunParts, check_cameras, open_frames
from visavis.cli._video_events import COLUMNS, print_event
from visavis.cli._video_find import Clips, Find, FindRequest, Resume, find_in_files, only_source, refuse
from visavis.cli._videos import VideoGallery, open_video_gallery
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.videos.cameras import CameraGroup
    from visavis.videos.pictures import PictureOutput
    from visavis.videos.recognize import VideoRecognizer
    from visavis.videos.types import FrameResult, FrameSource, VideoEvent

SourceNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE...",
        help="A video, a folder of frames, - for standard input, the number or address of a camera.",
    ),
]
Events = Annotated[
    Path | None,
    typer.Option("--events", metavar="FILE.jsonl", help="Add each event to this file, as a line of JSON."),
]
Faces = Annotated[
    Path | None,
    typer.Option("--faces", metavar="DIR", file_okay=False, help="Write the best face of each track to this folder."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE.mp4", help="Write the video with boxes and names, and with its sound."),
]
Blur = Annotated[
    list[str] | None,
    typer.Option(
        "--blur",
        metavar="all|unknown|NAME",
        help="Blur all faces, those of unknown people, or those of a person; may be given several times.",
    ),
]
Mqtt = Annotated[
    str | None,
    typer.Option(
        "--mqtt", metavar="URL", help="Publish events to the broker mqtt://HOST, with a Home Assistant sensor."
    ),
]
Post = Annotated[str | None, typer.Option("--post", metavar="URL", help="Post each event as JSON to an http address.")]
OutboxFile = Annotated[
    Path,
    typer.Option("--outbox", metavar="FILE", help="Where events wait for --mqtt and --post, also for the next run."),
]


class LivenessChoice(StrEnum):
    """What is done with the liveness of tracks; the names are those of the library."""

    off = "off"
    observe = "observe"
    require = "require"


LivenessOption = Annotated[
    LivenessChoice,
    typer.Option(
        "--liveness", help="State whether faces are real (observe), and name no others (require); see visavis liveness."
    ),
]

Fpir = Annotated[
    float | None,
    typer.Option(
        "--fpir",
        help="Rate at which a track of an unknown person is given a name.",
        show_default=str(defaults.FPIR),
    ),
]
Threshold = Annotated[
    float | None, typer.Option("--threshold", help="Greatest cosine distance (0 to 2), instead of --fpir.")
]

Every = Annotated[int, typer.Option("--every", min=1, metavar="N", help="Read only every N-th frame.")]
Live = Annotated[bool, typer.Option("--live", help="Show the frames in a window; q closes it.")]
StrangerDays = Annotated[
    int | None,
    typer.Option(
        "--strangers",
        min=1,
        metavar="DAYS",
        help="Give unknown people numbers, and remember them for DAYS after they were last seen.",
        show_default="off",
    ),
]


@takes(OF_GALLERY)
def video(  # noqa: PLR0913 - a command's options
    sources: SourceNames = None,
    *,
    cameras: Cameras = None,
    find: Find = None,
    clips: Clips = None,
    resume: Resume = None,
    events: Events = None,
    faces: Faces = None,
    out: Out = None,
    blur: Blur = None,
    mqtt: Mqtt = None,
    post: Post = None,
    outbox: OutboxFile = Path("visavis-outbox.db"),
    live: Live = False,
    every: Every = 1,
    fpir: Fpir = None,
    threshold: Threshold = None,
    strangers: StrangerDays = None,
    gallery: VideoGallery = None,
    liveness: LivenessOption = LivenessChoice.off,
    networks: Networks,
    json: Json = False,
) -> None:
    """Recognize the people in a video or before a camera.

    Each face is tracked, and each track is recognized once. Events of cameras are printed as they happen, and so is
    --json; the tracks of a file at the end. Ctrl-C ends the run properly. Exits 1 if no person is recognized.
    """
    from visavis.videos.deliver import deliver
    from visavis.videos.faces_folder import FacesFolder
    from visavis.videos.pictures import choose_blur, open_pictures
    from visavis.videos.recognize import VideoOptions
    from visavis.videos.strangers import open_strangers

    sources = check_cameras(sources, cameras, every=every, pictures=out is not None or live, find=find is not None)
    written = {"--events": events, "--faces": faces, "--out": out, "--clips": clips, "--resume": resume}
    written["--outbox"] = outbox if mqtt or post else None
    _check_outputs(written, sources, gallery=gallery, find=find, cameras=cameras)
    options = VideoOptions(networks.min_face, _choose_rate(fpir, threshold), threshold, liveness=liveness.value)
    if find is not None:
        refuse(events=events, faces=faces, out=out, blur=blur, live=live, mqtt=mqtt, post=post, strangers=strangers)
        request = FindRequest(find, every, clips, resume)
        raise typer.Exit(find_in_files(sources, request, gallery, networks, options, json=json))
    source = only_source(sources, clips=clips, resume=resume)
    with catch_signals() as interrupts, ExitStack() as stack:
        store = open_video_gallery(stack, gallery, networks, create=strangers is not None)
        targets = _open_event_file(stack, events)
        memory = open_strangers(store, days=strangers, fpir=options.fpir, threshold=threshold)
        folder = None if faces is None else FacesFolder(faces)
        parts = RunParts(networks.recognizer() if store is None else store.recognizer, store, options, folder, memory)
        frames, tracking = open_frames(stack, source, cameras, every, parts)
        choice = choose_blur(blur or (), store)
        pictures = stack.enter_context(open_pictures(out, source=source, blur=choice, live=live))
        send = stack.enter_context(deliver(mqtt=mqtt, post=post, outbox=outbox, report=note))
        output = stack.enter_context(Output(*COLUMNS, json=json))
        progress = stack.enter_context(_show_progress(frames, tracking, visible=output.shows_progress))
        results = interrupts.each(tracking.run(frames, ended=lambda: pictures.closed))
        recognized = _follow(map(progress, results), output, pictures, [*targets, send], live=frames.live)
    raise typer.Exit(0 if recognized else 1)


def _check_outputs(
    outputs: Mapping[str, Path | None],
    sources: Sequence[str],
    *,
    gallery: str | None,
    find: str | None,
    cameras: Path | None,
) -> None:
    """Raise UsageError where two outputs are one file, or an output is what the run reads."""
    from visavis.videos.outputs import GALLERY_FILE, VIDEO, check_outputs, gallery_path

    store = gallery_path(GALLERY if gallery is None else gallery)
    photo = find if find is not None and os.path.isfile(find) else None  # noqa: PTH113 - it may be a name of any length
    inputs = [*((VIDEO, source) for source in sources), (GALLERY_FILE, store)]
    check_outputs(outputs, [*inputs, ("the photo of --find", photo), ("the file of --cameras", cameras)])


def _open_event_file(stack: ExitStack, path: Path | None) -> list[Callable[[VideoEvent], None]]:
    """Return what writes events to the file of --events, which ``stack`` closes; nothing without one."""
    from visavis.videos.events import EventFile

    return [] if path is None else [stack.enter_context(EventFile(path)).write]


def _follow(
    results: Iterable[FrameResult],
    output: Output,
    pictures: PictureOutput,
    targets: Sequence[Callable[[VideoEvent], None]],
    *,
    live: bool,
) -> bool:
    """Pass the events and pictures of a run on; return whether a person was recognized."""
    recognized = False
    for result in results:
        for event in result.events:
            recognized |= event.name is not None
            for target in targets:
                target(event)
            print_event(output, event, live=live)
        pictures.add(result)
    for text in pictures.notes:
        note(text)
    return recognized


def _choose_rate(fpir: float | None, threshold: float | None) -> float:
    """Return the rate of --fpir, or the default; UsageError for both options."""
    if fpir is not None and threshold is not None:
        raise UsageError("--fpir and --threshold exclude each other: a threshold has a rate of its own.")
    return defaults.FPIR if fpir is None else fpir


@contextmanager
def _show_progress(
    frames: FrameSource, tracking: VideoRecognizer | CameraGroup, *, visible: bool
) -> Iterator[Callable[[FrameResult], FrameResult]]:
    """Show a bar during the block, if ``visible``, and a summary at its end; yield what passes results on."""
    start, count, seconds = time.monotonic(), 0, 0.0

    def speed() -> str:
        passed = max(time.monotonic() - start, 1e-6)
        rate = f"{count / passed:.1f} frames/s"
        return rate if frames.live else f"{rate}, {seconds / passed:.1f} x real time"

    between_lines = frames.live and sys.stdout.isatty()
    try:
        with _show_bar(frames.duration, visible=visible and not between_lines) as show:

            def update(result: FrameResult) -> FrameResult:
                nonlocal count, seconds
                count, seconds = count + 1, result.frame.seconds
                show(seconds, speed())
                return result

            yield update
    finally:  # after the bar, which would share its line
        counts = frames.counts()
        dropped = f", {counts.dropped} dropped" if counts.dropped else ""
        note(
            f"{counted(count, 'frame')} in {time.monotonic() - start:.1f} s{dropped} ({speed()}); faces were detected "
            f"in {tracking.detections} of them, every {tracking.options.interval:g} s."
        )
        for text in counts.notes:
            note(f"{frames.name}: {text}")


@contextmanager
def _show_bar(duration: float | None, *, visible: bool) -> Iterator[Callable[[float, str], None]]:
    if not visible:
        yield lambda seconds, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("", total=duration)
        yield lambda seconds, text: progress.update(task, completed=seconds, description=text)
