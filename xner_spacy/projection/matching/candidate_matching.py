"""Candidate matching: target spans are chosen for all entities of a sentence together."""

from itertools import islice
from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Literal,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

import numpy as np
from typing_extensions import TypedDict

from ...errors import XnerError
from ...types import (
    ProjectedSpan,
    Projection,
    Reason,
    SentencePair,
    TokenPair,
    TrainableProjector,
    Unprojected,
)
from ..linked_words import entity_links
from ..projectors import BaseProjector, batches, prepare, too_long
from ..state import pack_state, unpack_state
from .align_score import AlignScore, make_align_score
from .candidates import Ngrams, make_ngrams
from .confidence import Calibration
from .interfaces import Candidates, Choice, Modifier, Option, Options, Score
from .phrase_lexicon import LabelVotes, make_phrase_lexicon, sentence_key
from .solvers import Limits, parse_limits, solve_exact, solve_greedy
from .span_score import SpanScore, make_span_score


class _State(TypedDict):
    scores: Dict[str, bytes]
    votes: bytes
    candidates: Optional[bytes]


# Maps from score and margin to confidence, fitted on the embedded Icelandic-English corpus (see
# docs/projection.md), for the two scores that stand alone.
CALIBRATIONS = {
    "align": Calibration(0.20, 2.34, 0.74),
    "span": Calibration(0.71, 0.0, 0.76),
}

# Sentences that training keeps when it is given a stream that can be read only once.
TRAIN_LIMIT = 50_000


def make_matching(
    candidates: Optional[Candidates] = None,
    # Parts inside a dictionary are checked before they are made: the config cannot say `Score`
    # here.
    scores: Optional[Dict[str, Any]] = None,
    weights: Optional[Dict[str, float]] = None,
    solver: Literal["exact", "greedy"] = "exact",
    constraint: Literal["<=", "=", ">="] = "<=",
    count: int = 1,
    min_score: Optional[float] = None,
    min_confidence: float = 0.0,
    calibration: Optional[List[float]] = None,
    relabel: bool = True,
    rounds: int = 1,
    batch_size: int = 128,
) -> TrainableProjector:
    """Create candidate matching (`xner.Matching.v1`; Politov et al. 2025, Shkalikov's thesis).

    candidates (Optional[Candidates]): Where candidates come from. Unless given, the span score
        brings its own, and other scores get n-grams pruned by links.
    scores (Optional[Dict[str, Score]]): The scores by a name of your choice. Unless given: the span
        score with the phrase lexicon, or `align` for the greedy solver, which then is the seed
        paper's.
    weights (Optional[Dict[str, float]]): What each score is multiplied by in the sum; 1 where not
        stated.
    solver (str): "exact", or "greedy" with the seed's tie order.
    constraint (str): Whether an entity gets "<=", "=" or ">=" `count` spans.
    count (int): See `constraint`.
    min_score (Optional[float]): A span is a choice for an entity only if its total score is greater
        than this, and than 0. Unless given, 0.5 for the default scores and 0 for others.
    min_confidence (float): Spans with less confidence are given up, with the reason `low_score`.
    calibration (Optional[List[float]]): Bias, slope of the score and slope of the margin of the map
        from scores to confidences. Unless given, the shipped map of the `align` or the span score;
        sums of several scores have none, and their spans carry the sum, cut at 1.
    relabel (bool): Let a corpus that was trained on correct labels: adjectives of names, and
        phrases that mostly have another label.
    rounds (int): Times that the phrase lexicon is learned, each time with the last one's help.
    batch_size (int): Sentence pairs that are scored together. Memory does not depend on the corpus.
    RETURNS (TrainableProjector): The projector. It works untrained; `train` makes it better.
    """
    if count < 0 or batch_size < 1 or not (min_score or 0) >= 0 or rounds < 0:
        raise XnerError("count, min_score and rounds must not be negative, batch_size not below 1.")
    if not 0 <= min_confidence <= 1:
        raise XnerError(f"min_confidence must be between 0 and 1, not {min_confidence}.")
    least = 0.0
    if scores is None:
        if solver == "greedy":
            scores = {"align": make_align_score()}
        else:
            scores = {"span": make_span_score(), "lexicon": make_phrase_lexicon()}
            least = 0.5
    unknown = sorted(set(weights or {}) - set(scores))
    if unknown or all(isinstance(s, Modifier) for s in scores.values()):
        raise XnerError(
            f"weights names no score: {', '.join(unknown)}" if unknown else "No scores given.",
            f"The scores are: {', '.join(scores)}.",
        )
    if calibration is not None and len(calibration) != 3:
        raise XnerError("calibration takes three numbers: bias, score, margin.")
    return MatchingProjector(
        candidates,
        dict(scores),
        {name: float((weights or {}).get(name, 1.0)) for name in scores},
        solver,
        parse_limits(constraint, count),
        least if min_score is None else min_score,
        min_confidence,
        None if calibration is None else Calibration(*calibration),
        relabel,
        rounds,
        batch_size,
    )


