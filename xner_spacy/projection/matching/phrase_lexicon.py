"""Consistency over the corpus: an entity tends to be translated the same way, and a phrase to have one label."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Annotated, Container, DefaultDict, Dict, FrozenSet, Iterable, Iterator, List, Optional, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import TypedDict

from ...errors import XnerError
from ...spelling import fold, is_punctuation
from ...text import comparable
from ...types import SentencePair
from ..state import pack_state, unpack_state
from .interfaces import Option, Options, ScoredPair
from .word_tables import WordTable

# The votes of one sentence: source phrase -> rendering (the target words that translate it) -> share.
Contributions = Dict[str, Dict[str, float]]
_Stems = WordTable[Optional[str]]
_Count = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Occurrences = Annotated[int, Field(ge=0)]
# How often a label must occur to replace another one, and how many times as often as that one.
_RULING, _TIMES = 3, 2.0


class _LexiconState(TypedDict):
    counts: Dict[str, Dict[str, _Count]]
    totals: Dict[str, _Count]
    learned: bytes
    repeated: Dict[str, Dict[str, Dict[str, _Count]]]


class _VotesState(TypedDict):
    counts: Dict[str, Dict[str, _Occurrences]]


@dataclass(eq=False)
class PhraseLexicon:
    """How the corpus translates each source phrase: a score that modifies others (`xner.PhraseLexicon.v1`).

    `weight * log(p / prior)` is added to the score of a span, where p is the share of the entity's other occurrences in
    the corpus that are translated by the same words. It is smoothed by `strength` imagined occurrences, a share `prior`
    of which have these words. Translations are counted softly, weighted by the scores so far. A sentence that occurs
    several times in the corpus counts once, and no copy of it votes for itself or another.

    weight (float): Weight of the vote.
    prior (float): Share of an unseen translation, above 0 and at most 1.
    strength (float): How many occurrences the prior is worth, above 0.
    floor (float): Least value of the logarithm.
    sharpness (float): Factor on scores before they become shares; 1 for log-odds (the span score), about 5 for the
        align score.
    stem (int): How many letters of each word are compared, so that inflected forms vote together.
    """

    weight: float = 1.0
    prior: float = 0.1
    strength: float = 1.0
    floor: float = -4.0
    sharpness: float = 1.0
    stem: int = 5
    counts: Contributions = field(init=False, default_factory=dict, repr=False)
    totals: Dict[str, float] = field(init=False, default_factory=dict, repr=False)
    # Hashes of the training sentences, so that none confirms itself; and the votes of those that occurred several
    # times, which can't be computed again from one copy, since the links may differ between copies.
    learned: npt.NDArray[np.uint64] = field(init=False, default_factory=lambda: np.zeros(0, np.uint64), repr=False)
    repeated: Dict[str, Contributions] = field(init=False, default_factory=dict, repr=False)
    _known: Optional[FrozenSet[int]] = field(init=False, default=None, repr=False)  # the same hashes, to look them up

    def __post_init__(self) -> None:
        if not 0 < self.prior <= 1:
            raise XnerError(
                f"xner.PhraseLexicon.v1: prior must be above 0 and at most 1, not {self.prior}.",
                "It is the assumed share of an unseen rendering; the default is 0.1.",
            )
        if not 0 < self.strength < math.inf or not 0 < self.sharpness < math.inf or self.stem < 1:
            raise XnerError("xner.PhraseLexicon.v1: strength and sharpness must be above 0, and stem at least 1.")
        if not (math.isfinite(self.weight) and math.isfinite(self.floor)):
            raise XnerError("xner.PhraseLexicon.v1: weight and floor must be numbers.")

    def learn(self, scored: Iterable[ScoredPair], skip: Container[str]) -> None:
        """Count renderings, and forget what was learned before. `skip` are function words."""
        copies: Dict[int, List[Contributions]] = {}
        stems = self._stems(skip)
        for pair, options in scored:
            renderings = _renderings(pair, options, stems)
            copies.setdefault(pair.key, []).append(self._contributions(pair, options, renderings))
        self.counts, self.totals, self.repeated = {}, {}, {}
        # In the order of the hashes, so that sums are the same to the last bit for any order of the sentences.
        for key, copy_votes in sorted(copies.items()):
            contributions = copy_votes[0]
            if len(copy_votes) > 1:
                contributions = self.repeated[str(key)] = _mean(copy_votes)
            for phrase, shares in contributions.items():
                if shares:  # otherwise it had no candidate in the target
                    _add(self.counts.setdefault(phrase, {}), shares)
                    for share in shares.values():
                        self.totals[phrase] = self.totals.get(phrase, 0.0) + share
        self.learned = np.array(sorted(copies), dtype=np.uint64)
        self._known = None

    def adjust(self, scored: Iterable[ScoredPair], skip: Container[str]) -> Iterator[ScoredPair]:
        """YIELDS (ScoredPair): Each sentence pair, with the votes of the corpus added to the scores of its options."""
        stems = self._stems(skip)
        for pair, options in scored:
            yield pair, self._adjusted(pair, options, stems) if self.totals and pair.entities else options

    def _adjusted(self, pair: SentencePair, options: Options, stems: _Stems) -> Options:
        renderings = _renderings(pair, options, stems)
        sentence_votes = self._votes_of(pair, options, renderings)
        weight, floor, prior, strength, log = self.weight, self.floor, self.prior, self.strength, math.log
        imagined = strength * prior
        adjusted: Options = []
        for phrase, row, row_renderings in zip(_phrases(pair), options, renderings, strict=True):
            total = self.totals.get(phrase, 0.0)
            if not row or not total:
                adjusted.append(row)
                continue
            shares = sentence_votes.get(phrase, {})
            other_count = max(0.0, total - sum(shares.values()))
            counts = self.counts[phrase]
            adjusted_row: List[Option] = []
            for (score, start, end), rendering in zip(row, row_renderings, strict=True):
                rendering_count = max(0.0, counts.get(rendering, 0.0) - shares.get(rendering, 0.0))
                share = (rendering_count + imagined) / (other_count + strength)
                adjusted_row.append((score + weight * max(floor, log(share / prior)), start, end))
            adjusted.append(adjusted_row)
        return adjusted

    def _votes_of(self, pair: SentencePair, options: Options, renderings: List[List[str]]) -> Contributions:
        """RETURNS (Contributions): The votes of this sentence, averaged over its copies."""
        if self._known is None:
            self._known = frozenset(self.learned.tolist())
        key = pair.key
        if key not in self._known:
            return {}
        repeated = self.repeated.get(str(key))
        return self._contributions(pair, options, renderings) if repeated is None else repeated

    def _contributions(self, pair: SentencePair, options: Options, renderings: List[List[str]]) -> Contributions:
        contributions: Contributions = {}
        for phrase, row, row_renderings in zip(_phrases(pair), options, renderings, strict=True):
            shares = self._shares(row, row_renderings)
            if phrase in contributions:
                _add(contributions[phrase], shares)
            else:
                contributions[phrase] = shares
        return contributions

    def _shares(self, options: Sequence[Option], renderings: Sequence[str]) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): Shares of the renderings. Their sum is below 1: the rest stands for no span."""
        shares: Dict[str, float] = {}
        top = max([0.0, *[score for score, _, _ in options]])
        values = [math.exp(self.sharpness * (score - top)) for score, _, _ in options]
        total = sum(values) + math.exp(-self.sharpness * top)
        for value, rendering in zip(values, renderings, strict=True):
            shares[rendering] = shares.get(rendering, 0.0) + value / total
        return shares

    def _stems(self, skip: Container[str]) -> _Stems:
        """RETURNS (_Stems): What is compared of each word, None for words that are skipped."""
        return WordTable(lambda word: None if word in skip or is_punctuation(word) else fold(word)[: self.stem])

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The learned state."""
        learned = {"counts": self.counts, "totals": self.totals, "learned": self.learned.tobytes()}
        return pack_state("xner.PhraseLexicon.v1", 2, {**learned, "repeated": self.repeated})

    def from_bytes(self, data: bytes) -> "PhraseLexicon":
        """Load what `to_bytes` returned. RETURNS (PhraseLexicon): Itself. RAISES: InputError."""
        state = unpack_state(data, "xner.PhraseLexicon.v1", 2, _LexiconState, lambda old: {**old, "repeated": {}})
        if state["counts"].keys() != state["totals"].keys() or len(state["learned"]) % 8:
            raise XnerError("The state of xner.PhraseLexicon.v1 is inconsistent.", "Train the projector anew.")
        self.counts, self.totals = state["counts"], state["totals"]
        self.learned, self._known = np.frombuffer(state["learned"], dtype=np.uint64), None
        self.repeated = state["repeated"]
        return self


class LabelVotes:
    """Labels of target phrases over a corpus. A clearly most frequent label of a phrase replaces the others."""

    def __init__(self) -> None:
        self.counts: DefaultDict[str, Counter] = defaultdict(Counter)

    def add(self, words: Sequence[str], label: str) -> None:
        """Count one projected span."""
        self.counts[_phrase(words)][label] += 1

    def label(self, words: Sequence[str], label: str) -> str:
        """RETURNS (str): The clearly most frequent label of the phrase, or else `label`."""
        counts = self.counts.get(_phrase(words))
        if counts is None or (len(counts) == 1 and label in counts):
            return label
        # Among equally frequent labels the alphabetically first one wins, whatever the order of counting.
        best = min(counts, key=lambda name: (-counts[name], name))
        return best if counts[best] >= max(_RULING, _TIMES * counts[label]) else label

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The counts."""
        counts = {phrase: dict(label_counts) for phrase, label_counts in self.counts.items()}
        return pack_state("label votes", 1, {"counts": counts})

    def from_bytes(self, data: bytes) -> "LabelVotes":
        """Load what `to_bytes` returned. RETURNS (LabelVotes): Itself. RAISES: InputError."""
        state = unpack_state(data, "label votes", 1, _VotesState, lambda old: {"counts": old})
        counts = {phrase: Counter(label_counts) for phrase, label_counts in state["counts"].items()}
        self.counts = defaultdict(Counter, counts)
        return self


