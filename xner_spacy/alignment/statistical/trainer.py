"""Training of the embedded aligner: expectation maximisation over batches of sentence pairs.

Both directions are trained to agree (Liang, Taskar and Klein 2006): the expected count of a link is
the product of its posteriors in the two models, so what only one of them believes is forgotten.
"""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple, TypeVar

import numpy as np
import numpy.typing as npt

from ..windows import pair_cuts
from .alignment_model import Counts, Direction, Float, Keys, Model, linking_rates, pair_keys, split_keys
from .hmm import Statistics, posteriors
from .padded_batches import Batch, make_batches
from .spelling_prior import Spelling
from .stems import StemIndex, StemTable, stem_prior
from .vocabulary import Vocabulary

Int = npt.NDArray[np.int32]

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
    """How many sentence pairs were learned from, and how many were not and why.

    pairs (int): All that were given.
    empty (int): Left out, since a side has no words.
    unlike (int): Left out: long, and one side has more than nine times the words of the other.
    cut (int): Long ones, learned from in pieces.
    """

    pairs: int = 0
    empty: int = 0
    unlike: int = 0
    cut: int = 0

    def counts(self) -> Dict[str, int]:
        """RETURNS (Dict[str, int]): What is worth saying, in plain words."""
        return {
            "pairs to learn from": self.pairs,
            "of these left out, a side is empty": self.empty,
            f"of these left out, long and one side has over {MOST_UNLIKE} times the words": self.unlike,
            "of these long, learned from in pieces": self.cut,
        }

    def said(self) -> str:
        """RETURNS (str): The same in a line; empty if every pair was used as it is."""
        found = [f"{name}: {n:,}" for name, n in list(self.counts().items())[1:] if n]
        return f"{self.pairs:,} sentence pairs to learn from; {'; '.join(found)}" if found else ""


@dataclass
class Cells:
    """The word pairs of one batch.

    batch (Batch): The sentence pairs.
    place (Int): (target, batch, source) positions in `pairs`; 0 for padding.
    pairs (npt.NDArray): The different word pairs of the batch, first the padding. Keys at first,
        then positions in the table of all pairs.
    """

    batch: Batch
    place: Int
    pairs: npt.NDArray[Any]


def find_cells(batch: Batch) -> Tuple[Cells, Int]:
    """RETURNS (Tuple[Cells, Int]): The word pairs of a batch, and how often each is there."""
    mask = batch.mask
    keys = pair_keys(batch.source[None, :, :], batch.target.T[:, :, None])
    keys[~mask] = -1
    pairs, place, together = np.unique(keys, return_inverse=True, return_counts=True)
    place = np.reshape(place, keys.shape).astype(np.int32)
    if pairs[0] != -1:
        pairs = np.concatenate([[-1], pairs])
        together = np.concatenate([[0], together])
        place += 1
    together[0] = 0
    return Cells(batch, np.asarray(place), pairs), together.astype(np.int32)


def link_posteriors(
    cells: Cells,
    one: Float,
    other: Float,
    forward: Direction,
    reverse: Direction,
    null: float,
    statistics: Optional[Tuple[Statistics, Statistics]] = None,
) -> Tuple[Float, Float]:
    """Posteriors of every possible link of a batch in both directions.

    cells (Cells): The word pairs.
    one (Float): Forward probability of each of `cells.pairs`.
    other (Float): Reverse probability of each.
    forward (Direction): The forward direction.
    reverse (Direction): The reverse direction.
    null (float): Probability of the empty word.
    statistics (Optional[Tuple[Statistics, Statistics]]): Take up the expected jumps.
    RETURNS (Tuple[Float, Float]): Two (target, batch, source) arrays.
    """
    batch = cells.batch
    first, second = statistics or (None, None)
    ahead = posteriors(
        one[cells.place],
        forward.empty[np.maximum(batch.target.T, 0)],
        batch.source_length,
        batch.target_length,
        forward.jumps,
        null,
        first,
    )
    back = posteriors(
        other[np.ascontiguousarray(cells.place.transpose(2, 1, 0))],
        reverse.empty[np.maximum(batch.source.T, 0)],
        batch.target_length,
        batch.source_length,
        reverse.jumps,
        null,
        second,
    )
    return ahead, back.transpose(2, 1, 0)


T = TypeVar("T")
R = TypeVar("R")


