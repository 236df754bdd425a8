"""Training of the embedded aligner: expectation maximisation over batches of sentence pairs.

Both directions are trained to agree (Liang, Taskar and Klein 2006): the expected count of a link is the product of its
posteriors in the two models, so a link that only one of them believes in is dropped.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ... import native
from ...garbage import give_back_memory
from ...streams import mapped
from ..windows import pair_windows, pieces
from . import compiled
from .alignment_model import Counts, Direction, Model, both_directions, linking_rates
from .cooccurrence import Cooccurrence
from .hmm import Statistics, posteriors
from .vocabulary import Batch, Float, Int, Vocabulary, pair_keys
from .word_forms import Spelling, StemIndex, StemTable, spelled_alike

# OpenBLAS computes matrix products of this size in one thread. Threads of its own would compete with those that work on
# the batches.
BATCH_CELLS = 260_000
# Pairs with fewer expected links than this are dropped, because the prior alone gives about the same.
KEEP = 1e-3
# In a bitext with more cells than this, the first round drops such pairs too, to save memory. In a smaller one they
# count: the AER of 2,400 pairs of English and French rises by 0.05 without them.
ALL_PAIRS_CELLS = 20_000_000
# Word pairs whose probabilities are computed at a time, if no single word has more: few enough for the processor's cache.
PART_PAIRS = 50_000
# A long pair can't be cut into parallel pieces if one side has more than this many times the words of the other.
MOST_UNLIKE = 9


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


def link_posteriors(
    batch: Batch,
    emissions: Sequence[npt.NDArray[Any]],
    directions: Sequence[Direction],
    null: float,
    statistics: Sequence[Optional[Statistics]] = (None, None),
) -> Tuple[Float, Float]:
    """Posteriors of every possible link of a batch in both directions.

    emissions (Sequence[npt.NDArray]): The probabilities of the word pairs, 0 for the padding: a (target, batch, source)
        array for the forward and a (source, batch, target) array for the reverse direction. They are overwritten.
    null (float): Probability of the empty word.
    statistics (Sequence[Optional[Statistics]]): The expected jumps of each direction are added to these.
    RETURNS (Tuple[Float, Float]): Two (target, batch, source) arrays.
    """
    source, target = (batch.source, batch.source_length), (batch.target, batch.target_length)
    ahead, back = (
        posteriors(emission, model.empty[np.maximum(words.T, 0)], given_length, length, model.jumps, null, jumps)
        for emission, (_, given_length), (words, length), model, jumps in zip(
            emissions, (source, target), (target, source), directions, statistics, strict=True
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
    source.forget_tokens()
    target.forget_tokens()
    return sources, targets, report


def _values(table: Float, index: Int) -> Float:
    # The mode for speed alone: no index is out of range.
    return np.take(table, index, mode="clip")


def unlinked_words(batch: Batch, linked_target: Float, linked_source: Float) -> List[Tuple[Int, Float]]:
    """RETURNS (List[Tuple[Int, Float]]): The target words of a batch and how much of each has no counterpart, and its
    source words.

    linked_target (Float), linked_source (Float): The posteriors of each word, added up: (batch, target) and (batch,
        source).
    """
    sides = (batch.target, linked_target), (batch.source, linked_source)
    return [(words[words >= 0], np.maximum(1.0 - linked, 0.0)[words >= 0]) for words, linked in sides]


class Trainer:
    """Expectation maximisation. The first round (`Cooccurrence.first_round`) is part of making one.

    batches (List[Batch]): The sentence pairs, as word numbers of these vocabularies.
    strength (float): Weight of the prior, in observations. null (float): Probability of the empty word.
    pool (Executor): Threads that process the batches.
    """

    def __init__(
        self,
        batches: List[Batch],
        source: Vocabulary,
        target: Vocabulary,
        *,
        strength: float,
        null: float,
        pool: Executor,
    ) -> None:
        self.source, self.target = source, target
        self.strength, self.null, self.pool = strength, null, pool
        self.batches = batches
        source_counts, target_counts = (
            np.bincount(np.concatenate(side), minlength=len(words)).astype(np.float32)
            for side, words in (
                ([batch.source[batch.source >= 0] for batch in batches], source),
                ([batch.target[batch.target >= 0] for batch in batches], target),
            )
        )
        stems = StemIndex(source.words), StemIndex(target.words)
        self.directions = (
            Direction(source_counts, target_counts, stems),
            Direction(target_counts, source_counts, stems[::-1]),
        )
        cells = Cooccurrence(batches)
        spelling = Spelling(source.words, target.words)
        least = KEEP if cells.values.size > ALL_PAIRS_CELLS else 0.0
        found = cells.first_round((source_counts, target_counts), spelling, least, pool)
        # Of each batch: the position of each cell's word pair.
        self.positions = [cells.cells(number) for number in range(len(batches))]
        del cells, spelling
        give_back_memory()
        self.pairs = found.pairs
        self.stems = StemTable(*stems, self.pairs, is_looked_up=False)
        give_back_memory()
        self.counts: Counts = found.links
        # Only pairs that are spelled alike have a prior by their kind.
        self.alike = np.flatnonzero(spelled_alike(found.buckets))
        self.together = found.together.astype(np.float64)
        alike = found.buckets[self.alike], self.pairs.source_of(self.alike), self.pairs.target[self.alike]
        self.kinds = self.directions[0].kinds(*alike), self.directions[1].kinds(alike[0], alike[2], alike[1])
        size = len(self.counts)
        # By direction and word pair. Compiled code reads both directions of a pair at once.
        self.probabilities: Float = (
            np.zeros((2, size), np.float32) if native.LIBRARY is None else np.zeros((size, 2), np.float32).T
        )
        self._update(found.totals)

    def lexical_round(self) -> None:
        """One round without positions (IBM model 1 in both directions, Brown et al. 1993)."""

        def work(index: Int, batch: Batch) -> Tuple[Any, ...]:
            if native.LIBRARY is not None:
                return (compiled.lexical_links(batch, index, self.probabilities.T),)
            forward, reverse = (_values(table, index).astype(float) for table in self.probabilities)
            forward /= np.maximum(forward.sum(axis=2, keepdims=True), 1e-9)
            reverse /= np.maximum(reverse.sum(axis=0, keepdims=True), 1e-9)
            forward *= reverse
            return (forward.astype(np.float32),)

        for _ in self._count(work):
            pass
        self._update()

    def hmm_round(self) -> None:
        """One round with the hidden Markov models."""
        totals = [Statistics() for _ in self.directions]
        # How often each generated word has no counterpart.
        empty = [np.zeros(len(direction.generated)) for direction in self.directions]

        def work(index: Int, batch: Batch) -> Tuple[Any, ...]:
            jumps = [Statistics() for _ in self.directions]
            if native.LIBRARY is not None:
                links, *linked = compiled.expected_links(
                    batch,
                    index,
                    self.probabilities.T,
                    [direction.empty for direction in self.directions],
                    [direction.jumps for direction in self.directions],
                    self.null,
                    jumps,
                )
                return links, jumps, unlinked_words(batch, *linked)
            # The reverse direction uses the transposed table.
            views = index, np.ascontiguousarray(index.transpose(2, 1, 0))
            emissions = [
                _values(table, view).astype(float) for table, view in zip(self.probabilities, views, strict=True)
            ]
            forward, reverse = link_posteriors(batch, emissions, self.directions, self.null, jumps)
            links = (forward * reverse).astype(np.float32)
            return links, jumps, unlinked_words(batch, forward.sum(axis=2).T, reverse.sum(axis=0))

        for jumps, unlinked in self._count(work):
            for total, statistics, sums, (words, values) in zip(totals, jumps, empty, unlinked, strict=True):
                total.add(statistics)
                sums += np.bincount(words, values, minlength=len(sums))
        for direction, statistics, sums in zip(self.directions, totals, empty, strict=True):
            direction.jumps.update(statistics.moved, statistics.began)
            share = direction.generated / direction.generated.sum()
            direction.empty = ((sums + 5.0 * share) / (sums.sum() + 5.0)).astype(np.float32)
        self._update()

    def _count(self, work: Callable[..., Tuple[Any, ...]]) -> Iterator[List[Any]]:
        """Add up the expected links of all batches, which `work` returns first. YIELDS (List): What else it returns."""
        self.counts[:] = 0.0
        results = mapped(self.pool, work, self.positions, self.batches)
        for index, (links, *further) in zip(self.positions, results, strict=True):
            compiled.add_links(self.counts, index, links)
            yield further

    def _update(self, totals: Optional[Sequence[Float]] = None) -> None:
        """Compute the probabilities from the expected links. totals (Optional[Sequence[Float]]): The expected links of
        each source word and of each target word, if they are known.
        """
        totals = totals or [sums.astype(np.float32) for sums in self._totals()]
        for direction, kinds, of_words in zip(self.directions, self.kinds, totals, strict=True):
            direction.set_totals(of_words)
            direction.rates = linking_rates(kinds, self.counts[self.alike], self.together)
        self.stems.add_up(self.counts)
        compute = self._numpy_probabilities if native.LIBRARY is None else compiled.probabilities
        for part, source in self.pairs.parts(PART_PAIRS):
            alike = slice(*np.searchsorted(self.alike, (part.start, part.stop)))
            compute(
                (source, self.pairs.target[part]),
                self.counts[part],
                self.stems.index[part],
                self.stems.links,
                self.alike[alike] - part.start,
                [kinds[alike] for kinds in self.kinds],
                self.directions,
                self.strength,
                self.probabilities.T[part],
            )
        for table in self.probabilities:
            table[0] = 0.0  # the padding

    def _totals(self) -> Tuple[Counts, Counts]:
        """RETURNS (Tuple[Counts, Counts]): The expected links of each source word and of each target word."""
        source_words, target_words = (len(direction.occurrences) for direction in self.directions)
        of_source = np.zeros(source_words)
        for part, source in self.pairs.parts(PART_PAIRS):
            first, last = source[0], source[-1]
            of_source[first : last + 1] = compiled.sums_by(source - first, self.counts[part], last + 1 - first)
        return of_source, compiled.sums_by(self.pairs.target, self.counts, target_words)

    @staticmethod
    def _numpy_probabilities(
        pairs: Tuple[Int, Int],
        links: Counts,
        stems: Int,
        stem_links: Float,
        alike: npt.NDArray[np.int64],
        kinds: Sequence[npt.NDArray[np.int16]],
        directions: Sequence[Direction],
        strength: float,
        table: Float,
    ) -> None:
        """The same as `compiled.probabilities`."""
        rates = np.zeros((2, len(links)), dtype=np.float32)
        for of_pairs, direction, of_alike in zip(rates, directions, kinds, strict=True):
            of_pairs[alike] = direction.rates[of_alike]
        computed = both_directions(directions, list(rates), pairs, links, stem_links[stems], strength)
        for column, values in enumerate(computed):
            table[:, column] = values

    def model(self) -> Model:
        """RETURNS (Model): The model so far."""
        kept = np.flatnonzero(self.counts > KEEP)
        keys = pair_keys(self.pairs.source_of(kept), self.pairs.target[kept])
        return Model(
            self.source, self.target, *self.directions, keys, self.counts[kept].astype(np.float32), self.strength
        )
