"""The first round of training, over all word pairs that occur together, and which of them the later rounds keep.

Most word pairs of a bitext occur together once and mean nothing, but there are too many to hold them all in a table. So
this round keeps one number per cell of the sentence pairs, and goes through the word pairs source word by source word.
The table of pairs for the later rounds then has only those that got enough links here, or that are spelled alike.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Iterator, List, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from .vocabulary import Batch, Float, Int, SortedPairs, word_ranges
from .word_forms import Spelling, spelled_alike

Position = npt.NDArray[Any]  # int32, or int64 for over two billion cells

# Cells whose word pairs are sorted at a time, if no single word has more.
BLOCK_CELLS = 250_000


@dataclass
class WordPairs:
    """The word pairs that the later rounds work with.

    pairs (SortedPairs): Their words. The first is the padding, and all pairs that were left out.
    buckets (npt.NDArray[np.uint8]): How alike they are spelled.
    together (npt.NDArray[np.int64]): How often those that are spelled alike occur together.
    links (npt.NDArray[np.float64]): Expected links.
    totals (List[Float]): Expected links of each source word, and of each target word, with pairs that were left out.
    """

    pairs: SortedPairs
    buckets: npt.NDArray[np.uint8]
    together: npt.NDArray[np.int64]
    links: npt.NDArray[np.float64]
    totals: List[Float]


@dataclass
class _Block:
    """Word pairs of some source words: both words, where the cells of each begin in `cells`, and the cells."""

    source: Int
    target: Int
    starts: npt.NDArray[np.int64]
    cells: Position


class Cooccurrence:
    """The cells of a bitext: pairs of a source word and a target word of one sentence pair.

    batches (List[Batch]): The sentence pairs. The cells of a batch are a (target, batch, source) array, and those of
        all batches lie one after the other in `values`.
    """

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = batches
        self.shapes = [(b.target.shape[1], *b.source.shape) for b in batches]
        sizes = [t * b * s for t, b, s in self.shapes]
        self.ends = np.cumsum(sizes)
        dtype = np.int32 if self.ends[-1] < 2**31 else np.int64
        self.values: npt.NDArray[Any] = np.zeros(self.ends[-1], dtype=np.float32)
        # Of each sentence pair: its first cell, the distance of cells of neighbouring target words, and its words.
        self.first_cell = np.concatenate(
            [end - size + np.arange(b) * s for end, size, (_, b, s) in zip(self.ends, sizes, self.shapes, strict=True)]
        ).astype(dtype)
        self.stride = np.repeat([b * s for _, b, s in self.shapes], [b for _, b, _ in self.shapes]).astype(dtype)
        self.source_length = np.concatenate([b.source_length for b in batches])
        self.target_length = np.concatenate([b.target_length for b in batches])
        self.target_words = np.concatenate([b.target[b.target >= 0] for b in batches])
        source_words = np.concatenate([b.source[b.source >= 0] for b in batches])
        # The source tokens by word.
        self.tokens: Int = np.argsort(source_words, kind="stable").astype(np.int32)
        self.token_words: Int = source_words[self.tokens]
        self.pair_of_token = np.repeat(np.arange(len(self.source_length), dtype=np.int32), self.source_length)

    def cells(self, number: int) -> npt.NDArray[Any]:
        """RETURNS (npt.NDArray): A view of the (target, batch, source) cells of a batch."""
        end, shape = self.ends[number], self.shapes[number]
        return self.values[end - shape[0] * shape[1] * shape[2] : end].reshape(shape)

    def first_round(self, occurrences: Sequence[Float], spelling: Spelling, least: float, pool: Executor) -> WordPairs:
        """One round without positions, from the Dice coefficients of all word pairs. Afterwards `values` holds the
        position of each cell's word pair in the result.

        occurrences (Sequence[Float]): How often each source word and each target word occurs.
        least (float): Pairs with so few expected links are left out, except those that are spelled alike.
        """
        of_source, of_target = occurrences
        pairs = 0
        for block in self._blocks(len(of_source), len(of_target)):
            together = np.diff(block.starts)
            dice = 2.0 * together / np.maximum(of_source[block.source] + of_target[block.target], 1)
            self.values[block.cells] = np.repeat(dice.astype(np.float32), together)
            pairs += len(together)
        for _ in pool.map(self._link, range(len(self.batches))):
            pass
        return self._kept_pairs(occurrences, spelling, least, pairs)

    def _link(self, number: int) -> None:
        """Turn the Dice coefficients of a batch into expected links, in place."""
        cells = self.cells(number)
        reverse = cells / np.maximum(cells.sum(axis=0, keepdims=True), 1e-9)
        cells /= np.maximum(cells.sum(axis=2, keepdims=True), 1e-9)
        cells *= reverse

    def _kept_pairs(self, occurrences: Sequence[Float], spelling: Spelling, least: float, pairs: int) -> WordPairs:
        of_source, of_target = occurrences
        totals = [np.zeros(len(of_source)), np.zeros(len(of_target))]
        positions = self.values.view(np.int32)
        # How many pairs each source word has; word 0 has the padding.
        lengths = np.zeros(len(of_source), dtype=np.int64)
        lengths[0] = 1
        # Memory that is not written to is not taken, so these may be too long.
        target = np.zeros(pairs + 1, dtype=np.int32)
        buckets, links = np.zeros(pairs + 1, dtype=np.uint8), np.zeros(pairs + 1)
        together_if_alike: List[npt.NDArray[np.int64]] = []
        size = 1
        for block in self._blocks(len(of_source), len(of_target)):
            together = np.diff(block.starts)
            block_links = np.add.reduceat(self.values[block.cells], block.starts[:-1], dtype=np.float64)
            for total, words in zip(totals, (block.source, block.target), strict=True):
                total += np.bincount(words, block_links, len(total))
            block_buckets = spelling.buckets(block.source, block.target)
            alike = spelled_alike(block_buckets)
            together_if_alike.append(together[alike])
            kept = np.flatnonzero(alike | (block_links > least))
            numbers = np.zeros(len(block_links), dtype=np.int32)
            numbers[kept] = np.arange(size, size + len(kept))
            # The expected links of these cells are not needed any more.
            positions[block.cells] = np.repeat(numbers, together)
            part = slice(size, size + len(kept))
            lengths += np.bincount(block.source[kept], minlength=len(lengths))
            target[part] = block.target[kept]
            buckets[part], links[part] = block_buckets[kept], block_links[kept]
            size += len(kept)
        self.values = positions
        columns = (buckets[:size], np.concatenate(together_if_alike), links[:size])
        pairs_kept = SortedPairs(np.concatenate([[0], np.cumsum(lengths)]), target[:size])
        return WordPairs(pairs_kept, *columns, [total.astype(np.float32) for total in totals])

    def _blocks(self, n_source: int, n_target: int) -> Iterator[_Block]:
        """YIELDS (_Block): All word pairs in order. A block has the pairs of one source word at least."""
        # The source tokens and the cells before each source word.
        token_ends = np.searchsorted(self.token_words, np.arange(n_source + 1))
        cells_before = np.concatenate([[0], np.cumsum(self.target_length[self.pair_of_token[self.tokens]])])[token_ends]
        target_start = np.cumsum(self.target_length) - self.target_length
        source_start = np.cumsum(self.source_length) - self.source_length
        for begin, word in word_ranges(cells_before, BLOCK_CELLS):
            tokens = self.tokens[token_ends[begin] : token_ends[word]]
            pairs = self.pair_of_token[tokens]
            lengths = self.target_length[pairs]
            before = np.cumsum(lengths) - lengths
            count = int(cells_before[word] - cells_before[begin])
            nth_target = np.arange(count) - np.repeat(before, lengths)
            cells = np.repeat(self.first_cell[pairs] + (tokens - source_start[pairs]), lengths)
            cells = (cells + nth_target * np.repeat(self.stride[pairs], lengths)).astype(self.first_cell.dtype)
            targets = self.target_words[nth_target + np.repeat(target_start[pairs], lengths)]
            rows = cells_before[begin : word + 1] - cells_before[begin]
            # To columns and back sorts the pairs of each row by target word, in linear time.
            table = csr_matrix((cells, targets, rows), shape=(word - begin, n_target)).tocsc().tocsr()
            sources = np.repeat(np.arange(begin, word, dtype=np.int32), np.diff(rows))
            targets = table.indices
            differs = (targets[1:] != targets[:-1]) | (sources[1:] != sources[:-1])
            new = np.concatenate([[0], np.flatnonzero(differs) + 1])
            yield _Block(sources[new], targets[new], np.append(new, count), table.data)
