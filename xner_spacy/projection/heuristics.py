"""Projectors that use only the word links."""

import string
from bisect import bisect_left
from dataclasses import dataclass
from typing import Container, Dict, Iterable, List, Literal, Optional, Sequence, Tuple

from ..errors import require
from ..spelling import is_punctuation
from ..types import Entity, ProjectedSpan, Projection, Reason, SentencePair
from .linked_words import LinkedWords, entity_links, mean_link
from .matching.confidence import link_confidence
from .matching.interfaces import Span
from .projectors import BaseProjector, held_ranges, with_reasons, without_overlaps

_ASCII = frozenset(string.punctuation)

Run = Tuple[int, int, int]  # start, end, source


@dataclass(eq=False)
class HeuristicProjector(BaseProjector):
    """Projects to ranges of linked words (`xner.Heuristic.v1`): neighbouring ranges are merged and short ones dropped,
    as in the seed paper (Politov et al. 2025, arXiv 2501.18750, after García-Ferrero et al. 2022). The options `top_k`,
    `only_i`, `overlap="skip"` and `order="length"` come from Shkalikov's thesis. The confidence of a span is calibrated
    from the mean link score of the range's words (0 where a gap was filled), multiplied by the share of the entity's
    words that are linked to the range.

    max_gap (int): Ranges with at most this many words between them are merged (d in the paper).
    min_ratio (Optional[float]): A range is kept if its length divided by the entity's is above this; None keeps all.
    top_k (Optional[int]): Keep at most this many ranges per entity; None keeps all.
    top_k_by (str): Which ranges `top_k` keeps. The thesis means the longest; its released code keeps the shortest.
    only_i (bool): Never merge a range onto the one before it if it begins on a word linked to the entity's first word.
    overlap (str): "overwrite" lets later entities overwrite earlier ones (the paper); "skip" drops a range that
        contains a labelled word (the thesis).
    order (str): Entities as "given" (the paper) or by "length", shortest first (the thesis).
    """

    max_gap: int = 1
    min_ratio: Optional[float] = 0.8
    top_k: Optional[int] = None
    top_k_by: Literal["longest", "shortest"] = "longest"
    only_i: bool = False
    overlap: Literal["overwrite", "skip"] = "overwrite"
    order: Literal["given", "length"] = "given"

    def __post_init__(self) -> None:
        valid = self.max_gap >= 0 and (self.top_k is None or self.top_k >= 1)
        require(valid, "max_gap must be at least 0 and top_k at least 1.")

    def _project(self, pair: SentencePair) -> Projection:
        entities = pair.entities
        linked = entity_links(pair)
        entity_order: Sequence[int] = range(len(entities))
        if self.order == "length":
            entity_order = sorted(entity_order, key=lambda source: entities[source][1] - entities[source][0])
        # The number of the range that holds each target word: what a later range does not overwrite of an earlier one
        # is kept.
        holder = [-1] * len(pair.target)
        placed: List[Tuple[int, float]] = []  # source entity and score of each range
        reasons = {}
        links = pair.alignment.links.tolist() if self.only_i else []
        for source in entity_order:
            words = linked[source]
            if not words:
                reasons[source] = Reason.NO_LINKS
                continue
            begin = entities[source][0]
            of_first = links[bisect_left(links, [begin]) : bisect_left(links, [begin + 1])] if links else ()
            ranges = self._ranges(entities[source], words, {j for _, j in of_first})
            if not ranges:
                reasons[source] = Reason.TOO_SHORT
            for start, end in ranges:
                if self.overlap == "skip" and any(range_number >= 0 for range_number in holder[start:end]):
                    continue
                inside = sum(n for j, n, _ in words if start <= j < end)
                share = min(1.0, inside / (entities[source][1] - begin))
                holder[start:end] = [len(placed)] * (end - start)
                placed.append((source, mean_link(words, start, end) * share))
        spans = []
        for start, end, number in held_ranges(holder):
            source, score = placed[number]
            spans.append(ProjectedSpan(start, end, entities[source][2], source, link_confidence(score)))
        return with_reasons(pair, spans, reasons, Reason.OVERLAP)

    def _ranges(self, entity: Entity, words: LinkedWords, firsts: Container[int]) -> List[Span]:
        """RETURNS (List[Span]): The merged ranges of an entity that pass the filters, by start. `firsts` are the target
        words linked to the entity's first word; empty without `only_i`.
        """
        ranges = _merged([word[0] for word in words], self.max_gap, firsts)
        if self.min_ratio is not None:
            length = entity[1] - entity[0]
            ranges = [r for r in ranges if (r[1] - r[0]) / length > self.min_ratio]
        if self.top_k is not None and len(ranges) > self.top_k:
            sign = -1 if self.top_k_by == "longest" else 1
            ranges = sorted(sorted(ranges, key=lambda r: sign * (r[1] - r[0]))[: self.top_k])
        return ranges


