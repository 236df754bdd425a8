"""The word-to-word heuristic of the seed paper: linked words become ranges, near ranges merge,
short ones are dropped.

Politov et al. 2025 (arXiv 2501.18750), after Garcia-Ferrero et al. 2022; the options `top_k`,
`only_i`, `overlap="skip"` and `order="length"` are those of Shkalikov's thesis.
"""

from typing import Dict, Iterable, Iterator, List, Literal, Optional, Set, Tuple

from ...errors import XnerError
from ...types import Entity, ProjectedSpan, Projection, Projector, Reason, SentencePair, Unprojected
from ..linked_words import LinkedWords, entity_links
from ..matching.confidence import LINK_CONFIDENCE
from ..projectors import BaseProjector


def make_heuristic(
    max_gap: int = 1,
    min_ratio: Optional[float] = 0.8,
    top_k: Optional[int] = None,
    top_k_by: Literal["longest", "shortest"] = "longest",
    only_i: bool = False,
    overlap: Literal["overwrite", "skip"] = "overwrite",
    order: Literal["given", "length"] = "given",
) -> Projector:
    """Create the heuristic (`xner.Heuristic.v1`).

    max_gap (int): Ranges with at most this many words between them are merged (d in the paper).
    min_ratio (Optional[float]): A range is kept if its length over the entity's is greater than
        this; None keeps all.
    top_k (Optional[int]): Keep at most this many ranges per entity; None keeps all.
    top_k_by (str): Which ranges `top_k` keeps. The thesis means the longest; its released code
        keeps the shortest.
    only_i (bool): Never merge a range onto the one before it if it begins on a word linked to the
        entity's first word.
    overlap (str): "overwrite" lets later entities overwrite earlier ones (the paper); "skip" drops
        a range that meets a labelled word (the thesis).
    order (str): Entities as "given" (the paper) or by "length", shortest first (the thesis).
    RETURNS (Projector): The projector.
    """
    if max_gap < 0 or (top_k is not None and top_k < 1):
        raise XnerError("max_gap must be at least 0 and top_k at least 1.")
    return HeuristicProjector(max_gap, min_ratio, top_k, top_k_by, only_i, overlap, order)


class HeuristicProjector(BaseProjector):
    """Projects through linked ranges. See `make_heuristic` for the settings."""

    def __init__(
        self,
        max_gap: int,
        min_ratio: Optional[float],
        top_k: Optional[int],
        top_k_by: str,
        only_i: bool,
        overlap: str,
        order: str,
    ) -> None:
        self.max_gap = max_gap
        self.min_ratio = min_ratio
        self.top_k = top_k
        self.top_k_by = top_k_by
        self.only_i = only_i
        self.overlap = overlap
        self.order = order

    def project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """Project each pair. The spans' confidence is calibrated from the mean link score of the
        range's words (0 where a gap was filled) times the share of the entity's words that the range accounts for.

        pairs (Iterable[SentencePair]): Sentence pairs.
        YIELDS (Projection): One per pair, in order.
        """
        for pair in pairs:
            yield self._project(pair) if pair.entities else Projection()

    def _project(self, pair: SentencePair) -> Projection:
        entities = pair.entities
        linked = entity_links(pair)
        turn = range(len(entities))
        if self.order == "length":
            turn = sorted(turn, key=lambda s: entities[s][1] - entities[s][0])  # type: ignore[assignment]
        # Per target word the number of the range that holds it, so that what a later range leaves
        # of an earlier one stays.
        holder = [-1] * len(pair.target)
        placed: List[Tuple[int, float]] = []  # source entity and score of each range
        reasons = {}
        firsts = self._firsts(pair)
        for s in turn:
            words = linked[s]
            if not words:
                reasons[s] = Reason.NO_LINKS
                continue
            ranges = self._ranges(entities[s], words, firsts.get(s, set()))
            if not ranges:
                reasons[s] = Reason.TOO_SHORT
                continue
            reasons[s] = Reason.OVERLAP  # unless one of its ranges stays
            length = entities[s][1] - entities[s][0]
            for start, end in ranges:
                if self.overlap == "skip" and any(h >= 0 for h in holder[start:end]):
                    continue
                inside = [(n, total) for j, n, total in words if start <= j < end]
                mean = sum(total / n for n, total in inside) / (end - start)
                share = min(1.0, sum(n for n, _ in inside) / length)
                holder[start:end] = [len(placed)] * (end - start)
                placed.append((s, mean * share))
        return self._collect(pair, holder, placed, reasons)

    def _firsts(self, pair: SentencePair) -> Dict[int, Set[int]]:
        """RETURNS (Dict[int, Set[int]]): Per entity the target words linked to its first word, where `only_i` asks
        for them.
        """
        firsts: Dict[int, Set[int]] = {}
        if self.only_i:
            owner = {entity[0]: s for s, entity in enumerate(pair.entities)}
            for i, j in pair.alignment.links.tolist():
                if i in owner:
                    firsts.setdefault(owner[i], set()).add(j)
        return firsts

    def _ranges(self, entity: Entity, words: LinkedWords, firsts: Set[int]) -> List[Tuple[int, int]]:
        """RETURNS (List[Tuple[int, int]]): The merged ranges of an entity that pass the filters, by
        start.
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

    def _collect(
        self,
        pair: SentencePair,
        holder: List[int],
        placed: List[Tuple[int, float]],
        reasons: dict,
    ) -> Projection:
        spans: List[ProjectedSpan] = []
        start, n = 0, len(holder)
        while start < n:
            number = holder[start]
            end = start + 1
            if number >= 0:
                while end < n and holder[end] == number:
                    end += 1
                s, score = placed[number]
                spans.append(ProjectedSpan(start, end, pair.entities[s][2], s, LINK_CONFIDENCE(score, 0.0)))
                reasons.pop(s, None)
            start = end
        return Projection(spans, [Unprojected(s, reasons[s]) for s in sorted(reasons)])
