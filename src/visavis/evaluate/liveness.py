"""How often attacks are taken for real faces, and real faces for attacks, at one camera.

Terms of ISO/IEC 30107-3: APCER is the share of the attacks of one kind that are taken for real, and the worst kind is
the figure; BPCER the share of real faces that are taken for attacks. Both are of those that got an answer; how many did
not (no face was found, the picture is too poor) is stated beside them. No error in n tries means a rate of up to about
3 / n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from visavis import defaults
from visavis.errors import ImageError, UsageError, VisavisError
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.intervals import wilson
from visavis.images import read
from visavis.images.photo_files import has_photo_ending
from visavis.liveness import Liveness, LivenessCheck
from visavis.pipeline import Recognizer
from visavis.quality import qualities
from visavis.types import RGB

REAL = "real"
"""Name of the folder of real faces; every other folder is a kind of attack."""
VIDEO_ENDINGS = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v"})
APART_S = 0.2
"""Seconds between two judged frames of a video."""
FRAMES = 50
"""Most judged frames of a video, or of a folder of frames."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """One try before the camera: a photo, a video, or a folder of frames; ``answer`` None: no face, or unreadable.

    ``kind`` is the name of its folder, ``source`` its own.
    """

    kind: str
    source: str
    answer: Liveness | None

    @property
    def answered(self) -> bool:
        """Whether there is an answer that is certain."""
        return self.answer is not None and self.answer.certain

    @property
    def wrong(self) -> bool:
        """Whether the answer is certain and wrong."""
        return self.answered and self.answer is not None and self.answer.real is not (self.kind == REAL)


@dataclass(frozen=True, slots=True)
class KindResult:
    """Errors of one kind: ``wrong`` of ``answered`` of ``presentations``.

    ``error`` is the APCER of an attack, or the BPCER, with its 95 % interval; None where nothing was answered.
    """

    kind: str
    presentations: int
    answered: int
    wrong: int

    @property
    def error(self) -> float | None:
        """Share of the answers that are wrong."""
        return self.wrong / self.answered if self.answered else None

    @property
    def interval(self) -> Interval | None:
        """95 % interval of the error."""
        return wilson(self.wrong, self.answered) if self.answered else None

    @property
    def non_response(self) -> float:
        """Share of the presentations without an answer."""
        return 1 - self.answered / self.presentations


@dataclass(frozen=True, slots=True)
class LivenessResult:
    """``attacks``, a result a kind, and ``real``; None where there are no real faces."""

    attacks: tuple[KindResult, ...]
    real: KindResult | None

    @property
    def worst(self) -> KindResult | None:
        """The kind of attack with the highest APCER, of equal ones that with the fewest answers; None without one."""
        answered = [kind for kind in self.attacks if kind.interval is not None]
        return max(answered, key=lambda kind: (kind.error, -kind.answered), default=None)


def measure_liveness(presentations: Iterable[Presentation]) -> LivenessResult:
    """Count the errors of each kind, the kinds in their order. Raises UsageError without presentations."""
    kinds: dict[str, list[Presentation]] = {}
    for presentation in presentations:
        kinds.setdefault(presentation.kind, []).append(presentation)
    if not kinds:
        raise UsageError("there are no presentations to measure.")
    results = {kind: _count(kind, presented) for kind, presented in kinds.items()}
    return LivenessResult(tuple(result for kind, result in results.items() if kind != REAL), results.get(REAL))


def _count(kind: str, presented: Sequence[Presentation]) -> KindResult:
    answered, wrong = (sum(flags) for flags in ([p.answered for p in presented], [p.wrong for p in presented]))
    return KindResult(kind, len(presented), answered, wrong)


def list_presentations(folder: Path) -> list[tuple[str, Path]]:
    """List the presentations of a folder as kind and path: in each folder within it, photos, videos and folders.

    Raises UsageError where there are none, or no such folder.
    """
    try:
        kinds = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        listed = [(kind.name, path) for kind in kinds for path in sorted(kind.iterdir()) if _is_presentation(path)]
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}.") from error
    if not listed:
        raise UsageError(
            f"{folder} holds no presentations: make a folder for each kind of attack, such as {folder}/print, and "
            f"{folder}/{REAL}, with photos or videos by the camera."
        )
    return listed


def _is_presentation(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    return path.is_dir() or has_photo_ending(path.name) or path.suffix.lower() in VIDEO_ENDINGS


class PresentationJudge:
    """Judges presentations by the largest face of each picture; ``min_face`` is its least side in pixels."""

    def __init__(self, check: LivenessCheck, recognizer: Recognizer, *, min_face: float = defaults.MIN_FACE) -> None:
        self._check, self._recognizer, self._min_face = check, recognizer, min_face

    def judge(self, listed: Iterable[tuple[str, Path]]) -> Iterator[Presentation]:
        """Yield the presentations with their answers; one that cannot be read has none."""
        for kind, path in listed:
            try:
                answer = self._judge_path(path)
            except (ImageError, VisavisError) as error:
                if not isinstance(error, ImageError) and path.suffix.lower() not in VIDEO_ENDINGS:
                    raise
                answer = None
            yield Presentation(kind, f"{kind}/{path.name}", answer)

    def _judge_path(self, path: Path) -> Liveness | None:
        if path.is_dir() or path.suffix.lower() in VIDEO_ENDINGS:
            return self.judge_frames(_sample_frames(path))
        return self._judge_picture(read(path).pixels)

    def judge_frames(self, pictures: Iterable[RGB]) -> Liveness | None:
        """Return the answer for pictures of one try, averaged; None where none of them has a face."""
        track, faces = self._check.track(), 0
        for picture in pictures:
            answer = self._judge_picture(picture)
            if answer is not None:
                faces += 1
                track.add(answer)
        return track.result() if faces else None

    def _judge_picture(self, picture: RGB) -> Liveness | None:
        (faces,) = self._recognizer.detector.detect([picture], min_face=self._min_face)
        if not faces:
            return None
        face = max(faces, key=lambda item: item.area)
        return self._check.judge(picture, [face], qualities(picture, [face]))[0]


def _sample_frames(path: Path) -> Iterator[RGB]:
    """Yield some frames of a video, or the photos of a folder."""
    from visavis.videos.source import open_source

    source, last, count = open_source(path), float("-inf"), 0
    try:
        for frame in source:
            if path.is_dir() or frame.seconds - last >= APART_S:
                last, count = frame.seconds, count + 1
                yield frame.pixels
            if count >= FRAMES:
                return
    finally:
        source.close()


def record_presentation(source: Callable[[], Iterable[tuple[float, RGB]]], folder: Path, *, seconds: float) -> int:
    """Write the pictures of one try, for ``seconds``, to a new folder as JPEG files; return their number.

    ``source`` opens a camera and yields seconds and pictures. The files can be read by their owner alone.
    """
    from PIL import Image

    from visavis import permissions

    permissions.make_folder(folder)
    start: float | None = None
    last, count = float("-inf"), 0
    for moment, picture in source():
        start = moment if start is None else start
        if moment - start > seconds:
            break
        if moment - last >= APART_S:
            last, count = moment, count + 1
            path = folder / f"{count:04}.jpg"
            permissions.create_file(path)
            Image.fromarray(picture).save(path, quality=95)
    return count
