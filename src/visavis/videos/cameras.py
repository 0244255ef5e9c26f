"""Several cameras: a reader process each, one process that detects faces in the newest frames of all, one gallery."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING

from visavis import images
from visavis.errors import VisavisError
from visavis.types import Face
from visavis.videos._local_camera import device_number
from visavis.videos._two_streams import detect_in_main_stream
from visavis.videos.addresses import is_address
from visavis.videos.camera_file import CameraFile, CameraInput, CameraSettings
from visavis.videos.reader_process import ReaderOrder
from visavis.videos.real_tracks import RealTracks, open_check
from visavis.videos.recognize import FollowedFrame, VideoOptions, VideoRecognizer
from visavis.videos.sightings import SightingLog
from visavis.videos.source import open_source
from visavis.videos.types import CameraState, CameraStatus, Frame, FrameResult, FrameSource, SourceCounts
from visavis.videos.watchdog import CameraSource

if TYPE_CHECKING:
    from visavis.gallery import Gallery
    from visavis.pipeline import Recognizer
    from visavis.videos.faces_folder import FacesFolder
    from visavis.videos.strangers import Strangers

IDLE_SECONDS = 0.005
"""Pause when no camera has a new frame."""
FIRST_SCALE = 2.0
"""Ratio of the sizes of two streams, until both have sent a frame."""
SMALLEST_FACE = 16.0
"""Pixels of the smallest face to look for in a stream of low resolution."""
SILENT_SECONDS = 5.0
"""Seconds without a frame after which a camera counts as silent."""
MAIN_SECONDS = 0.25
"""Seconds to wait for the frame of a main stream; meanwhile other cameras wait too."""


class _Feed:
    """A stream of a camera, from which the next frame is taken without waiting."""

    def __init__(self, source: FrameSource) -> None:
        self.source = source
        self.ended = False
        self._frames: Iterator[Frame] | None = None if isinstance(source, CameraSource) else iter(source)

    def take(self, timeout: float = 0.0) -> Frame | None:
        """Return the newest frame of a camera, or the next one of a file; None where there is none."""
        if self.ended:
            return None
        if isinstance(self.source, CameraSource):
            self.ended = self.source.ended
            return self.source.next_frame(timeout)
        frame = None if self._frames is None else next(self._frames, None)
        self.ended = frame is None
        return frame


@dataclass(slots=True, eq=False)
class _Camera:
    """A camera with its streams and the tracks of its faces.

    ``feed`` is the stream in which faces are detected, ``main`` the one of higher resolution, if there are two, and
    ``scale`` their ratio, as far as it is known. ``last`` is the last of ``frames`` frames, which came at ``heard``;
    ``fault`` is why no more can be read.
    """

    settings: CameraSettings
    recognizer: VideoRecognizer
    feed: _Feed
    main: _Feed | None = None
    scale: float = FIRST_SCALE
    last: Frame | None = None
    finished: bool = False
    fault: str = ""
    frames: int = 0
    heard: float = field(default_factory=monotonic)

    @property
    def feeds(self) -> tuple[_Feed, ...]:
        return (self.feed,) if self.main is None else (self.feed, self.main)

    def is_silent(self) -> bool:
        """Return whether a camera has fallen silent: its tracks end."""
        return self.feed.source.live and not self.finished and self.recognizer.silence.begins()

    def take(self) -> Frame | None:
        """Return the next frame; a camera that fails for good ends alone."""
        try:
            frame = self.feed.take()
        except VisavisError as error:
            self.feed.ended = True
            self.fault = str(error)
            return None
        if frame is not None:
            self.frames, self.heard = self.frames + 1, monotonic()
        return frame

    def describe(self) -> CameraStatus:
        """Return how the camera is doing."""
        source, quiet = self.feed.source, monotonic() - self.heard
        counts = [feed.source.counts() for feed in self.feeds]
        state: CameraState = "running" if self.frames else "starting"
        message = ""
        if self.feed.ended:
            state, message = ("failed" if self.fault else "ended"), self.fault
        elif isinstance(source, CameraSource) and quiet > SILENT_SECONDS:
            name = images.shown(self.settings.name)
            state, message = "silent", source.failure or f"{name} has sent no frame for {quiet:.0f} s."
        dropped, reopened = sum(part.dropped for part in counts), sum(part.reopened for part in counts)
        return CameraStatus(self.settings.name, state, message, quiet, self.frames, dropped, reopened)

    @property
    def min_face(self) -> float:
        """Side of the smallest face in the stream in which faces are detected."""
        size = self.recognizer.options.min_face
        return size if self.main is None else max(size / self.scale, min(size, SMALLEST_FACE))


class CameraGroup:
    """Cameras of a file, in the form of a source with its recognizer; raises VideoError for files that are missing.

    Cameras that cannot be reached are tried again forever; whatever happens to one, the others go on.
    """

    name = "cameras"
    rate: float | None = None
    duration: float | None = None

    def __init__(
        self,
        file: CameraFile,
        recognizer: Recognizer,
        gallery: Gallery | None = None,
        *,
        options: VideoOptions | None = None,
        faces: FacesFolder | None = None,
        strangers: Strangers | None = None,
    ) -> None:
        self.options = VideoOptions() if options is None else options
        self._recognizer, self._gallery = recognizer, gallery
        self._faces, self._strangers = faces, strangers
        self._sightings = SightingLog(seconds=file.sighting_seconds)
        self._closed = self.live = False
        self._numbers = count(1)
        self._check = open_check(self.options.liveness, threads=recognizer.threads)
        self._cameras: list[_Camera] = []
        try:
            for settings in file.cameras:
                self.add(settings)
        except BaseException:
            self.close()
            raise

    def add(self, settings: CameraSettings) -> None:
        """Open one more camera; raises VideoError for a file that is missing."""
        own = self.options if settings.min_face is None else replace(self.options, min_face=settings.min_face)
        tracks = VideoRecognizer(
            self._recognizer,
            self._gallery,
            options=own,
            faces=self._faces,
            strangers=self._strangers,
            real=RealTracks(self.options.liveness, self._check),
            numbers=self._numbers,
        )
        camera = _open_camera(settings, tracks)
        self._cameras.append(camera)
        self.live = self.live or any(feed.source.live for feed in camera.feeds)

    def remove(self, name: str) -> list[FrameResult]:
        """Close a camera; return the ends of its tracks."""
        removed = [camera for camera in self._cameras if camera.settings.name == name]
        self._cameras = [camera for camera in self._cameras if camera not in removed]
        _close(removed)
        return list(self._finish(removed))

    def finish(self) -> Iterator[FrameResult]:
        """Yield the ends of all tracks, which have no further frames; an error of a camera follows after the others."""
        return self._finish(self._cameras)

    def describe(self) -> list[CameraStatus]:
        """Return how each camera is doing."""
        return [camera.describe() for camera in self._cameras]

    @property
    def detections(self) -> int:
        """Number of frames in which faces were detected."""
        return sum(camera.recognizer.detections for camera in self._cameras)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames of all cameras."""
        for result in self.run():
            yield result.frame

    def counts(self) -> SourceCounts:
        """Return the sums over all cameras, and the notes of each."""
        parts = [(camera, feed.source.counts()) for camera in self._cameras for feed in camera.feeds]
        notes = [camera.fault for camera in self._cameras if camera.fault]
        return SourceCounts(
            sum(part.read for _, part in parts),
            sum(part.dropped for _, part in parts),
            sum(part.reopened for _, part in parts),
            (*notes, *(note for _, part in parts for note in part.notes)),
        )

    def close(self) -> None:
        """End all reader processes."""
        self._closed = True
        _close(self._cameras)

    def run(
        self, source: object = None, *, ended: Callable[[], bool] = lambda: False
    ) -> Generator[FrameResult, None, None]:
        """Yield a result for each frame that is looked at, of all cameras, until all have ended, or ``ended`` is True.

        After Ctrl-C the ends of all tracks come before the exception. ``source`` is not used: the cameras are open.
        """
        try:
            while not (self._closed or ended() or all(camera.finished for camera in self._cameras)):
                yield from self.look()
        except (KeyboardInterrupt, VisavisError):
            yield from self._finish(self._cameras)
            raise
        finally:
            self.close()

    def look(self) -> Iterator[FrameResult]:
        """Yield a result for each camera with a new frame, and the ends of tracks; wait a moment where none has one.

        An error of a camera is raised after the results of the others.
        """
        frames = [(camera, frame) for camera in self._cameras if (frame := camera.take()) is not None]
        yield from self._process(frames)
        yield from self._finish([camera for camera in self._cameras if camera.feed.ended])
        yield from self._end_tracks([camera for camera in self._cameras if camera.is_silent()])
        if not frames:
            time.sleep(IDLE_SECONDS)

    def _process(self, frames: Sequence[tuple[_Camera, Frame]]) -> Iterator[FrameResult]:
        due = [(camera, frame) for camera, frame in frames if camera.recognizer.is_due(frame)]
        detected = {id(camera): (picture, faces) for camera, picture, faces in self._detect(due)}
        followed: list[tuple[_Camera, FollowedFrame]] = []
        for camera, frame in frames:
            camera.last = frame
            picture, faces = detected.get(id(camera), (frame, None))
            if faces is None:
                yield self._with_sightings(camera.recognizer.follow(picture, None))
                continue
            height, width = picture.pixels.shape[:2]
            faces = camera.settings.zones.select(faces, width=width, height=height)
            followed.append((camera, camera.recognizer.begin(picture, faces)))
        if followed:
            followed[0][0].recognizer.embed([part for _, part in followed])
        yield from self._complete(partial(camera.recognizer.complete, part) for camera, part in followed)

    def _detect(self, frames: Sequence[tuple[_Camera, Frame]]) -> Iterator[tuple[_Camera, Frame, list[Face] | None]]:
        """Yield cameras with the frame and the faces to follow; frames with one ``min_face`` are one batch."""
        for size in sorted({camera.min_face for camera, _ in frames}):
            batch = [(camera, frame) for camera, frame in frames if camera.min_face == size]
            detected = self._recognizer.detector.detect([frame.pixels for _, frame in batch], min_face=size)
            for (camera, frame), faces in zip(batch, detected, strict=True):
                picture, refined = self._refine(camera, frame, faces)
                yield camera, picture, refined

    def _refine(self, camera: _Camera, frame: Frame, faces: list[Face]) -> tuple[Frame, list[Face] | None]:
        """Return the frame of the main stream and the faces in it, where a camera has two streams."""
        if camera.main is None or not faces:
            return frame, faces
        main = camera.main.take(MAIN_SECONDS)
        if main is None:
            camera.recognizer.detect_again()
            return frame, None
        camera.scale = main.pixels.shape[1] / frame.pixels.shape[1]
        detector, size = self._recognizer.detector, camera.recognizer.options.min_face
        detected = detect_in_main_stream(detector, main.pixels, faces, scale=camera.scale, min_face=size)
        return replace(main, seconds=frame.seconds, number=frame.number), detected

    def _finish(self, cameras: Sequence[_Camera]) -> Iterator[FrameResult]:
        """Yield the ends of the tracks of cameras that have ended."""
        yield from self._end_tracks(_mark_finished(cameras))

    def _end_tracks(self, cameras: Iterable[_Camera]) -> Iterator[FrameResult]:
        frames = ((camera.recognizer, camera.last) for camera in cameras)
        yield from self._complete(
            partial(recognizer.finish, FrameResult(last, ())) for recognizer, last in frames if last is not None
        )

    def _complete(self, searches: Iterable[Callable[[], FrameResult]]) -> Iterator[FrameResult]:
        """Yield the results of cameras; the first error is raised after the results of all others."""
        failure: VisavisError | OSError | None = None
        for search in searches:
            try:
                result = search()
            except (VisavisError, OSError) as error:
                failure = failure or error
            else:
                yield self._with_sightings(result)
        if failure is not None:
            raise failure

    def _with_sightings(self, result: FrameResult) -> FrameResult:
        return replace(result, events=tuple(map(self._sightings.add, result.events)))


