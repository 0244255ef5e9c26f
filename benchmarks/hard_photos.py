"""How often hard photos are answered wrongly: cut, turned, squeezed, covered, small or degraded faces.

    python benchmarks/hard_photos.py [--only GROUP ...] [--people 300] [--json FILE] [--before FILE] [--write PAGE]

Photos are those of LFW view 1: two photos a person, the people evenly spread over the alphabet. Both photos of every
pair are made hard in the same way, and the largest face of each is compared, as ``visavis verify`` does, at the
model's threshold of a FAR of 1e-3. *found*: photos with a face. *strangers pass*: of all pairs of photos of two people
that show a face, with its 95 % interval by drawing people. *missed*: pairs of one person that show a face and are
called different people (Wilson's interval); *with plain*: the same where one of the two photos is unchanged.
*landmarks*: the median distance to where the landmarks of the unchanged photo lie, in eye distances, and the share of
faces where it is above .1. *noted*: faces that ``visavis verify`` has a note on. The group ``stars`` compares all
photos of ten film stars, ``lfw`` LFW's pairs, relatives, people in sunglasses, and photos of several people.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import cv2
import numpy as np
from _hard_people import groups, relatives, sunglasses
from _hard_tables import print_tables, write_page
from _hard_variants import GROUPS, Subject, Variant
from _rounds import data_folder, environment
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from visavis import compare, images
from visavis.defaults import DETECTOR, EMBEDDER
from visavis.doubts import doubts
from visavis.evaluate.data.pairs import read_people
from visavis.evaluate.data.templates import Templates, subject, take
from visavis.evaluate.stats.bootstrap import DRAWS
from visavis.evaluate.stats.intervals import wilson
from visavis.evaluate.verification import lfw_accuracy, of_people, read_lfw
from visavis.pipeline import Recognizer
from visavis.poor_photos import pair_shares
from visavis.quality import eye_distance
from visavis.types import Floats, PhotoFaces

FAR = 1e-3
STARS_FARS = (1e-2, 1e-3)
LANDMARKS_OFF = 0.1
"""Eye distances from which a landmark counts as misplaced."""
SETS = ("stars", "lfw")
STRETCH = 1.3
"""How much higher the square crops of the film stars would be if their faces were not squeezed."""

T = TypeVar("T")
Interval = tuple[float, float]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of ``trials``, with its 95 % interval; the share is None where there was no trial."""

    share: float | None
    trials: int
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What one kind of hard photos does. Quality and landmark error are medians; the error is in eye distances."""

    group: str
    photos: int
    found: float
    strangers_pass: Rate
    own_missed: Rate
    strangers_pass_with_plain: Rate
    own_missed_with_plain: Rate
    quality: float | None
    landmark_error: float | None
    landmarks_off: float | None
    noted: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Largest face of each photo ``(n,)``; what was not found is zeros in ``embeddings (n, d)`` and NaN elsewhere.

    ``shares`` is what is left of a threshold by the quality of the face, NaN where it is too poor to say; between two
    faces at most ``useless`` is nothing.
    """

    embeddings: Floats
    shares: NDArray[np.float64]
    quality: NDArray[np.float64]
    errors: NDArray[np.float64]
    noted: Flags
    useless: float = 0.0

    @property
    def found(self) -> Flags:
        """Photos in which a face was found ``(n,)``."""
        return ~np.isnan(self.quality)


def main() -> None:
    """Measure, print, and write the figures."""
    chosen = _options().parse_args()
    figures = json.loads(chosen.read.read_text()) if chosen.read else measure(chosen)
    print_tables(figures, json.loads(chosen.before.read_text()) if chosen.before else None)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")
    if chosen.write:
        write_page(chosen.write, figures)


