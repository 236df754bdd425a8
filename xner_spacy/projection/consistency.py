"""Consistency over the corpus: an entity tends to be rendered the same way, a phrase to have one
label.
"""

import math
from collections import Counter
from typing import Any, Container, Dict, Iterable, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt
import srsly

from ..types import SentencePair
from .bounded_dp import Option
from .spelling import fold, is_punctuation


def make_phrase_lexicon(
    weight: float = 1.0,
    prior: float = 0.1,
    strength: float = 1.0,
    floor: float = -4.0,
    sharpness: float = 1.0,
    stem: int = 5,
) -> "PhraseLexicon":
    """Create the corpus lexicon (`xner.PhraseLexicon.v1`), a score that modifies others.

    A span gains `weight * log(p / prior)`, where p is the share of the entity's other occurrences
    in the corpus that are rendered by the same words, smoothed by `strength` imagined occurrences
    of which `prior` are. The renderings are counted softly, by what the scores so far say.

    weight (float): Weight of the vote.
    prior (float): Share of an unseen rendering.
    strength (float): How many occurrences the prior is worth.
    floor (float): Lowest gain, before the weight.
    sharpness (float): Factor on scores when they are turned into shares; 1 for log-odds (the span
        score), about 5 for the align score.
    stem (int): Letters of each word that are compared, so that inflected forms vote together.
    RETURNS (PhraseLexicon): The score.
    """
    return PhraseLexicon(weight, prior, strength, floor, sharpness, stem)


class PhraseLexicon:
    """Renderings of source phrases, learned from a corpus. See `make_phrase_lexicon`."""

    modifies = True

    def __init__(
        self,
        weight: float,
        prior: float,
        strength: float,
        floor: float,
        sharpness: float,
        stem: int,
    ) -> None:
        self.weight = weight
        self.prior = prior
        self.strength = strength
        self.floor = floor
        self.sharpness = sharpness
        self.stem = stem
        self.counts: Dict[str, Dict[str, float]] = {}
        self.totals: Dict[str, float] = {}
        # Hashes of the sentences learned from, so that none confirms itself.
        self.learned: npt.NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)

    def learn(
        self,
        scored: Iterable[Tuple[SentencePair, Sequence[Sequence[Option]]]],
        skip: Container[str],
    ) -> None:
        """Count renderings; what was learned before is forgotten.

        scored (Iterable): Sentence pairs with the options of their entities.
        skip (Container[str]): Target words that do not tell renderings apart (function words).
        """
        counts: Dict[str, Dict[str, float]] = {}
        totals: Dict[str, float] = {}
        hashes: List[int] = []
        for pair, options in scored:
            hashes.append(_hash(pair))
            for entity, mine in zip(pair.entities, options, strict=True):
                phrase = _phrase(pair.source[entity[0] : entity[1]])
                for rendering, share in self._shares(pair, mine, skip).items():
                    seen = counts.setdefault(phrase, {})
                    seen[rendering] = seen.get(rendering, 0.0) + share
                    totals[phrase] = totals.get(phrase, 0.0) + share
        self.counts, self.totals = counts, totals
        self.learned = np.unique(np.array(hashes, dtype=np.uint64))

    def adjust(
        self, pair: SentencePair, options: Sequence[Sequence[Option]], skip: Container[str]
    ) -> List[List[Option]]:
        """RETURNS (List[List[Option]]): The options with what the corpus says added."""
        if not self.totals:
            return [list(mine) for mine in options]
        known = self._knows(pair)
        out: List[List[Option]] = []
        for entity, mine in zip(pair.entities, options, strict=True):
            phrase = _phrase(pair.source[entity[0] : entity[1]])
            total = self.totals.get(phrase, 0.0)
            if not mine or not total:
                out.append(list(mine))
                continue
            own = self._shares(pair, mine, skip) if known else {}
            others = max(0.0, total - sum(own.values()))
            counts = self.counts[phrase]
            row: List[Option] = []
            for score, a, b in mine:
                rendering = self._rendering(pair.target[a:b], skip)
                seen = max(0.0, counts.get(rendering, 0.0) - own.get(rendering, 0.0))
                share = (seen + self.strength * self.prior) / (others + self.strength)
                row.append(
                    (score + self.weight * max(self.floor, math.log(share / self.prior)), a, b)
                )
            out.append(row)
        return out

    def _knows(self, pair: SentencePair) -> bool:
        if not len(self.learned):
            return False
        value = np.uint64(_hash(pair))
        place = int(np.searchsorted(self.learned, value))
        return place < len(self.learned) and self.learned[place] == value

    def _shares(
        self, pair: SentencePair, options: Sequence[Option], skip: Container[str]
    ) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): Shares of the renderings, adding up to less than 1: the rest
            is for
        none.
        """
        shares: Dict[str, float] = {}
        if not options:
            return shares
        top = max(0.0, max(o[0] for o in options))
        values = [math.exp(self.sharpness * (o[0] - top)) for o in options]
        total = sum(values) + math.exp(-self.sharpness * top)
        for value, (_, a, b) in zip(values, options, strict=True):
            rendering = self._rendering(pair.target[a:b], skip)
            shares[rendering] = shares.get(rendering, 0.0) + value / total
        return shares

    def _rendering(self, words: Sequence[str], skip: Container[str]) -> str:
        return " ".join(
            fold(w)[: self.stem] for w in words if w not in skip and not is_punctuation(w)
        )

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What was learned."""
        return srsly.msgpack_dumps(
            {
                "counts": self.counts,
                "totals": self.totals,
                "learned": self.learned.tobytes(),
            }
        )

    def from_bytes(self, data: bytes) -> "PhraseLexicon":
        """Take on what `to_bytes` gave. RETURNS (PhraseLexicon): Itself."""
        state: Dict[str, Any] = srsly.msgpack_loads(data)
        self.counts, self.totals = state["counts"], state["totals"]
        self.learned = np.frombuffer(state["learned"], dtype=np.uint64)
        return self


