"""Constrained re-insertion: the translation is fixed, markers go where a scorer likes them best.

After CODEC (Le et al. 2024, arXiv 2402.03131): a translator decodes the target a second time, free
    only in where it puts the markers.
Here the translator is any that can score a given marked translation; the search over positions is
done outside it, entity by entity, and the entities' spans are then chosen together.
"""

import math
from typing import Iterable, Iterator, List, Optional, Tuple

from ...errors import XnerError
from ...scripts import join_words
from ...types import ProjectedSpan, Projection, Projector, Reason, SentencePair, Unprojected
from ..linked_words import entity_links
from ..matching.interfaces import Option, TranslationScorer
from ..matching.solvers import Limits, solve_exact
from ..matching.translation_score import score_all
from ..projectors import BaseProjector, batches, give_up
from .markers import mark


def make_insertion(
    scorer: TranslationScorer,
    top_k: int = 5,
    max_words: int = 10,
    slack: Optional[int] = 2,
    separator: str = " ",
    batch_size: int = 32,
    max_tokens: int = 300,
) -> Projector:
    """Create constrained re-insertion (`xner.Insertion.v1`).

    scorer (TranslationScorer): Scores the marked target given the marked source, by mean
        log-probability.
    top_k (int): Opening positions that are kept after all have been scored with the opening marker
        alone.
    max_words (int): Longest span.
    slack (Optional[int]): If the entity has links, only positions at most this many words outside
        their range are tried; None tries all.
    separator (str): What stands between tokens in a text; nothing in a script without spaces.
    batch_size (int): Sentence pairs whose positions are scored together.
    max_tokens (int): Longer sentences, of either language, are given up with the reason `too_long`: each position is a
        whole sentence to score.
    RETURNS (Projector): The projector.
    """
    if min(top_k, max_words, batch_size, max_tokens) < 1:
        raise XnerError("top_k, max_words, batch_size and max_tokens must be at least 1.")
    return InsertionProjector(scorer, top_k, max_words, slack, separator, batch_size, max_tokens)


class InsertionProjector(BaseProjector):
    """Projects by scoring marker positions. See `make_insertion` for the settings."""

    def __init__(
        self,
        scorer: TranslationScorer,
        top_k: int,
        max_words: int,
        slack: Optional[int],
        separator: str,
        batch_size: int,
        max_tokens: int,
    ) -> None:
        self.scorer = scorer
        self.top_k = top_k
        self.max_words = max_words
        self.slack = slack
        self.separator = separator
        self.batch_size = batch_size
        self.max_tokens = max_tokens

    def project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """Project each pair. A span's score is its share of the probability of all spans scored.

        pairs (Iterable[SentencePair]): Sentence pairs.
        YIELDS (Projection): One per pair, in order.
        """
        for batch in batches(pairs, self.batch_size):
            asked = [p for p in batch if p.entities and p.target and not self._too_long(p)]
            options = iter(self._options(asked))
            for pair in batch:
                if not pair.entities:
                    yield Projection()
                elif not pair.target:
                    yield give_up(pair, Reason.NO_CANDIDATE)
                elif self._too_long(pair):
                    yield give_up(pair, Reason.TOO_LONG)
                else:
                    yield self._project(pair, next(options))

    def _options(self, pairs: List[SentencePair]) -> List[List[List[Option]]]:
        jobs = [(p, s) for p in pairs for s in range(len(p.entities))]
        sources = [mark(p.source, [p.entities[s]], separator=self.separator) for p, s in jobs]
        ranges = [r for p in pairs for r in self._ranges(p)]
        # First pass: where the opening marker may stand.
        firsts = self._score(
            [
                (sources[k], self._insert(p, a, None), k, a, None)
                for k, (p, _) in enumerate(jobs)
                for a in range(*ranges[k])
            ]
        )
        openings: List[List[Tuple[float, int]]] = [[] for _ in jobs]
        for value, k, a, _ in firsts:
            openings[k].append((-value, a))
        second: List[Tuple[str, str, int, int, Optional[int]]] = []
        for k, (p, _) in enumerate(jobs):
            for _, a in sorted(openings[k])[: self.top_k]:
                for end in range(a + 1, min(ranges[k][1], a + self.max_words) + 1):
                    second.append((sources[k], self._insert(p, a, end), k, a, end))
        scored = self._score(second)
        per_job: List[List[Tuple[float, int, int]]] = [[] for _ in jobs]
        for value, k, a, b in scored:
            if b is not None:
                per_job[k].append((value, a, b))
        out: List[List[List[Option]]] = []
        done = iter(per_job)
        for p in pairs:
            out.append([self._shares(next(done)) for _ in p.entities])
        return out

    def _too_long(self, pair: SentencePair) -> bool:
        return max(len(pair.source), len(pair.target)) > self.max_tokens

    def _ranges(self, pair: SentencePair) -> List[Tuple[int, int]]:
        """RETURNS (List[Tuple[int, int]]): Per entity the positions that are tried."""
        n = len(pair.target)
        if self.slack is None:
            return [(0, n)] * len(pair.entities)
        return [
            (max(0, words[0][0] - self.slack), min(n, words[-1][0] + 1 + self.slack)) if words else (0, n)
            for words in entity_links(pair)
        ]

    def _insert(self, pair: SentencePair, start: int, end: Optional[int]) -> str:
        words = list(pair.target)
        words[start] = "[" + words[start]
        if end is not None:
            words[end - 1] += "]"
        return join_words(words, self.separator, like=pair.target)

    def _score(
        self, jobs: List[Tuple[str, str, int, int, Optional[int]]]
    ) -> List[Tuple[float, int, int, Optional[int]]]:
        if not jobs:
            return []
        values = score_all(self.scorer, [j[0] for j in jobs], [j[1] for j in jobs])
        return [(float(value), k, a, b) for value, (_, _, k, a, b) in zip(values, jobs, strict=True)]

    def _shares(self, scored: List[Tuple[float, int, int]]) -> List[Option]:
        if not scored:
            return []
        top = max(value for value, _, _ in scored)
        total = sum(math.exp(value - top) for value, _, _ in scored)
        return [(math.exp(value - top) / total, a, b) for value, a, b in scored]

    def _project(self, pair: SentencePair, options: List[List[Option]]) -> Projection:
        chosen = solve_exact(options, Limits(0, 1))
        found = {c.entity for c in chosen}
        return Projection(
            [ProjectedSpan(c.start, c.end, pair.entities[c.entity][2], c.entity, c.score) for c in chosen],
            [
                Unprojected(s, Reason.OVERLAP if options[s] else Reason.NO_CANDIDATE)
                for s in range(len(pair.entities))
                if s not in found
            ],
        )
