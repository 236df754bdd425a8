"""What all projectors share: sentence pairs are freed of blank tokens and checked before they are projected, and no
entity is lost without a reason.
"""

from collections import deque
from typing import Deque, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence

from ..errors import XnerError
from ..text import is_blank_token, trim_span
from ..types import (
    Alignment,
    Entity,
    ProjectedSpan,
    Projection,
    Projector,
    Reason,
    SentencePair,
    TokenLabels,
    Unprojected,
)
from .linked_words import owners

# Target tokens times entities: with ten spans a token a million comparisons.
MOST_CELLS = 100_000


class Prepared(NamedTuple):
    """A sentence pair as projectors see it.

    pair (SentencePair): The pair without blank tokens, and without entities that hold nothing else. Blank tokens then
        are no gap between two words of a name, and no span begins or ends with one.
    given (SentencePair): The pair as it was given.
    entities (Sequence[int]): Per entity of `pair` its index in `given`.
    target (Sequence[int]): Per target token of `pair` its index in `given`.
    """

    pair: SentencePair
    given: SentencePair
    entities: Sequence[int]
    target: Sequence[int]

    def restore(self, projection: Projection) -> Projection:
        """RETURNS (Projection): The projection of `pair`, in the positions of `given`. Every entity of `given` is in
        it, as the source of a span or with a reason.
        """
        if self.pair is self.given:
            return account(self.given, projection)
        spans = [
            ProjectedSpan(
                self.target[s.start], self.target[s.end - 1] + 1, s.label,
                self.entities[s.source], s.score,
            )
            for s in projection.spans
        ]  # fmt: skip
        lost = [Unprojected(self.entities[u.source], u.reason) for u in projection.unprojected]
        gone = set(range(len(self.given.entities))).difference(self.entities)
        lost += [Unprojected(s, Reason.BLANK) for s in gone]
        return account(self.given, Projection(spans, sorted(lost)))


def prepare(pair: SentencePair) -> Prepared:
    """Check a sentence pair, and take its blank tokens out.

    pair (SentencePair): The pair.
    RETURNS (Prepared): What projectors work on, and the way back.
    RAISES: XnerError for a link or an entity outside the sentences, entities that overlap, and label distributions or
        translations of entities that are too few or too many.
    """
    _check(pair)
    source = _visible(pair.source)
    target = _visible(pair.target)
    if source is None and target is None:
        return Prepared(pair, pair, range(len(pair.entities)), range(len(pair.target)))
    source = range(len(pair.source)) if source is None else source
    target = range(len(pair.target)) if target is None else target
    place = {i: k for k, i in enumerate(source)}
    entities: List[Entity] = []
    kept: List[int] = []
    for number, entity in enumerate(pair.entities):
        inside = [place[i] for i in range(entity[0], entity[1]) if i in place]
        if inside:
            entities.append(Entity(inside[0], inside[-1] + 1, *entity[2:]))
            kept.append(number)
    labels, translations = pair.target_labels, pair.entity_translations
    return Prepared(
        SentencePair(
            [pair.source[i] for i in source],
            [pair.target[j] for j in target],
            entities,
            _move(pair.alignment, place, {j: k for k, j in enumerate(target)}),
            None if labels is None else TokenLabels(labels.labels, labels.probs[list(target)]),
            None if translations is None else [translations[s] for s in kept],
        ),
        pair,
        kept,
        target,
    )


def account(pair: SentencePair, projection: Projection) -> Projection:
    """See to it that each entity of a pair has a span or a reason.

    pair (SentencePair): The pair. projection (Projection): What a projector made of it.
    RETURNS (Projection): The projection, with the reason `no_candidate` for entities that it does not name.
    RAISES: XnerError if a span is outside the target, overlaps another, or has no source.
    """
    last = 0
    found = set()
    for span in projection.spans:
        if not last <= span.start < span.end <= len(pair.target):
            raise XnerError(
                f"A projector gave the span ({span.start}, {span.end}) where {last} to {len(pair.target)} was left."
            )
        if not 0 <= span.source < len(pair.entities):
            raise XnerError(f"A projector gave a span of source entity {span.source}: no such one.")
        last = span.end
        found.add(span.source)
    lost = {u.source: u for u in projection.unprojected}
    if len(found) + len(lost) == len(pair.entities) and found.isdisjoint(lost):
        return projection
    reasons = [lost.get(s) or Unprojected(s, Reason.NO_CANDIDATE) for s in range(len(pair.entities)) if s not in found]
    return Projection(projection.spans, reasons)


