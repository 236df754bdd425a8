"""Candidate matching: target spans are chosen for all entities of a sentence together."""

from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Callable, Container, Dict, Iterable, Iterator, List, Literal, Optional, Sequence, Set, Tuple

import numpy as np
from typing_extensions import TypedDict

from ...errors import XnerError
from ...streams import pools
from ...types import ProjectedSpan, Projection, Reason, SentencePair, TokenPair
from ..linked_words import entity_links
from ..projectors import MOST_CELLS, BaseProjector, in_batches, prepare, too_long, with_reasons
from ..state import pack_state, unpack_state
from .candidates import Ngrams
from .confidence import ALIGN_CONFIDENCE, SPAN_CONFIDENCE, Calibration
from .interfaces import Candidates, Choice, Modifier, Option, Options, Score, ScoredPair
from .phrase_lexicon import LabelVotes, PhraseLexicon
from .scores import AlignScore
from .solvers import parse_limits, solve_exact, solve_greedy
from .span_score import SpanScore

# A pair with its options, and the spans that were chosen.
_Solved = Tuple[SentencePair, Options, List[Choice]]

# How many sentences training keeps of a stream that can be read only once.
TRAIN_LIMIT = 50_000


class _State(TypedDict):
    scores: Dict[str, bytes]
    votes: bytes
    candidates: Optional[bytes]


