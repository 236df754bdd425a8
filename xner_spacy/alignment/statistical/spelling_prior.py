"""How alike two words are spelled, for millions of word pairs at once.

A word is a set of character bigrams and trigrams, kept as 128 bits (a Bloom filter). The overlap of two sets is then
two `and`s and a bit count. Words are compared as `spelling.fold` reads them, so that Москва is near Moskva.
"""

from typing import Any, List, Sequence

import numpy as np
import numpy.typing as npt

from ...spelling import fold

# Word pairs are told apart by how alike they are. The aligner learns what each bucket is worth.
UNLIKE = 0  # less than 0.4
SAME_LETTERS = 8  # all n-grams in common
IDENTICAL = 9
OTHER_KIND = 10  # a word and a number, a word and a punctuation mark
N_BUCKETS = 11

Bits = npt.NDArray[np.uint64]


def signatures(words: Sequence[str]) -> Bits:
    """The n-gram sets of words.

    words (Sequence[str]): Words; an empty one has an empty set.
    RETURNS (Bits): (words, 2) unsigned 64-bit integers.
    """
    result = np.zeros((len(words), 2), dtype=np.uint64)
    marked = [f"^{fold(word)}$" if word else "" for word in words]
    length = np.array([len(word) for word in marked], dtype=np.int64)
    text = np.frombuffer("".join(marked).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    start = np.cumsum(length) - length
    owner = np.repeat(np.arange(len(words)), length)
    place = np.arange(len(text)) - start[owner]
    for size in (2, 3):
        first = np.flatnonzero(place <= length[owner] - size)
        code = np.zeros(len(first), dtype=np.uint64)
        for offset in range(size):
            # Multiplicative hashing; the high bits are the well-mixed ones.
            code = (code + text[first + offset]) * np.uint64(0x9E3779B97F4A7C15)
        bit = code >> np.uint64(57)
        for half in (0, 1):
            mine = (bit >> np.uint64(6)) == half
            flag = np.uint64(1) << (bit[mine] & np.uint64(63))
            np.bitwise_or.at(result[:, half], owner[first[mine]], flag)
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


class Spelling:
    """Compares the words of two vocabularies.

    source (List[str]): Case-folded source words.
    target (List[str]): Case-folded target words.
    """

    def __init__(self, source: List[str], target: List[str]) -> None:
        self._bits = (signatures(source), signatures(target))
        self._size = tuple(_popcount(bits) for bits in self._bits)
        self._kind = (kinds(source), kinds(target))
        number = {word: i for i, word in enumerate(target)}
        self._same = np.array([number.get(word, -1) if word else -1 for word in source])

    def buckets(self, source: npt.NDArray[Any], target: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Compare word pairs.

        source (npt.NDArray): Positions in the source words.
        target (npt.NDArray): Positions in the target words, as many.
        RETURNS (npt.NDArray[np.uint8]): The bucket of each pair.
        """
        result = np.empty(len(source), dtype=np.uint8)
        step = 1 << 20
        for begin in range(0, len(source), step):
            e, f = source[begin : begin + step], target[begin : begin + step]
            both = _popcount(self._bits[0][e] & self._bits[1][f])
            # The Dice coefficient in tenths: 4 of them is bucket 1, 9 and more bucket 6 or 7.
            size = np.maximum(self._size[0][e] + self._size[1][f], 1)
            tenths = (20 * both) // size
            bucket = np.clip(tenths - 3, UNLIKE, SAME_LETTERS - 1)
            bucket[2 * both == size] = SAME_LETTERS
            bucket[self._kind[0][e] != self._kind[1][f]] = OTHER_KIND
            bucket[self._same[e] == f] = IDENTICAL
            result[begin : begin + step] = bucket
        return result
