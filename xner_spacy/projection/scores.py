"""How well a target span fits a source entity."""

from typing import List, Protocol, runtime_checkable, Sequence

import numpy as np
import numpy.typing as npt

from ..types import SentencePair
from .candidates import Span
from .links import entity_links

ScoreMatrix = npt.NDArray[np.float64]


@runtime_checkable
class Score(Protocol):
    """Scores every candidate span for every source entity."""

    def __call__(
        self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]
    ) -> List[ScoreMatrix]:
        """RETURNS (List[ScoreMatrix]): Per pair a matrix (entities, candidates), no score negative."""
        ...


def make_align_score() -> Score:
    """Create the `align` score (`xner.AlignScore.v1`): 2 * (links between entity and span) / (sum
    of their lengths in words). It is Dice where links are one to one, and may exceed 1 where they
    are not (Politov et al. 2025; code form).

    RETURNS (Score): The score.
    """
    return AlignScore()


class AlignScore:
    """2 * links / (entity length + span length)."""

    def __call__(
        self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]
    ) -> List[ScoreMatrix]:
        return [self._matrix(pair, spans) for pair, spans in zip(pairs, candidates, strict=True)]

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
