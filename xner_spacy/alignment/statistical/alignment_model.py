"""What the embedded aligner has learned, and the translation probabilities that follow from it.

The probability of a word given a word of the other language is the mean of a Dirichlet posterior,

    t(f|e) = (c(e, f) + strength * prior(f|e)) / (c(e) + strength)

with the expected number of links c. The prior is what the spelling of the two words and their frequencies let expect:
the rate at which pairs like this one were linked in the same bitext. So a name seen once is linked to its look-alike,
while a word seen once and unlike all others finds no garbage to collect.
"""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...text import comparable
from .hmm import Jumps
from .spelling_prior import IDENTICAL, N_BUCKETS, UNLIKE, Spelling
from .stems import StemIndex, StemTable, stem_prior
from .vocabulary import Keys, Vocabulary, split_keys, values_of

Float = npt.NDArray[np.float32]
Counts = npt.NDArray[np.float64]
Words = npt.NDArray[Any]

FREQUENCIES = 6
FLOOR = 1e-3  # share of the prior that any word gets by its frequency alone
_CELLS = N_BUCKETS * FREQUENCIES * FREQUENCIES


def frequency_class(counts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """RETURNS (npt.NDArray[np.int64]): 0 for 1, 1 for 2 to 3, 2 for 4 to 7, ... 5 from 32."""
    # The exponent of a floating-point number: exact, where a logarithm could be a digit off.
    exponent = np.frexp(np.maximum(counts, 1).astype(np.float64))[1] - 1
    return np.minimum(exponent, FREQUENCIES - 1).astype(np.int64)


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
    mass (float): How many words were generated.
    totals (Float): Expected links of each given word.
    rates (Float): Prior rate per kind of pair.
    empty (Float): Probability of each generated word given the empty word.
    jumps (Jumps): Jump weights.
    """

    occurrences: Float
    generated: Float
    mass: float = field(init=False)
    totals: Float = field(init=False)
    rates: Float = field(init=False)
    empty: Float = field(init=False)
    jumps: Jumps = field(default_factory=Jumps)

    def __post_init__(self) -> None:
        self.totals = self.occurrences.copy()
        self.rates = np.zeros(_CELLS, dtype=np.float32)
        self.mass = max(float(self.generated.sum(dtype=np.float64)), 1.0)
        self.empty = self.generated / np.float32(self.mass)

    def cells(
        self, buckets: npt.NDArray[np.uint8], given: npt.NDArray[Any], word: npt.NDArray[Any]
    ) -> npt.NDArray[np.int16]:
        """RETURNS (npt.NDArray[np.int16]): The kind of each pair: spelling and both frequencies."""
        kind = buckets.astype(np.int16) * FREQUENCIES + frequency_class(self.occurrences)[given]
        return (kind * FREQUENCIES + frequency_class(self.generated)[word]).astype(np.int16)

    def probabilities(
        self,
        cells: npt.NDArray[np.int16],
        given: Words,
        word: Words,
        own: npt.NDArray[Any],
        prior: Float,
        strength: float,
    ) -> Float:
        """RETURNS (Float): Translation probability of each pair, by its links (`own`); `prior` adds to what the kind of
        the pair and the frequency of the word let expect.
        """
        floor = np.maximum(self.generated, 1.0) * np.float32(FLOOR / self.mass)
        expected = self.rates[cells] + floor[word] + prior
        result = (own + np.float32(strength) * expected) / (self.totals + np.float32(strength))[given]
        return result.astype(np.float32)

    def extended(self, n_given: int, n_word: int) -> "Direction":
        """RETURNS (Direction): The same with room for words that were never seen."""
        one = Direction(_room(self.occurrences, n_given), _room(self.generated, n_word))
        one.mass, one.rates, one.jumps = self.mass, self.rates, self.jumps
        one.totals = _room(self.totals, n_given)
        one.empty = np.maximum(_room(self.empty, n_word), np.float32(1e-6))
        return one

    def to_dict(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Its arrays."""
        names = ("occurrences", "generated", "totals", "rates", "empty")
        state = {name: getattr(self, name) for name in names}
        return {**state, "move": self.jumps.move, "start": self.jumps.start}

    @classmethod
    def from_dict(cls, state: Dict[str, Any], n_given: int, n_word: int) -> "Direction":
        """RETURNS (Direction): From what `to_dict` gave. RAISES: ValueError if its arrays do not belong to so many
        words.
        """
        one = cls(state["occurrences"], state["generated"])
        one.totals, one.rates, one.empty = state["totals"], state["rates"], state["empty"]
        one.jumps.move, one.jumps.start = state["move"], state["start"]
        limit = one.jumps.limit
        sizes = {"occurrences": n_given, "generated": n_word, "totals": n_given, "rates": _CELLS, "empty": n_word}
        for name, size in {**sizes, "move": 2 * limit + 1, "start": limit + 1}.items():
            _check_array(state[name], np.float32, (size,), name)
        return one


def both_directions(
    directions: Sequence[Direction],
    cells: Sequence[npt.NDArray[np.int16]],
    pairs: Tuple[Words, Words],
    own: npt.NDArray[Any],
    links: Float,
    stems: Tuple[Keys, Keys],
    sides: Tuple[StemIndex, StemIndex],
    strength: float,
) -> List[Float]:
    """Translation probabilities of word pairs, forward and reverse.

    directions (Sequence[Direction]), cells (Sequence[npt.NDArray]): Both directions, and the kinds of the pairs in
        them.
    pairs (Tuple[Words, Words]): Their source words and their target words.
    own (npt.NDArray): Their links. links (Float): Those of their stems.
    stems (Tuple[Keys, Keys]): The stem of each source and of each target word. sides (Tuple[StemIndex, StemIndex]): The
        stems of both vocabularies.
    strength (float): Weight of the prior, in observations.
    RETURNS (List[Float]): Two arrays of a probability per pair.
    """
    from_each_side = ((pairs, stems, sides), (pairs[::-1], stems[::-1], sides[::-1]))
    results = []
    for one, kinds, ((given, word), both_stems, both_sides) in zip(directions, cells, from_each_side, strict=True):
        prior = stem_prior(links, own, given, word, one.totals, one.generated, both_stems, both_sides)
        results.append(one.probabilities(kinds, given, word, own, prior, strength))
    return results


def _room(values: Float, size: int) -> Float:
    return np.concatenate([values, np.zeros(size - len(values), dtype=values.dtype)])


def _used(words: npt.NDArray[np.int64], size: int) -> Tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
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
        self.stems = StemTable(StemIndex(self.source.words), StemIndex(self.target.words), e, f)
        self.stems.update(self.counts)

    def to_dict(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Plain data and arrays."""
        return {
            "version": VERSION,
            "source": self.source.words[1:],
            "target": self.target.words[1:],
            "forward": self.forward.to_dict(),
            "reverse": self.reverse.to_dict(),
            "keys": self.keys,
            "counts": self.counts,
            "strength": self.strength,
        }

    @classmethod
    def from_dict(cls, state: Dict[str, Any]) -> "Model":
        """RETURNS (Model): From what `to_dict` gave. RAISES: ValueError if it does not fit together."""
        version = state.get("version", 1)
        if version not in (1, VERSION):
            raise ValueError(f"it has version {version}, and this program knows 1 and {VERSION}")
        words = [_words(state[side], version) for side in ("source", "target")]
        sizes = [len(side) + 1 for side in words]
        forward = Direction.from_dict(state["forward"], *sizes)
        reverse = Direction.from_dict(state["reverse"], *sizes[::-1])
        keys, counts = state["keys"], state["counts"]
        _check_array(keys, np.int64, keys.shape, "keys")
        _check_array(counts, np.float32, keys.shape, "counts")
        e, f = split_keys(keys)
        if len(keys) and not (
            keys.ndim == 1 and np.all(np.diff(keys) > 0)
            and e.min() >= 0 and e.max() < sizes[0] and f.max() < sizes[1]
        ):  # fmt: skip
            raise ValueError("its word pairs do not belong to its words")
        strength = float(state["strength"])
        if not 0.0 < strength < float("inf"):
            raise ValueError("its strength is not above 0")
        source, target = (Vocabulary(side) for side in words)
        return cls(source, target, forward, reverse, keys, counts, strength)


class Tables:
    """Translation probabilities of any word pairs, also of words that were never seen.

    model (Model): What was learned.
    source (List[str]), target (List[str]): The words of both sides, those of the model's vocabularies first.
    """

    def __init__(self, model: Model, source: List[str], target: List[str]) -> None:
        self.model, self.words = model, (source, target)
        self.directions = (
            model.forward.extended(len(source), len(target)),
            model.reverse.extended(len(target), len(source)),
        )
        self._stems = (
            model.stems.source.extended(source[len(model.source) :]),
            model.stems.target.extended(target[len(model.target) :]),
        )

    def __call__(self, keys: Keys) -> List[Float]:
        """Look word pairs up. What a pair gets does not depend on the others.

        keys (Keys): Word pairs. RETURNS (List[Float]): Forward and reverse probability of each.
        """
        model, table = self.model, self.model.stems
        e, f = split_keys(keys)
        # Only the words of these pairs are compared.
        (e_used, e_place), (f_used, f_place) = (
            _used(x, len(words)) for x, words in zip((e, f), self.words, strict=True)
        )
        spelling = Spelling([self.words[0][i] for i in e_used], [self.words[1][i] for i in f_used])
        buckets = spelling.buckets(e_place, f_place)
        return both_directions(
            self.directions,
            (self.directions[0].cells(buckets, e, f), self.directions[1].cells(buckets, f, e)),
            (e, f),
            values_of(keys, model.keys, model.counts),
            table.lookup(self._stems[0][e], self._stems[1][f]),
            self._stems,
            (table.source, table.target),
            model.strength,
        )


# Version 1 kept the words as lines, so that a word with a line end in it moved all that came after.
VERSION = 2


def _words(stored: Any, version: int) -> List[str]:
    if version == 1:
        # It kept the letters as they came.
        return [comparable(word) for word in stored.split("\n")[1:]]
    if not isinstance(stored, list) or not all(isinstance(word, str) for word in stored):
        raise ValueError("its words are not a list of words")
    return stored


def _check_array(values: Any, dtype: Any, shape: Tuple[int, ...], name: str) -> None:
    if not isinstance(values, np.ndarray) or values.dtype != dtype or values.shape != shape:
        raise ValueError(f"{name} do not have the right kind or number")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{name} are not all numbers")
