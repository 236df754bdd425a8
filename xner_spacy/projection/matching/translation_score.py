"""Selection by translation: how well an entity and a candidate translate each other.

NMTScore, direct and normalised (Vamvas and Sennrich 2022), as T-Projection (García-Ferrero et al. 2023) and Shkalikov's
thesis (`nmt`) use it.
"""

import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...errors import XnerError
from ...scripts import join_words
from ...types import SentencePair
from .interfaces import ScoreMatrix, Span, TranslationScorer


@dataclass(eq=False)
class TranslationScore:
    """Translation probability (`xner.TranslationScore.v1`): the mean over both directions of P(A|B) / P(A|A), with P the
    geometric mean of the token probabilities.

    forward (TranslationScorer): Scores translations into the target language.
    backward (Optional[TranslationScorer]): Scores translations into the source language. Without it only one direction
        counts.
    cutoff (float): Lower scores are 0.
    normalize (bool): Divide by the probability of the text given itself.
    separator (str): What stands between tokens in a text; nothing in a script without spaces.
    """

    forward: TranslationScorer
    backward: Optional[TranslationScorer] = None
    cutoff: float = 0.1
    normalize: bool = True
    separator: str = " "

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        """RETURNS (List[ScoreMatrix]): Per pair (entities, candidates), mostly in [0, 1]."""
        rows: List[Tuple[List[str], List[str]]] = []
        scores: Dict[Tuple[str, str], float] = {}
        for pair, spans in zip(pairs, candidates, strict=True):
            names = [join_words(pair.source[e[0] : e[1]], self.separator) for e in pair.entities]
            texts = [join_words(pair.target[a:b], self.separator) for a, b in spans]
            rows.append((names, texts))
            # The same pair of texts is scored once per batch, however often it occurs.
            scores.update(((name, text), 0.0) for name in names for text in texts)
        keys = list(scores)
        totals = self._direction(self.forward, keys)
        if self.backward is not None:
            back = self._direction(self.backward, [(text, name) for name, text in keys])
            totals = [(x + y) / 2 for x, y in zip(totals, back, strict=True)]
        scores.update((key, value if value >= self.cutoff else 0.0) for key, value in zip(keys, totals, strict=True))
        return [
            np.array([[scores[name, text] for text in texts] for name in names]).reshape(len(names), len(texts))
            for names, texts in rows
        ]

    def _direction(self, scorer: TranslationScorer, keys: Sequence[Tuple[str, str]]) -> List[float]:
        """RETURNS (List[float]): P(target|source), over P(target|target) if normalised."""
        direct = score_all(scorer, [s for s, _ in keys], [t for _, t in keys])
        if not self.normalize:
            return [math.exp(x) for x in direct]
        alone = sorted({t for _, t in keys})
        itself = dict(zip(alone, score_all(scorer, alone, alone), strict=True))
        return [math.exp(x - itself[t]) for x, (_, t) in zip(direct, keys, strict=True)]


def score_all(scorer: TranslationScorer, sources: Sequence[str], targets: Sequence[str]) -> Sequence[float]:
    """RETURNS (Sequence[float]): One per pair of texts. RAISES: XnerError if the scorer gives more or fewer."""
    values = scorer.score_batch(sources, targets)
    if len(values) != len(targets):
        raise XnerError(
            f"{type(scorer).__name__} gave {len(values)} scores for {len(targets)} translations.",
            "A scorer has to give one for each, in order.",
        )
    return values
