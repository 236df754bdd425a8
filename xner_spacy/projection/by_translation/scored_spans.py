"""What the projectors by translation share: spans are scored a batch at a time, then chosen for all entities of a
sentence together.
"""

from abc import ABC, abstractmethod
from typing import Iterable, Iterator, List, Tuple

from ...types import ProjectedSpan, Projection, Reason, SentencePair
from ..matching.interfaces import Options
from ..matching.solvers import Limits, solve_exact
from ..projectors import BaseProjector, in_batches, too_long, with_reasons


class ScoredSpansProjector(BaseProjector, ABC):
    """A projector whose subclass scores the spans of a batch, of sentence pairs with entities and target tokens."""

    batch_size: int

    @abstractmethod
    def _score_spans(self, pairs: List[SentencePair]) -> List[Tuple[Options, str]]:
        """RETURNS (List[Tuple[Options, str]]): Per pair the spans, and the reason of entities that have none."""

    def _too_long(self, pair: SentencePair) -> bool:
        """RETURNS (bool): Whether a pair is given up."""
        return too_long(pair)

    def _project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        def fits(pair: SentencePair) -> bool:
            return bool(pair.entities and pair.target) and not self._too_long(pair)

        for pair, scored in in_batches(pairs, self.batch_size, fits, self._score_spans):
            if scored is None:
                yield with_reasons(pair, [], {}, Reason.TOO_LONG if pair.target else Reason.NO_CANDIDATE)
                continue
            options, reason = scored
            reasons = {s: Reason.OVERLAP if row else reason for s, row in enumerate(options)}
            spans = [
                ProjectedSpan(c.start, c.end, pair.entities[c.entity][2], c.entity, c.score)
                for c in solve_exact(options, Limits(0, 1))
            ]
            yield with_reasons(pair, spans, reasons)
