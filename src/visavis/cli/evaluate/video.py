"""evaluate video: measure the tracks of a video by a list of who is on when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, counted, note, short
from visavis.cli._videos import VideoGallery, open_video_gallery
from visavis.errors import UsageError
from visavis.printable import round_interval, significant

if TYPE_CHECKING:
    from visavis.evaluate.data.video_truth import Presence
    from visavis.evaluate.results import Interval
    from visavis.evaluate.video import CountedRate, VideoResult
    from visavis.evaluate.watched_video import WatchedVideo
    from visavis.videos.recognize import VideoOptions

RATES = ("purity", "coverage", "identified", "misnamed", "false_alarms")
"""Rates of the result that are counted."""


@takes(OF_GALLERY)
def video(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A video or a folder of frames.")],
    *,
    truth: Annotated[
        Path,
        typer.Option(
            "--truth", metavar="FILE.csv", exists=True, dir_okay=False, help="Who is on when: person, from, to."
        ),
    ],
    fpir: Annotated[
        float | None,
        typer.Option(
            "--fpir",
            help="Rate at which a track of an unknown person is given a name.",
            show_default=str(defaults.FPIR),
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Greatest cosine distance (0 to 2), instead of --fpir.")
    ] = None,
    gallery: VideoGallery = None,
    networks: Networks,
    json: Json = False,
) -> None:
    """Measure tracks and names of a video by who is on when.

    The CSV has the columns person,from,to (seconds from the first frame, or h:mm:ss), a row for each time that the face
    of a person can be seen, and optionally x1,y1,x2,y2: the box of the face during that time. Without boxes, people who
    are on at the same time are distinguished by the names of their tracks. A person who is not in the gallery counts
    as a stranger.
    """
    from visavis.evaluate.data.video_truth import read_video_truth
    from visavis.evaluate.watched_video import measure_watched, watch
    from visavis.videos.recognize import VideoOptions, VideoRecognizer
    from visavis.videos.source import open_source

    if fpir is not None and threshold is not None:
        raise UsageError("--fpir and --threshold exclude each other: a threshold has a rate of its own.")
    rate = defaults.FPIR if fpir is None else fpir
    options = VideoOptions(min_face=networks.min_face, fpir=rate, threshold=threshold)
    rows = read_video_truth(truth)
    with ExitStack() as stack:
        store = open_video_gallery(stack, gallery, networks)
        recognizer = networks.recognizer() if store is None else store.recognizer
        frames = open_source(file)
        stack.callback(frames.close)
        output = stack.enter_context(Output("", "", "95 % interval", json=json))
        total = round((frames.duration or 0) * (frames.rate or 0))
        results = VideoRecognizer(recognizer, store, options=options).run(frames)
        watched = watch(output.progress(results, total))
        enrolled = {person.name for person in store or ()}
        result = measure_watched(watched, rows, enrolled=enrolled)
        _note_people(result, in_gallery=len(enrolled))
        _note_late_rows(rows, truth.name, seconds=watched.seconds)
        header = {"video": file, "truth": truth.name, "model": recognizer.model, "detector": networks.detector}
        answer = {**header, **_describe_options(options), "boxes": rows[0].box is not None, "frames": watched.frames}
        output.answer({**answer, **_make_line(result)}, *_make_rows(result, watched))


def _describe_options(options: VideoOptions) -> dict[str, object]:
    """Return the keys of the options; the rate is null with a threshold, which has a rate of its own."""
    fpir = options.fpir if options.threshold is None else None
    return {"min_face": options.min_face, "fpir": fpir, "threshold": options.threshold}


def _note_people(result: VideoResult, *, in_gallery: int) -> None:
    """Note who counts as a stranger, since a name that is written differently would be one by mistake."""
    strangers = [person.person for person in result.people if not person.enrolled]
    if in_gallery and strangers:
        shown = ", ".join(strangers[:5]) + (", ..." if len(strangers) > 5 else "")
        note(f"{counted(len(strangers), 'person')} of the list not in the gallery, and so strangers: {shown}.")


def _note_late_rows(rows: Sequence[Presence], name: str, *, seconds: float) -> None:
    """Note rows that begin after the video has ended, as those of another video or of another unit of time do."""
    if late := sum(row.start > seconds for row in rows):
        begin, count = ("begins", "counts") if late == 1 else ("begin", "count")
        note(
            f"{late} of {counted(len(rows), 'row')} in {name} {begin} after the end of the video ({seconds:.1f} s), "
            f"and {count} for nothing: are its times seconds of this video?"
        )


def _make_line(result: VideoResult) -> dict[str, object]:
    line: dict[str, object] = {
        "searched_frames": result.frames,
        "tracks": result.tracks,
        "false_tracks": {"tracks": result.false_tracks, "named": result.false_tracks_named},
        "switches": result.switches,
        "switches_interval": round_interval(result.switches_interval),
        "mixed_tracks": result.mixed,
    }
    for name in RATES:
        line[name] = _make_rate(getattr(result, name))
    alarms = result.false_alarms
    line["false_alarms_per_1000"] = significant(result.false_alarms_per_1000)
    line["false_alarms_per_1000_interval"] = round_interval(_per_1000(alarms.interval))
    line["people"] = [
        {
            "person": person.person,
            "enrolled": person.enrolled,
            "tracks": person.tracks,
            "identified": person.identified,
            "named": person.named,
            "coverage": significant(person.coverage),
        }
        for person in result.people
    ]
    return line


def _make_rate(rate: CountedRate) -> dict[str, object]:
    return {
        "rate": significant(rate.rate),
        "interval": round_interval(rate.interval),
        "count": rate.part,
        "of": rate.whole,
    }


def _per_1000(interval: Interval | None) -> Interval | None:
    return None if interval is None else (1000 * interval[0], 1000 * interval[1])


def _make_rows(result: VideoResult, watched: WatchedVideo) -> Iterator[list[str]]:
    yield ["frames searched for faces", f"{result.frames:,} of {watched.frames:,}", ""]
    yield ["tracks", f"{result.tracks:,}", ""]
    yield ["  of false faces", f"{result.false_tracks:,} ({result.false_tracks_named:,} named)", ""]
    yield ["  of two people or more", f"{result.mixed:,}", ""]
    low, high = result.switches_interval
    yield ["switches", f"{result.switches:,}", f"{low:.2f} to {high:.2f}"]
    yield ["purity", *_format_rate(result.purity)]
    yield ["faces with a track", *_format_rate(result.coverage)]
    yield ["identified tracks", *_format_rate(result.identified)]
    yield ["tracks with a wrong name", *_format_rate(result.misnamed)]
    per_1000, interval = result.false_alarms_per_1000, _per_1000(result.false_alarms.interval)
    count = f" ({result.false_alarms.part:,} of {result.false_alarms.whole:,})"
    yield [
        "false alarms per 1,000 tracks",
        short(per_1000, ".1f") + count,
        "-" if interval is None else f"{interval[0]:.1f} to {interval[1]:.1f}",
    ]


def _format_rate(rate: CountedRate) -> tuple[str, str]:
    ends = "-" if rate.interval is None else f"{rate.interval[0]:.4f} to {rate.interval[1]:.4f}"
    return f"{short(rate.rate)} ({rate.part:,} of {rate.whole:,})", ends
