"""Scores by a tagger of the target language (Shkalikov's thesis; `ner` and `ner_spans` there)."""

from dataclasses import dataclass
from typing import Dict, List, Literal, Sequence

import numpy as np
import numpy.typing as npt

from ...errors import XnerError
from ...types import SentencePair, TokenLabels
from .interfaces import ScoreMatrix, Span


def labels_of(pair: SentencePair) -> TokenLabels:
    """RETURNS (TokenLabels): What the target tagger makes of a pair. RAISES: XnerError if there was none."""
    if pair.target_labels is None:
        raise XnerError(
            "The ner scores and the tagger's candidates need a tagger of the target language.",
            "In a pipeline, put an xner_annotator with side = 'target' before the projector; "
            "in Python, fill SentencePair.target_labels.",
        )
    return pair.target_labels


@dataclass(eq=False)
class NerScore:
    """Mean tag probabilities of a span (`xner.NerScore.v1`): alpha^(length - 1) times the mean probability that the
    first word has the entity's B- tag and the others its I- tag; the factor applies where these are the tagger's best
    tags.

    Needs `SentencePair.target_labels`. Entities of one label get equal scores: fuse it with others.

    alpha (float): Preference of a whole predicted span over its beginning.
    cutoff (float): Lower scores are 0.
    """

    alpha: float = 1.15
    cutoff: float = 0.05

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        return [self._matrix(pair, spans) for pair, spans in zip(pairs, candidates, strict=True)]

    def _matrix(self, pair: SentencePair, spans: Sequence[Span]) -> ScoreMatrix:
        if not len(spans):
            return np.zeros((len(pair.entities), 0))
        tagger = labels_of(pair)
        edges = np.asarray(spans, dtype=np.int64)
        labels = sorted({tag[2:] for tag in tagger.labels if tag[:2] in ("B-", "I-")})
        matrix = self._by_entity(pair, {label: self._score(tagger, label, edges) for label in labels}, len(spans))
        matrix[matrix < self.cutoff] = 0.0
        return matrix

    def _by_entity(self, pair: SentencePair, by_label: Dict[str, ScoreMatrix], n_spans: int) -> ScoreMatrix:
        """RETURNS (ScoreMatrix): Each entity's scores, from the (spans,) scores of each label."""
        none = np.zeros(n_spans)
        return np.array([by_label.get(entity[2], none) for entity in pair.entities]).reshape(-1, n_spans)

    def _score(self, tagger: TokenLabels, label: str, edges: npt.NDArray[np.int64]) -> ScoreMatrix:
        column = {tag: k for k, tag in enumerate(tagger.labels)}
        probs = np.asarray(tagger.probs, dtype=np.float64)
        best = probs.argmax(axis=1)
        none = np.zeros(len(probs))
        first, rest = column.get(f"B-{label}", -1), column.get(f"I-{label}", -1)
        begin = none if first < 0 else probs[:, first]
        inside = none if rest < 0 else probs[:, rest]
        sums = np.concatenate([[0.0], np.cumsum(inside)])
        is_inside = np.concatenate([[0], np.cumsum(best == rest)])
        a, b = edges.T
        length = b - a
        mean = (begin[a] + sums[b] - sums[a + 1]) / length
        whole = (best[a] == first) & (is_inside[b] - is_inside[a + 1] == length - 1)
        return np.where(whole, self.alpha ** (length - 1.0), 1.0) * mean


@dataclass(eq=False)
class NerSpansScore(NerScore):
    """As `NerScore`, over all labels: whether a span is an entity at all (`xner.NerSpansScore.v1`).

    over (str): The best label ("max") or the sum over labels.
    """

    over: Literal["max", "sum"] = "max"

    def _by_entity(self, pair: SentencePair, by_label: Dict[str, ScoreMatrix], n_spans: int) -> ScoreMatrix:
        stack = np.array([np.zeros(n_spans), *by_label.values()])
        row = stack.max(axis=0) if self.over == "max" else stack.sum(axis=0)
        return np.tile(row, (len(pair.entities), 1))