class MatchingProjector(BaseProjector):
    """Projects by candidate matching. See `make_matching` for the settings."""

    def __init__(
        self,
        candidates: Optional[Candidates],
        scores: Dict[str, Union[Score, Modifier]],
        weights: Dict[str, float],
        solver: str,
        limits: Limits,
        min_score: float,
        min_confidence: float,
        calibration: Optional[Calibration],
        relabel: bool,
        rounds: int,
        batch_size: int,
    ) -> None:
        self.scores: Dict[str, Score] = {}
        self.modifiers: Dict[str, Modifier] = {}
        for name, score in scores.items():
            if isinstance(score, Modifier):
                self.modifiers[name] = score
            else:
                self.scores[name] = score
        self.weights = weights
        self.solver = solver
        self.limits = limits
        self.min_score = min_score
        self.min_confidence = min_confidence
        self.relabel = relabel
        self.rounds = rounds
        self.batch_size = batch_size
        self.votes = LabelVotes()
        only = next(iter(self.scores.values())) if len(self.scores) == 1 else None
        self.align = only if isinstance(only, AlignScore) else None
        self.span = only if isinstance(only, SpanScore) and candidates is None else None
        self.labeller = next((s for s in scores.values() if isinstance(s, SpanScore)), None)
        self.candidates: Candidates = make_ngrams() if candidates is None else candidates
        ngrams = self.candidates if isinstance(self.candidates, Ngrams) else None
        self.ngrams = ngrams if ngrams is not None and ngrams.pruned else None
        # Whether each entity is compared with each candidate.
        self.dense = self.span is None and (self.align is None or self.ngrams is None)
        self.calibration = calibration
        if calibration is None and self.limits.high == 1:
            if self.align is not None:
                self.calibration = CALIBRATIONS["align"]
            elif isinstance(only, SpanScore):
                self.calibration = CALIBRATIONS["span"]

    def project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """Project each pair.

        pairs (Iterable[SentencePair]): Sentence pairs.
        YIELDS (Projection): One per pair, in order. The spans' score is the confidence.
        """
        for pair, options in self._scored(pairs):
            yield self._project(pair, options) if pair.entities else Projection()

    def match(self, pairs: Iterable[SentencePair]) -> Iterator[Tuple[List[Choice], Options]]:
        """Solve without making a projection of it: for those who fit or check. Positions are those of the pairs without
        blank tokens (see `base.prepare`).

        YIELDS (Tuple[List[Choice], Options]): Per pair the choices, scores as matched, and the
            options.
        """
        for _, options in self._scored(prepare(pair).pair for pair in pairs):
            yield self._solve(options), options

    def train(self, pairs: Iterable[SentencePair], bitext: Iterable[TokenPair] = ()) -> None:
        """Learn from the corpus that is to be projected: function words, how each entity is
        rendered elsewhere, and which label a phrase mostly has. No target labels are needed.

        pairs (Iterable[SentencePair]): The corpus, which is kept in memory; of a stream that can be
            read only once the first 50,000 pairs.
        bitext (Iterable[TokenPair]): More text for the word counts, read once.
        """
        stream = islice(pairs, TRAIN_LIMIT) if iter(pairs) is pairs else pairs
        corpus = [prepare(pair).pair for pair in stream]
        self.votes = LabelVotes()
        for score in self.scores.values():
            if hasattr(score, "train"):
                score.train(corpus, bitext)
        for modifier in self.modifiers.values():
            for number in range(self.rounds):
                scored = self._scored(corpus, plain=number == 0)
                modifier.learn(scored, self._skip())
        if self.relabel:
            votes = LabelVotes()
            seen: Set[Tuple[int, str, str]] = set()
            for pair, options in self._scored(corpus):
                for c in self._solve(options) if pair.entities else ():
                    phrase, label = pair.target[c.start : c.end], self._label(pair, c)
                    # A sentence that the corpus holds many times has one vote for a phrase.
                    vote = (sentence_key(pair), " ".join(phrase), label)
                    if vote not in seen:
                        seen.add(vote)
                        votes.add(phrase, label)
            self.votes = votes

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What was learned."""
        parts = {**self.scores, **self.modifiers}
        state = {n: s.to_bytes() for n, s in parts.items() if hasattr(s, "to_bytes")}
        candidates = getattr(self.candidates, "to_bytes", None)
        return pack_state(
            "xner.Matching.v1",
            2,
            {
                "scores": state,
                "votes": self.votes.to_bytes(),
                "candidates": candidates() if candidates else None,
            },
        )

    def from_bytes(self, data: bytes) -> "MatchingProjector":
        """Take on what `to_bytes` gave. RETURNS (MatchingProjector): Itself. RAISES: InputError, XnerError."""
        state = unpack_state(data, "xner.Matching.v1", 2, _State, lambda old: {**old, "candidates": None})
        parts: Dict[str, Any] = {**self.scores, **self.modifiers}
        has_state = {name for name, part in parts.items() if hasattr(part, "from_bytes")}
        if has_state != set(state["scores"]) or (state["candidates"] is not None) != hasattr(
            self.candidates, "from_bytes"
        ):
            raise XnerError(
                f"The stored projector learned for the scores {sorted(state['scores'])}, "
                f"this one has {sorted(has_state)}.",
                "Load it with the config that it was made with, or train it anew.",
            )
        votes = LabelVotes().from_bytes(state["votes"])
        for name, learned in state["scores"].items():
            parts[name].from_bytes(learned)
        if state["candidates"] is not None:
            self.candidates.from_bytes(state["candidates"])  # type: ignore[attr-defined]
        self.votes = votes
        return self

    def _skip(self) -> Any:
        return self.labeller.target_function if self.labeller is not None else frozenset()

    def _scored(self, pairs: Iterable[SentencePair], plain: bool = False) -> Iterator[Tuple[SentencePair, Options]]:
        """YIELDS (Tuple[SentencePair, Options]): Pairs with all that may be chosen; `plain` leaves
        the modifiers out.
        """
        for pair, options in self._base(pairs):
            if pair.entities:
                if not plain:
                    for name, modifier in self.modifiers.items():
                        if self.weights[name]:
                            options = modifier.adjust(pair, options, self._skip())
                least = self.min_score
                options = [[o for o in mine if o[0] > least and o[0] > 0] for mine in options]
            yield pair, options

    def _base(self, pairs: Iterable[SentencePair]) -> Iterator[Tuple[SentencePair, Options]]:
        factor = next(iter(self.weights[n] for n in self.scores))
        if not self.dense:
            for pair in pairs:
                options: Options = []
                if pair.entities:
                    if self.span is not None:
                        options = self.span.options(pair)
                    elif self.align is not None and self.ngrams is not None:
                        options = self.align.options(pair, self.ngrams)
                    if factor != 1.0:
                        options = [[(w * factor, a, b) for w, a, b in mine] for mine in options]
                yield pair, options
            return
        for batch in batches(pairs, self.batch_size):
            done = iter(self._matrices([p for p in batch if p.entities and not too_long(p)]))
            for pair in batch:
                if not pair.entities:
                    yield pair, []
                elif too_long(pair):
                    yield pair, [[] for _ in pair.entities]
                else:
                    yield pair, next(done)

    def _matrices(self, pairs: Sequence[SentencePair]) -> List[Options]:
        if not pairs:
            return []
        spans = self.candidates(pairs)
        if len(spans) != len(pairs):
            raise XnerError(
                f"{type(self.candidates).__name__} gave candidates for {len(spans)} of {len(pairs)} sentences."
            )
        totals = [np.zeros((len(p.entities), len(c))) for p, c in zip(pairs, spans, strict=True)]
        for name, score in self.scores.items():
            matrices = score(pairs, spans)
            if [m.shape for m in matrices] != [t.shape for t in totals]:
                raise XnerError(
                    f"The score {name!r} ({type(score).__name__}) gave a matrix of another form than "
                    "one row an entity and one column a candidate."
                )
            for out, matrix in zip(totals, matrices, strict=True):
                out += self.weights[name] * matrix
        result: List[Options] = []
        for mine, matrix in zip(spans, totals, strict=True):
            result.append([[(float(row[t]), *mine[t]) for t in np.flatnonzero(row > 0).tolist()] for row in matrix])
        return result

    def _solve(self, options: Options) -> List[Choice]:
        if self.solver == "exact":
            return solve_exact(options, self.limits)
        return sorted(solve_greedy(options, self.limits), key=lambda c: c.start)

    def _label(self, pair: SentencePair, choice: Choice) -> str:
        entity = pair.entities[choice.entity]
        if not self.relabel or self.labeller is None:
            return entity[2]
        label = self.labeller.relabel(pair, entity, choice.start, choice.end)
        return self.votes.label(pair.target[choice.start : choice.end], label)

    def confidence(self, choice: Choice, mine: Sequence[Option]) -> float:
        """RETURNS (float): Confidence of a choice among the options of its entity."""
        if self.calibration is None:
            return max(0.0, min(1.0, choice.score))
        return self.calibration(choice.score, choice.score - rival_score(choice, mine))

    def _project(self, pair: SentencePair, options: Options) -> Projection:
        spans: List[ProjectedSpan] = []
        reasons: Dict[int, str] = {}
        found = set()
        for choice in self._solve(options):
            s = choice.entity
            confidence = self.confidence(choice, options[s])
            if confidence < self.min_confidence:
                reasons[s] = Reason.LOW_SCORE
                continue
            found.add(s)
            spans.append(ProjectedSpan(choice.start, choice.end, self._label(pair, choice), s, confidence))
        if len(found) == len(pair.entities):
            return Projection(spans)
        linked: Optional[list] = None
        missing: List[Unprojected] = []
        for s in range(len(pair.entities)):
            if s in found:
                continue
            reason = reasons.get(s)
            if reason is None and options[s] and self.limits.high != 0:
                reason = Reason.OVERLAP
            if reason is None and self.dense and too_long(pair):
                reason = Reason.TOO_LONG
            if reason is None:
                linked = entity_links(pair) if linked is None else linked
                reason = Reason.NO_CANDIDATE if linked[s] else Reason.NO_LINKS
            missing.append(Unprojected(s, reason))
        return Projection(spans, missing)


def rival_score(choice: Choice, mine: Sequence[Option]) -> float:
    """RETURNS (float): The best score among the entity's other options, at least 0 (no span)."""
    best = 0.0
    for score, a, b in mine:
        if score > best and (a != choice.start or b != choice.end):
            best = score
    return best
