"""Exact search: compare every embedding in float32 or 8 bits, then compute the best distances again in float64.

The first pass only selects the finalists, with a margin that its rounding error cannot exceed. ``exact`` reads the
embeddings, ``exact:int8`` codes of a quarter of the size: the answers are the same, and do not depend on blocks, batch
size or BLAS.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.gallery.index import INDEXES, UNASSIGNED, Hit, Ids, Origin, _few
from visavis.gallery.index._blocks import Block, Blocks
from visavis.gallery.index._codes import CandidateRows, Probes
from visavis.gallery.index._finalists import Finalists
from visavis.gallery.index._nearby import last_of_each
from visavis.types import Floats, Mask

TOGETHER = 128
"""Probes in one pass over the blocks."""
SCORES = 1 << 23
"""Similarities kept in memory at a time: 32 MB."""
ALONE = 4
"""In 8 bits, up to this many probes are faster one by one: a product with one row needs no rearranging."""
SEED_ROWS, SEED_SHARE, SEED_BEST = 1024, 256, 4
"""The first bars come from a sample of ``SEED_ROWS`` or ``SEED_BEST * top`` rows, or for many probes one row in
``SEED_SHARE``, whichever is most; its best ``SEED_BEST * top`` are tried first."""
GATHERED_ROWS = 8192
SPARSE = 8
"""Where less than one row in ``SPARSE`` may match, only those rows are copied and compared."""


@INDEXES.register("exact")
class Exact:
    """Exact index with all embeddings in blocks; removal moves the last rows into the gaps."""

    def __init__(self, *, dimension: int, place: str = "", origin: Origin | None = None) -> None:
        """Make an empty index. ``place`` "int8" also stores codes of 8 bits; raises UsageError for any other place."""
        if place not in {"", "int8"}:
            raise UsageError(f"the index exact has no form {place!r}; there are: exact, exact:int8.")
        self._coded = place == "int8"
        self._blocks = Blocks(dimension)
        # A float32 product of unit vectors errs by less than dimension * 2**-24 (Higham, worst case).
        self._margin = (dimension + 1) * 2.0**-24

    def add(self, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Append rows, or replace those with the same ids."""
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
        """Remove the rows of ``ids`` by moving the last remaining rows there."""
        _, rows = self._blocks.find(np.unique(ids))
        if len(rows):
            self._blocks.remove(rows)

    def search(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Return the exact nearest people; see :class:`~visavis.gallery.index.Index`."""
        masks = [block.people[: block.count] != UNASSIGNED for block in self._blocks]
        if among is not None:
            masks = [mask & _belongs_to(block, among) for block, mask in zip(self._blocks, masks, strict=True)]
        return self._find(probes, top, masks, by_person=True)

    def nearest(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Return the exact nearest templates; see :class:`~visavis.gallery.index.Index`."""
        return self._find(probes, top, [_belongs_to(block, among) for block in self._blocks], by_person=False)

    def entries(self) -> tuple[Ids, Ids]:
        """Return copies of the template ids and people."""
        none: list[Ids] = [np.empty(0, np.int64)]
        return (
            np.concatenate(none + [block.ids[: block.count] for block in self._blocks]),
            np.concatenate(none + [block.people[: block.count] for block in self._blocks]),
        )

    def _find(self, probes: Floats, top: int, masks: list[Mask], *, by_person: bool) -> list[list[Hit]]:
        """Return the hits of each probe; ``masks`` select the rows of each block that may match."""
        probes = np.ascontiguousarray(probes, np.float32)
        if len(self._blocks.all) == 1 and len(self._blocks) <= _few.FEW_ROWS:
            return self._find_in_few(probes, top, masks, by_person=by_person)
        return self._find_in_many(probes, top, masks, by_person=by_person)

    def _find_in_few(self, probes: Floats, top: int, masks: list[Mask], *, by_person: bool) -> list[list[Hit]]:
        """Search a single, small block in one pass."""
        hits: list[list[Hit]] = []
        for part in _parts(len(probes), TOGETHER):
            answers = _few.nearest_few(
                self._blocks.all[0], probes[part], top, masks[0], by_person=by_person, margin=self._margin
            )
            for probe, answer in zip(probes[part], answers, strict=True):
                hits += (
                    [answer] if answer is not None else self._find_in_many(probe[None], top, masks, by_person=by_person)
                )
        return hits

    def _find_in_many(self, probes: Floats, top: int, masks: list[Mask], *, by_person: bool) -> list[list[Hit]]:
        """Search the blocks with a few probes at a time."""
        alone = self._coded and len(probes) <= ALONE
        hits: list[list[Hit]] = []
        for part in _parts(len(probes), 1 if alone else TOGETHER):
            search = _Search(self._blocks, probes[part], top, by_person=by_person, coded=self._coded)
            search.seed(masks, self._margin)
            if search.done:
                hits += search.hits()
                continue
            if len(search.probes) > 1 and not np.isfinite(search.finalists.bars).all():
                # Few owners: every row may be a finalist, which takes too much memory for many probes.
                for i in range(part.start, part.start + len(search.probes)):
                    hits += self._find_in_many(probes[i : i + 1], top, masks, by_person=by_person)
                continue
            search.scan(masks, self._margin)
            hits += search.hits()
        return hits


class _Search:
    """A pass over the blocks."""

    def __init__(self, blocks: Blocks, probes: Floats, top: int, *, by_person: bool, coded: bool) -> None:
        self.probes = probes
        self._exact = probes.astype(np.float64)
        self._coded = Probes(probes) if coded else None
        self._blocks, self._top, self._by_person = blocks, top, by_person
        self.finalists = Finalists(self._exact, top, blocks.embeddings)
        self.done = False

    def seed(self, masks: list[Mask], margin: float) -> None:
        """Set the bars by a sample of the rows; the search is ``done`` if the sample has all rows."""
        counts = np.cumsum([0, *(np.count_nonzero(mask) for mask in masks)])
        share = int(counts[-1]) // SEED_SHARE if len(self.probes) > ALONE else 0
        size = min(int(counts[-1]), max(SEED_ROWS, share, SEED_BEST * self._top))
        places = np.linspace(0, counts[-1] - 1, size).astype(np.int64)
        rows = np.empty(size, np.int64)
        for block, mask, before, after in zip(self._blocks, masks, counts, counts[1:], strict=False):
            here = slice(*np.searchsorted(places, (before, after)))
            offsets = places[here] - before
            rows[here] = block.start + (offsets if after - before == block.count else np.flatnonzero(mask)[offsets])
        scores = _few.products(self.probes, self._blocks.embeddings(rows))
        owner = self._blocks.people(rows) if self._by_person else self._blocks.ids(rows)
        for best in (min(size, SEED_BEST * self._top), size):  # the best rows may belong to too few people
            sample = Finalists(self._exact, self._top, self._blocks.embeddings)
            candidates = _best_rows(scores, best, margin)
            sample.take(candidates._replace(row=rows[candidates.row]), owner[candidates.row])
            sample.tighten()
            self.finalists.bars = sample.bars
            if np.isfinite(sample.bars).all():
                break
        self.done = size == counts[-1]
        if self.done:
            candidates = _rows_reaching(scores, self.finalists.bars, margin)
            self.finalists.take(candidates._replace(row=rows[candidates.row]), owner[candidates.row])

    def scan(self, masks: list[Mask], margin: float) -> None:
        """Collect the finalists; raise the bars whenever the number of scanned rows has doubled."""
        most = max((len(block.ids) for block in self._blocks), default=0)
        scratch = np.empty(min(SCORES, len(self.probes) * most), np.int32)
        scanned = due = 0
        for block, mask in zip(self._blocks, masks, strict=True):
            owner = self._owner(block)
            for candidates in self._candidates(block, mask, margin, scratch):
                self.finalists.take(candidates._replace(row=block.start + candidates.row), owner[candidates.row])
            scanned += block.count
            if scanned >= due:
                self.finalists.tighten()
                due = 2 * scanned

    def _candidates(
        self, block: Block, mask: Mask, margin: float, scratch: NDArray[np.int32]
    ) -> Iterator[CandidateRows]:
        """Yield the rows of a block within ``mask`` that may reach the bars."""
        chosen = np.count_nonzero(mask)
        if chosen * SPARSE < block.count:
            yield from self._candidates_among(block, np.flatnonzero(mask), margin)
            return
        if self._coded is None:
            parts = self._candidates_by_product(block, margin, scratch.view(np.float32))
        else:
            parts = block.codes().near(self._coded, self.finalists.bars, scratch)
        for candidates in parts:
            yield candidates if chosen == block.count else candidates.where(mask[candidates.row])

    def hits(self) -> list[list[Hit]]:
        """Return the hits of each probe."""
        distance, final = self.finalists.distances(), self.finalists
        ids = self._blocks.ids(final.row)
        people = final.owner if self._by_person else self._blocks.people(final.row)
        order = np.lexsort((ids, final.owner, distance, final.probe))
        hits: list[dict[int, Hit]] = [{} for _ in self.probes]
        columns = (final.probe, final.owner, people, ids, distance)
        for probe, owner, *hit in zip(*(column[order].tolist() for column in columns), strict=True):
            if len(hits[probe]) < self._top and owner not in hits[probe]:
                hits[probe][owner] = Hit(*hit)
        return [list(by_owner.values()) for by_owner in hits]

    def _owner(self, block: Block) -> Ids:
        return block.people if self._by_person else block.ids

    def _candidates_by_product(self, block: Block, margin: float, scratch: Floats) -> Iterator[CandidateRows]:
        """Yield the rows of a block that may reach the bars, by their similarities in float32."""
        for part in _parts(block.count, max(1, len(scratch) // len(self.probes))):
            embeddings = block.embeddings[: block.count][part]
            scores = scratch[: len(self.probes) * len(embeddings)].reshape(len(self.probes), len(embeddings))
            if len(self.probes) == 1:
                np.dot(embeddings, self.probes[0], out=scores[0])
            else:
                np.matmul(self.probes, embeddings.T, out=scores)
            candidates = _rows_reaching(scores, self.finalists.bars, margin)
            yield candidates._replace(row=part.start + candidates.row)

    def _candidates_among(self, block: Block, rows: NDArray[np.intp], margin: float) -> Iterator[CandidateRows]:
        """Yield those of a few ``rows`` of a block that may reach the bars."""
        for part in _parts(len(rows), GATHERED_ROWS):
            candidates = _rows_reaching(self.probes @ block.embeddings[rows[part]].T, self.finalists.bars, margin)
            yield candidates._replace(row=rows[part][candidates.row])


def _rows_reaching(scores: Floats, bars: NDArray[np.float64], margin: float) -> CandidateRows:
    """Return where scores ``(m, n)`` may reach the bars ``(m,)``."""
    low = np.nextafter((bars - margin).astype(np.float32), np.float32(-np.inf))
    probe, row = np.divmod(np.flatnonzero(scores >= low[:, None]), max(1, scores.shape[1]))
    similarity = scores.reshape(-1)[probe * scores.shape[1] + row].astype(np.float64)
    return CandidateRows(probe, row, similarity, np.full(len(row), margin))


def _best_rows(scores: Floats, count: int, margin: float) -> CandidateRows:
    """Return the ``count`` highest of each row of scores ``(m, n)``."""
    row = np.argpartition(-scores, count - 1, axis=1)[:, :count] if count else np.empty((len(scores), 0), np.intp)
    similarity = np.take_along_axis(scores, row, axis=1).astype(np.float64).ravel()
    return CandidateRows(np.repeat(np.arange(len(scores)), count), row.ravel(), similarity, np.full(row.size, margin))


def _belongs_to(block: Block, among: Ids | None) -> Mask:
    """Return a mask of the rows that belong to the people ``among``; None: all rows."""
    if among is None:
        return np.ones(block.count, bool)
    return np.isin(block.people[: block.count], among)


def _parts(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))