@dataclass(eq=False)
class MinMaxProjector(BaseProjector):
    """Projects to the range from the first to the last linked word, with completeness filters (`xner.MinMax.v1`; Ebing
    and Glavaš 2025, arXiv 2505.10507).

    If ranges overlap, the one with the denser links is kept; in the paper's code, later ones overwrite. A span's
    confidence is calibrated from the mean link score over its words, 0 for unlinked ones.

    comp_src (bool): COMP-SRC: drop an entity if one of its words has no link.
    comp_tgt (bool): COMP-TGT: drop an entity if the linked words are not contiguous.
    comp_ins (bool): COMP-INS: drop the whole sentence unless every entity was projected.
    restrict (bool): RESTR: a one-word entity covers only its first linked word.
    whole_sentence (bool): A failure of COMP-SRC or COMP-TGT drops the sentence (as in translate-train) instead of the
        entity (translate-test).
    """

    comp_src: bool = False
    comp_tgt: bool = False
    comp_ins: bool = False
    restrict: bool = False
    whole_sentence: bool = False

    def _project(self, pair: SentencePair) -> Projection:
        linked_source = set(pair.alignment.links[:, 0].tolist())
        spans: List[ProjectedSpan] = []
        reasons: Dict[int, str] = {}
        for source, (entity, words) in enumerate(zip(pair.entities, entity_links(pair), strict=True)):
            if not words:
                reasons[source] = Reason.NO_LINKS
                continue
            start, end = words[0][0], words[-1][0] + 1
            gap_in_source = any(i not in linked_source for i in range(entity[0], entity[1]))
            if (self.comp_src and gap_in_source) or (self.comp_tgt and end - start != len(words)):
                reasons[source] = Reason.INCOMPLETE
                continue
            if self.restrict and entity[1] - entity[0] == 1:
                end = start + 1
            spans.append(ProjectedSpan(start, end, entity[2], source, min(1.0, mean_link(words, start, end))))
        kept = without_overlaps(sorted(spans, key=lambda x: (-x.score, x.start, x.source)), len(pair.target))
        failed = Reason.INCOMPLETE in reasons.values()
        if (self.whole_sentence and failed) or (self.comp_ins and len(kept) < len(pair.entities)):
            reasons.update({span.source: Reason.INCOMPLETE for span in kept})
            kept = []
        kept = [span._replace(score=link_confidence(span.score)) for span in kept]
        return with_reasons(pair, sorted(kept), reasons, Reason.OVERLAP)


