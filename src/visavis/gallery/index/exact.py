"""Exact search: every embedding is looked at, in float32 or in 8 bits, and the best are computed again.

The first look only chooses the finalists, with a margin that its rounding error cannot exceed; their distances are
then computed in float64. ``exact`` looks at the embeddings, ``exact:int8`` at codes of a quarter of the size: the
answers are the same, and do not depend on blocks, batch size or BLAS.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.gallery.index import INDEXES, NOBODY, Hit, Ids, Origin, _few
from visavis.gallery.index._blocks import Block, Blocks
from visavis.gallery.index._codes import Found, Probes
from visavis.gallery.index._finalists import Finalists
from visavis.gallery.index._nearby import last_of_each
from visavis.types import Floats

TOGETHER = 128
"""Probes that go through the blocks together."""
SCORES = 1 << 23
"""Similarities held at a time: 32 MB."""
ALONE = 4
"""In 8 bits, so many probes are quicker one after the other: a product with one row needs no rearranging."""
SEED_ROWS, SEED_SHARE, SEED_BEST = 1024, 256, 4
"""The first bar is set by so many rows, for many probes by one in so many; of those, by so many times those wanted."""
GATHERED_ROWS = 8192
SPARSE = 8
"""Where less than one row in so many is wanted, those are picked out and the others are not looked at."""


@INDEXES.register("exact")
class Exact:
    """All embeddings in blocks; removal moves the last rows into the gaps."""

    def __init__(self, *, dimension: int, place: str = "", origin: Origin | None = None) -> None:
        """Make an empty index. ``place`` "int8" keeps codes of 8 bits besides; UsageError for any other."""
        if place not in {"", "int8"}:
            raise UsageError(f"the index exact has no form {place!r}; there are: exact, exact:int8.")
        self._coded = place == "int8"
        self._blocks = Blocks(dimension)
        # A float32 product of unit vectors errs by less than dimension * 2**-24 (Higham, worst case).
        self._margin = (dimension + 1) * 2.0**-24

    def add(self, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Append rows, or write over those whose ids are there."""
        if len(ids) > 1:
            last = last_of_each(ids)
            ids, people, embeddings = ids[last], people[last], embeddings[last]
        places, rows = self._blocks.find(ids)
        if len(places):
            self._blocks.put(rows, ids[places], people[places], embeddings[places])
            new = np.setdiff1d(np.arange(len(ids)), places, assume_unique=True)
            ids, people, embeddings = ids[new], people[new], embeddings[new]
        self._blocks.append(ids, people, embeddings)

    def remove(self, ids: Ids) -> None:
        """Fill the rows of ``ids`` with the last rows that stay."""
        _, rows = self._blocks.find(np.unique(ids))
        if len(rows):
            self._blocks.remove(rows)

    def search(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Exact nearest people; see :class:`~visavis.gallery.index.Index`."""
        wanted = [block.people[: block.count] != NOBODY for block in self._blocks]
        if among is not None:
            wanted = [mask & _people(block, among) for block, mask in zip(self._blocks, wanted, strict=True)]
        return self._found(probes, top, wanted, by_person=True)

    def nearest(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Exact nearest templates; see :class:`~visavis.gallery.index.Index`."""
        return self._found(probes, top, [_people(block, among) for block in self._blocks], by_person=False)

    def entries(self) -> tuple[Ids, Ids]:
        """Template ids and people, as copies."""
        none: list[Ids] = [np.empty(0, np.int64)]
        return (
            np.concatenate(none + [block.ids[: block.count] for block in self._blocks]),
            np.concatenate(none + [block.people[: block.count] for block in self._blocks]),
        )

    def _found(self, probes: Floats, top: int, wanted: list[Wanted], *, by_person: bool) -> list[list[Hit]]:
        """Return the answers; ``wanted`` are the rows of each block that may be found."""
        probes = np.ascontiguousarray(probes, np.float32)
        if len(self._blocks.all) == 1 and len(self._blocks) <= _few.FEW_ROWS:
            return self._found_few(probes, top, wanted, by_person=by_person)
        return self._found_many(probes, top, wanted, by_person=by_person)

    def _found_few(self, probes: Floats, top: int, wanted: list[Wanted], *, by_person: bool) -> list[list[Hit]]:
        """Go through the only block, a small one, at once."""
        hits: list[list[Hit]] = []
        for some in _parts(len(probes), TOGETHER):
            answers = _few.nearest_few(
                self._blocks.all[0], probes[some], top, wanted[0], by_person=by_person, margin=self._margin
            )
            for probe, answer in zip(probes[some], answers, strict=True):
                hits += (
                    [answer] if answer is not None else self._found_many(probe[None], top, wanted, by_person=by_person)
                )
        return hits

    def _found_many(self, probes: Floats, top: int, wanted: list[Wanted], *, by_person: bool) -> list[list[Hit]]:
        """Go through the blocks with some probes at a time."""
        alone = self._coded and len(probes) <= ALONE
        hits: list[list[Hit]] = []
        for some in _parts(len(probes), 1 if alone else TOGETHER):
            search = _Search(self._blocks, probes[some], top, by_person=by_person, coded=self._coded)
            search.seed(wanted, self._margin)
            if search.done:
                hits += search.hits()
                continue
            if len(search.probes) > 1 and not np.isfinite(search.finalists.bars).all():
                # Few owners: every row may be wanted, which is too much to hold for many probes.
                for one in range(some.start, some.start + len(search.probes)):
                    hits += self._found_many(probes[one : one + 1], top, wanted, by_person=by_person)
                continue
            search.scan(wanted, self._margin)
            hits += search.hits()
        return hits


Wanted = NDArray[np.bool_]


class _Search:
    """One way through the blocks."""

    def __init__(self, blocks: Blocks, probes: Floats, top: int, *, by_person: bool, coded: bool) -> None:
        self.probes = probes
        self._exact = probes.astype(np.float64)
        self._coded = Probes(probes) if coded else None
        self._blocks, self._top, self._by_person = blocks, top, by_person
        self.finalists = Finalists(self._exact, top, blocks.embeddings)
        self.done = False

    def seed(self, wanted: list[Wanted], margin: float) -> None:
        """Set the bars by a sample of the rows; where that is all of them, the search is ``done``."""
        counts = np.cumsum([0, *(np.count_nonzero(mask) for mask in wanted)])
        share = int(counts[-1]) // SEED_SHARE if len(self.probes) > ALONE else 0
        size = min(int(counts[-1]), max(SEED_ROWS, share, SEED_BEST * self._top))
        places = np.linspace(0, counts[-1] - 1, size).astype(np.int64)
        rows = np.empty(size, np.int64)
        for block, mask, before, after in zip(self._blocks, wanted, counts, counts[1:], strict=False):
            here = slice(*np.searchsorted(places, (before, after)))
            some = places[here] - before
            rows[here] = block.start + (some if after - before == block.count else np.flatnonzero(mask)[some])
        scores = _few.products(self.probes, self._blocks.embeddings(rows))
        owner = self._blocks.people(rows) if self._by_person else self._blocks.ids(rows)
        for best in (min(size, SEED_BEST * self._top), size):  # the best may be of too few people
            sample = Finalists(self._exact, self._top, self._blocks.embeddings)
            found = _best(scores, best, margin)
            sample.take(found._replace(row=rows[found.row]), owner[found.row])
            sample.tighten()
            self.finalists.bars = sample.bars
            if np.isfinite(sample.bars).all():
                break
        self.done = size == counts[-1]
        if self.done:  # the sample was all there is
            found = _reaching(scores, self.finalists.bars, margin)
            self.finalists.take(found._replace(row=rows[found.row]), owner[found.row])

    def scan(self, wanted: list[Wanted], margin: float) -> None:
        """Collect the finalists; the bars are raised whenever twice as many rows were seen as before."""
        most = max((len(block.ids) for block in self._blocks), default=0)
        scratch = np.empty(min(SCORES, len(self.probes) * most), np.int32)
        seen = due = 0
        for block, mask in zip(self._blocks, wanted, strict=True):
            owner = self._owner(block)
            for found in self._near(block, mask, margin, scratch):
                self.finalists.take(found._replace(row=block.start + found.row), owner[found.row])
            seen += block.count
            if seen >= due:
                self.finalists.tighten()
                due = 2 * seen

    def _near(self, block: Block, mask: Wanted, margin: float, scratch: NDArray[np.int32]) -> Iterator[Found]:
        """Wanted rows of a block that may reach the bars."""
        chosen = np.count_nonzero(mask)
        if chosen * SPARSE < block.count:
            yield from self._gathered(block, np.flatnonzero(mask), margin)
            return
        if self._coded is None:
            parts = self._products(block, margin, scratch.view(np.float32))
        else:
            parts = block.codes().near(self._coded, self.finalists.bars, scratch)
        for found in parts:
            yield found if chosen == block.count else found.where(mask[found.row])

    def hits(self) -> list[list[Hit]]:
        """Return the answers."""
        distance, final = self.finalists.distances(), self.finalists
        ids = self._blocks.ids(final.row)
        people = final.owner if self._by_person else self._blocks.people(final.row)
        order = np.lexsort((ids, final.owner, distance, final.probe))
        hits: list[dict[int, Hit]] = [{} for _ in self.probes]
        columns = (final.probe, final.owner, people, ids, distance)
        for probe, owner, *hit in zip(*(column[order].tolist() for column in columns), strict=True):
            if len(hits[probe]) < self._top and owner not in hits[probe]:
                hits[probe][owner] = Hit(*hit)
        return [list(some.values()) for some in hits]

    def _owner(self, block: Block) -> Ids:
        return block.people if self._by_person else block.ids

    def _products(self, block: Block, margin: float, scratch: Floats) -> Iterator[Found]:
        """Rows of a block that may reach the bars, by their similarities in float32."""
        for some in _parts(block.count, max(1, len(scratch) // len(self.probes))):
            embeddings = block.embeddings[: block.count][some]
            scores = scratch[: len(self.probes) * len(embeddings)].reshape(len(self.probes), len(embeddings))
            if len(self.probes) == 1:
                np.dot(embeddings, self.probes[0], out=scores[0])
            else:
                np.matmul(self.probes, embeddings.T, out=scores)
            found = _reaching(scores, self.finalists.bars, margin)
            yield found._replace(row=some.start + found.row)

    def _gathered(self, block: Block, rows: NDArray[np.intp], margin: float) -> Iterator[Found]:
        """Do the same with a few rows only."""
        for some in _parts(len(rows), GATHERED_ROWS):
            found = _reaching(self.probes @ block.embeddings[rows[some]].T, self.finalists.bars, margin)
            yield found._replace(row=rows[some][found.row])


def _reaching(scores: Floats, bars: NDArray[np.float64], margin: float) -> Found:
    """Where scores ``(m, n)`` may reach the bars ``(m,)``."""
    low = np.nextafter((bars - margin).astype(np.float32), np.float32(-np.inf))
    probe, row = np.divmod(np.flatnonzero(scores >= low[:, None]), max(1, scores.shape[1]))
    similarity = scores.reshape(-1)[probe * scores.shape[1] + row].astype(np.float64)
    return Found(probe, row, similarity, np.full(len(row), margin))


def _best(scores: Floats, count: int, margin: float) -> Found:
    """The ``count`` highest of each row of scores ``(m, n)``."""
    row = np.argpartition(-scores, count - 1, axis=1)[:, :count] if count else np.empty((len(scores), 0), np.intp)
    similarity = np.take_along_axis(scores, row, axis=1).astype(np.float64).ravel()
    return Found(np.repeat(np.arange(len(scores)), count), row.ravel(), similarity, np.full(row.size, margin))


def _people(block: Block, among: Ids | None) -> Wanted:
    """Which rows are of these people."""
    if among is None:
        return np.ones(block.count, bool)
    return np.isin(block.people[: block.count], among)


def _parts(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))
