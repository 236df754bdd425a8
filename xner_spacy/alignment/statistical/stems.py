"""Stems as a second, coarser translation table: the links of one form of a word tell of the others.

A stem is the first letters of a word. Crude, but it needs nothing to be known about the language, and the table it
gives is only what the prior falls back on.
"""

from typing import Any, Dict, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...spelling import fold
from .vocabulary import Float, pair_keys, values_of

LENGTH = 4
WEIGHT = 2.0  # of the stems in the prior
STRENGTH = 5.0  # observations of a stem at which it is believed half

Int = npt.NDArray[np.int64]


class StemIndex:
    """The stems of one vocabulary.

    words (Sequence[str]): Its words, case-folded.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._index: Dict[str, int] = {}
        self.of: Int = np.array(
            [self._index.setdefault(fold(word)[:LENGTH], len(self._index)) for word in words], dtype=np.int64
        )

    def __len__(self) -> int:
        """RETURNS (int): The number of stems, with one more that stands for all others."""
        return len(self._index) + 1

    def extended(self, new_words: Sequence[str]) -> Int:
        """RETURNS (Int): The stem of each word, then of each new word."""
        other = len(self._index)
        new = [self._index.get(fold(word)[:LENGTH], other) for word in new_words]
        return np.concatenate([self.of, np.array(new, dtype=np.int64)])


class StemTable:
    """Expected links between stems.

    source (StemIndex): Source stems.
    target (StemIndex): Target stems.
    e (npt.NDArray): Source words of the word pairs.
    f (npt.NDArray): Target words of the word pairs.
    """

    def __init__(self, source: StemIndex, target: StemIndex, e: npt.NDArray[Any], f: npt.NDArray[Any]) -> None:
        self.source, self.target = source, target
        self._keys, place = np.unique(pair_keys(source.of[e], target.of[f]), return_inverse=True)
        self.place: npt.NDArray[np.int32] = np.asarray(place).ravel().astype(np.int32)
        self.links: Float = np.zeros(len(self._keys), dtype=np.float32)

    def update(self, counts: npt.NDArray[Any]) -> None:
        """Add up the links of the word pairs that the table was made for."""
        self.links = np.bincount(self.place, counts, len(self._keys)).astype(np.float32)

    def lookup(self, source: Int, target: Int) -> Float:
        """RETURNS (Float): The links of any pairs of stems."""
        return values_of(pair_keys(source, target), self._keys, self.links)


def stem_prior(
    links: Float,
    own: npt.NDArray[Any],
    given: npt.NDArray[Any],
    word: npt.NDArray[Any],
    totals: Float,
    generated: Float,
    stems: Tuple[Int, Int],
    sides: Tuple[StemIndex, StemIndex],
) -> Float:
    """What the other forms of two words say about them.

    links (Float): Links of the two stems, per pair.
    own (npt.NDArray): Links of the pair itself, which are no news.
    given (npt.NDArray): The given words.
    word (npt.NDArray): The generated words.
    totals (Float): Links of each given word.
    generated (Float): Occurrences of each generated word.
    stems (Tuple[Int, Int]): The stem of each given and of each generated word.
    sides (Tuple[StemIndex, StemIndex]): The two indices; sums are over their words alone, so that new words in a text
        do not change what is said of others.
    RETURNS (Float): A prior probability per pair.
    """
    known, described = len(sides[0].of), len(sides[1].of)
    stem_totals = np.bincount(sides[0].of, totals[:known], len(sides[0])).astype(np.float32)
    others = np.maximum(stem_totals[stems[0]] - totals, 0.0) + np.float32(STRENGTH)
    occurring = np.maximum(generated, 1.0)
    in_stem = np.bincount(sides[1].of, occurring[:described], len(sides[1])).astype(np.float32)
    share = np.float32(WEIGHT) * occurring / np.maximum(in_stem[stems[1]], 1.0)
    news = np.maximum(links - own.astype(np.float32), 0.0)
    return (news * share[word]) / others[given]