class LabelVotes:
    """Labels of target phrases over a corpus: where one label clearly rules, the others follow it.

    least (int): Occurrences that the ruling label needs.
    ratio (float): How many times as often as the label at hand it must occur.
    """

    def __init__(self, least: int = 3, ratio: float = 2.0) -> None:
        self.least = least
        self.ratio = ratio
        self.counts: Dict[str, Counter] = {}

    def add(self, words: Sequence[str], label: str) -> None:
        """Count one projected span."""
        self.counts.setdefault(_phrase(words), Counter())[label] += 1

    def label(self, words: Sequence[str], label: str) -> str:
        """RETURNS (str): The ruling label of the phrase, or `label`."""
        counts = self.counts.get(_phrase(words))
        if not counts:
            return label
        # Of equals the first in the alphabet, whatever order they were counted in.
        best = min(counts, key=lambda name: (-counts[name], name))
        rules = counts[best] >= max(self.least, self.ratio * counts[label])
        return best if rules else label

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The counts."""
        return srsly.msgpack_dumps({phrase: dict(c) for phrase, c in self.counts.items()})

    def from_bytes(self, data: bytes) -> "LabelVotes":
        """Take on what `to_bytes` gave. RETURNS (LabelVotes): Itself."""
        self.counts = {phrase: Counter(c) for phrase, c in srsly.msgpack_loads(data).items()}
        return self


def _phrase(words: Sequence[str]) -> str:
    return " ".join(words).casefold()


def _hash(pair: SentencePair) -> int:
    text = "\t".join([*pair.source, "\n", *pair.target])
    # The same in every process, unlike hash().
    return int.from_bytes(_blake(text), "little")


def _blake(text: str) -> bytes:
    from hashlib import blake2b

    return blake2b(text.encode("utf8"), digest_size=8).digest()