def in_order(pool: Optional[Executor], work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """RETURNS (Iterator[R]): Results in the order of the items, whatever the number of threads."""
    return map(work, items) if pool is None else pool.map(work, items)


class Bitext(NamedTuple):
    """What there is to learn from.

    sources (List[Int]): Word numbers of the source sentences.
    targets (List[Int]): Word numbers of the target sentences.
    report (TrainingReport): What was used and what was not.
    """

    sources: List[Int]
    targets: List[Int]
    report: TrainingReport


def read_bitext(
    pairs: Iterable[Tuple[Iterable[str], Iterable[str]]], source: Vocabulary, target: Vocabulary, max_length: int
) -> Bitext:
    """Number the words of a bitext.

    pairs (Iterable[Tuple[Iterable[str], Iterable[str]]]): Tokenised pairs. Pairs with an empty side are left out.
    source (Vocabulary), target (Vocabulary): They take in the words.
    max_length (int): Longer pairs are cut into pieces of so many words, unless their sides are too unlike in length
        for the same place of both to mean the same.
    RETURNS (Bitext): What can be learned from.
    """
    found = Bitext([], [], TrainingReport())
    report = found.report
    for left, right in pairs:
        left, right = list(left), list(right)
        report.pairs += 1
        longer, shorter = max(len(left), len(right)), min(len(left), len(right))
        if not shorter:
            report.empty += 1
        elif longer <= max_length:
            found.sources.append(source.add(left))
            found.targets.append(target.add(right))
        elif longer > MOST_UNLIKE * shorter:
            report.unlike += 1
        else:
            report.cut += 1
            s, t = source.add(left), target.add(right)
            for piece in pair_cuts(len(s), len(t), max_length):
                found.sources.append(s[slice(*piece.source)])
                found.targets.append(t[slice(*piece.target)])
    return found


def merge(tables: List[Tuple[Keys, Int]]) -> Tuple[Keys, Int]:
    """Add up sorted tables of keys and numbers, two neighbours at a time."""
    while len(tables) > 1:
        merged = []
        for k in range(0, len(tables), 2):
            group = tables[k : k + 2]
            keys = np.concatenate([keys for keys, _ in group])
            numbers = np.concatenate([numbers for _, numbers in group])
            # Stable sorting finds the two sorted runs and merges them.
            order = np.argsort(keys, kind="stable")
            keys, numbers = keys[order], numbers[order]
            starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
            merged.append((keys[starts], np.add.reduceat(numbers, starts)))
        tables = merged
    return tables[0]


class Trainer:
    """Expectation maximisation.

    sources (List[Int]): Source sentences as word numbers.
    targets (List[Int]): Target sentences as word numbers.
    source (Vocabulary): Source words.
    target (Vocabulary): Target words.
    strength (float): Weight of the prior, in observations.
    null (float): Probability of the empty word.
    pool (Optional[Executor]): Threads to share the batches.
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
        pool: Optional[Executor] = None,
    ) -> None:
        self.source, self.target = source, target
        self.strength, self.null, self.pool = strength, null, pool
        source_counts = np.bincount(np.concatenate(sources), minlength=len(source))
        target_counts = np.bincount(np.concatenate(targets), minlength=len(target))
        self.forward = Direction(source_counts.astype(np.float32), target_counts.astype(np.float32))
        self.reverse = Direction(target_counts.astype(np.float32), source_counts.astype(np.float32))
        batches = make_batches(sources, targets, BATCH_CELLS)
        self.cells: List[Cells] = []
        tables: List[Tuple[Keys, Int]] = []
        for cells, together in in_order(pool, find_cells, batches):
            self.cells.append(cells)
            tables.append((cells.pairs, together))
            if len(tables) == MERGED_TABLES:
                tables = [merge(tables)]
        self.keys, numbers = merge(tables)
        self.together = numbers.astype(np.float64)
        del tables
        for cells in self.cells:
            cells.pairs = np.searchsorted(self.keys, cells.pairs).astype(np.int32)
        self.e, self.f = split_keys(self.keys)
        self.e[0] = self.f[0] = 0  # the padding
        buckets = Spelling(source.words, target.words).buckets(self.e, self.f)
        self.stems = StemTable(StemIndex(source.words), StemIndex(target.words), self.e, self.f)
        self.forward_cells = self.forward.cells(buckets, self.e, self.f)
        self.reverse_cells = self.reverse.cells(buckets, self.f, self.e)
        dice = 2.0 * self.together / np.maximum(source_counts[self.e] + target_counts[self.f], 1)
        self.one = self.other = dice.astype(np.float32)
        self.counts: Counts = np.zeros(len(self.keys))

    def lexical_round(self) -> None:
        """One round without positions (IBM model 1 in both directions, Brown et al. 1993)."""

        def work(cells: Cells) -> Tuple[npt.NDArray[Any], None]:
            one, other = (self.one[cells.pairs][cells.place], self.other[cells.pairs][cells.place])
            one /= np.maximum(one.sum(axis=2, keepdims=True), 1e-9)
            other /= np.maximum(other.sum(axis=0, keepdims=True), 1e-9)
            one *= other
            return np.bincount(cells.place.ravel(), one.ravel(), len(cells.pairs)), None

        self._collect(in_order(self.pool, work, self.cells))
        self._update()

    def hmm_round(self) -> Tuple[float, float]:
        """One round with the hidden Markov models.

        RETURNS (Tuple[float, float]): The log-likelihoods before it.
        """
        forward, reverse = self.forward, self.reverse
        totals = (Statistics(forward.jumps.limit), Statistics(reverse.jumps.limit))
        empty = (np.zeros(len(self.target)), np.zeros(len(self.source)))

        def work(cells: Cells) -> Tuple[npt.NDArray[Any], Tuple[Any, ...]]:
            mine = (Statistics(forward.jumps.limit), Statistics(reverse.jumps.limit))
            one, other = link_posteriors(
                cells, self.one[cells.pairs], self.other[cells.pairs], forward, reverse, self.null, mine
            )
            target, source = cells.batch.target.T, cells.batch.source
            no_source = np.maximum(1.0 - one.sum(axis=2), 0.0)[target >= 0]
            no_target = np.maximum(1.0 - other.sum(axis=0), 0.0)[source >= 0]
            counts = np.bincount(cells.place.ravel(), (one * other).ravel(), len(cells.pairs))
            return counts, (*mine, target[target >= 0], no_source, source[source >= 0], no_target)

        for extra in self._collect(in_order(self.pool, work, self.cells)):
            for total, statistics in zip(totals, extra[:2], strict=True):
                total.add(statistics)
            for sums, words, values in ((empty[0], *extra[2:4]), (empty[1], *extra[4:6])):
                sums += np.bincount(words, values, minlength=len(sums))
        for direction, statistics, sums in zip((forward, reverse), totals, empty, strict=True):
            direction.jumps.update(statistics.moved, statistics.began)
            share = direction.generated / direction.generated.sum()
            direction.empty = ((sums + 5.0 * share) / (sums.sum() + 5.0)).astype(np.float32)
        self._update()
        return totals[0].log_likelihood, totals[1].log_likelihood

    def _collect(self, results: Iterable[Tuple[npt.NDArray[Any], T]]) -> List[T]:
        """Add up the counts of the batches. RETURNS (List[T]): What else came with them."""
        self.counts[:] = 0.0
        extras = []
        for cells, (counts, extra) in zip(self.cells, results, strict=True):
            self.counts[cells.pairs] += counts  # the pairs of a batch are all different
            extras.append(extra)
        self.counts[0] = 0.0
        return extras

    def _update(self) -> None:
        for direction, cells, given in (
            (self.forward, self.forward_cells, self.e),
            (self.reverse, self.reverse_cells, self.f),
        ):
            size = len(direction.occurrences)
            direction.totals = np.bincount(given, self.counts, size).astype(np.float32)
            direction.rates = linking_rates(cells, self.counts, self.together)
        self.stems.update(self.counts)
        self.one = self._table(self.forward, self.forward_cells, self.e, self.f, 1)
        self.other = self._table(self.reverse, self.reverse_cells, self.f, self.e, -1)

    def _table(
        self,
        direction: Direction,
        cells: npt.NDArray[np.int16],
        given: npt.NDArray[np.int64],
        word: npt.NDArray[np.int64],
        order: int,
    ) -> Float:
        sides = (self.stems.source, self.stems.target)[::order]
        more = stem_prior(
            self.stems.links[self.stems.place],
            self.counts,
            given,
            word,
            direction.totals,
            direction.generated,
            (sides[0].of, sides[1].of),
            (sides[0], sides[1]),
        )
        table = direction.probabilities(self.counts, cells, given, word, more, self.strength)
        table[0] = 0.0  # the padding
        return table

    def model(self) -> Model:
        """RETURNS (Model): What was learned so far."""
        kept = np.flatnonzero(self.counts > KEEP)
        return Model(
            self.source,
            self.target,
            self.forward,
            self.reverse,
            self.keys[kept],
            self.counts[kept].astype(np.float32),
            self.strength,
        )


def make_pool(threads: int) -> Optional[ThreadPoolExecutor]:
    """RETURNS (Optional[ThreadPoolExecutor]): None for one thread."""
    return ThreadPoolExecutor(threads, thread_name_prefix="xner-align") if threads > 1 else None
