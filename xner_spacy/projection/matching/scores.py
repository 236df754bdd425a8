"""Scores of spans: by the links that they share with an entity, by a tagger of the target language, and by translation."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Dict, List, Literal, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...errors import XnerError
from ...text import join_words
from ...types import SentencePair, TokenLabels
from ..linked_words import entity_links, strongest
from .candidates import Ngrams, labels_of
from .interfaces import Option, Options, ScoreMatrix, Span, TranslationScorer

Edges = npt.NDArray[np.int64]


class _PairByPair(ABC):
    """A score that a subclass gives for one sentence pair."""

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        return [
            self._matrix(pair, np.asarray(spans, dtype=np.int64))
            if len(pair.entities) and len(spans)
            else np.zeros((len(pair.entities), len(spans)))
            for pair, spans in zip(pairs, candidates, strict=True)
        ]

    @abstractmethod
    def _matrix(self, pair: SentencePair, edges: Edges) -> ScoreMatrix:
        """RETURNS (ScoreMatrix): (entities, spans), both at least one. `edges`: (spans, 2), starts and ends."""


class AlignScore(_PairByPair):
    """2 * (links between entity and span) / (sum of their lengths in words) (`xner.AlignScore.v1`).

    The seed paper's score: it is Dice where links are one to one, and may exceed 1 where they are not (Politov et al.
    2025; code form).
    """

    def options(self, pair: SentencePair, ngrams: Ngrams) -> Options:
        """Score the pruned n-grams of a pair without a matrix: of use to an entity are only the ranges between words
        that it is linked to. RETURNS (Options): Per entity its spans with their scores, by start, then end.
        """
        limits = ngrams.limits(pair.target)
        options: Options = []
        for entity, words in zip(pair.entities, entity_links(pair), strict=True):
            length = entity[1] - entity[0]
            row: List[Option] = []
            words = strongest(words)
            ahead = sum(w[1] for w in words)
            for x, (a, here, _) in enumerate(words):
                links = 0
                best = 0.0
                for b, n, _ in words[x:]:
                    # A longer span of the same start is worth having only if it scores more, and even with all links
                    # that are left it may not reach that.
                    if b >= limits[a] or 2.0 * ahead / (length + b + 1 - a) <= best:
                        break
                    links += n
                    score = 2.0 * links / (length + b + 1 - a)
                    if score > best:
                        best = score
                        row.append((score, a, b + 1))
                ahead -= here
            options.append(row)
        return options

    def _matrix(self, pair: SentencePair, edges: Edges) -> ScoreMatrix:
        start, end = edges.T
        rows = []
        for entity, words in zip(pair.entities, entity_links(pair), strict=True):
            counts = np.zeros(len(pair.target) + 1, dtype=np.int64)
            for j, count, _ in words:
                counts[j + 1] = count
            sums = np.cumsum(counts)
            rows.append(2.0 * (sums[end] - sums[start]) / (entity[1] - entity[0] + end - start))
        return np.array(rows)


@dataclass(eq=False)
class NerScore(_PairByPair):
    """Mean tag probabilities of a span (`xner.NerScore.v1`; `ner` in Shkalikov's thesis): alpha^(length - 1) times the
    mean probability that the first word has the entity's B- tag and the others its I- tag; the factor applies where
    these are the tagger's best tags.

    Needs `SentencePair.target_labels`. Entities of one label get equal scores: fuse it with others.

    alpha (float): Preference of a whole predicted span over its beginning.
    cutoff (float): Lower scores are 0.
    """

    alpha: float = 1.15
    cutoff: float = 0.05

    def _matrix(self, pair: SentencePair, edges: Edges) -> ScoreMatrix:
        tagger = labels_of(pair)
        labels = sorted({tag[2:] for tag in tagger.labels if tag[:2] in ("B-", "I-")})
        matrix = self._by_entity(pair, {label: self._score(tagger, label, edges) for label in labels}, len(edges))
        matrix[matrix < self.cutoff] = 0.0
        return matrix

    def _by_entity(self, pair: SentencePair, by_label: Dict[str, ScoreMatrix], n_spans: int) -> ScoreMatrix:
        """RETURNS (ScoreMatrix): Each entity's scores, from the (spans,) scores of each label."""
        none = np.zeros(n_spans)
        return np.array([by_label.get(entity[2], none) for entity in pair.entities])

    def _score(self, tagger: TokenLabels, label: str, edges: Edges) -> ScoreMatrix:
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


@dataclass(eq=False)
class TranslationScore:
    """How well an entity and a candidate translate each other (`xner.TranslationScore.v1`): the mean over both
    directions of P(A|B) / P(A|A), with P the geometric mean of the token probabilities. This is NMTScore, direct and
    normalised (Vamvas and Sennrich 2022), as T-Projection (García-Ferrero et al. 2023) and Shkalikov's thesis (`nmt`)
    use it.

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