def checked(projector: Projector, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
    """Use a projector that may be anyone's: what it gives is held to the same rules as ours.

    projector (Projector): The projector. pairs (Iterable[SentencePair]): Sentence pairs.
    YIELDS (Projection): One per pair, in order: no blank token at the edge of a span, every entity with a span or a
        reason.
    RAISES: XnerError if the projector gives too few projections, too many, or spans that can't be.
    """
    waiting: Deque[SentencePair] = deque()

    def noted() -> Iterator[SentencePair]:
        for pair in pairs:
            waiting.append(pair)
            yield pair

    name = type(projector).__name__
    for projection in projector(noted()):
        if not waiting:
            raise XnerError(f"The projector {name} gave more projections than sentences.")
        pair = waiting[0]
        yield account(pair, _trimmed(pair, account(pair, projection)))
        waiting.popleft()
    if waiting:
        raise XnerError(f"The projector {name} gave {len(waiting)} projections too few.")


class BaseProjector:
    """A projector whose subclass fills in `project_pairs`, which never sees a blank token."""

    def __call__(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """Project each pair.

        pairs (Iterable[SentencePair]): Sentence pairs.
        YIELDS (Projection): One per pair, in order.
        RAISES: XnerError for a pair that does not fit together (see `prepare`).
        """
        waiting: Deque[Prepared] = deque()

        def ready() -> Iterator[SentencePair]:
            for pair in pairs:
                waiting.append(prepare(pair))
                yield waiting[-1].pair

        for projection in self.project_pairs(ready()):
            yield waiting.popleft().restore(projection)
        if waiting:
            raise XnerError(f"{type(self).__name__} gave {len(waiting)} projections too few.")

    def project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """Project pairs that were prepared, some of them without entities.

        YIELDS (Projection): One per pair, in order.
        """
        raise NotImplementedError


def too_long(pair: SentencePair) -> bool:
    """RETURNS (bool): Whether a pair is too much for a projector that compares each entity with each target span: more
    than 100,000 target tokens times entities.
    """
    return len(pair.target) * len(pair.entities) > MOST_CELLS


def batches(pairs: Iterable[SentencePair], size: int) -> Iterator[List[SentencePair]]:
    """Cut a stream into batches of at most `size` pairs, and of not much more to compare than one long pair has.

    YIELDS (List[SentencePair]): The batches, in order.
    """
    batch: List[SentencePair] = []
    cells = 0
    for pair in pairs:
        batch.append(pair)
        cells += len(pair.target) * len(pair.entities)
        if len(batch) == size or cells > MOST_CELLS:
            yield batch
            batch, cells = [], 0
    if batch:
        yield batch


def give_up(pair: SentencePair, reason: str) -> Projection:
    """RETURNS (Projection): The projection of a sentence none of whose entities is projected."""
    return Projection([], [Unprojected(s, reason) for s in range(len(pair.entities))])


def _trimmed(pair: SentencePair, projection: Projection) -> Projection:
    if not any(map(is_blank_token, pair.target)):
        return projection
    spans, lost = [], list(projection.unprojected)
    for span in projection.spans:
        edges = trim_span(pair.target, span.start, span.end)
        if edges is None:
            lost.append(Unprojected(span.source, Reason.BLANK))
        else:
            spans.append(span._replace(start=edges[0], end=edges[1]))
    return Projection(spans, lost)


def _check(pair: SentencePair) -> None:
    try:
        pair.alignment.check(len(pair.source), len(pair.target))
    except ValueError as error:
        message = str(error)
        raise XnerError(
            f"{message[:1].upper()}{message[1:]}.",
            "Links are 0-based, source first; line n of every file belongs to line n.",
        ) from None
    if not pair.entities:
        return
    owners(pair.entities, len(pair.source))
    labels, translations = pair.target_labels, pair.entity_translations
    if labels is not None and len(labels.probs) != len(pair.target):
        raise XnerError(
            f"The tagger gave distributions for {len(labels.probs)} tokens of a sentence of {len(pair.target)}."
        )
    if translations is not None and len(translations) != len(pair.entities):
        raise XnerError(f"{len(translations)} translations were given for {len(pair.entities)} source entities.")


def _visible(words: Sequence[str]) -> Optional[Sequence[int]]:
    """RETURNS (Optional[Sequence[int]]): Where the words are that can be seen, None if all can."""
    if not any(map(is_blank_token, words)):
        return None
    return [k for k, word in enumerate(words) if not is_blank_token(word)]


def _move(alignment: Alignment, source: Dict[int, int], target: Dict[int, int]) -> Alignment:
    links, scores = [], []
    for (i, j), score in zip(alignment.links.tolist(), alignment.scores.tolist(), strict=True):
        if i in source and j in target:
            links.append((source[i], target[j]))
            scores.append(score)
    return Alignment(links, scores)
