"""Words as integers, and sentence pairs of similar length as padded arrays of them."""

import sys
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...streams import padded_groups
from ...text import comparable

Int = npt.NDArray[np.int32]
Float = npt.NDArray[np.float32]
Keys = npt.NDArray[np.int64]


def pair_keys(source: npt.NDArray[Any], target: npt.NDArray[Any]) -> Keys:
    """RETURNS (Keys): One integer per word pair, from word numbers that broadcast together."""
    return (source.astype(np.int64) << 32) | target


def split_keys(keys: Keys) -> Tuple[Keys, Keys]:
    """RETURNS (Tuple[Keys, Keys]): Source and target words."""
    return keys >> 32, keys & 0xFFFFFFFF


def values_of(keys: Keys, table_keys: Keys, values: Float) -> Float:
    """RETURNS (Float): The values of `keys` in a table with sorted keys (`table_keys`); 0 for keys that it lacks."""
    if not len(table_keys):
        return np.zeros(len(keys), dtype=np.float32)
    index = np.minimum(np.searchsorted(table_keys, keys), len(table_keys) - 1)
    return np.where(table_keys[index] == keys, values[index], np.float32(0.0))


@dataclass
class SortedPairs:
    """Word pairs, sorted by source word, then target word. Source words are not stored, because there may be millions
    of pairs: those of word `w` begin at `starts[w]` and end at `starts[w + 1]`.

    starts (npt.NDArray[np.int64]): (source words + 1,) positions. target (Int): The target word of each pair.
    """

    starts: npt.NDArray[np.int64]
    target: Int

    @classmethod
    def from_keys(cls, keys: Keys, source_words: int) -> "SortedPairs":
        """RETURNS (SortedPairs): The pairs of sorted keys; see `pair_keys`."""
        starts = np.searchsorted(keys, np.arange(source_words + 1, dtype=np.int64) << 32)
        return cls(starts, split_keys(keys)[1].astype(np.int32))

    def parts(self, most: int) -> Iterator[Tuple[slice, Int]]:
        """YIELDS (Tuple[slice, Int]): Parts of the pairs in order, and the source word of each pair. A part has all
        pairs of its source words: `most` at most, or those of a single word.
        """
        for first, last in word_ranges(self.starts, most):
            lengths = np.diff(self.starts[first : last + 1])
            source = np.repeat(np.arange(first, last, dtype=np.int32), lengths)
            yield slice(int(self.starts[first]), int(self.starts[last])), source

    def source_of(self, positions: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """RETURNS (npt.NDArray[np.int64]): The source words of the pairs at some positions."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def of_words(self, words: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """RETURNS (npt.NDArray[np.int64]): The positions of all pairs of some source words, word after word."""
        lengths = self.starts[words + 1] - self.starts[words]
        ends = np.cumsum(lengths)
        return np.arange(ends[-1] if len(ends) else 0) + np.repeat(self.starts[words] - (ends - lengths), lengths)


def word_ranges(starts: npt.NDArray[np.int64], most: int) -> Iterator[Tuple[int, int]]:
    """Cut a table into parts of whole words. starts (npt.NDArray[np.int64]): Where the entries of each word begin, and
    where the last ones end. YIELDS (Tuple[int, int]): The first word of a part and the one behind its last. Together
    they have `most` entries at most, if a word alone has no more; no part is without entries.
    """
    word, end = 0, len(starts) - 1
    while word < end:
        # The last one whose entries still fit.
        behind = int(np.searchsorted(starts, starts[word] + most, side="right")) - 1
        first, word = word, min(max(behind, word + 1), end)
        if starts[word] > starts[first]:
            yield first, word


class Vocabulary:
    """The words of one language, normalised by `comparable` and numbered from 1. The number 0 is any other word.

    words (Iterable[str]): Initial words, already normalised. limit (int): The most words; later ones are 0.
    """

    def __init__(self, words: Iterable[str] = (), *, limit: int = sys.maxsize) -> None:
        self.limit = limit
        self.words: List[str] = ["", *words]
        # The numbers of tokens as they are written, which is quicker to see.
        self._of_tokens: Dict[str, int] = {}
        # If a word occurs twice, the first number wins.
        self._index: Dict[str, int] = {word: number for number, word in reversed(list(enumerate(self.words))) if number}

    def __len__(self) -> int:
        return len(self.words)

    def numbers(self, words: Sequence[str]) -> Int:
        """RETURNS (Int): The number of each of the normalised words; -1 for unknown words, which are not added."""
        return np.array([self._index.get(word, -1) for word in words], dtype=np.int32)

    def add(self, tokens: Sequence[str]) -> Int:
        """Encode tokens and add new ones. RETURNS (Int): Their numbers."""
        numbers = list(map(self._of_tokens.get, tokens))
        if None in numbers:
            numbers = [self._add_one(tokens[k]) if number is None else number for k, number in enumerate(numbers)]
        return np.array(numbers, dtype=np.int32)

    def forget_tokens(self) -> None:
        """Free what makes `add` quick, when all is read."""
        self._of_tokens = {}

    def _add_one(self, token: str) -> int:
        word = comparable(token)
        number = self._index.get(word)
        if number is None:
            if len(self.words) > self.limit:
                return 0  # not remembered, so that memory is bounded
            number = self._index[word] = len(self.words)
            self.words.append(word)
        self._of_tokens[token] = number
        return number


@dataclass
class Batch:
    """Sentence pairs, padded with -1: their positions in the input (`rows`), (batch, longest) word numbers of both
    sides, and (batch,) true lengths.
    """

    rows: npt.NDArray[np.int64]
    source: Int
    source_length: Int
    target: Int
    target_length: Int


def make_batches(sources: Sequence[Int], targets: Sequence[Int], cells: int) -> List[Batch]:
    """Sort sentence pairs by length and pad them together. A pair with an empty side is left out.

    sources (Sequence[Int]), targets (Sequence[Int]): Word numbers of the sentences.
    cells (int): The square of the longer padded side times the pairs, at most, in a batch of more than one pair.
    RETURNS (List[Batch]): The batches.
    """
    m = np.array([len(words) for words in sources], dtype=np.int32)
    n = np.array([len(words) for words in targets], dtype=np.int32)
    filled = np.flatnonzero((m > 0) & (n > 0))
    order = filled[np.lexsort((filled, m[filled], n[filled] // 4))]
    longer = np.maximum(m, n).tolist()
    groups = padded_groups(order.tolist(), cells, lambda row: (longer[row], longer[row]))
    return [Batch(np.array(rows), *_pad(sources, rows, m), *_pad(targets, rows, n)) for rows in groups]


def _pad(sentences: Sequence[Int], rows: List[int], lengths: Int) -> Tuple[Int, Int]:
    """RETURNS (Tuple[Int, Int]): The padded sentences, and their true lengths."""
    padded = np.full((len(rows), lengths[rows].max()), -1, dtype=np.int32)
    for k, row in enumerate(rows):
        padded[k, : lengths[row]] = sentences[row]
    return padded, lengths[rows]
