"""``visavis.video``: the events of a video or a camera."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from visavis import defaults
from visavis.videos.events import EventFile
from visavis.videos.faces_folder import FacesFolder
from visavis.videos.outputs import GALLERY_FILE, VIDEO, check_outputs, gallery_path
from visavis.videos.pictures import choose_blur, open_pictures
from visavis.videos.real_tracks import LivenessMode
from visavis.videos.recognize import VideoOptions, VideoRecognizer
from visavis.videos.source import open_source
from visavis.videos.strangers import open_strangers
from visavis.videos.types import VideoEvent

if TYPE_CHECKING:
    from visavis.gallery import Gallery
    from visavis.pipeline import Recognizer
    from visavis.videos.source import VideoInput


def video(  # noqa: PLR0913 - options, all by name
    source: VideoInput,
    *,
    gallery: Gallery | str | os.PathLike[str] | None = None,
    recognizer: Recognizer | None = None,
    min_face: float = defaults.MIN_FACE,
    fpir: float = defaults.FPIR,
    threshold: float | None = None,
    every: int = 1,
    events: str | os.PathLike[str] | None = None,
    faces: str | os.PathLike[str] | None = None,
    strangers: int | None = None,
    out: str | os.PathLike[str] | None = None,
    blur: Sequence[str] = (),
    liveness: LivenessMode = "off",
) -> Iterator[VideoEvent]:
    """Yield an event when a person is recognized in a video, when the answer changes, and when the face has gone.

    ::

        for event in visavis.video("door.mp4", gallery="sqlite:///faces.db"):
            print(event.event, event.name, event.start)

    ``source`` is a file, a folder of frames, a device (0, "/dev/video0") or an address (rtsp://, http://). ``gallery``
    is open or a URL; without one all people are unknown. ``recognizer`` is by default that of the gallery. ``fpir`` is
    the rate at which a track of a stranger has a name (``threshold`` is a cosine distance instead of it), ``min_face``
    the side in pixels of the smallest face. Only each frame number ``every`` is read. Events are also added to the file
    ``events``, and the best face of each track is written to the folder ``faces``. ``liveness`` "observe" adds to the
    events whether a real face was there, "require" gives no other track a name. With ``strangers``, a number of days,
    unknown people get numbers, and keep them until they were not seen for so long; the gallery stores their templates.

    The video is also written to the MP4 file ``out``, with boxes, names and its sound. ``blur`` lists whose faces are
    blurred in it: "all", "unknown", or names of people.

    The source is opened at the first event; leaving the loop closes it.
    """
    from visavis.gallery import Gallery
    from visavis.pipeline import Recognizer

    url = gallery.url if isinstance(gallery, Gallery) else gallery
    check_outputs({"events": events, "faces": faces, "out": out}, [(VIDEO, source), (GALLERY_FILE, gallery_path(url))])
    options = VideoOptions(min_face=min_face, fpir=fpir, threshold=threshold, liveness=liveness)
    with ExitStack() as stack:
        if gallery is not None and not isinstance(gallery, Gallery):
            gallery = stack.enter_context(Gallery(gallery, recognizer=recognizer, create=False))
        if recognizer is None:
            recognizer = Recognizer() if gallery is None else gallery.recognizer
        file = None if events is None else stack.enter_context(EventFile(events))
        folder = None if faces is None else FacesFolder(faces)
        memory = open_strangers(gallery, days=strangers, fpir=fpir, threshold=threshold)
        frames = open_source(source, every=every)
        stack.callback(frames.close)
        path = None if out is None else Path(out)
        pictures = stack.enter_context(open_pictures(path, source=source, blur=choose_blur(blur, gallery)))
        tracking = VideoRecognizer(recognizer, gallery, options=options, faces=folder, strangers=memory)
        for result in tracking.run(frames):
            pictures.add(result)
            yield from _write_events(result.events, file)


def _write_events(events: Sequence[VideoEvent], file: EventFile | None) -> Iterator[VideoEvent]:
    for event in events:
        if file is not None:
            file.write(event)
        yield event