def _renderings(pair: SentencePair, options: Options, stems: _Stems) -> List[List[str]]:
    """RETURNS (List[List[str]]): For each entity and each of its options the stems of the option's words."""
    first = min([start for row in options for _, start, _ in row], default=0)
    last = max([end for row in options for _, _, end in row], default=0)
    words = list(map(stems.__getitem__, pair.target[first:last]))
    return [
        [" ".join([stem for stem in words[start - first : end - first] if stem is not None]) for _, start, end in row]
        for row in options
    ]


def _add(counts: Dict[str, float], shares: Dict[str, float]) -> None:
    for rendering, share in shares.items():
        counts[rendering] = counts.get(rendering, 0.0) + share


def _mean(copies: Sequence[Contributions]) -> Contributions:
    """RETURNS (Contributions): The mean over the copies of one sentence, which does not depend on their order."""
    mean: Contributions = {}
    for phrase in sorted({phrase for copy in copies for phrase in copy}):
        rows = [copy.get(phrase, {}) for copy in copies]
        renderings = sorted(set().union(*rows))
        mean[phrase] = {r: math.fsum(row.get(r, 0.0) for row in rows) / len(copies) for r in renderings}
    return mean


def _phrases(pair: SentencePair) -> List[str]:
    return [_phrase(pair.source[entity[0] : entity[1]]) for entity in pair.entities]


def _phrase(words: Sequence[str]) -> str:
    return comparable(" ".join(words))
