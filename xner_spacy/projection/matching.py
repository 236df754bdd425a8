"""Candidate matching: target spans are chosen for all entities of a sentence together."""

from itertools import islice
from typing import Dict, Iterable, Iterator, List, Literal, Optional, Sequence

import numpy as np

from ..errors import XnerError
from ..types import ProjectedSpan, Projection, Projector, Reason, SentencePair, Unprojected
from .candidates import Candidates, Ngrams, Span, make_ngrams
from .links import entity_links
from .scores import AlignScore, Score, ScoreMatrix, make_align_score
from .solvers import Choice, Limits, Option, parse_limits, solve_exact, solve_greedy


def make_matching(
    candidates: Optional[Candidates] = None,
    scores: Optional[Dict[str, Score]] = None,
    weights: Optional[Dict[str, float]] = None,
    solver: Literal["exact", "greedy"] = "exact",
    constraint: Literal["<=", "=", ">="] = "<=",
    count: int = 1,
    min_score: float = 0.0,
    batch_size: int = 128,
) -> Projector:
    """Create candidate matching (`xner.Matching.v1`; Politov et al. 2025, Shkalikov's thesis).

    candidates (Optional[Candidates]): Where candidates come from; n-grams pruned by links unless
        given.
    scores (Optional[Dict[str, Score]]): The scores by a name of your choice; `align` unless given.
    weights (Optional[Dict[str, float]]): What each score is multiplied by in the sum; 1 where not
        stated.
    solver (str): "exact", or "greedy" with the seed's tie order.
    constraint (str): Whether an entity gets "<=", "=" or ">=" `count` spans.
    count (int): See `constraint`.
    min_score (float): A span is a choice for an entity only if its total score is greater than
        this, and than 0.
    batch_size (int): Sentence pairs that are scored together. Memory does not depend on the corpus.
    RETURNS (Projector): The projector.
    """
    if count < 0 or batch_size < 1 or min_score < 0:
        raise XnerError("count and min_score must not be negative, batch_size not below 1.")
    used: Dict[str, Score] = {"align": make_align_score()} if scores is None else dict(scores)
    unknown = sorted(set(weights or {}) - set(used))
    if unknown or not used:
        raise XnerError(
            f"weights names no score: {', '.join(unknown)}" if unknown else "No scores given.",
            f"The scores are: {', '.join(used)}.",
        )
    factors = {name: float((weights or {}).get(name, 1.0)) for name in used}
    source = make_ngrams() if candidates is None else candidates
    limits = parse_limits(constraint, count)
    return MatchingProjector(source, used, factors, solver, limits, min_score, batch_size)


class MatchingProjector:
    """Projects by candidate matching. See `make_matching` for the settings."""

    def __init__(
        self,
        candidates: Candidates,
        scores: Dict[str, Score],
        weights: Dict[str, float],
        solver: str,
        limits: Limits,
        min_score: float,
        batch_size: int,
    ) -> None:
        self.candidates = candidates
        self.scores = scores
        self.weights = weights
        self.solver = solver
        self.limits = limits
        self.min_score = min_score
        self.batch_size = batch_size

    def __call__(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """Project each pair. The spans' score is the total score of the match.

        pairs (Iterable[SentencePair]): Sentence pairs.
        YIELDS (Projection): One per pair, in order.
        """
        ngrams = self._fast()
        if ngrams is not None:
            for pair in pairs:
                yield self._project_align(pair, ngrams) if pair.entities else Projection()
            return
        rest = iter(pairs)
        while batch := list(islice(rest, self.batch_size)):
            labelled = [pair for pair in batch if pair.entities]
            spans = self.candidates(labelled)
            matrices = self.score(labelled, spans)
            done = iter(
                [self._solve(p, s, m) for p, s, m in zip(labelled, spans, matrices, strict=True)]
            )
            for pair in batch:
                yield next(done) if pair.entities else Projection()

    def score(
        self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]
    ) -> List[ScoreMatrix]:
        """RETURNS (List[ScoreMatrix]): Per pair the weighted sum of the scores, (entities,
        candidates).
        """
        total: List[ScoreMatrix] = [
            np.zeros((len(p.entities), len(c))) for p, c in zip(pairs, candidates, strict=True)
        ]
        for name, score in self.scores.items():
            for out, matrix in zip(total, score(pairs, candidates), strict=True):
                out += self.weights[name] * matrix
        return total

    def _fast(self) -> Optional[Ngrams]:
        """RETURNS (Optional[Ngrams]): The candidates, if all there is to do is the align score
        solved exactly.
        """
        if (
            self.solver == "exact"
            and isinstance(self.candidates, Ngrams)
            and self.candidates.pruned
            and len(self.scores) == 1
            and all(isinstance(score, AlignScore) for score in self.scores.values())
        ):
            return self.candidates
        return None

    def _project_align(self, pair: SentencePair, ngrams: Ngrams) -> Projection:
        """The align score needs no matrix: an entity's options are the ranges between its own
        linked words.
        """
        (weight,) = self.weights.values()
        least = self.min_score
        target = pair.target
        longest = len(target) if ngrams.max_words is None else ngrams.max_words
        stop = ngrams.stops(target)
        linked = entity_links(pair)
        options: List[List[Option]] = []
        for entity, words in zip(pair.entities, linked, strict=True):
            length = entity[1] - entity[0]
            mine: List[Option] = []
            for x, (a, _, _) in enumerate(words):
                limit = min(a + longest, stop[a])
                links = 0
                for b, n, _ in words[x:]:
                    if b >= limit:
                        break
                    links += n
                    score = weight * (2.0 * links / (length + b + 1 - a))
                    if score > least:
                        mine.append((score, a, b + 1))
            options.append(mine)
        return self._collect(pair, solve_exact(options, self.limits), options)

    def _solve(self, pair: SentencePair, spans: Sequence[Span], matrix: ScoreMatrix) -> Projection:
        allowed = matrix > self.min_score
        options: List[List[Option]] = []
        for s in range(len(pair.entities)):
            columns = np.flatnonzero(allowed[s]).tolist()
            options.append([(float(matrix[s, t]), *spans[t]) for t in columns])
        if self.solver == "greedy":
            chosen = solve_greedy(np.where(allowed, matrix, 0.0), spans, self.limits)
        else:
            chosen = solve_exact(options, self.limits)
        return self._collect(pair, chosen, options)

    def _collect(
        self, pair: SentencePair, chosen: Sequence[Choice], options: Sequence[Sequence[Option]]
    ) -> Projection:
        entities = pair.entities
        found = {c.entity for c in chosen}
        spans = [
            ProjectedSpan(c.start, c.end, entities[c.entity][2], c.entity, c.score) for c in chosen
        ]
        spans.sort()
        if len(found) == len(entities):
            return Projection(spans)
        linked = entity_links(pair)
        missing: List[Unprojected] = []
        for s in range(len(entities)):
            if s not in found:
                if options[s]:
                    reason = Reason.OVERLAP
                else:
                    reason = Reason.NO_CANDIDATE if linked[s] else Reason.NO_LINKS
                missing.append(Unprojected(s, reason))
        return Projection(spans, missing)
