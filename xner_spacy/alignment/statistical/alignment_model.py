"""What the embedded aligner has learned, and the translation probabilities that follow from it.

The probability of a word given a word of the other language is the mean of a Dirichlet posterior,

    t(f|e) = (c(e, f) + strength * prior(f|e)) / (c(e) + strength)

with the expected number of links c. The prior follows from the spelling of the two words and their frequencies: it is
the rate at which similar pairs were linked in the same bitext. So a name seen once is linked to its look-alike, while a
word seen once and unlike all others does not attract wrong links.
"""

from copy import copy
from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...text import comparable
from .hmm import LIMIT, Jumps
from .vocabulary import Float, Keys, SortedPairs, Vocabulary, pair_keys, split_keys, values_of
from .word_forms import N_BUCKETS, Spelling, StemIndex, StemTable, spelled_alike

Counts = npt.NDArray[np.float64]
Words = npt.NDArray[Any]
Kinds = npt.NDArray[np.int16]

FREQUENCIES = 6
FLOOR = 1e-3  # share of the prior that any word gets by its frequency alone
STEM_WEIGHT = 2.0  # weight of the stems in the prior
STEM_STRENGTH = 5.0  # observations of a stem at which it has half its weight
_KINDS = N_BUCKETS * FREQUENCIES * FREQUENCIES


