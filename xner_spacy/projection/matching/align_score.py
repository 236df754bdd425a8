"""How well a target span fits a source entity."""

from typing import List, Sequence

import numpy as np

from ...types import SentencePair
from ..linked_words import entity_links, strongest
from .candidates import Ngrams
from .interfaces import Option, Score, ScoreMatrix, Span


def make_align_score() -> Score:
    """Create the `align` score (`xner.AlignScore.v1`): 2 * (links between entity and span) / (sum
    of their lengths in words). It is Dice where links are one to one, and may exceed 1 where they
    are not (Politov et al. 2025; code form).

    RETURNS (Score): The score.
    """
    return AlignScore()


class AlignScore:
    """2 * links / (entity length + span length)."""

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        return [self._matrix(pair, spans) for pair, spans in zip(pairs, candidates, strict=True)]

    def options(self, pair: SentencePair, ngrams: Ngrams) -> List[List[Option]]:
        """Score the pruned n-grams of a pair without a matrix: of use to an entity are only the
        ranges between words that it is linked to.

        pair (SentencePair): The sentence pair.
        ngrams (Ngrams): The candidates' settings.
        RETURNS (List[List[Option]]): Per entity its spans with their scores, by start, then end.
        """
        target = pair.target
        longest = len(target) if ngrams.max_words is None else ngrams.max_words
        stop = ngrams.stops(target)
        out: List[List[Option]] = []
        for entity, words in zip(pair.entities, entity_links(pair), strict=True):
            length = entity[1] - entity[0]
            mine: List[Option] = []
            words = strongest(words)
            ahead = sum(w[1] for w in words)
            for x, (a, here, _) in enumerate(words):
                limit = min(a + longest, stop[a])
                links = 0
                best = 0.0
                for b, n, _ in words[x:]:
                    # A longer span of the same start is worth having only if it scores more, and
                    # even with all links that are left it may not reach that.
                    if b >= limit or 2.0 * ahead / (length + b + 1 - a) <= best:
                        break
                    links += n
                    score = 2.0 * links / (length + b + 1 - a)
                    if score > best:
                        best = score
                        mine.append((score, a, b + 1))
                ahead -= here
            out.append(mine)
        return out

    def _matrix(self, pair: SentencePair, spans: Sequence[Span]) -> ScoreMatrix:
        out = np.zeros((len(pair.entities), len(spans)))
        if not len(spans):
            return out
        edges = np.asarray(spans, dtype=np.int64)
        for s, words in enumerate(entity_links(pair)):
            sums = np.zeros(len(pair.target) + 1, dtype=np.int64)
            for j, count, _ in words:
                sums[j + 1] = count
            np.cumsum(sums, out=sums)
            hits = sums[edges[:, 1]] - sums[edges[:, 0]]
            length = pair.entities[s][1] - pair.entities[s][0]
            out[s] = 2.0 * hits / (length + edges[:, 1] - edges[:, 0])
        return out
