"""The forms of words as evidence for their links, for millions of word pairs at once: how similarly two words are
spelled, and stems as a second, coarser translation table, so that forms of one word share evidence.

Spelling: a word is a set of character bigrams and trigrams, stored as 128 bits (a Bloom filter). The overlap of two
sets is then two `and`s and a bit count. Words are folded by `spelling.fold`, so that Москва is similar to Moskva.

Stems: the first letters of a word. This is crude, but needs no knowledge of the language, and the table is only a
fallback for the prior.
"""

from copy import copy
from typing import Any, Dict, List, Sequence

import numpy as np
import numpy.typing as npt

from ... import native
from ...spelling import fold
from . import compiled
from .vocabulary import Float, SortedPairs, pair_keys, values_of, word_ranges

# Buckets of word pairs by similarity. The aligner learns a rate for each.
UNLIKE = 0  # less than 0.4
SAME_LETTERS = 8  # all n-grams in common
IDENTICAL = 9
OTHER_KIND = 10  # a word and a number, a word and a punctuation mark
N_BUCKETS = 11

STEM_LENGTH = 4
# Word pairs whose stems are numbered at a time.
PART_PAIRS = 250_000

Bits = npt.NDArray[np.uint64]


def signatures(words: Sequence[str]) -> Bits:
    """RETURNS (Bits): (words, 2) unsigned 64-bit integers, the n-grams of each word; an empty word has none."""
    result = np.zeros((len(words), 2), dtype=np.uint64)
    marked = [f"^{fold(word)}$" if word else "" for word in words]
    length = np.array([len(word) for word in marked], dtype=np.int64)
    text = np.frombuffer("".join(marked).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    start = np.cumsum(length) - length
    owner = np.repeat(np.arange(len(words)), length)
    position = np.arange(len(text)) - start[owner]
    for size in (2, 3):
        first = np.flatnonzero(position <= length[owner] - size)
        code = np.zeros(len(first), dtype=np.uint64)
        for offset in range(size):
            # Multiplicative hashing; the high bits are the well-mixed ones.
            code = (code + text[first + offset]) * np.uint64(0x9E3779B97F4A7C15)
        bit = code >> np.uint64(57)
        for half in (0, 1):
            in_half = (bit >> np.uint64(6)) == half
            flag = np.uint64(1) << (bit[in_half] & np.uint64(63))
            np.bitwise_or.at(result[:, half], owner[first[in_half]], flag)
    return result


def _popcount(bits: Bits) -> npt.NDArray[np.int32]:
    """RETURNS (npt.NDArray[np.int32]): The number of set bits of each row."""
    if hasattr(np, "bitwise_count"):  # numpy 2
        counts = np.bitwise_count(bits)
    else:
        counts = _BYTE_BITS[bits.view(np.uint8).reshape(*bits.shape, 8)].sum(axis=-1)
    return counts.sum(axis=-1, dtype=np.int32)


_BYTE_BITS = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.uint8)


def kinds(words: Sequence[str]) -> npt.NDArray[np.uint8]:
    """RETURNS (npt.NDArray[np.uint8]): 0 for words with a letter, 1 with a digit, 2 others."""
    return np.array(
        [0 if any(map(str.isalpha, word)) else 1 if any(map(str.isdigit, word)) else 2 for word in words],
        dtype=np.uint8,
    )


