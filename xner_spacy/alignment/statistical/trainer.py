"""Training of the embedded aligner: expectation maximisation over batches of sentence pairs.

Both directions are trained to agree (Liang, Taskar and Klein 2006): the expected count of a link is the product of its
posteriors in the two models, so what only one of them believes is forgotten.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Callable, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ..windows import pair_windows, pieces
from .alignment_model import Counts, Direction, Model, both_directions, linking_rates
from .hmm import Statistics, posteriors
from .vocabulary import Batch, Float, Int, Keys, Vocabulary, make_batches, pair_keys, split_keys
from .word_forms import Spelling, StemIndex, StemTable

# Matrix products this small are done by one thread in OpenBLAS. More threads of its own would only
# get in the way of those that share the batches, and of everything else on a busy machine.
BATCH_CELLS = 260_000
# Pairs with fewer expected links than this are not kept: the prior alone says as much.
KEEP = 1e-3
# A long pair with so many times the words on one side is no translation that could be cut in step.
MOST_UNLIKE = 9
# So many tables of word pairs are merged at once.
MERGED_TABLES = 64


@dataclass
class TrainingReport:
    """How many sentence pairs were given; how many of these were left out, since a side is `empty`, or since they are
    long and `unlike` (one side has over nine times the words of the other); and how many long ones were `cut` into
    pieces.
    """

    pairs: int = 0
    empty: int = 0
    unlike: int = 0
    cut: int = 0

    def said(self) -> str:
        """RETURNS (str): In a line what was not used as it is; empty if every pair was."""
        counts = {
            "of these left out, a side is empty": self.empty,
            f"of these left out, long and one side has over {MOST_UNLIKE} times the words": self.unlike,
            "of these long, learned from in pieces": self.cut,
        }
        told = [f"{what}: {n:,}" for what, n in counts.items() if n]
        return f"{self.pairs:,} sentence pairs to learn from; {'; '.join(told)}" if told else ""


@dataclass
class Cells:
    """The word pairs of one batch: (target, batch, source) places in `pairs`, and the different word pairs, first the
    padding: keys at first, then positions in the table of all pairs.
    """

    batch: Batch
    place: Int
    pairs: npt.NDArray[Any]


def find_cells(batch: Batch) -> Tuple[Cells, Int]:
    """RETURNS (Tuple[Cells, Int]): The word pairs of a batch, and how often each is there."""
    keys = pair_keys(batch.source[None, :, :], batch.target.T[:, :, None])
    keys[(batch.source[None, :, :] < 0) | (batch.target.T[:, :, None] < 0)] = -1
    # One more, so that the padding is in every table.
    pairs, place, together = np.unique(np.append(keys, -1), return_inverse=True, return_counts=True)
    together[0] = 0
    return Cells(batch, place[:-1].reshape(keys.shape).astype(np.int32), pairs), together.astype(np.int32)


def link_posteriors(
    cells: Cells,
    probabilities: Sequence[npt.NDArray[Any]],
    directions: Sequence[Direction],
    null: float,
    statistics: Sequence[Optional[Statistics]] = (None, None),
) -> Tuple[Float, Float]:
    """Posteriors of every possible link of a batch in both directions.

    probabilities (Sequence[npt.NDArray]): Forward and reverse probability of each of `cells.pairs`.
    null (float): Probability of the empty word.
    statistics (Sequence[Optional[Statistics]]): Take up the expected jumps of each direction.
    RETURNS (Tuple[Float, Float]): Two (target, batch, source) arrays.
    """
    batch = cells.batch
    source, target = (batch.source, batch.source_length), (batch.target, batch.target_length)
    # The reverse direction sees the same table from the other side.
    views = ((cells.place, source, target), (np.ascontiguousarray(cells.place.transpose(2, 1, 0)), target, source))
    ahead, back = (
        posteriors(table[place], one.empty[np.maximum(words.T, 0)], given_length, length, one.jumps, null, counted)
        for (place, (_, given_length), (words, length)), table, one, counted in zip(
            views, probabilities, directions, statistics, strict=True
        )
    )
    return ahead, back.transpose(2, 1, 0)


def read_bitext(
    pairs: Iterable[Tuple[Iterable[str], Iterable[str]]], source: Vocabulary, target: Vocabulary, max_length: int
) -> Tuple[List[Int], List[Int], TrainingReport]:
    """Number the words of a bitext. Pairs with an empty side are left out.

    source (Vocabulary), target (Vocabulary): They take in the words.
    max_length (int): Longer pairs are cut into pieces of so many words, unless their sides are too unlike in length for
        the same place of both to mean the same.
    RETURNS (Tuple[List[Int], List[Int], TrainingReport]): The word numbers of both sides, and what was used.
    """
    sources: List[Int] = []
    targets: List[Int] = []
    report = TrainingReport()
    for left, right in pairs:
        left, right = list(left), list(right)
        report.pairs += 1
        longer, shorter = max(len(left), len(right)), min(len(left), len(right))
        if not shorter:
            report.empty += 1
        elif longer <= max_length:
            sources.append(source.add(left))
            targets.append(target.add(right))
        elif longer > MOST_UNLIKE * shorter:
            report.unlike += 1
        else:
            report.cut += 1
            s, t = source.add(left), target.add(right)
            for piece in pair_windows(len(s), len(t), max_length, pieces):
                sources.append(s[piece.source])
                targets.append(t[piece.target])
    return sources, targets, report


def merge(tables: List[Tuple[Keys, Int]]) -> Tuple[Keys, Int]:
    """RETURNS (Tuple[Keys, Int]): One sorted table of keys and numbers in place of several, the numbers added up."""
    keys = np.concatenate([keys for keys, _ in tables])
    numbers = np.concatenate([numbers for _, numbers in tables])
    # Stable sorting finds the sorted runs and merges them.
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[starts], np.add.reduceat(numbers[order], starts)


class Trainer:
    """Expectation maximisation.

    sources (List[Int]), targets (List[Int]): The sentences of both sides as word numbers.
    strength (float): Weight of the prior, in observations. null (float): Probability of the empty word.
    pool (Executor): Threads to share the batches.
    """

    def __init__(
        self,
        sources: List[Int],
        targets: List[Int],
        source: Vocabulary,
        target: Vocabulary,
        *,
        strength: float,
        null: float,
        pool: Executor,
    ) -> None:
        self.source, self.target = source, target
        self.strength, self.null, self.pool = strength, null, pool
        source_counts, target_counts = (
            np.bincount(np.concatenate(side), minlength=len(words)).astype(np.float32)
            for side, words in ((sources, source), (targets, target))
        )
        stems = StemIndex(source.words), StemIndex(target.words)
        self.directions = (
            Direction(source_counts, target_counts, stems),
            Direction(target_counts, source_counts, stems[::-1]),
        )
        self.cells: List[Cells] = []
        tables: List[Tuple[Keys, Int]] = []
        for cells, together in pool.map(find_cells, make_batches(sources, targets, BATCH_CELLS)):
            self.cells.append(cells)
            tables.append((cells.pairs, together))
            if len(tables) == MERGED_TABLES:
                tables = [merge(tables)]
        self.keys, numbers = merge(tables)
        self.together = numbers.astype(np.float64)
        del tables
        for cells in self.cells:
            cells.pairs = np.searchsorted(self.keys, cells.pairs).astype(np.int32)
        self.pairs = e, f = split_keys(self.keys)
        e[0] = f[0] = 0  # the padding
        buckets = Spelling(source.words, target.words).buckets(e, f)
        self.stems = StemTable(*stems, e, f)
        self.kinds = (self.directions[0].kinds(buckets, e, f), self.directions[1].kinds(buckets, f, e))
        dice = 2.0 * self.together / np.maximum(source_counts[e] + target_counts[f], 1)
        self.probabilities = [dice.astype(np.float32)] * 2
        self.counts: Counts = np.zeros(len(self.keys))

    def lexical_round(self) -> None:
        """One round without positions (IBM model 1 in both directions, Brown et al. 1993)."""

        def work(cells: Cells) -> Tuple[Any, ...]:
            one, other = (table[cells.pairs][cells.place] for table in self.probabilities)
            one /= np.maximum(one.sum(axis=2, keepdims=True), 1e-9)
            other /= np.maximum(other.sum(axis=0, keepdims=True), 1e-9)
            one *= other
            return (np.bincount(cells.place.ravel(), one.ravel(), len(cells.pairs)),)

        self._count(work)
        self._update()

    def hmm_round(self) -> None:
        """One round with the hidden Markov models."""
        totals = [Statistics() for _ in self.directions]
        # How often each generated word has no counterpart.
        empty = [np.zeros(len(direction.generated)) for direction in self.directions]

        def work(cells: Cells) -> Tuple[Any, ...]:
            seen = [Statistics() for _ in self.directions]
            tables = [table[cells.pairs] for table in self.probabilities]
            one, other = link_posteriors(cells, tables, self.directions, self.null, seen)
            counts = np.bincount(cells.place.ravel(), (one * other).ravel(), len(cells.pairs))
            alone = []
            for words, linked in ((cells.batch.target.T, one.sum(axis=2)), (cells.batch.source, other.sum(axis=0))):
                alone.append((words[words >= 0], np.maximum(1.0 - linked, 0.0)[words >= 0]))
            return counts, seen, alone

        for seen, alone in self._count(work):
            for total, statistics, sums, (words, values) in zip(totals, seen, empty, alone, strict=True):
                total.add(statistics)
                sums += np.bincount(words, values, minlength=len(sums))
        for direction, statistics, sums in zip(self.directions, totals, empty, strict=True):
            direction.jumps.update(statistics.moved, statistics.began)
            share = direction.generated / direction.generated.sum()
            direction.empty = ((sums + 5.0 * share) / (sums.sum() + 5.0)).astype(np.float32)
        self._update()

    def _count(self, work: Callable[[Cells], Tuple[Any, ...]]) -> List[List[Any]]:
        """Add up the expected links of all batches. RETURNS (List[List]): What else came of each."""
        self.counts[:] = 0.0
        others = []
        for cells, (counts, *other) in zip(self.cells, self.pool.map(work, self.cells), strict=True):
            self.counts[cells.pairs] += counts  # the pairs of a batch are all different
            others.append(other)
        self.counts[0] = 0.0
        return others

    def _update(self) -> None:
        for direction, kinds, given in zip(self.directions, self.kinds, self.pairs, strict=True):
            direction.totals = np.bincount(given, self.counts, len(direction.occurrences)).astype(np.float32)
            direction.rates = linking_rates(kinds, self.counts, self.together)
        of_stems = self.stems.update(self.counts)
        self.probabilities = both_directions(
            self.directions, self.kinds, self.pairs, self.counts, of_stems, self.strength
        )
        for table in self.probabilities:
            table[0] = 0.0  # the padding

    def model(self) -> Model:
        """RETURNS (Model): What was learned so far."""
        kept = np.flatnonzero(self.counts > KEEP)
        counts = self.counts[kept].astype(np.float32)
        return Model(self.source, self.target, *self.directions, self.keys[kept], counts, self.strength)
