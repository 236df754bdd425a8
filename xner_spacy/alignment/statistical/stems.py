"""Stems as a second, coarser translation table: the links of one form of a word tell of the others.

A stem is the first letters of a word. Crude, but it needs nothing to be known about the language, and the table it
gives is only what the prior falls back on.
"""

from copy import copy
from typing import Any, Dict, Sequence

import numpy as np
import numpy.typing as npt

from ...spelling import fold
from .vocabulary import Float, pair_keys, values_of

LENGTH = 4


class StemIndex:
    """The stems of one vocabulary.

    words (Sequence[str]): Its words, case-folded.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._index: Dict[str, int] = {}
        self._size = len(words)
        # The stem of each word.
        self.of: npt.NDArray[np.int64] = np.array(
            [self._index.setdefault(fold(word)[:LENGTH], len(self._index)) for word in words], dtype=np.int64
        )

    def __len__(self) -> int:
        return len(self.of)

    def extended(self, words: Sequence[str]) -> "StemIndex":
        """RETURNS (StemIndex): One that also has the stem of each of these words, that come after its own: one stem for
        all that it does not know.
        """
        longer = copy(self)
        stems = [self._index.get(fold(word)[:LENGTH], len(self._index)) for word in words]
        longer.of = np.concatenate([self.of, np.array(stems, dtype=np.int64)])
        return longer

    def sums(self, values: Float) -> Float:
        """RETURNS (Float): For each word the sum of the values of all words of its stem; over its own words alone, so
        that new words in a text do not change what is said of others.
        """
        sums = np.bincount(self.of[: self._size], values[: self._size], len(self._index) + 1).astype(np.float32)
        return sums[self.of]


class StemTable:
    """Expected links between stems.

    source (StemIndex), target (StemIndex): The stems of both sides.
    e (npt.NDArray), f (npt.NDArray): Source and target words of the word pairs.
    """

    def __init__(self, source: StemIndex, target: StemIndex, e: npt.NDArray[Any], f: npt.NDArray[Any]) -> None:
        self._keys, place = np.unique(pair_keys(source.of[e], target.of[f]), return_inverse=True)
        self._place: npt.NDArray[np.int32] = np.asarray(place).ravel().astype(np.int32)
        self._links: Float = np.zeros(len(self._keys), dtype=np.float32)

    def update(self, counts: npt.NDArray[Any]) -> Float:
        """Add up the links of the word pairs that the table was made for. RETURNS (Float): Those of each pair's stems."""
        self._links = np.bincount(self._place, counts, len(self._keys)).astype(np.float32)
        return self._links[self._place]

    def lookup(self, source: npt.NDArray[np.int64], target: npt.NDArray[np.int64]) -> Float:
        """RETURNS (Float): The links of any pairs of stems."""
        return values_of(pair_keys(source, target), self._keys, self._links)
