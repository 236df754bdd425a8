"""Scores by a tagger of the target language (Shkalikov's thesis; `ner` and `ner_spans` there)."""

from typing import Dict, List, Literal, Sequence

import numpy as np
import numpy.typing as npt

from ...errors import XnerError
from ...types import SentencePair, TokenLabels
from .interfaces import Score, ScoreMatrix, Span


def make_ner_score(alpha: float = 1.15, cutoff: float = 0.05) -> Score:
    """Create the `ner` score (`xner.NerScore.v1`): alpha^(length - 1) times the mean probability
    that the first word has the entity's B- tag and the others its I- tag; the factor applies where
    these are the tagger's best tags.

    Needs `SentencePair.target_labels`. Entities of one label get equal scores: fuse it with others.

    alpha (float): Preference of a whole predicted span over its beginning.
    cutoff (float): Lower scores are 0.
    RETURNS (Score): The score.
    """
    return TaggerScore(alpha, cutoff, "label")


def make_ner_spans_score(alpha: float = 1.15, cutoff: float = 0.05, over: Literal["max", "sum"] = "max") -> Score:
    """Create the `ner_spans` score (`xner.NerSpansScore.v1`): as `ner`, over all labels: whether it
    is an entity at all.

    alpha, cutoff: See `make_ner_score`.
    over (str): The best label ("max") or the sum over labels.
    RETURNS (Score): The score.
    """
    return TaggerScore(alpha, cutoff, over)


class TaggerScore:
    """Mean tag probabilities of a span. See `make_ner_score`."""

    def __init__(self, alpha: float, cutoff: float, mode: str) -> None:
        self.alpha = alpha
        self.cutoff = cutoff
        self.mode = mode

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        """RETURNS (List[ScoreMatrix]): Per pair (entities, candidates)."""
        return [self._matrix(pair, spans) for pair, spans in zip(pairs, candidates, strict=True)]

    def _matrix(self, pair: SentencePair, spans: Sequence[Span]) -> ScoreMatrix:
        out = np.zeros((len(pair.entities), len(spans)))
        if not len(spans):
            return out
        if pair.target_labels is None:
            raise XnerError(
                "The ner scores need a tagger of the target language.",
                "In a pipeline, put an xner_annotator with side = 'target' before the projector; "
                "in Python, fill SentencePair.target_labels.",
            )
        edges = np.asarray(spans, dtype=np.int64)
        labels = sorted({t[2:] for t in pair.target_labels.labels if t[:2] in ("B-", "I-")})
        by_label = {name: self._score(pair.target_labels, name, edges) for name in labels}
        if self.mode == "label":
            for s, entity in enumerate(pair.entities):
                if entity[2] in by_label:
                    out[s] = by_label[entity[2]]
        elif by_label:
            stack = np.stack(list(by_label.values()))
            out[:] = stack.max(axis=0) if self.mode == "max" else stack.sum(axis=0)
        out[out < self.cutoff] = 0.0
        return out

    def _score(self, tags: TokenLabels, label: str, edges: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        column: Dict[str, int] = {tag: k for k, tag in enumerate(tags.labels)}
        probs = np.asarray(tags.probs, dtype=np.float64)
        best = probs.argmax(axis=1)
        none = np.zeros(len(probs))
        first, rest = column.get(f"B-{label}"), column.get(f"I-{label}")
        begin = none if first is None else probs[:, first]
        inside = none if rest is None else probs[:, rest]
        sums = np.concatenate([[0.0], np.cumsum(inside)])
        is_inside = np.concatenate([[0], np.cumsum(best == (-1 if rest is None else rest))])
        a, b = edges[:, 0], edges[:, 1]
        length = b - a
        mean = (begin[a] + sums[b] - sums[a + 1]) / length
        whole = (best[a] == (-1 if first is None else first)) & (is_inside[b] - is_inside[a + 1] == length - 1)
        return np.where(whole, self.alpha ** (length - 1.0), 1.0) * mean