def _mark_finished(cameras: Sequence[_Camera]) -> Iterator[_Camera]:
    """Yield the cameras that were not finished before."""
    for camera in cameras:
        if not camera.finished:
            camera.finished = True
            yield camera


def _close(cameras: Sequence[_Camera]) -> None:
    """Close cameras at the same time: each may take a second to say goodbye."""
    sources = [feed.source for camera in cameras for feed in camera.feeds]
    for source in sources:
        if isinstance(source, CameraSource):
            source.begin_close()
    for source in sources:
        source.close()


def _open_camera(settings: CameraSettings, recognizer: VideoRecognizer) -> _Camera:
    main = _Feed(open_stream(settings.source, settings))
    if settings.detect is None:
        return _Camera(settings, recognizer, main)
    try:
        return _Camera(settings, recognizer, _Feed(open_stream(settings.detect, settings)), main)
    except BaseException:
        main.source.close()
        raise


def open_stream(source: CameraInput, settings: CameraSettings) -> FrameSource:
    """Open a stream of a camera, which is tried again for as long as it takes; VideoError without its file."""
    device = device_number(source)
    if device is None and not is_address(source):
        return open_source(source, name=settings.name, every=settings.every)
    order = ReaderOrder(device, "" if device is not None else str(source), images.shown(settings.name), settings.every)
    return CameraSource(order, name=settings.name, patient=True)
