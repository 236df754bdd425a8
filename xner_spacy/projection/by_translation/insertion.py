"""Constrained re-insertion: the translation is fixed, markers go where a scorer likes them best.

After CODEC (Le et al. 2024, arXiv 2402.03131): a translator decodes the target a second time, free only in where it puts
the markers. Here the translator is any that can score a given marked translation; the search over positions is done
outside it, entity by entity, and the entities' spans are then chosen together.
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
    """One entity to find: its pair, the source with markers round it, and the target positions that are tried."""

    pair: SentencePair
    source: str
    first: int
    last: int


@dataclass(eq=False)
class InsertionProjector(ScoredSpansProjector):
    """Projects by scoring marker positions (`xner.Insertion.v1`). A span's score is its share of the probability of all
    spans scored.

    scorer (TranslationScorer): Scores the marked target given the marked source, by mean log-probability.
    top_k (int): Opening positions that are kept after all have been scored with the opening marker alone.
    max_words (int): Longest span.
    slack (Optional[int]): If the entity has links, only positions at most this many words outside their range are
        tried; None tries all.
    separator (str): What stands between tokens in a text; nothing in a script without spaces.
    batch_size (int): Sentence pairs whose positions are scored together.
    max_tokens (int): Longer sentences, of either language, are given up with the reason `too_long`: each position is a
        whole sentence to score.
    """

    scorer: TranslationScorer
    top_k: int = 5
    max_words: int = 10
    slack: Optional[int] = 2
    separator: str = " "
    batch_size: int = 32
    max_tokens: int = 300

    def __post_init__(self) -> None:
        least = min(self.top_k, self.max_words, self.batch_size, self.max_tokens)
        require(least >= 1, "top_k, max_words, batch_size and max_tokens must be at least 1.")

    def _too_long(self, pair: SentencePair) -> bool:
        return max(len(pair.source), len(pair.target)) > self.max_tokens

    def _score_spans(self, pairs: List[SentencePair]) -> List[Tuple[Options, str]]:
        jobs = [
            _Job(pair, mark(pair.source, [entity], separator=self.separator), *tried)
            for pair in pairs
            for entity, tried in zip(pair.entities, self._ranges(pair), strict=True)
        ]
        # First where the opening marker may stand.
        starts: List[Tuple[int, int, Optional[int]]]
        starts = [(k, start, None) for k, job in enumerate(jobs) for start in range(job.first, job.last)]
        openings: List[List[Tuple[float, int]]] = [[] for _ in jobs]
        for value, (k, start, _) in zip(self._score(jobs, starts), starts, strict=True):
            openings[k].append((-value, start))
        spans = [
            (k, start, end)
            for k, job in enumerate(jobs)
            for _, start in sorted(openings[k])[: self.top_k]
            for end in range(start + 1, min(job.last, start + self.max_words) + 1)
        ]
        scored: Options = [[] for _ in jobs]
        for value, (k, start, end) in zip(self._score(jobs, spans), spans, strict=True):
            scored[k].append((value, start, end))
        shares = map(_shares, scored)
        return [([next(shares) for _ in pair.entities], Reason.NO_CANDIDATE) for pair in pairs]

    def _ranges(self, pair: SentencePair) -> List[Tuple[int, int]]:
        """RETURNS (List[Tuple[int, int]]): Per entity the positions that are tried."""
        n = len(pair.target)
        if self.slack is None:
            return [(0, n)] * len(pair.entities)
        return [
            (max(0, words[0][0] - self.slack), min(n, words[-1][0] + 1 + self.slack)) if words else (0, n)
            for words in entity_links(pair)
        ]

    def _score(self, jobs: Sequence[_Job], marks: Sequence[Tuple[int, int, Optional[int]]]) -> List[float]:
        """RETURNS (List[float]): How likely the target is with markers at each start and end, of the job of that
        number. Without an end there is no closing marker.
        """
        if not marks:
            return []
        texts = []
        for k, start, end in marks:
            words = list(jobs[k].pair.target)
            words[start] = "[" + words[start]
            if end is not None:
                words[end - 1] += "]"
            texts.append(join_words(words, self.separator, like=jobs[k].pair.target))
        return [float(value) for value in score_all(self.scorer, [jobs[k].source for k, _, _ in marks], texts)]


def _shares(scored: Sequence[Option]) -> List[Option]:
    """RETURNS (List[Option]): Log-probabilities as shares of the probability of all."""
    top = max((value for value, _, _ in scored), default=0.0)
    total = sum(math.exp(value - top) for value, _, _ in scored)
    return [(math.exp(value - top) / total, start, end) for value, start, end in scored]