def spelled_alike(buckets: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """RETURNS (npt.NDArray[np.bool_]): Which word pairs are spelled alike, by the buckets of their spelling."""
    return (buckets != UNLIKE) & (buckets <= IDENTICAL)


class Spelling:
    """Compares the case-folded source words and target words of two vocabularies."""

    def __init__(self, source: List[str], target: List[str]) -> None:
        self._bits = (signatures(source), signatures(target))
        self._size = tuple(_popcount(bits) for bits in self._bits)
        self._kind = (kinds(source), kinds(target))
        number = {word: i for i, word in enumerate(target)}
        self._same = np.array([number.get(word, -1) if word else -1 for word in source])

    def buckets(self, source: npt.NDArray[Any], target: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """RETURNS (npt.NDArray[np.uint8]): The bucket of each word pair. `source` and `target` are positions in the
        source and target words.
        """
        if native.LIBRARY is not None:
            named = (UNLIKE, SAME_LETTERS, IDENTICAL, OTHER_KIND)
            return compiled.buckets(source, target, self._bits, self._size, self._kind, self._same, named)
        result = np.empty(len(source), dtype=np.uint8)
        step = 1 << 20
        for begin in range(0, len(source), step):
            e, f = source[begin : begin + step], target[begin : begin + step]
            common = _popcount(self._bits[0][e] & self._bits[1][f])
            # The Dice coefficient in tenths: 4 is bucket 1, 9 and more are bucket 6 or 7.
            size = np.maximum(self._size[0][e] + self._size[1][f], 1)
            tenths = (20 * common) // size
            bucket = np.clip(tenths - 3, UNLIKE, SAME_LETTERS - 1)
            bucket[2 * common == size] = SAME_LETTERS
            bucket[self._kind[0][e] != self._kind[1][f]] = OTHER_KIND
            bucket[self._same[e] == f] = IDENTICAL
            result[begin : begin + step] = bucket
        return result


class StemIndex:
    """The stems of the case-folded words of one vocabulary."""

    def __init__(self, words: Sequence[str]) -> None:
        self._index: Dict[str, int] = {}
        # The stem of each word.
        self.of: npt.NDArray[np.int32] = np.array(
            [self._index.setdefault(fold(word)[:STEM_LENGTH], len(self._index)) for word in words], dtype=np.int32
        )

    def __len__(self) -> int:
        return len(self.of)

    def for_words(self, words: Sequence[str]) -> "StemIndex":
        """RETURNS (StemIndex): The same stems, of other words. All unknown stems share one number."""
        other = copy(self)
        unknown = len(self._index)
        other.of = np.array([self._index.get(fold(word)[:STEM_LENGTH], unknown) for word in words], dtype=np.int32)
        return other

    def sums(self, values: Float) -> Float:
        """RETURNS (Float): For each stem the sum of the values of its words, and 0 for the unknown stem."""
        return np.bincount(self.of, values, len(self._index) + 1).astype(np.float32)


class StemTable:
    """Expected links between the stems of both sides, for word pairs.

    is_looked_up (bool): Whether `lookup` will be called, which takes memory.
    """

    def __init__(self, source: StemIndex, target: StemIndex, pairs: SortedPairs, *, is_looked_up: bool) -> None:
        # Where the stems of each pair are in `links`. Sorting all keys at once would take several times the memory of
        # the table, so each part has the pairs of some stems of source words.
        self.index: npt.NDArray[np.int32] = np.zeros(len(pairs.target), dtype=np.int32)
        keys: List[npt.NDArray[np.int64]] = []
        size = 0
        words = np.argsort(source.of, kind="stable")  # by stem
        lengths = np.diff(pairs.starts)[words]
        of_stem = np.bincount(source.of, np.diff(pairs.starts)).astype(np.int64)
        first_word = np.concatenate([[0], np.cumsum(np.bincount(source.of))])
        for first, last in word_ranges(np.concatenate([[0], np.cumsum(of_stem)]), PART_PAIRS):
            part_words = slice(first_word[first], first_word[last])
            part = pairs.of_words(words[part_words])
            stems = np.repeat(source.of[words[part_words]], lengths[part_words])
            part_keys, index = np.unique(pair_keys(stems, target.of[pairs.target[part]]), return_inverse=True)
            self.index[part] = index + size
            size += len(part_keys)
            if is_looked_up:
                keys.append(part_keys)
        self._keys = np.concatenate(keys) if keys else np.zeros(0, dtype=np.int64)
        self.links: Float = np.zeros(size, dtype=np.float32)

    def add_up(self, counts: npt.NDArray[Any]) -> None:
        """Add up the links of the table's word pairs."""
        size = len(self.links)
        self.links = np.zeros(0, dtype=np.float32)  # frees the last ones first
        self.links = compiled.sums_by(self.index, counts, size).astype(np.float32)

    def lookup(self, source: npt.NDArray[np.int32], target: npt.NDArray[np.int32]) -> Float:
        """RETURNS (Float): The links of pairs of stems; 0 for unknown pairs."""
        return values_of(pair_keys(source, target), self._keys, self.links)