@dataclass(eq=False)
class LongestRunProjector(BaseProjector):
    """Projects each entity to its longest run of linked words (`xner.GarciaFerrero.v1`; García-Ferrero, Agerri and
    Rigau 2022, arXiv 2210.12623).

    The released code differs from the paper in three ways, which are corrected unless `defects` is set. It merges two
    runs by their total length instead of the gap between them; when it looks for collisions, it assumes that the target
    has the order of the source, so that swapped entities are joined or deleted; and it only knows ASCII punctuation. A
    span's confidence is calibrated from the mean link score over its words, 0 for unlinked ones.

    max_gap (int): Runs with at most this many words between them are joined.
    punctuation (bool): Links to punctuation marks are dropped first.
    defects (bool): Do as the released code does.
    """

    max_gap: int = 1
    punctuation: bool = True
    defects: bool = False

    def _project(self, pair: SentencePair) -> Projection:
        linked = entity_links(pair)
        reasons: Dict[int, str] = {}
        runs: List[Run] = []
        for source in sorted(range(len(pair.entities)), key=lambda source: pair.entities[source][0]):
            positions = [j for j, _, _ in linked[source] if not (self.punctuation and self._is_mark(pair.target[j]))]
            if positions:
                candidates = self._by_total_length(positions) if self.defects else _merged(positions, self.max_gap)
                runs.append((*max(candidates, key=lambda r: r[1] - r[0]), source))  # the first of equally long runs
            else:
                reasons[source] = Reason.NO_CANDIDATE if linked[source] else Reason.NO_LINKS
        # Runs of the released code may overlap; the later one then gets the words.
        holder = [-1] * len(pair.target)
        solve = self._collisions_as_released if self.defects else self._collisions
        for start, end, source in solve(pair, runs):
            holder[start:end] = [source] * (end - start)
        spans = [
            ProjectedSpan(start, end, pair.entities[s][2], s, link_confidence(mean_link(linked[s], start, end)))
            for start, end, s in held_ranges(holder)
        ]
        return with_reasons(pair, spans, reasons, Reason.OVERLAP)

    def _is_mark(self, word: str) -> bool:
        return all(c in _ASCII for c in word) if self.defects else is_punctuation(word)

    def _by_total_length(self, positions: Sequence[int]) -> List[Span]:
        """RETURNS (List[Span]): Runs, joined if their total length is small. The paper uses the gap between them."""
        joined: List[Span] = []
        for start, end in _merged(positions, 0):
            if joined and end - joined[-1][0] <= self.max_gap + 2:
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        return joined

    def _collisions(self, pair: SentencePair, runs: List[Run]) -> List[Run]:
        """Join overlapping runs with the same label. Of overlapping runs with different labels drop the shorter one, or
        the later one if they are equally long.
        """
        joined: List[Run] = []
        for start, end, source in sorted(runs):
            if joined and start < joined[-1][1] and pair.entities[joined[-1][2]][2] == pair.entities[source][2]:
                first, last, owner = joined[-1]
                joined[-1] = (first, max(last, end), owner)
            else:
                joined.append((start, end, source))
        return without_overlaps(sorted(joined, key=lambda r: (r[0] - r[1], r[0])), len(pair.target))

    def _collisions_as_released(self, pair: SentencePair, runs: List[Run]) -> List[Run]:
        """Do the released code's two passes over neighbours in source order: one joins runs, one drops them."""
        kept = list(runs)
        for joins in (True, False):
            k = 0
            while k + 1 < len(kept):
                left, right = kept[k], kept[k + 1]
                meet = left[1] - 1 >= right[0]
                if meet and joins and pair.entities[left[2]][2] == pair.entities[right[2]][2]:
                    kept[k : k + 2] = [(min(left[0], right[0]), max(left[1], right[1]), left[2])]
                elif meet and not joins:
                    del kept[k if left[1] - left[0] <= right[1] - right[0] else k + 1]
                else:
                    k += 1
        return kept


def _merged(positions: Iterable[int], max_gap: int, separate: Container[int] = ()) -> List[Span]:
    """RETURNS (List[Span]): Ranges over ascending positions, merged across gaps of at most `max_gap` words. A position
    in `separate` continues a range only as its direct neighbour.
    """
    ranges: List[Span] = []
    for position in positions:
        if ranges and (position == ranges[-1][1] or (position - ranges[-1][1] <= max_gap and position not in separate)):
            ranges[-1] = (ranges[-1][0], position + 1)
        else:
            ranges.append((position, position + 1))
    return ranges
