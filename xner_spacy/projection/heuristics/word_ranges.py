"""The word-to-word heuristic of the seed paper: linked words become ranges, near ranges merge, short ones are dropped.

Politov et al. 2025 (arXiv 2501.18750), after Garcia-Ferrero et al. 2022; the options `top_k`, `only_i`,
`overlap="skip"` and `order="length"` are those of Shkalikov's thesis.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import List, Literal, Optional, Sequence, Set, Tuple

from ...errors import XnerError
from ...types import Entity, ProjectedSpan, Projection, Reason, SentencePair
from ..linked_words import LinkedWords, entity_links, mean_link
from ..matching.confidence import LINK_CONFIDENCE
from ..projectors import BaseProjector, held_ranges, with_reasons


@dataclass(eq=False)
class HeuristicProjector(BaseProjector):
    """Projects to ranges of linked words (`xner.Heuristic.v1`). The spans' confidence is calibrated from the mean link
    score of the range's words (0 where a gap was filled) times the share of the entity's words that the range accounts
    for.

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
        if self.max_gap < 0 or (self.top_k is not None and self.top_k < 1):
            raise XnerError("max_gap must be at least 0 and top_k at least 1.")

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
            spans.append(ProjectedSpan(start, end, entities[s][2], s, LINK_CONFIDENCE(score, 0.0)))
        return with_reasons(pair, spans, reasons, Reason.OVERLAP)

    def _ranges(self, entity: Entity, words: LinkedWords, firsts: Set[int]) -> List[Tuple[int, int]]:
        """RETURNS (List[Tuple[int, int]]): The merged ranges of an entity that pass the filters, by start. `firsts`:
        target words linked to the entity's first word, where `only_i` asks for them.
        """
        reach = self.max_gap + 1
        ranges: List[Tuple[int, int]] = []
        start = end = words[0][0]
        for word in words[1:]:
            j = word[0]
            # A direct neighbour always continues the range; only_i speaks of merging over a gap.
            if j == end + 1 or (j - end <= reach and j not in firsts):
                end = j
            else:
                ranges.append((start, end + 1))
                start = end = j
        ranges.append((start, end + 1))
        if self.min_ratio is not None:
            length = entity[1] - entity[0]
            ranges = [r for r in ranges if (r[1] - r[0]) / length > self.min_ratio]
        if self.top_k is not None and len(ranges) > self.top_k:
            sign = -1 if self.top_k_by == "longest" else 1
            ranges = sorted(sorted(ranges, key=lambda r: sign * (r[1] - r[0]))[: self.top_k])
        return ranges