@dataclass(eq=False)
class MatchingProjector(BaseProjector):
    """Projects by candidate matching (`xner.Matching.v1`; Politov et al. 2025, Shkalikov's thesis). It works without
    training; `train` improves it.

    candidates (Optional[Candidates]): Where candidates come from. By default the span score uses its own, and other
        scores get n-grams pruned by links.
    scores (Optional[Dict[str, Score]]): The scores by a name of your choice. By default the span score with the phrase
        lexicon, or `align` with the greedy solver, which then is the method of the seed paper.
    weights (Optional[Dict[str, float]]): The weight of each score in the sum; 1 by default.
    solver (str): "exact", or "greedy" with the seed's tie order.
    constraint (str): Whether an entity gets "<=", "=" or ">=" `count` spans.
    count (int): See `constraint`.
    min_score (Optional[float]): A span may be chosen for an entity only if its total score is above this. By default
        0.5 for the default scores and 0 for others.
    min_confidence (float): Spans with less confidence are dropped, with the reason `low_score`.
    calibration (Optional[List[float]]): Bias, slope of the score and slope of the margin of the map from scores to
        confidences. By default the built-in map of the `align` or the span score. There is none for sums of several
        scores: the confidence of their spans is the sum, at most 1.
    relabel (bool): After training, use the corpus to correct labels: those of adjectives of names, and of phrases that
        mostly have another label.
    rounds (int): How often the phrase lexicon is learned, each time using the previous one.
    batch_size (int): Sentence pairs that are scored together. Memory use does not depend on the size of the corpus.
    """

    candidates: Optional[Candidates] = None
    # Parts in a dictionary are validated before they are created, so the type can't be `Score` here.
    scores: Optional[Dict[str, Any]] = None
    weights: Optional[Dict[str, float]] = None
    solver: Literal["exact", "greedy"] = "exact"
    constraint: Literal["<=", "=", ">="] = "<="
    count: int = 1
    min_score: Optional[float] = None
    min_confidence: float = 0.0
    calibration: Optional[List[float]] = None
    relabel: bool = True
    rounds: int = 1
    batch_size: int = 128
    votes: LabelVotes = field(init=False, default_factory=LabelVotes, repr=False)

    def __post_init__(self) -> None:
        if self.count < 0 or self.batch_size < 1 or not (self.min_score or 0) >= 0 or self.rounds < 0:
            raise XnerError("count, min_score and rounds must not be negative, batch_size not below 1.")
        if not 0 <= self.min_confidence <= 1:
            raise XnerError(f"min_confidence must be between 0 and 1, not {self.min_confidence}.")
        if self.calibration is not None and len(self.calibration) != 3:
            raise XnerError("calibration takes three numbers: bias, score, margin.")
        default_min_score = 0.5 if self.scores is None and self.solver == "exact" else 0.0
        self._least = default_min_score if self.min_score is None else self.min_score
        self.limits = parse_limits(self.constraint, self.count)
        if self.scores is None and self.solver == "greedy":
            self.scores = {"align": AlignScore()}
        elif self.scores is None:
            self.scores = {"span": SpanScore(), "lexicon": PhraseLexicon()}
        scores = self._parts = self.scores
        self._modifiers = {name: part for name, part in scores.items() if isinstance(part, Modifier)}
        self._scores: Dict[str, Score] = {name: s for name, s in scores.items() if name not in self._modifiers}
        unknown = sorted(set(self.weights or {}) - set(scores))
        if unknown or not self._scores:
            raise XnerError(
                f"weights names no score: {', '.join(unknown)}" if unknown else "No scores given.",
                f"The scores are: {', '.join(scores)}.",
            )
        self._weights = {name: float((self.weights or {}).get(name, 1.0)) for name in scores}
        self._labeller = next((s for s in self._scores.values() if isinstance(s, SpanScore)), None)
        self._skip: Container[str] = frozenset() if self._labeller is None else self._labeller.target_function
        self._candidates: Candidates = Ngrams() if self.candidates is None else self.candidates
        single_score = next(iter(self._scores.values())) if len(self._scores) == 1 else None
        # Set if not every entity has to be compared with every candidate.
        self._sparse: Optional[Callable[[Sequence[SentencePair]], List[Options]]] = None
        if isinstance(single_score, SpanScore) and self.candidates is None:
            self._sparse = single_score.options
        elif isinstance(single_score, AlignScore) and isinstance(self._candidates, Ngrams) and self._candidates.pruned:
            self._sparse = partial(_linked_options, score=single_score, ngrams=self._candidates)
        self.confidence_map: Optional[Calibration] = None
        if self.calibration is not None:
            self.confidence_map = Calibration(*self.calibration)
        elif self.limits.high == 1 and isinstance(single_score, (SpanScore, AlignScore)):
            self.confidence_map = SPAN_CONFIDENCE if isinstance(single_score, SpanScore) else ALIGN_CONFIDENCE

    def _project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        for pair, options, choices in self._solved(self._scored(pairs)):
            yield self._projection(pair, options, choices) if pair.entities else Projection()

    def match(self, pairs: Iterable[SentencePair]) -> Iterator[Tuple[List[Choice], Options]]:
        """Solve without making projections, for fitting and for checks.

        YIELDS (Tuple[List[Choice], Options]): For each pair the choices, with the scores they were matched by, and the
            options. Positions do not count blank tokens (see `projectors.prepare`).
        """
        for _, options in self._scored(prepare(pair).pair for pair in pairs):
            yield self._solve(options), options

    def train(self, pairs: Iterable[SentencePair], bitext: Iterable[TokenPair] = ()) -> None:
        """Learn from the corpus that will be projected: function words, how each entity is translated elsewhere, and
        which label a phrase mostly has. No target labels are needed.

        pairs (Iterable[SentencePair]): The corpus, which is kept in memory. If the stream can be read only once, only
            its first 50,000 pairs are used.
        bitext (Iterable[TokenPair]): More text for the word counts, read once.
        """
        stream = islice(pairs, TRAIN_LIMIT) if iter(pairs) is pairs else pairs
        self._learn([prepare(pair).pair for pair in stream], bitext)

    def train_and_project(
        self, pairs: Sequence[SentencePair], bitext: Iterable[TokenPair] = ()
    ) -> Iterator[Projection]:
        """Learn from a corpus and project it. This is `train` and a call, but the sentences are scored only once.

        RETURNS (Iterator[Projection]): One per pair, in order. RAISES: XnerError for an inconsistent pair.
        """
        prepared_pairs = [prepare(pair) for pair in pairs]
        solved = self._learn([prepared.pair for prepared in prepared_pairs], bitext)
        return (
            prepared.restore(self._projection(pair, options, choices) if pair.entities else Projection())
            for prepared, (pair, options, choices) in zip(prepared_pairs, solved, strict=True)
        )

    def _learn(self, corpus: Sequence[SentencePair], bitext: Iterable[TokenPair]) -> Iterable[_Solved]:
        """RETURNS (Iterable[_Solved]): The pairs with their options and choices, by what was learned."""
        self.votes = LabelVotes()
        for score in self._scores.values():
            if hasattr(score, "train"):
                score.train(corpus, bitext)
        # The few options of a sparse score are kept for the passes below; those of others would need much memory.
        kept = None if self._sparse is None else list(self._unmodified(corpus))
        for modifier in self._modifiers.values():
            for number in range(self.rounds):
                modifier.learn(self._scored(corpus, kept, plain=number == 0), self._skip)
        if not self.relabel:
            return self._solved(self._scored(corpus, kept))
        # Both the votes and the projection need them.
        solved = None if kept is None else list(self._solved(self._scored(corpus, kept)))
        votes = LabelVotes()
        seen: Set[Tuple[int, str, str]] = set()
        for pair, _, choices in self._solved(self._scored(corpus)) if solved is None else solved:
            for choice in choices:
                phrase, label = pair.target[choice.start : choice.end], self._own_label(pair, choice)
                # A sentence that occurs several times in the corpus has one vote for a phrase.
                vote = (pair.key, " ".join(phrase), label)
                if vote not in seen:
                    seen.add(vote)
                    votes.add(phrase, label)
        self.votes = votes
        return self._solved(self._scored(corpus)) if solved is None else solved

    def _solved(self, scored: Iterable[ScoredPair]) -> Iterator[_Solved]:
        for pair, options in scored:
            yield pair, options, self._solve(options) if pair.entities else []

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The learned state."""
        candidates_state = getattr(self._candidates, "to_bytes", None)
        fields = {
            "scores": {name: part.to_bytes() for name, part in self._parts.items() if hasattr(part, "to_bytes")},
            "votes": self.votes.to_bytes(),
            "candidates": candidates_state() if candidates_state else None,
        }
        return pack_state("xner.Matching.v1", 2, fields)

    def from_bytes(self, data: bytes) -> "MatchingProjector":
        """Load what `to_bytes` returned. RETURNS (MatchingProjector): Itself. RAISES: InputError, XnerError."""
        state = unpack_state(data, "xner.Matching.v1", 2, _State, lambda old: {**old, "candidates": None})
        has_state = {name for name, part in self._parts.items() if hasattr(part, "from_bytes")}
        load_candidates = getattr(self._candidates, "from_bytes", None)
        if has_state != set(state["scores"]) or (state["candidates"] is None) != (load_candidates is None):
            raise XnerError(
                f"The stored projector learned for the scores {sorted(state['scores'])}, "
                f"this one has {sorted(has_state)}.",
                "Load it with the config that it was made with, or train it anew.",
            )
        votes = LabelVotes().from_bytes(state["votes"])
        for name, learned in state["scores"].items():
            self._parts[name].from_bytes(learned)
        if load_candidates is not None:
            load_candidates(state["candidates"])
        self.votes = votes
        return self

    def _scored(
        self, pairs: Iterable[SentencePair], unmodified: Optional[Iterable[ScoredPair]] = None, plain: bool = False
    ) -> Iterator[ScoredPair]:
        """YIELDS (ScoredPair): Pairs with all options above the minimum score. `unmodified`: What `_unmodified` gives
        for these pairs, if that is known. `plain` leaves the modifiers out.
        """
        scored = self._unmodified(pairs) if unmodified is None else iter(unmodified)
        for name, modifier in self._modifiers.items():
            if self._weights[name] and not plain:
                scored = modifier.adjust(scored, self._skip)
        least = self._least
        for pair, options in scored:
            yield pair, [[option for option in row if option[0] > least] for row in options]

    def _unmodified(self, pairs: Iterable[SentencePair]) -> Iterator[ScoredPair]:
        if self._sparse is not None:
            factor = next(self._weights[name] for name in self._scores)
            for batch in pools(pairs, self.batch_size, MOST_CELLS, _tokens):
                with_entities = [pair for pair in batch if pair.entities]
                results = iter(self._sparse(with_entities))
                for pair in batch:
                    options = next(results) if pair.entities else []
                    if factor != 1.0:
                        options = [[(score * factor, start, end) for score, start, end in row] for row in options]
                    yield pair, options
            return
        for pair, scored in in_batches(pairs, self.batch_size, too_long, self._fuse):
            yield pair, [[] for _ in pair.entities] if scored is None else scored

    def _fuse(self, pairs: Sequence[SentencePair]) -> List[Options]:
        """RETURNS (List[Options]): For each pair the weighted sums of the scores of all candidates."""
        spans = self._candidates(pairs)
        if len(spans) != len(pairs):
            raise XnerError(
                f"{type(self._candidates).__name__} gave candidates for {len(spans)} of {len(pairs)} sentences."
            )
        totals = [np.zeros((len(pair.entities), len(row))) for pair, row in zip(pairs, spans, strict=True)]
        for name, score in self._scores.items():
            matrices = score(pairs, spans)
            if [matrix.shape for matrix in matrices] != [total.shape for total in totals]:
                raise XnerError(
                    f"The score {name!r} ({type(score).__name__}) gave a matrix of the wrong shape.",
                    "It must have one row for each entity and one column for each candidate.",
                )
            for total, matrix in zip(totals, matrices, strict=True):
                total += self._weights[name] * matrix
        return [
            [[(float(row[k]), *candidates[k]) for k in np.flatnonzero(row > 0).tolist()] for row in total]
            for candidates, total in zip(spans, totals, strict=True)
        ]

    def _solve(self, options: Options) -> List[Choice]:
        if self.solver == "exact":
            return solve_exact(options, self.limits)
        return sorted(solve_greedy(options, self.limits), key=lambda c: c.start)

    def _label(self, pair: SentencePair, choice: Choice) -> str:
        label = self._own_label(pair, choice)
        if not self.relabel or self._labeller is None:
            return label
        return self.votes.label(pair.target[choice.start : choice.end], label)

    def _own_label(self, pair: SentencePair, choice: Choice) -> str:
        """RETURNS (str): The label of a span without the votes of the corpus."""
        entity = pair.entities[choice.entity]
        if not self.relabel or self._labeller is None:
            return entity[2]
        return self._labeller.relabel(pair, entity, choice.start, choice.end)

    def _projection(self, pair: SentencePair, options: Options, choices: Sequence[Choice]) -> Projection:
        spans: List[ProjectedSpan] = []
        reasons: Dict[int, str] = {}
        for choice in choices:
            source = choice.entity
            confidence = max(0.0, min(1.0, choice.score))
            if self.confidence_map is not None:
                confidence = self.confidence_map(choice.score, choice.score - rival_score(choice, options[source]))
            if confidence < self.min_confidence:
                reasons[source] = Reason.LOW_SCORE
            else:
                spans.append(ProjectedSpan(choice.start, choice.end, self._label(pair, choice), source, confidence))
        missing = set(range(len(pair.entities))) - {span.source for span in spans} - set(reasons)
        linked = entity_links(pair) if missing else []
        for source in missing:
            if options[source] and self.limits.high != 0:
                reasons[source] = Reason.OVERLAP
            elif self._sparse is None and too_long(pair):
                reasons[source] = Reason.TOO_LONG
            else:
                reasons[source] = Reason.NO_CANDIDATE if linked[source] else Reason.NO_LINKS
        return with_reasons(pair, spans, reasons)


def rival_score(choice: Choice, row: Sequence[Option]) -> float:
    """RETURNS (float): The best score among the entity's other options, at least 0 (no span)."""
    return max([0.0, *(score for score, start, end in row if (start, end) != (choice.start, choice.end))])


def _linked_options(pairs: Sequence[SentencePair], score: AlignScore, ngrams: Ngrams) -> List[Options]:
    return [score.options(pair, ngrams) for pair in pairs]


def _tokens(pair: SentencePair) -> int:
    return len(pair.source) + len(pair.target)
