"""The seed paper's score: how many of the words' links a target span and a source entity share."""

from typing import List, Sequence

import numpy as np

from ...types import SentencePair
from ..linked_words import entity_links, strongest
from .candidates import Ngrams
from .interfaces import Option, Options, ScoreMatrix, Span


class AlignScore:
    """2 * (links between entity and span) / (sum of their lengths in words) (`xner.AlignScore.v1`).

    It is Dice where links are one to one, and may exceed 1 where they are not (Politov et al. 2025; code form).
    """

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        return [self._matrix(pair, spans) for pair, spans in zip(pairs, candidates, strict=True)]

    def options(self, pair: SentencePair, ngrams: Ngrams) -> Options:
        """Score the pruned n-grams of a pair without a matrix: of use to an entity are only the ranges between words
        that it is linked to.

        pair (SentencePair): The sentence pair.
        ngrams (Ngrams): The candidates' settings.
        RETURNS (Options): Per entity its spans with their scores, by start, then end.
        """
        target = pair.target
        longest = len(target) if ngrams.max_words is None else ngrams.max_words
        stop = ngrams.stops(target)
        options: Options = []
        for entity, words in zip(pair.entities, entity_links(pair), strict=True):
            length = entity[1] - entity[0]
            row: List[Option] = []
            words = strongest(words)
            ahead = sum(w[1] for w in words)
            for x, (a, here, _) in enumerate(words):
                limit = min(a + longest, stop[a])
                links = 0
                best = 0.0
                for b, n, _ in words[x:]:
                    # A longer span of the same start is worth having only if it scores more, and even with all links
                    # that are left it may not reach that.
                    if b >= limit or 2.0 * ahead / (length + b + 1 - a) <= best:
                        break
                    links += n
                    score = 2.0 * links / (length + b + 1 - a)
                    if score > best:
                        best = score
                        row.append((score, a, b + 1))
                ahead -= here
            options.append(row)
        return options

    def _matrix(self, pair: SentencePair, spans: Sequence[Span]) -> ScoreMatrix:
        matrix = np.zeros((len(pair.entities), len(spans)))
        if not len(spans):
            return matrix
        start, end = np.asarray(spans, dtype=np.int64).T
        for s, words in enumerate(entity_links(pair)):
            counts = np.zeros(len(pair.target) + 1, dtype=np.int64)
            for j, count, _ in words:
                counts[j + 1] = count
            sums = np.cumsum(counts)
            length = pair.entities[s][1] - pair.entities[s][0]
            matrix[s] = 2.0 * (sums[end] - sums[start]) / (length + end - start)
        return matrix
