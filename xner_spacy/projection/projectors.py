"""What all projectors share: sentence pairs are checked and their blank tokens removed before they are projected, and
every entity gets a span or a reason.
"""

from abc import ABC, abstractmethod
from itertools import accumulate, compress, groupby, tee
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from ..errors import XnerError
from ..streams import paired, pools
from ..text import has_blank_token, is_blank_token, trim_span
from ..types import (
    Alignment,
    Entity,
    ProjectedSpan,
    Projection,
    Projector,
    Reason,
    SentencePair,
    TokenPair,
    Unprojected,
)
from .linked_words import owners
from .matching.interfaces import Options
from .matching.solvers import Limits, solve_exact

# Target tokens times entities. With ten spans for each token this means a million comparisons.
MOST_CELLS = 100_000

Result = TypeVar("Result")
Range = TypeVar("Range", bound=tuple)


class Prepared(NamedTuple):
    """A sentence pair as projectors see it: without blank tokens, and without entities that consist of them. So a blank
    token makes no gap between two words of a name, and no span begins or ends with one.
    """

    pair: SentencePair
    given: SentencePair
    entities: Sequence[int]  # for each entity of `pair` its index in `given`
    target: Sequence[int]  # for each target token of `pair` its index in `given`

    def restore(self, projection: Projection) -> Projection:
        """RETURNS (Projection): The projection of `pair`, with the positions of `given`. It has a span or a reason for
        every entity of `given`.
        """
        projection = account(self.pair, projection)
        if self.pair is self.given:
            return projection
        spans = [
            s._replace(start=self.target[s.start], end=self.target[s.end - 1] + 1, source=self.entities[s.source])
            for s in projection.spans
        ]
        reasons = {self.entities[unprojected.source]: unprojected.reason for unprojected in projection.unprojected}
        return with_reasons(self.given, spans, reasons, Reason.BLANK)


def prepare(pair: SentencePair) -> Prepared:
    """Check a sentence pair, and remove its blank tokens.

    RETURNS (Prepared): The pair that projectors work on, and what is needed to restore the original positions.
    RAISES: XnerError for a link or an entity outside the sentences, overlapping entities, or the wrong number of label
        distributions or translated entities.
    """
    _check(pair)
    if not has_blank_token(pair.source) and not has_blank_token(pair.target):
        return Prepared(pair, pair, range(len(pair.entities)), range(len(pair.target)))
    source_seen, target_seen = ([not is_blank_token(word) for word in side] for side in (pair.source, pair.target))
    # How many visible tokens come before each token.
    source_place, target_place = ([0, *accumulate(seen)] for seen in (source_seen, target_seen))
    entities = {
        number: Entity(source_place[entity[0]], source_place[entity[1]], *entity[2:])
        for number, entity in enumerate(pair.entities)
        if source_place[entity[0]] < source_place[entity[1]]
    }
    links = [
        (source_place[i], target_place[j], score)
        for (i, j), score in zip(pair.alignment.links.tolist(), pair.alignment.scores.tolist(), strict=True)
        if source_seen[i] and target_seen[j]
    ]
    target = list(compress(range(len(pair.target)), target_seen))
    labels, translations = pair.target_labels, pair.entity_translations
    visible = SentencePair(
        list(compress(pair.source, source_seen)),
        list(compress(pair.target, target_seen)),
        list(entities.values()),
        Alignment([link[:2] for link in links], [score for _, _, score in links]),
        None if labels is None else labels._replace(probs=labels.probs[target]),
        None if translations is None else [translations[number] for number in entities],
    )
    return Prepared(visible, pair, list(entities), target)


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


def with_reasons(
    pair: SentencePair, spans: List[ProjectedSpan], reasons: Dict[int, str], otherwise: str = Reason.NO_CANDIDATE
) -> Projection:
    """RETURNS (Projection): The spans, and each entity without a span with its reason, or `otherwise`."""
    sources = {span.source for span in spans}
    missing = [source for source in range(len(pair.entities)) if source not in sources]
    return Projection(spans, [Unprojected(source, reasons.get(source, otherwise)) for source in missing])


def account(pair: SentencePair, projection: Projection) -> Projection:
    """RETURNS (Projection): A projector's result, with the reason `no_candidate` for entities that it does not mention.
    RAISES: XnerError if a span is outside the target, overlaps another, or has no source.
    """
    last = 0
    for span in projection.spans:
        if not last <= span.start < span.end <= len(pair.target):
            raise XnerError(
                f"A projector gave the span ({span.start}, {span.end}) where {last} to {len(pair.target)} was left."
            )
        if not 0 <= span.source < len(pair.entities):
            raise XnerError(f"A projector gave a span of source entity {span.source}: no such one.")
        last = span.end
    return with_reasons(pair, projection.spans, {u.source: u.reason for u in projection.unprojected})


