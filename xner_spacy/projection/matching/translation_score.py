"""Selection by translation: how well an entity and a candidate translate each other.

NMTScore, direct and normalised (Vamvas and Sennrich 2022), as T-Projection (García-Ferrero et al.
2023) and Shkalikov's thesis (`nmt`) use it.
"""

import math
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...errors import XnerError
from ...scripts import join_words
from ...types import SentencePair
from .interfaces import Score, ScoreMatrix, Span, TranslationScorer


def make_translation_score(
    forward: TranslationScorer,
    backward: Optional[TranslationScorer] = None,
    cutoff: float = 0.1,
    normalize: bool = True,
    separator: str = " ",
) -> Score:
    """Create the `nmt` score (`xner.TranslationScore.v1`).

    sim(A, B) is the mean over both directions of P(A|B) / P(A|A), with P the geometric mean of the
    token probabilities.

    forward (TranslationScorer): Scores translations into the target language.
    backward (Optional[TranslationScorer]): Scores translations into the source language. Without it
        only one direction counts.
    cutoff (float): Lower scores are 0.
    normalize (bool): Divide by the probability of the text given itself.
    separator (str): What stands between tokens in a text; nothing in a script without spaces.
    RETURNS (Score): The score.
    """
    return TranslationScore(forward, backward, cutoff, normalize, separator)


class TranslationScore:
    """Normalised, symmetric translation probability. See `make_translation_score`."""

    def __init__(
        self,
        forward: TranslationScorer,
        backward: Optional[TranslationScorer],
        cutoff: float,
        normalize: bool,
        separator: str,
    ) -> None:
        self.forward = forward
        self.backward = backward
        self.cutoff = cutoff
        self.normalize = normalize
        self.separator = separator

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        """RETURNS (List[ScoreMatrix]): Per pair (entities, candidates), mostly in [0, 1]."""
        names: List[List[str]] = []
        texts: List[List[str]] = []
        wanted: Dict[Tuple[str, str], float] = {}
        for pair, spans in zip(pairs, candidates, strict=True):
            names.append([join_words(pair.source[e[0] : e[1]], self.separator) for e in pair.entities])
            texts.append([join_words(pair.target[a:b], self.separator) for a, b in spans])
            # The same pair of texts is scored once per batch, however often it occurs.
            wanted.update(((n, t), 0.0) for n in names[-1] for t in texts[-1])
        keys = list(wanted)
        total = self._direction(self.forward, keys)
        if self.backward is not None:
            back = self._direction(self.backward, [(t, n) for n, t in keys])
            total = [(x + y) / 2 for x, y in zip(total, back, strict=True)]
        for key, value in zip(keys, total, strict=True):
            wanted[key] = value if value >= self.cutoff else 0.0
        return [
            np.array([[wanted[n, t] for t in mine] for n in ours], dtype=np.float64).reshape(len(ours), len(mine))
            for ours, mine in zip(names, texts, strict=True)
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
