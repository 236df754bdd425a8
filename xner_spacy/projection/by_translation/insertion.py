"""Constrained re-insertion: the translation is fixed, and a scorer decides where the markers are put.

Based on CODEC (Le et al. 2024, arXiv 2402.03131), where a translator decodes the target a second time and is free only
in where it puts the markers. Here any translator that can score a given marked translation will do. The search over
positions is done outside it, entity by entity, and the spans of all entities are then chosen together.
"""

import math
from dataclasses import dataclass
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ...errors import require
from ...text import join_words
from ...types import Reason, SentencePair
from ..linked_words import entity_links
from ..matching.interfaces import Option, Options, TranslationScorer
from ..matching.scores import score_all
from ..projectors import ScoredSpansProjector
from .markers import mark


class _Job(NamedTuple):
    """One entity to find: its pair, the source with markers around it, and the range of target positions to try."""

    pair: SentencePair
    source: str
    first: int
    last: int


@dataclass(eq=False)
class InsertionProjector(ScoredSpansProjector):
    """Projects by scoring marker positions (`xner.Insertion.v1`). The score of a span is its share of the probability
    of all scored spans.

    scorer (TranslationScorer): Scores the marked target given the marked source, by mean log-probability.
    top_k (int): How many opening positions are kept after all were scored with the opening marker alone.
    max_words (int): Longest span.
    slack (Optional[int]): If the entity has links, only positions at most this many words outside their range are
        tried; None tries all.
    separator (str): Joins tokens to a text; empty for a script without spaces.
    batch_size (int): Sentence pairs whose positions are scored together.
    max_tokens (int): Pairs with a longer sentence in either language are skipped with the reason `too_long`, since
        every position means scoring a whole sentence.
    """

    scorer: TranslationScorer
    top_k: int = 5
    max_words: int = 10
    slack: Optional[int] = 2
    separator: str = " "
    batch_size: int = 32
    max_tokens: int = 300

    def __post_init__(self) -> None:
        smallest = min(self.top_k, self.max_words, self.batch_size, self.max_tokens)
        require(smallest >= 1, "top_k, max_words, batch_size and max_tokens must be at least 1.")

    def _too_long(self, pair: SentencePair) -> bool:
        return max(len(pair.source), len(pair.target)) > self.max_tokens

    def _score_spans(self, pairs: List[SentencePair]) -> List[Tuple[Options, str]]:
        jobs = [
            _Job(pair, mark(pair.source, [entity], separator=self.separator), *tried)
            for pair in pairs
            for entity, tried in zip(pair.entities, self._ranges(pair), strict=True)
        ]
        # Score the positions of the opening marker first.
        starts: List[Tuple[int, int, Optional[int]]]
        starts = [(number, start, None) for number, job in enumerate(jobs) for start in range(job.first, job.last)]
        openings: List[List[Tuple[float, int]]] = [[] for _ in jobs]
        for value, (number, start, _) in zip(self._score(jobs, starts), starts, strict=True):
            openings[number].append((-value, start))
        spans = [
            (number, start, end)
            for number, job in enumerate(jobs)
            for _, start in sorted(openings[number])[: self.top_k]
            for end in range(start + 1, min(job.last, start + self.max_words) + 1)
        ]
        scored: Options = [[] for _ in jobs]
        for value, (number, start, end) in zip(self._score(jobs, spans), spans, strict=True):
            scored[number].append((value, start, end))
        shares = map(_shares, scored)
        return [([next(shares) for _ in pair.entities], Reason.NO_CANDIDATE) for pair in pairs]

    def _ranges(self, pair: SentencePair) -> List[Tuple[int, int]]:
        """RETURNS (List[Tuple[int, int]]): For each entity, the range of positions to try."""
        n_target = len(pair.target)
        if self.slack is None:
            return [(0, n_target)] * len(pair.entities)
        return [
            (max(0, words[0][0] - self.slack), min(n_target, words[-1][0] + 1 + self.slack)) if words else (0, n_target)
            for words in entity_links(pair)
        ]

    def _score(self, jobs: Sequence[_Job], marks: Sequence[Tuple[int, int, Optional[int]]]) -> List[float]:
        """RETURNS (List[float]): How likely the target is for each of `marks`, which are (job number, start, end).
        Without an end there is no closing marker.
        """
        if not marks:
            return []
        texts = []
        for number, start, end in marks:
            words = list(jobs[number].pair.target)
            words[start] = "[" + words[start]
            if end is not None:
                words[end - 1] += "]"
            texts.append(join_words(words, self.separator, like=jobs[number].pair.target))
        sources = [jobs[number].source for number, _, _ in marks]
        return [float(value) for value in score_all(self.scorer, sources, texts)]


def _shares(scored: Sequence[Option]) -> List[Option]:
    """RETURNS (List[Option]): The options with shares of their total probability in place of log-probabilities."""
    top = max((value for value, _, _ in scored), default=0.0)
    total = sum(math.exp(value - top) for value, _, _ in scored)
    return [(math.exp(value - top) / total, start, end) for value, start, end in scored]
