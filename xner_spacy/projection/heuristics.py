"""Projectors that go by the word links alone."""

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
    """Projects to ranges of linked words (`xner.Heuristic.v1`): near ranges merge, short ones are dropped, as in the seed
    paper (Politov et al. 2025, arXiv 2501.18750, after García-Ferrero et al. 2022). The options `top_k`, `only_i`,
    `overlap="skip"` and `order="length"` are those of Shkalikov's thesis. The spans' confidence is calibrated from the
    mean link score of the range's words (0 where a gap was filled) times the share of the entity's words that the range
    accounts for.

    max_gap (int): Ranges with at most this many words between them are merged (d in the paper).
    min_ratio (Optional[float]): A range is kept if its length over the entity's is greater than this; None keeps all.
    top_k (Optional[int]): Keep at most this many ranges per entity; None keeps all.
    top_k_by (str): Which ranges `top_k` keeps. The thesis means the longest; its released code keeps the shortest.
    only_i (bool): Never merge a range onto the one before it if it begins on a word linked to the entity's first word.
    overlap (str): "overwrite" lets later entities overwrite earlier ones (the paper); "skip" drops a range that meets a
        labelled word (the thesis).
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
        turn: Sequence[int] = range(len(entities))
        if self.order == "length":
            turn = sorted(turn, key=lambda s: entities[s][1] - entities[s][0])
        # Per target word the number of the range that holds it, so that what a later range leaves of an earlier one
        # stays.
        holder = [-1] * len(pair.target)
        placed: List[Tuple[int, float]] = []  # source entity and score of each range
        reasons = {}
        links = pair.alignment.links.tolist() if self.only_i else []
        for s in turn:
            words = linked[s]
            if not words:
                reasons[s] = Reason.NO_LINKS
                continue
            begin = entities[s][0]
            of_first = links[bisect_left(links, [begin]) : bisect_left(links, [begin + 1])] if links else ()
            ranges = self._ranges(entities[s], words, {j for _, j in of_first})
            if not ranges:
                reasons[s] = Reason.TOO_SHORT
            for start, end in ranges:
                if self.overlap == "skip" and any(h >= 0 for h in holder[start:end]):
                    continue
                inside = sum(n for j, n, _ in words if start <= j < end)
                share = min(1.0, inside / (entities[s][1] - begin))
                holder[start:end] = [len(placed)] * (end - start)
                placed.append((s, mean_link(words, start, end) * share))
        spans = []
        for start, end, number in held_ranges(holder):
            s, score = placed[number]
            spans.append(ProjectedSpan(start, end, entities[s][2], s, link_confidence(score)))
        return with_reasons(pair, spans, reasons, Reason.OVERLAP)

    def _ranges(self, entity: Entity, words: LinkedWords, firsts: Container[int]) -> List[Span]:
        """RETURNS (List[Span]): The merged ranges of an entity that pass the filters, by start. `firsts`: target words
        linked to the entity's first word, where `only_i` asks for them.
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

    Where ranges meet, the one with the denser links stays; the paper's code lets later ones overwrite. A span's
    confidence is calibrated from the mean link score over its words, 0 for unlinked ones.

    comp_src (bool): COMP-SRC: give an entity up if one of its words has no link.
    comp_tgt (bool): COMP-TGT: give an entity up if the linked words are not contiguous.
    comp_ins (bool): COMP-INS: give the sentence up unless every entity was projected.
    restrict (bool): RESTR: a one-word entity covers only its first linked word.
    whole_sentence (bool): A failure of COMP-SRC or COMP-TGT gives up the sentence (as in translate-train) instead of
        the entity (translate-test).
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
        for s, (entity, words) in enumerate(zip(pair.entities, entity_links(pair), strict=True)):
            if not words:
                reasons[s] = Reason.NO_LINKS
                continue
            start, end = words[0][0], words[-1][0] + 1
            gap_in_source = any(i not in linked_source for i in range(entity[0], entity[1]))
            if (self.comp_src and gap_in_source) or (self.comp_tgt and end - start != len(words)):
                reasons[s] = Reason.INCOMPLETE
                continue
            if self.restrict and entity[1] - entity[0] == 1:
                end = start + 1
            spans.append(ProjectedSpan(start, end, entity[2], s, min(1.0, mean_link(words, start, end))))
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

    The released code differs from the paper in three ways, which are mended unless `defects` is set. It merges two runs
    by their total length instead of the gap between them; it takes the target to be in the order of the source when it
    looks for collisions, so that swapped entities are joined or deleted; and it knows ASCII punctuation only. A span's
    confidence is calibrated from the mean link score over its words, 0 for unlinked ones.

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
        for s in sorted(range(len(pair.entities)), key=lambda s: pair.entities[s][0]):
            places = [j for j, _, _ in linked[s] if not (self.punctuation and self._is_mark(pair.target[j]))]
            if places:
                candidates = self._by_total_length(places) if self.defects else _merged(places, self.max_gap)
                runs.append((*max(candidates, key=lambda r: r[1] - r[0]), s))  # the first of equally long runs
            else:
                reasons[s] = Reason.NO_CANDIDATE if linked[s] else Reason.NO_LINKS
        # Runs of the released code may overlap: the later one then takes the words.
        holder = [-1] * len(pair.target)
        for start, end, s in self._collisions_as_released(pair, runs) if self.defects else self._collisions(pair, runs):
            holder[start:end] = [s] * (end - start)
        spans = [
            ProjectedSpan(start, end, pair.entities[s][2], s, link_confidence(mean_link(linked[s], start, end)))
            for start, end, s in held_ranges(holder)
        ]
        return with_reasons(pair, spans, reasons, Reason.OVERLAP)

    def _is_mark(self, word: str) -> bool:
        return all(c in _ASCII for c in word) if self.defects else is_punctuation(word)

    def _by_total_length(self, places: Sequence[int]) -> List[Span]:
        """RETURNS (List[Span]): Runs, joined if the whole is short. The paper speaks of the gap between them."""
        joined: List[Span] = []
        for start, end in _merged(places, 0):
            if joined and end - joined[-1][0] <= self.max_gap + 2:
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        return joined

    def _collisions(self, pair: SentencePair, runs: List[Run]) -> List[Run]:
        """Join overlapping runs of one type, then drop the shorter of overlapping runs of two, the later one if they
        are equally long.
        """
        joined: List[Run] = []
        for start, end, s in sorted(runs):
            if joined and start < joined[-1][1] and pair.entities[joined[-1][2]][2] == pair.entities[s][2]:
                first, last, owner = joined[-1]
                joined[-1] = (first, max(last, end), owner)
            else:
                joined.append((start, end, s))
        return without_overlaps(sorted(joined, key=lambda r: (r[0] - r[1], r[0])), len(pair.target))

    def _collisions_as_released(self, pair: SentencePair, runs: List[Run]) -> List[Run]:
        """The released code's two passes over neighbours in source order: one joins, one drops."""
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


def _merged(places: Iterable[int], max_gap: int, apart: Container[int] = ()) -> List[Span]:
    """RETURNS (List[Span]): The ranges of ascending places with at most `max_gap` words between any two; a place in
    `apart` continues a range only as a direct neighbour.
    """
    ranges: List[Span] = []
    for j in places:
        if ranges and (j == ranges[-1][1] or (j - ranges[-1][1] <= max_gap and j not in apart)):
            ranges[-1] = (ranges[-1][0], j + 1)
        else:
            ranges.append((j, j + 1))
    return ranges
