"""The interfaces of the parts of candidate matching, and the types that they exchange."""

from typing import Container, Iterable, Iterator, List, NamedTuple, Protocol, Sequence, Tuple, runtime_checkable

import numpy as np
import numpy.typing as npt

from ...types import SentencePair

Span = Tuple[int, int]  # start, end (exclusive)
Option = Tuple[float, int, int]  # score, start, end (exclusive): a span that an entity may get
Options = List[List[Option]]  # for each entity of a sentence
ScoreMatrix = npt.NDArray[np.float64]  # (entities, candidates)
ScoredPair = Tuple[SentencePair, Options]


class Choice(NamedTuple):
    """A span chosen for an entity."""

    entity: int
    start: int
    end: int
    score: float


@runtime_checkable
class Candidates(Protocol):
    """Finds the target spans of a batch of sentence pairs that entities may be matched with."""

    def __call__(self, pairs: Sequence[SentencePair]) -> List[List[Span]]:
        """RETURNS (List[List[Span]]): Per pair the candidates, unique, sorted by start, then end."""
        ...


@runtime_checkable
class Score(Protocol):
    """Scores every candidate span for every source entity. A method `train(pairs, bitext)`, if it has one, is called
    with the corpus first.
    """

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        """RETURNS (List[ScoreMatrix]): Per pair (entities, candidates), none negative."""
        ...


@runtime_checkable
class Modifier(Protocol):
    """Adjusts the sum of the other scores by what it learned from the whole corpus. `skip` are target words to ignore
    when translations are compared.
    """

    def learn(self, scored: Iterable[ScoredPair], skip: Container[str]) -> None:
        """Learn from sentence pairs with the options of their entities, and forget what was learned before."""
        ...

    def adjust(self, scored: Iterable[ScoredPair], skip: Container[str]) -> Iterator[ScoredPair]:
        """YIELDS (ScoredPair): Each sentence pair, the options of its entities with adjusted scores."""
        ...


@runtime_checkable
class TranslationScorer(Protocol):
    """A translator that can say how likely a given translation is."""

    def score_batch(self, sources: Sequence[str], targets: Sequence[str]) -> Sequence[float]:
        """RETURNS (Sequence[float]): Per pair the mean log-probability of the target's tokens, at most 0."""
        ...