def frequency_class(counts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """RETURNS (npt.NDArray[np.int64]): 0 for 1, 1 for 2 to 3, 2 for 4 to 7, ... 5 from 32."""
    # The exponent of a floating-point number: exact, where a logarithm could be a digit off.
    exponent = np.frexp(np.maximum(counts, 1).astype(np.float64))[1] - 1
    return np.minimum(exponent, FREQUENCIES - 1).astype(np.int64)


def linking_rates(kinds: Kinds, links: Counts, together: Counts) -> Float:
    """The share of co-occurrences that are links, by kind of pair.

    kinds (Kinds), links (Counts), together (Counts): The kind of each word pair, its expected links, and how often its
        words occur in the same sentence pair.
    RETURNS (Float): A rate per kind, smoothed towards that of its bucket if there is little evidence.
    """
    linked = np.bincount(kinds, links, minlength=_KINDS).reshape(N_BUCKETS, -1)
    chances = np.bincount(kinds, together, minlength=_KINDS).reshape(N_BUCKETS, -1)
    overall = (linked.sum(axis=1) + 1e-4) / (chances.sum(axis=1) + 1.0)
    rates = (linked + 5.0 * overall[:, None]) / (chances + 5.0)
    # Words that are not alike get no prior, because their rate would be that of any two words.
    rates[~spelled_alike(np.arange(N_BUCKETS, dtype=np.uint8))] = 0.0
    return rates.astype(np.float32).ravel()


@dataclass
class Direction:
    """One direction: generated words given words of the other language.

    occurrences (Float), generated (Float): How often each given and each generated word occurs. `mass` is the sum of
        `generated`.
    stems (Tuple[StemIndex, StemIndex]): The stems of the given and of the generated words.
    totals (Float): Expected links of each given word. rates (Float): Prior rate per kind of pair.
    empty (Float): Probability of each generated word given the empty word.
    stem_totals (Float), stem_generated (Float): Sums of `totals` and of `generated` (at least 1 a word) per stem.
    """

    occurrences: Float
    generated: Float
    stems: Tuple[StemIndex, StemIndex]
    mass: float = field(init=False)
    totals: Float = field(init=False)
    rates: Float = field(init=False)
    empty: Float = field(init=False)
    stem_totals: Float = field(init=False)
    stem_generated: Float = field(init=False)
    jumps: Jumps = field(default_factory=Jumps)

    def __post_init__(self) -> None:
        self.stem_generated = self.stems[1].sums(np.maximum(self.generated, 1.0))
        self.rates = np.zeros(_KINDS, dtype=np.float32)
        self.mass = max(float(self.generated.sum(dtype=np.float64)), 1.0)
        self.empty = self.generated / np.float32(self.mass)
        self.set_totals(self.occurrences.copy())

    def set_totals(self, totals: Float) -> None:
        """Set the expected links of each given word."""
        self.totals, self.stem_totals = totals, self.stems[0].sums(totals)
        self._weigh_words()

    def _weigh_words(self) -> None:
        """What the probability of a pair takes from each of its words."""
        given_stems, word_stems = self.stems
        occurring = np.maximum(self.generated, 1.0)
        self._share = STEM_WEIGHT * occurring / np.maximum(self.stem_generated[word_stems.of], 1.0)
        self._floor = occurring * (FLOOR / self.mass)
        self._other_totals = np.maximum(self.stem_totals[given_stems.of] - self.totals, 0.0) + STEM_STRENGTH

    def word_terms(self) -> Tuple[Words, Words, Words]:
        """RETURNS (Tuple[Words, Words, Words]): What `probabilities` takes from each given word beside its totals, and
        from each generated word: for the links of its stem, and for its frequency.
        """
        return self._other_totals, self._share, self._floor

    def kinds(self, buckets: npt.NDArray[np.uint8], given: Words, word: Words) -> Kinds:
        """RETURNS (Kinds): The kind of each pair: the bucket of its spelling, and both frequencies."""
        kind = buckets.astype(np.int16) * FREQUENCIES + frequency_class(self.occurrences)[given]
        return (kind * FREQUENCIES + frequency_class(self.generated)[word]).astype(np.int16)

    def probabilities(
        self, rates: Float, given: Words, word: Words, links: Words, stem_links: Float, strength: float
    ) -> Float:
        """RETURNS (Float): Translation probability of each pair, from its own links and a prior. The prior follows from
        the rate of the pair's kind, the frequency of the word, and the links of other forms of both words
        (`stem_links`).
        """
        prior = rates + self._floor[word] + (stem_links * self._share[word]) / self._other_totals[given]
        result = (links + strength * prior) / (self.totals + strength)[given]
        return result.astype(np.float32)

    def for_words(self, given: Words, word: Words, stems: Tuple[StemIndex, StemIndex]) -> "Direction":
        """RETURNS (Direction): The same direction for other words.

        given (Words), word (Words): Their numbers in this one; -1 for unseen words.
        stems (Tuple[StemIndex, StemIndex]): The stems of the words.
        """
        other = copy(self)
        other.stems = stems
        other.occurrences, other.totals = _known(self.occurrences, given), _known(self.totals, given)
        other.generated = _known(self.generated, word)
        other.empty = np.maximum(_known(self.empty, word), np.float32(1e-6))
        other._weigh_words()
        return other

    def to_dict(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Its arrays."""
        names = ("occurrences", "generated", "totals", "rates", "empty")
        state = {name: getattr(self, name) for name in names}
        return {**state, "move": self.jumps.move, "start": self.jumps.start}

    @classmethod
    def from_dict(cls, state: Dict[str, Any], stems: Tuple[StemIndex, StemIndex]) -> "Direction":
        """RETURNS (Direction): Loaded from the output of `to_dict`. RAISES: ValueError if the sizes of its arrays do
        not match the number of words.
        """
        given, word = map(len, stems)
        sizes = {"occurrences": given, "generated": word, "totals": given, "rates": _KINDS, "empty": word}
        for name, size in {**sizes, "move": 2 * LIMIT + 1, "start": LIMIT + 1}.items():
            _check_array(state[name], np.float32, (size,), name)
        direction = cls(state["occurrences"], state["generated"], stems)
        direction.set_totals(state["totals"])
        direction.rates, direction.empty = state["rates"], state["empty"]
        direction.jumps.move, direction.jumps.start = state["move"], state["start"]
        return direction


def both_directions(
    directions: Sequence[Direction],
    rates: Sequence[Float],
    pairs: Tuple[Words, Words],
    links: Words,
    stem_links: Float,
    strength: float,
) -> List[Float]:
    """Translation probabilities of word pairs, forward and reverse.

    rates (Sequence[Float]): The rates of the kinds of the pairs in both directions.
    pairs (Tuple[Words, Words]): Their source words and their target words.
    links (Words): Their links. stem_links (Float): The links of their stems, which include those of the pair itself.
    RETURNS (List[Float]): Two arrays of a probability per pair.
    """
    stem_links = np.maximum(stem_links - links.astype(np.float32), 0.0)
    return [
        direction.probabilities(rate, given, word, links, stem_links, strength)
        for direction, rate, (given, word) in zip(directions, rates, (pairs, pairs[::-1]), strict=True)
    ]


def _known(values: Float, numbers: Words) -> Float:
    """RETURNS (Float): The value of each number, and 0 for -1."""
    return np.where(numbers >= 0, values[numbers], np.float32(0.0))


@dataclass
class Model:
    """What was learned from a bitext: target words given source words (`forward`) and the reverse.

    keys (Keys): Word pairs with expected links, sorted. counts (Float): Their expected links.
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
        pairs = SortedPairs.from_keys(self.keys, len(self.source))
        self.stems = StemTable(*self.forward.stems, pairs, is_looked_up=True)
        self.stems.add_up(self.counts)

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
        """RETURNS (Model): Loaded from the output of `to_dict`. RAISES: ValueError if its parts don't match."""
        version = state.get("version", 1)
        if version not in (1, VERSION):
            raise ValueError(f"it has version {version}, and this program knows 1 and {VERSION}")
        source, target = (Vocabulary(_words(state[side], version)) for side in ("source", "target"))
        stems = StemIndex(source.words), StemIndex(target.words)
        forward = Direction.from_dict(state["forward"], stems)
        reverse = Direction.from_dict(state["reverse"], stems[::-1])
        keys, counts = state["keys"], state["counts"]
        _check_array(keys, np.int64, keys.shape, "keys")
        _check_array(counts, np.float32, keys.shape, "counts")
        e, f = split_keys(keys)
        if len(keys) and not (
            keys.ndim == 1 and np.all(np.diff(keys) > 0)
            and e.min() >= 0 and e.max() < len(source) and f.max() < len(target)
        ):  # fmt: skip
            raise ValueError("its word pairs do not belong to its words")
        strength = float(state["strength"])
        if not 0.0 < strength < float("inf"):
            raise ValueError("its strength is not above 0")
        return cls(source, target, forward, reverse, keys, counts, strength)


class Tables:
    """Translation probabilities of the pairs of some words, which the model may know or not. Nothing here is as large
    as the model's vocabularies, because a pipeline aligns one text at a time.

    source (List[str]), target (List[str]): The words, normalised. The keys of pairs are made of positions in these.
    """

    def __init__(self, model: Model, source: List[str], target: List[str]) -> None:
        self.model = model
        self.numbers = model.source.numbers(source), model.target.numbers(target)
        self.spelling = Spelling(source, target)
        of_source, of_target = model.forward.stems
        stems = of_source.for_words(source), of_target.for_words(target)
        self.directions = (
            model.forward.for_words(*self.numbers, stems),
            model.reverse.for_words(*self.numbers[::-1], stems[::-1]),
        )

    def __call__(self, keys: Keys) -> List[Float]:
        """RETURNS (List[Float]): Forward and reverse probability of word pairs. That of one pair does not depend on the
        other pairs.
        """
        model, (forward, reverse) = self.model, self.directions
        e, f = split_keys(keys)
        buckets = self.spelling.buckets(e, f)
        e_known, f_known = self.numbers[0][e], self.numbers[1][f]
        known_keys = np.where((e_known >= 0) & (f_known >= 0), pair_keys(e_known, f_known), -1)
        source_stems, target_stems = forward.stems
        return both_directions(
            self.directions,
            (forward.rates[forward.kinds(buckets, e, f)], reverse.rates[reverse.kinds(buckets, f, e)]),
            (e, f),
            values_of(known_keys, model.keys, model.counts),
            model.stems.lookup(source_stems.of[e], target_stems.of[f]),
            model.strength,
        )


# Version 1 stored the words as lines, so a word that contained a line break shifted all words after it.
VERSION = 2


def _words(stored: Any, version: int) -> List[str]:
    if version == 1:
        # Version 1 did not normalise the words.
        return [comparable(word) for word in stored.split("\n")[1:]]
    if not isinstance(stored, list) or not all(isinstance(word, str) for word in stored):
        raise ValueError("its words are not a list of words")
    return stored


def _check_array(values: Any, dtype: Any, shape: Tuple[int, ...], name: str) -> None:
    if not isinstance(values, np.ndarray) or values.dtype != dtype or values.shape != shape:
        raise ValueError(f"{name} do not have the right kind or number")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{name} are not all numbers")
