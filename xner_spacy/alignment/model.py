"""What the embedded aligner has learned, and the translation probabilities that follow from it.

The probability of a word given a word of the other language is the mean of a Dirichlet posterior,

    t(f|e) = (c(e, f) + strength * prior(f|e)) / (c(e) + strength)

with the expected number of links c. The prior is what the spelling of the two words and their
frequencies let expect: the rate at which pairs like this one were linked in the same bitext. So a
name seen once is linked to its look-alike, while a word seen once and unlike all others finds no
garbage to collect.
"""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from .hmm import Jumps
from .spelling import IDENTICAL, N_BUCKETS, UNLIKE, Spelling
from .stems import StemIndex, StemTable, stem_prior
from .vocabulary import Vocabulary

Float = npt.NDArray[np.float32]
Keys = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64]

FREQUENCIES = 6
FLOOR = 1e-3  # share of the prior that any word gets by its frequency alone
_CELLS = N_BUCKETS * FREQUENCIES * FREQUENCIES


def pair_keys(source: npt.NDArray[Any], target: npt.NDArray[Any]) -> Keys:
    """RETURNS (Keys): One integer per word pair, from word numbers that broadcast together."""
    return (source.astype(np.int64) << 32) | target


def split_keys(keys: Keys) -> Tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """RETURNS (Tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]): Source and target words."""
    return keys >> 32, keys & 0xFFFFFFFF


