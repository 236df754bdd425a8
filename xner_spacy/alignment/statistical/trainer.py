"""Training of the embedded aligner: expectation maximisation over batches of sentence pairs.

Both directions are trained to agree (Liang, Taskar and Klein 2006): the expected count of a link is the product of its
posteriors in the two models, so a link that only one of them believes in is dropped.
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

# OpenBLAS computes matrix products of this size in one thread. Threads of its own would compete with those that work on
# the batches.
BATCH_CELLS = 260_000
# Pairs with fewer expected links than this are dropped, because the prior alone gives about the same.
KEEP = 1e-3
# A long pair can't be cut into parallel pieces if one side has more than this many times the words of the other.
MOST_UNLIKE = 9
# The number of word pair tables that are merged at once.
MERGED_TABLES = 64


@dataclass
class TrainingReport:
    """Counts of the sentence pairs of a bitext: all `pairs`; those left out because a side is `empty`, or because they
    are long and `unlike` (one side has over nine times the words of the other); and long ones that were `cut` into
    pieces.
    """

    pairs: int = 0
    empty: int = 0
    unlike: int = 0
    cut: int = 0

    def summary(self) -> str:
        """RETURNS (str): The number of pairs that were left out or cut, in one line; empty if there are none."""
        counts = {
            "left out because a side is empty": self.empty,
            f"left out because they are long and one side has over {MOST_UNLIKE} times the words": self.unlike,
            "long and cut into pieces": self.cut,
        }
        parts = [f"{description}: {n:,}" for description, n in counts.items() if n]
        return f"{self.pairs:,} sentence pairs to learn from; {'; '.join(parts)}" if parts else ""


@dataclass
class Cells:
    """The word pairs of one batch: (target, batch, source) positions in `pairs` (`index`), and the distinct pairs, of
    which the first is the padding. Pairs are keys at first, and later positions in the table of all pairs.
    """

    batch: Batch
    index: Int
    pairs: npt.NDArray[Any]


def find_cells(batch: Batch) -> Tuple[Cells, Int]:
    """RETURNS (Tuple[Cells, Int]): The word pairs of a batch, and how often each occurs."""
    keys = pair_keys(batch.source[None, :, :], batch.target.T[:, :, None])
    keys[(batch.source[None, :, :] < 0) | (batch.target.T[:, :, None] < 0)] = -1
    # A key is appended so that the padding is in every table.
    pairs, index, together = np.unique(np.append(keys, -1), return_inverse=True, return_counts=True)
    together[0] = 0
    return Cells(batch, index[:-1].reshape(keys.shape).astype(np.int32), pairs), together.astype(np.int32)


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
    statistics (Sequence[Optional[Statistics]]): The expected jumps of each direction are added to these.
    RETURNS (Tuple[Float, Float]): Two (target, batch, source) arrays.
    """
    batch = cells.batch
    source, target = (batch.source, batch.source_length), (batch.target, batch.target_length)
    # The reverse direction uses the transposed table.
    views = ((cells.index, source, target), (np.ascontiguousarray(cells.index.transpose(2, 1, 0)), target, source))
    ahead, back = (
        posteriors(table[index], model.empty[np.maximum(words.T, 0)], given_length, length, model.jumps, null, jumps)
        for (index, (_, given_length), (words, length)), table, model, jumps in zip(
            views, probabilities, directions, statistics, strict=True
        )
    )
    return ahead, back.transpose(2, 1, 0)


def read_bitext(
    pairs: Iterable[Tuple[Iterable[str], Iterable[str]]], source: Vocabulary, target: Vocabulary, max_length: int
) -> Tuple[List[Int], List[Int], TrainingReport]:
    """Number the words of a bitext. Pairs with an empty side are left out.

    source (Vocabulary), target (Vocabulary): The words are added to these.
    max_length (int): Longer pairs are cut into pieces of this many words. They are left out if the lengths of their
        sides differ too much for that.
    RETURNS (Tuple[List[Int], List[Int], TrainingReport]): The word numbers of both sides, and the counts of pairs.
    """
    sources: List[Int] = []
    targets: List[Int] = []
    report = TrainingReport()
    for source_words, target_words in pairs:
        source_words, target_words = list(source_words), list(target_words)
        report.pairs += 1
        longer, shorter = max(len(source_words), len(target_words)), min(len(source_words), len(target_words))
        if not shorter:
            report.empty += 1
        elif longer <= max_length:
            sources.append(source.add(source_words))
            targets.append(target.add(target_words))
        elif longer > MOST_UNLIKE * shorter:
            report.unlike += 1
        else:
            report.cut += 1
            source_numbers, target_numbers = source.add(source_words), target.add(target_words)
            for piece in pair_windows(len(source_numbers), len(target_numbers), max_length, pieces):
                sources.append(source_numbers[piece.source])
                targets.append(target_numbers[piece.target])
    return sources, targets, report