def measure(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure the groups that were chosen."""
    facts = environment()
    recognizer = Recognizer(detector=chosen.detector, embedder=chosen.model, threads=chosen.threads)
    threshold = _threshold(recognizer.model, chosen.threshold)
    groups = chosen.only or [*GROUPS, *SETS]
    facts |= {"model": recognizer.model, "detector": chosen.detector, "far": FAR, "threshold": threshold}
    rows: dict[str, Row] = {}
    results: dict[str, Any] = {}
    if wanted := [group for group in GROUPS if group in groups]:
        subjects, number = subjects_of_lfw(recognizer, chosen.people)
        facts |= {"people": len(subjects) // 2, "people without a face in a plain photo": number}
        rows = measure_variants(recognizer, subjects, wanted, threshold)
    if "stars" in groups:
        results |= {"stars": measure_stars(recognizer), "stars_stretched": measure_stars(recognizer, STRETCH)}
    if "lfw" in groups:
        results |= measure_lfw(recognizer, threshold)
    return {"environment": facts, "rows": {name: asdict(row) for name, row in rows.items()}, **results}


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=[*GROUPS, *SETS], metavar="GROUP", help="repeatable")
    parser.add_argument("--people", type=int, default=300, help="people of LFW, two photos each (default 300)")
    parser.add_argument("--detector", default=DETECTOR)
    parser.add_argument("--model", default=EMBEDDER)
    parser.add_argument("--threshold", type=float, help="cosine distance, for a model without a calibration table")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--read", type=Path, metavar="FILE", help="measure nothing: take the figures of an earlier run")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="renew the tables between the marks of a page")
    parser.add_argument("--before", type=Path, metavar="FILE", help="figures of an earlier run, to print beside these")
    return parser


def _threshold(model: str, given: float | None) -> float:
    if given is not None:
        return given
    table = compare.calibration(model)
    if table is None:
        raise SystemExit(f"{model} is uncalibrated: give --threshold.")
    return table.threshold(FAR)


def subjects_of_lfw(recognizer: Recognizer, people: int) -> tuple[list[Subject], int]:
    """Return two photos a person of LFW view 1, one after the other, and how many people had to be left out."""
    photos = defaultdict(list)
    first = read_lfw(data_folder() / "lfw", view=1)[0]
    for photo, name in zip(first.photos, first.names, strict=True):
        photos[name].append(photo)
    pairs = [several[:2] for _, several in sorted(photos.items()) if len(several) > 1]
    spread = np.unique(np.linspace(0, len(pairs) - 1, min(people, len(pairs))).round().astype(int))
    answers = [*recognizer.detect([photo for number in spread for photo in pairs[number]])]
    found = [_subject(one) for one in answers]
    complete = [(a, b) for a, b in zip(found[::2], found[1::2], strict=True) if a and b]
    return [one for pair in complete for one in pair], len(spread) - len(complete)


def _subject(photo: PhotoFaces) -> Subject | None:
    if photo.photo is None:
        raise SystemExit(photo.message)
    if not photo.faces:
        return None
    face = photo.faces[subject(photo.faces, width=photo.photo.width, height=photo.photo.height)]
    return Subject(photo.photo.pixels, face.box, face.landmarks)


def measure_variants(
    recognizer: Recognizer, subjects: Sequence[Subject], groups: Sequence[str], threshold: float
) -> dict[str, Row]:
    """Measure each variant of the groups; the unchanged photos are always looked at, to be compared with."""
    plain = answer(recognizer, subjects, GROUPS["plain"]["unchanged"], "unchanged")
    rows = {}
    for group in groups:
        for name, variant in GROUPS[group].items():
            hard = plain if group == "plain" else answer(recognizer, subjects, variant, name)
            rows[name] = _row(group, hard, plain, threshold)
    return rows


def answer(recognizer: Recognizer, subjects: Sequence[Subject], variant: Variant, name: str) -> Answers:
    """Make every photo hard and embed the largest face of each."""
    expected: list[Floats] = []

    def made() -> Iterator[NDArray[np.uint8]]:
        for seed, one in enumerate(subjects):
            hard = variant(one, seed)
            expected.append(hard.landmarks)
            yield hard.pixels

    embeddings = np.zeros((len(subjects), recognizer.embedder.dimension), np.float32)
    shares, quality, errors = np.full((3, len(subjects)), np.nan)
    table = compare.calibration(recognizer.model)
    poor = table.poor if table else None
    noted = np.zeros(len(subjects), np.bool_)
    for n, one in enumerate(_shown(recognizer.represent(made()), name, len(subjects))):
        if one.faces and one.embeddings is not None:
            best = one.largest
            embeddings[n], quality[n] = one.embeddings[best], one.quality[best].score
            shares[n] = poor.shares(one.embeddings[[best]], [one.quality[best]])[0] if poor else 1.0
            errors[n] = landmark_error(one.faces[best].landmarks, expected[n])
            noted[n] = bool(doubts(one, best))
    return Answers(embeddings, shares, quality, errors, noted, poor.useless if poor else 0.0)


def landmark_error(landmarks: Floats, expected: Floats) -> float:
    """Return the mean distance of five landmarks from where they are expected, in eye distances of the latter."""
    return float(np.linalg.norm(landmarks - expected, axis=1).mean() / eye_distance(expected))


def _row(group: str, hard: Answers, plain: Answers, threshold: float) -> Row:
    quality, errors = hard.quality[hard.found], hard.errors[hard.found]
    there = bool(len(quality))
    return Row(
        group=group,
        photos=len(hard.quality),
        found=float(hard.found.mean()),
        strangers_pass=strangers_pass(hard, hard, threshold),
        own_missed=own_missed(hard, hard, threshold),
        strangers_pass_with_plain=strangers_pass(hard, plain, threshold),
        own_missed_with_plain=own_missed(hard, plain, threshold),
        quality=float(np.median(quality)) if there else None,
        landmark_error=float(np.median(errors)) if there else None,
        landmarks_off=float((errors > LANDMARKS_OFF).mean()) if there else None,
        noted=float(hard.noted[hard.found].mean()) if there else None,
    )


def strangers_pass(a: Answers, b: Answers, threshold: float) -> Rate:
    """Count the pairs of a photo in ``a`` with one in ``b`` of somebody else that pass.

    Rows 2 i and 2 i + 1 show the same person. The interval is by drawing people: 95 % of the draws lie within.
    """
    both = a.found[:, None] & b.found
    passed = (compare.cosine_distances(a.embeddings, b.embeddings) <= limits(a, b, threshold)) & both
    accepted, compared = _between_people(passed), _between_people(both)
    trials = int(compared.sum())
    if not trials:
        return Rate(None, 0)
    people = len(compared)
    if not accepted.any():  # nothing to draw from: at most as many as among so many independent people
        return Rate(0.0, trials // 2 if a is b else trials, wilson(0, int(compared.any(axis=1).sum())))
    weights = np.random.default_rng(0).multinomial(people, np.full(people, 1 / people), DRAWS).astype(np.float64)
    drawn = [((weights @ counts) * weights).sum(axis=1) for counts in (accepted, compared)]
    low, high = np.percentile(drawn[0] / np.maximum(drawn[1], 1), [2.5, 97.5])
    # Within one set of photos each pair stands in the matrix twice.
    return Rate(float(accepted.sum() / trials), trials // 2 if a is b else trials, (float(low), float(high)))


def limits(a: Answers, b: Answers, threshold: float) -> NDArray[np.float64]:
    """Return the greatest distance of each pair that pass ``(n, m)``; NaN, which nothing reaches, for too poor ones."""
    left = pair_shares(a.shares[:, None], b.shares)
    return np.where(left > a.useless, threshold * left, np.nan)


def _between_people(pairs: Flags) -> NDArray[np.float64]:
    """Count pairs of photos ``(2 p, 2 p)`` by the people of both ``(p, p)``; none with oneself."""
    people = len(pairs) // 2
    counts = pairs.reshape(people, 2, people, 2).sum(axis=(1, 3)).astype(np.float64)
    np.fill_diagonal(counts, 0)
    return counts


def own_missed(a: Answers, b: Answers, threshold: float) -> Rate:
    """Count the people whose first photo in ``a`` and second in ``b`` show a face and do not pass."""
    usable = a.found[::2] & b.found[1::2]
    distances = 1 - np.einsum("nd,nd->n", a.embeddings[::2], b.embeddings[1::2])
    passed = distances <= limits(a, b, threshold)[::2, 1::2].diagonal()
    trials, missed = int(usable.sum()), int((usable & ~passed).sum())
    return Rate(missed / trials, trials, wilson(missed, trials)) if trials else Rate(None, 0)


def measure_stars(recognizer: Recognizer, stretch: float = 1) -> dict[str, Any]:
    """Compare all photos of ten film stars: TAR at their own thresholds, and the FAR at the promised one.

    The square crops among them are squeezed; ``stretch`` multiplies the height of those.
    """
    people = read_people(data_folder() / "celebrities")
    with TemporaryDirectory() as folder:
        photos = people.photos if stretch == 1 else stretched(people.photos, Path(folder), stretch)
        taken = _taken(photos, recognizer, "film stars")
    result = of_people(taken, people.names, data="celebrities")
    rates = {f"{rate.far:g}": {"tar": rate.tar, "interval": rate.tar_interval} for rate in result.rates}
    promise = next((one for one in result.promises if one.far == FAR), None)
    return {
        "photos": result.photos,
        "people": result.people,
        "stretch": stretch,
        "without a face": result.failures,
        "impostor_pairs": result.roc.impostors,
        "genuine_pairs": result.roc.genuine,
        "tar": {key: rates[key] for key in (f"{far:g}" for far in STARS_FARS) if key in rates},
        "far_promised": FAR,
        "far": promise and promise.measured,
        "far_interval": promise and promise.interval,
        "tar_at_promised": promise and promise.tar,
    }


def stretched(photos: Sequence[str], folder: Path, factor: float) -> list[str]:
    """Write the square photos, higher by ``factor``, to the folder; return the paths of all photos."""
    paths = []
    for number, path in enumerate(photos):
        pixels = images.read(path).pixels
        height, width = pixels.shape[:2]
        if height == width:
            pixels = cv2.resize(pixels, (width, round(height * factor)), interpolation=cv2.INTER_CUBIC)
            path = str(folder / f"{number}.png")  # noqa: PLW2901 - the copy takes the photo's place
            images.save(np.asarray(pixels, np.uint8), path)
        paths.append(path)
    return paths


def measure_lfw(recognizer: Recognizer, threshold: float) -> dict[str, Any]:
    """Count right answers on LFW's pairs of view 1; compare relatives, people in sunglasses, and groups."""
    lists = read_lfw(data_folder() / "lfw", view=1)
    taken = _taken(lists[0].photos, recognizer, "LFW view 1")
    result = lfw_accuracy(taken, lists)
    names = lists[0].names
    return {
        "lfw": {**asdict(result), "photos": len(taken.photos), "without a face": int((~taken.has_template).sum())},
        "relatives": relatives(taken, names, threshold),
        "sunglasses": sunglasses(taken, names, threshold),
        "groups": groups(taken, names, FAR),
    }


def _taken(photos: Sequence[str], recognizer: Recognizer, name: str) -> Templates:
    def progress(answers: Iterable[T], total: int) -> Iterator[T]:
        yield from _shown(answers, name, total)

    return take(photos, recognizer, progress=progress)


def _shown(answers: Iterable[T], name: str, total: int) -> Iterator[T]:
    yield from track(answers, description=name, total=total, console=Console(stderr=True))


if __name__ == "__main__":
    main()