def frequency_class(counts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """RETURNS (npt.NDArray[np.int64]): 0 for 1, 1 for 2 to 3, 2 for 4 to 7, ... 5 from 32."""
    return np.minimum(np.log2(np.maximum(counts, 1)), FREQUENCIES - 1).astype(np.int64)


def linking_rates(cells: npt.NDArray[Any], links: Counts, together: Counts) -> Float:
    """The share of co-occurrences that are links, by kind of pair.

    cells (npt.NDArray): The kind of each word pair (`Direction.cells`).
    links (Counts): Expected links of each pair.
    together (Counts): How often its words stand in the same sentence pair.
    RETURNS (Float): A rate per kind, drawn to that of its bucket where there is little evidence.
    """
    linked = np.bincount(cells, links, minlength=_CELLS).reshape(N_BUCKETS, -1)
    chances = np.bincount(cells, together, minlength=_CELLS).reshape(N_BUCKETS, -1)
    overall = (linked.sum(axis=1) + 1e-4) / (chances.sum(axis=1) + 1.0)
    rates = (linked + 5.0 * overall[:, None]) / (chances + 5.0)
    # Pairs that are not alike get no prior: their rate would be that of any two words.
    rates[UNLIKE] = 0.0
    rates[IDENTICAL + 1 :] = 0.0
    return rates.astype(np.float32).ravel()


@dataclass
class Direction:
    """One direction: generated words given words of the other language.

    occurrences (Float): How often each given word occurs.
    generated (Float): How often each generated word occurs.
    totals (Float): Expected links of each given word.
    rates (Float): Prior rate per kind of pair.
    empty (Float): Probability of each generated word given the empty word.
    jumps (Jumps): Jump weights.
    """

    occurrences: Float
    generated: Float
    totals: Float = field(init=False)
    rates: Float = field(init=False)
    empty: Float = field(init=False)
    jumps: Jumps = field(default_factory=Jumps)

    def __post_init__(self) -> None:
        self.totals = self.occurrences.copy()
        self.rates = np.zeros(_CELLS, dtype=np.float32)
        self.empty = self.generated / max(float(self.generated.sum()), 1.0)

    def cells(
        self, buckets: npt.NDArray[np.uint8], given: npt.NDArray[Any], word: npt.NDArray[Any]
    ) -> npt.NDArray[np.int16]:
        """RETURNS (npt.NDArray[np.int16]): The kind of each pair: spelling and both frequencies."""
        kind = buckets.astype(np.int16) * FREQUENCIES + frequency_class(self.occurrences)[given]
        return (kind * FREQUENCIES + frequency_class(self.generated)[word]).astype(np.int16)

    def probabilities(
        self,
        counts: npt.NDArray[Any],
        cells: npt.NDArray[np.int16],
        given: npt.NDArray[Any],
        word: npt.NDArray[Any],
        stems: Float,
        strength: float,
    ) -> Float:
        """RETURNS (Float): Translation probability of each pair; `stems` adds to the prior."""
        floor = np.maximum(self.generated, 1.0) * np.float32(FLOOR / max(self.generated.sum(), 1.0))
        prior = self.rates[cells] + floor[word] + stems
        result = (counts + np.float32(strength) * prior) / (self.totals + np.float32(strength))[
            given
        ]
        return result.astype(np.float32)

    def extended(self, n_given: int, n_word: int) -> "Direction":
        """RETURNS (Direction): The same with room for words that were never seen."""
        one = Direction(_room(self.occurrences, n_given), _room(self.generated, n_word))
        one.totals = _room(self.totals, n_given)
        one.rates = self.rates
        one.empty = np.maximum(_room(self.empty, n_word), np.float32(1e-6))
        one.jumps = self.jumps
        return one

    def to_dict(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Its arrays."""
        names = ("occurrences", "generated", "totals", "rates", "empty")
        state = {name: getattr(self, name) for name in names}
        return {**state, "move": self.jumps.move, "start": self.jumps.start}

    @classmethod
    def from_dict(cls, state: Dict[str, Any]) -> "Direction":
        """RETURNS (Direction): From what `to_dict` gave."""
        one = cls(state["occurrences"], state["generated"])
        one.totals, one.rates, one.empty = state["totals"], state["rates"], state["empty"]
        one.jumps.move, one.jumps.start = state["move"], state["start"]
        return one


def _room(values: Float, size: int) -> Float:
    return np.concatenate([values, np.zeros(size - len(values), dtype=values.dtype)])


def _used(
    words: npt.NDArray[np.int64], size: int
) -> Tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """RETURNS (Tuple[npt.NDArray, npt.NDArray]): The different words, and where each stands in them."""
    there = np.zeros(size, dtype=bool)
    there[words] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[words]


@dataclass
class Model:
    """What was learned from a bitext.

    source (Vocabulary): Source words.
    target (Vocabulary): Target words.
    forward (Direction): Target words given source words.
    reverse (Direction): Source words given target words.
    keys (Keys): Word pairs that are linked at times, sorted.
    counts (Float): Their expected links.
    strength (float): Weight of the prior, in observations.
    """

    source: Vocabulary
    target: Vocabulary
    forward: Direction
    reverse: Direction
    keys: Keys
    counts: Float
    strength: float

    def __post_init__(self) -> None:
        e, f = split_keys(self.keys)
        self._stems = StemTable(StemIndex(self.source.words), StemIndex(self.target.words), e, f)
        self._stems.update(self.counts)

    def tables(
        self, keys: Keys, source: List[str], target: List[str]
    ) -> Tuple[Float, Float, Direction, Direction]:
        """Translation probabilities of any word pairs, also of words that were never seen.

        keys (Keys): Word pairs.
        source (List[str]): The source words, those of the vocabulary first.
        target (List[str]): The target words, those of the vocabulary first.
        RETURNS (Tuple[Float, Float, Direction, Direction]): Both probabilities of each pair, and
            both directions with room for the new words.
        """
        forward = self.forward.extended(len(source), len(target))
        reverse = self.reverse.extended(len(target), len(source))
        place = np.minimum(np.searchsorted(self.keys, keys), max(len(self.keys) - 1, 0))
        counts = np.zeros(len(keys), dtype=np.float32)
        if len(self.keys):
            counts = np.where(self.keys[place] == keys, self.counts[place], np.float32(0.0))
        e, f = split_keys(keys)
        # Only the words of these pairs are compared.
        source_used, e_place = _used(e, len(source))
        target_used, f_place = _used(f, len(target))
        spelling = Spelling([source[i] for i in source_used], [target[i] for i in target_used])
        buckets = spelling.buckets(e_place, f_place)
        table = self._stems
        stems = (
            table.source.extended(source[len(self.source) :]),
            table.target.extended(target[len(self.target) :]),
        )
        links = table.lookup(stems[0][e], stems[1][f])
        sides = (table.source, table.target)
        more = stem_prior(links, counts, e, f, forward.totals, forward.generated, stems, sides)
        one = forward.probabilities(counts, forward.cells(buckets, e, f), e, f, more, self.strength)
        more = stem_prior(
            links, counts, f, e, reverse.totals, reverse.generated, stems[::-1], sides[::-1]
        )
        other = reverse.probabilities(
            counts, reverse.cells(buckets, f, e), f, e, more, self.strength
        )
        return one, other, forward, reverse

    def to_dict(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Plain data and arrays."""
        return {
            "source": "\n".join(self.source.words),
            "target": "\n".join(self.target.words),
            "forward": self.forward.to_dict(),
            "reverse": self.reverse.to_dict(),
            "keys": self.keys,
            "counts": self.counts,
            "strength": self.strength,
        }

    @classmethod
    def from_dict(cls, state: Dict[str, Any]) -> "Model":
        """RETURNS (Model): From what `to_dict` gave."""
        return cls(
            Vocabulary(state["source"].split("\n")[1:]),
            Vocabulary(state["target"].split("\n")[1:]),
            Direction.from_dict(state["forward"]),
            Direction.from_dict(state["reverse"]),
            state["keys"],
            state["counts"],
            state["strength"],
        )