def checked(projector: Projector, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
    """Use a projector that may be user-defined, and enforce the rules that those of xner_spacy keep.

    YIELDS (Projection): One per pair, in order. No span begins or ends with a blank token, and every entity has a span
        or a reason. RAISES: XnerError if the projector gives too few or too many projections, or impossible spans.
    """
    if type(projector).__call__ is BaseProjector.__call__:
        yield from projector(pairs)  # keeps these rules already
        return
    expected, read = tee(pairs)  # however far the projector reads ahead
    who = f"The projector {type(projector).__name__}"
    for pair, projection in paired(expected, projector(read), who, given="projections"):
        yield _trimmed(pair, account(pair, projection))


def learn_and_project(
    projector: Projector, pairs: Sequence[SentencePair], bitext: Iterable[TokenPair] = ()
) -> Iterator[Projection]:
    """Project a corpus, after the projector has learned from it and from a larger bitext, if it can learn.

    RETURNS (Iterator[Projection]): See `checked`.
    """
    own_rules = type(projector).__call__ is BaseProjector.__call__  # as in `checked`
    if own_rules and hasattr(projector, "train_and_project"):
        projections: Iterator[Projection] = projector.train_and_project(pairs, bitext)
        return projections
    if hasattr(projector, "train"):
        projector.train(pairs, bitext)
    return checked(projector, pairs)


def _trimmed(pair: SentencePair, projection: Projection) -> Projection:
    spans = []
    reasons = {unprojected.source: unprojected.reason for unprojected in projection.unprojected}
    for span in projection.spans:
        edges = trim_span(pair.target, span.start, span.end)
        if edges is None:
            reasons[span.source] = Reason.BLANK
        else:
            spans.append(span._replace(start=edges[0], end=edges[1]))
    return with_reasons(pair, spans, reasons)


class BaseProjector:
    """A projector that never sees a blank token. A subclass implements `_project`, or `_project_pairs` if it has to see
    many pairs at once.
    """

    def __call__(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """YIELDS (Projection): One per pair, in order. RAISES: XnerError for an inconsistent pair."""
        expected, read = tee(map(prepare, pairs))
        projections = self._project_pairs(prepared.pair for prepared in read)
        who = f"The projector {type(self).__name__}"
        for prepared, projection in paired(expected, projections, who, given="projections"):
            yield prepared.restore(projection)

    def _project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """YIELDS (Projection): One per prepared pair, in order."""
        for pair in pairs:
            yield self._project(pair) if pair.entities else Projection()

    def _project(self, pair: SentencePair) -> Projection:
        """RETURNS (Projection): The projection of a prepared pair that has entities."""
        raise NotImplementedError


class ScoredSpansProjector(BaseProjector, ABC):
    """A projector whose subclass scores the spans of a batch of sentence pairs that have entities and target tokens.
    The spans of all entities of a sentence are then chosen together.
    """

    batch_size: int

    @abstractmethod
    def _score_spans(self, pairs: List[SentencePair]) -> List[Tuple[Options, str]]:
        """RETURNS (List[Tuple[Options, str]]): For each pair the spans, and the reason for entities without any."""

    def _too_long(self, pair: SentencePair) -> bool:
        """RETURNS (bool): Whether a pair is skipped."""
        return too_long(pair)

    def _project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        for pair, scored in in_batches(pairs, self.batch_size, self._too_long, self._score_spans):
            if scored is None:
                yield with_reasons(pair, [], {}, Reason.TOO_LONG if pair.target else Reason.NO_CANDIDATE)
                continue
            options, reason = scored
            reasons = {source: Reason.OVERLAP if row else reason for source, row in enumerate(options)}
            spans = [
                ProjectedSpan(choice.start, choice.end, pair.entities[choice.entity][2], choice.entity, choice.score)
                for choice in solve_exact(options, Limits(0, 1))
            ]
            yield with_reasons(pair, spans, reasons)


def _cells(pair: SentencePair) -> int:
    return len(pair.target) * len(pair.entities)


def too_long(pair: SentencePair) -> bool:
    """RETURNS (bool): Whether it takes too long to compare each entity with each target span: over 100,000 cells."""
    return _cells(pair) > MOST_CELLS


def in_batches(
    pairs: Iterable[SentencePair],
    size: int,
    too_long: Callable[[SentencePair], bool],
    process: Callable[[List[SentencePair]], Iterable[Result]],
) -> Iterator[Tuple[SentencePair, Optional[Result]]]:
    """Process pairs in batches of at most `size` pairs and about 100,000 cells.

    too_long (Callable): Whether a pair is skipped. Pairs without entities or target tokens are skipped too.
    process (Callable): Gives one result for each of its pairs.
    YIELDS (Tuple[SentencePair, Optional[Result]]): Every pair, in order, with its result, or None if it was skipped.
    """
    for batch in pools(pairs, size, MOST_CELLS, _cells):
        processed = [bool(pair.entities and pair.target) and not too_long(pair) for pair in batch]
        results = iter(process(list(compress(batch, processed))) if any(processed) else ())
        for pair, has_result in zip(batch, processed, strict=True):
            yield pair, next(results) if has_result else None


def without_overlaps(ranges: Iterable[Range], n_words: int) -> List[Range]:
    """RETURNS (List[Range]): The ranges `(start, end, ...)` of a sentence that overlap none of the kept ones before."""
    kept: List[Range] = []
    taken = bytearray(n_words)
    for item in ranges:
        start, end = item[:2]
        if taken.find(1, start, end) < 0:
            kept.append(item)
            taken[start:end] = b"\1" * (end - start)
    return kept


def held_ranges(holder: Sequence[int]) -> Iterator[Tuple[int, int, int]]:
    """YIELDS (Tuple[int, int, int]): Start, end and holder of each run of words with the same holder; -1 is none."""
    start = 0
    for number, words in groupby(holder):
        end = start + sum(1 for _ in words)
        if number >= 0:
            yield start, end, number
        start = end
