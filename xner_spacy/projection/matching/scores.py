"""Scores of spans: by their links to an entity, by a tagger of the target language, and by translation."""

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
    """A score that a subclass computes for one sentence pair at a time."""

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        return [
            self._matrix(pair, np.asarray(spans, dtype=np.int64))
            if len(pair.entities) and len(spans)
            else np.zeros((len(pair.entities), len(spans)))
            for pair, spans in zip(pairs, candidates, strict=True)
        ]

    @abstractmethod
    def _matrix(self, pair: SentencePair, edges: Edges) -> ScoreMatrix:
        """RETURNS (ScoreMatrix): (entities, spans), both at least 1. `edges` (spans, 2) are the starts and ends."""


class AlignScore(_PairByPair):
    """2 * (links between entity and span) / (sum of their lengths in words) (`xner.AlignScore.v1`).

    This is the seed paper's score, in the form of its code (Politov et al. 2025). It is the Dice coefficient for
    one-to-one links, and may exceed 1 for others.
    """

    def options(self, pair: SentencePair, ngrams: Ngrams) -> Options:
        """Score the pruned n-grams of a pair without a matrix: for each entity only the ranges between words that it is
        linked to. RETURNS (Options): For each entity its spans with their scores, by start, then end.
        """
        limits = ngrams.limits(pair.target)
        options: Options = []
        for entity, words in zip(pair.entities, entity_links(pair), strict=True):
            length = entity[1] - entity[0]
            row: List[Option] = []
            words = strongest(words)
            links_ahead = sum(word[1] for word in words)
            for index, (first, first_links, _) in enumerate(words):
                links = 0
                best = 0.0
                for last, count, _ in words[index:]:
                    # A longer span with the same start is useful only if it scores higher. Stop if it can't, even with
                    # all remaining links.
                    if last >= limits[first] or 2.0 * links_ahead / (length + last + 1 - first) <= best:
                        break
                    links += count
                    score = 2.0 * links / (length + last + 1 - first)
                    if score > best:
                        best = score
                        row.append((score, first, last + 1))
                links_ahead -= first_links
            options.append(row)
        return options

    def _matrix(self, pair: SentencePair, edges: Edges) -> ScoreMatrix:
        start, end = edges.T
        rows = []
        for entity, words in zip(pair.entities, entity_links(pair), strict=True):
            counts = np.zeros(len(pair.target) + 1, dtype=np.int64)
            for position, count, _ in words:
                counts[position + 1] = count
            sums = np.cumsum(counts)
            rows.append(2.0 * (sums[end] - sums[start]) / (entity[1] - entity[0] + end - start))
        return np.array(rows)


@dataclass(eq=False)
class NerScore(_PairByPair):
    """Mean tag probabilities of a span (`xner.NerScore.v1`; `ner` in Shkalikov's thesis): alpha^(length - 1) times the
    mean probability that the first word has the entity's B- tag and the others its I- tag; the factor applies only if
    these are the tagger's best tags.

    Needs `SentencePair.target_labels`. Entities with the same label get equal scores, so combine it with other scores.

    alpha (float): Preference for a whole predicted span over its beginning.
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
        zeros = np.zeros(n_spans)
        return np.array([by_label.get(entity[2], zeros) for entity in pair.entities])

    def _score(self, tagger: TokenLabels, label: str, edges: Edges) -> ScoreMatrix:
        column = {tag: k for k, tag in enumerate(tagger.labels)}
        probs = np.asarray(tagger.probs, dtype=np.float64)
        best = probs.argmax(axis=1)
        zeros = np.zeros(len(probs))
        first, rest = column.get(f"B-{label}", -1), column.get(f"I-{label}", -1)
        begin = zeros if first < 0 else probs[:, first]
        inside = zeros if rest < 0 else probs[:, rest]
        sums = np.concatenate([[0.0], np.cumsum(inside)])
        is_inside = np.concatenate([[0], np.cumsum(best == rest)])
        start, end = edges.T
        length = end - start
        mean = (begin[start] + sums[end] - sums[start + 1]) / length
        is_predicted = (best[start] == first) & (is_inside[end] - is_inside[start + 1] == length - 1)
        return np.where(is_predicted, self.alpha ** (length - 1.0), 1.0) * mean


@dataclass(eq=False)
class NerSpansScore(NerScore):
    """Like `NerScore`, but over all labels: whether a span is an entity at all (`xner.NerSpansScore.v1`).

    over (str): Use the best label ("max") or the sum over labels ("sum").
    """

    over: Literal["max", "sum"] = "max"

    def _by_entity(self, pair: SentencePair, by_label: Dict[str, ScoreMatrix], n_spans: int) -> ScoreMatrix:
        stack = np.array([np.zeros(n_spans), *by_label.values()])
        row = stack.max(axis=0) if self.over == "max" else stack.sum(axis=0)
        return np.tile(row, (len(pair.entities), 1))


@dataclass(eq=False)
class TranslationScore:
    """How well an entity and a candidate translate each other (`xner.TranslationScore.v1`): the mean over both
    directions of P(A|B) / P(A|A), where P is the geometric mean of the token probabilities. This is NMTScore, direct
    and normalised (Vamvas and Sennrich 2022), as used by T-Projection (García-Ferrero et al. 2023) and Shkalikov's
    thesis (`nmt`).

    forward (TranslationScorer): Scores translations into the target language.
    backward (Optional[TranslationScorer]): Scores translations into the source language. Without it only the forward
        direction is used.
    cutoff (float): Lower scores are 0.
    normalize (bool): Divide by the probability of the text given itself.
    separator (str): Joins tokens to a text; empty for a script without spaces.
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
            names = [join_words(pair.source[entity[0] : entity[1]], self.separator) for entity in pair.entities]
            texts = [join_words(pair.target[start:end], self.separator) for start, end in spans]
            rows.append((names, texts))
            # A pair of texts that occurs several times in a batch is scored once.
            scores.update(((name, text), 0.0) for name in names for text in texts)
        keys = list(scores)
        totals = self._direction(self.forward, keys)
        if self.backward is not None:
            backward_totals = self._direction(self.backward, [(text, name) for name, text in keys])
            totals = [(forward + backward) / 2 for forward, backward in zip(totals, backward_totals, strict=True)]
        scores.update((key, value if value >= self.cutoff else 0.0) for key, value in zip(keys, totals, strict=True))
        return [
            np.array([[scores[name, text] for text in texts] for name in names]).reshape(len(names), len(texts))
            for names, texts in rows
        ]

    def _direction(self, scorer: TranslationScorer, keys: Sequence[Tuple[str, str]]) -> List[float]:
        """RETURNS (List[float]): P(target|source), over P(target|target) if normalised."""
        direct = score_all(scorer, [source for source, _ in keys], [target for _, target in keys])
        if not self.normalize:
            return [math.exp(value) for value in direct]
        distinct_targets = sorted({target for _, target in keys})
        self_scores = dict(zip(distinct_targets, score_all(scorer, distinct_targets, distinct_targets), strict=True))
        return [math.exp(value - self_scores[target]) for value, (_, target) in zip(direct, keys, strict=True)]


def score_all(scorer: TranslationScorer, sources: Sequence[str], targets: Sequence[str]) -> Sequence[float]:
    """RETURNS (Sequence[float]): One per pair of texts. RAISES: XnerError if the scorer gives more or fewer."""
    values = scorer.score_batch(sources, targets)
    if len(values) != len(targets):
        raise XnerError(
            f"{type(scorer).__name__} gave {len(values)} scores for {len(targets)} translations.",
            "A scorer must return one for each, in order.",
        )
    return values