def merge(tables: List[Tuple[Keys, Int]]) -> Tuple[Keys, Int]:
    """RETURNS (Tuple[Keys, Int]): The tables as one, sorted by key, with the numbers of equal keys added up."""
    keys = np.concatenate([keys for keys, _ in tables])
    numbers = np.concatenate([numbers for _, numbers in tables])
    # A stable sort merges the sorted tables efficiently.
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[starts], np.add.reduceat(numbers[order], starts)


class Trainer:
    """Expectation maximisation.

    sources (List[Int]), targets (List[Int]): The sentences of both sides as word numbers.
    strength (float): Weight of the prior, in observations. null (float): Probability of the empty word.
    pool (Executor): Threads that process the batches.
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
            forward, reverse = (table[cells.pairs][cells.index] for table in self.probabilities)
            forward /= np.maximum(forward.sum(axis=2, keepdims=True), 1e-9)
            reverse /= np.maximum(reverse.sum(axis=0, keepdims=True), 1e-9)
            forward *= reverse
            return (np.bincount(cells.index.ravel(), forward.ravel(), len(cells.pairs)),)

        self._count(work)
        self._update()

    def hmm_round(self) -> None:
        """One round with the hidden Markov models."""
        totals = [Statistics() for _ in self.directions]
        # How often each generated word has no counterpart.
        empty = [np.zeros(len(direction.generated)) for direction in self.directions]

        def work(cells: Cells) -> Tuple[Any, ...]:
            jumps = [Statistics() for _ in self.directions]
            tables = [table[cells.pairs] for table in self.probabilities]
            forward, reverse = link_posteriors(cells, tables, self.directions, self.null, jumps)
            counts = np.bincount(cells.index.ravel(), (forward * reverse).ravel(), len(cells.pairs))
            unlinked = []
            batch = cells.batch
            for words, linked in ((batch.target.T, forward.sum(axis=2)), (batch.source, reverse.sum(axis=0))):
                unlinked.append((words[words >= 0], np.maximum(1.0 - linked, 0.0)[words >= 0]))
            return counts, jumps, unlinked

        for jumps, unlinked in self._count(work):
            for total, statistics, sums, (words, values) in zip(totals, jumps, empty, unlinked, strict=True):
                total.add(statistics)
                sums += np.bincount(words, values, minlength=len(sums))
        for direction, statistics, sums in zip(self.directions, totals, empty, strict=True):
            direction.jumps.update(statistics.moved, statistics.began)
            share = direction.generated / direction.generated.sum()
            direction.empty = ((sums + 5.0 * share) / (sums.sum() + 5.0)).astype(np.float32)
        self._update()

    def _count(self, work: Callable[[Cells], Tuple[Any, ...]]) -> List[List[Any]]:
        """Add up the expected links of all batches. RETURNS (List[List]): The further results of `work` per batch."""
        self.counts[:] = 0.0
        results = []
        for cells, (counts, *further) in zip(self.cells, self.pool.map(work, self.cells), strict=True):
            self.counts[cells.pairs] += counts  # the pairs of a batch are all different
            results.append(further)
        self.counts[0] = 0.0
        return results

    def _update(self) -> None:
        for direction, kinds, given in zip(self.directions, self.kinds, self.pairs, strict=True):
            direction.set_totals(np.bincount(given, self.counts, len(direction.occurrences)).astype(np.float32))
            direction.rates = linking_rates(kinds, self.counts, self.together)
        stem_links = self.stems.update(self.counts)
        self.probabilities = both_directions(
            self.directions, self.kinds, self.pairs, self.counts, stem_links, self.strength
        )
        for table in self.probabilities:
            table[0] = 0.0  # the padding

    def model(self) -> Model:
        """RETURNS (Model): The model so far."""
        kept = np.flatnonzero(self.counts > KEEP)
        counts = self.counts[kept].astype(np.float32)
        return Model(self.source, self.target, *self.directions, self.keys[kept], counts, self.strength)
