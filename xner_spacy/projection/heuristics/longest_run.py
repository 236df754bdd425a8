"""The projection of García-Ferrero, Agerri and Rigau 2022 (arXiv 2210.12623), with its defects
mended or not.
"""

import string
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from ...types import ProjectedSpan, Projection, Projector, Reason, SentencePair, Unprojected
from ..linked_words import entity_links
from ..matching.confidence import LINK_CONFIDENCE
from ..projectors import BaseProjector
from ..spelling_similarity import is_punctuation

_ASCII = frozenset(string.punctuation)


def make_garcia_ferrero(max_gap: int = 1, punctuation: bool = True, defects: bool = False) -> Projector:
    """Create the heuristic (`xner.GarciaFerrero.v1`): per entity the longest run of linked words.

    The released code differs from the paper in three ways, which are mended unless `defects` is
    set. It merges two runs by their total length instead of the gap between them; it takes the
    target to be in the order of the source when it looks for collisions, so that swapped entities
    are joined or deleted; and it knows ASCII punctuation only.

    max_gap (int): Runs with at most this many words between them are joined.
    punctuation (bool): Links to punctuation marks are dropped first.
    defects (bool): Do as the released code does.
    RETURNS (Projector): The projector.
    """
    return LongestRunProjector(max_gap, punctuation, defects)


class LongestRunProjector(BaseProjector):
    """Projects to the longest run. See `make_garcia_ferrero` for the settings."""

    def __init__(self, max_gap: int, punctuation: bool, defects: bool) -> None:
        self.max_gap = max_gap
        self.punctuation = punctuation
        self.defects = defects

    def project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """Project each pair. A span's confidence is calibrated from the mean link score over its
        words, 0 for unlinked ones.

        pairs (Iterable[SentencePair]): Sentence pairs.
        YIELDS (Projection): One per pair, in order.
        """
        for pair in pairs:
            yield self._project(pair) if pair.entities else Projection()

    def _project(self, pair: SentencePair) -> Projection:
        order = sorted(range(len(pair.entities)), key=lambda s: pair.entities[s][0])
        linked = entity_links(pair)
        reasons: Dict[int, str] = {}
        runs: List[Tuple[int, int, int]] = []  # start, end, source
        for s in order:
            places = [j for j, _, _ in linked[s]]
            if self.punctuation:
                places = [j for j in places if not self._is_mark(pair.target[j])]
            if not places:
                reasons[s] = Reason.NO_CANDIDATE if linked[s] else Reason.NO_LINKS
                continue
            start, end = self._longest(places)
            runs.append((start, end, s))
        kept = self._old_collisions(pair, runs) if self.defects else self._collisions(pair, runs)
        holder: List[Optional[int]] = [None] * len(pair.target)
        for number, (start, end, _) in enumerate(kept):
            holder[start:end] = [number] * (end - start)
        spans: List[ProjectedSpan] = []
        j = 0
        while j < len(holder):
            number_at = holder[j]
            if number_at is None:
                j += 1
                continue
            end = j
            while end < len(holder) and holder[end] == number_at:
                end += 1
            s = kept[number_at][2]
            score = sum(t / n for k, n, t in linked[s] if j <= k < end) / (end - j)
            spans.append(ProjectedSpan(j, end, pair.entities[s][2], s, LINK_CONFIDENCE(score, 0.0)))
            j = end
        found = {x.source for x in spans}
        return Projection(
            spans,
            [Unprojected(s, reasons.get(s, Reason.OVERLAP)) for s in range(len(pair.entities)) if s not in found],
        )

    def _is_mark(self, word: str) -> bool:
        return all(c in _ASCII for c in word) if self.defects else is_punctuation(word)

    def _longest(self, places: List[int]) -> Tuple[int, int]:
        runs: List[List[int]] = []
        for j in places:
            if runs and j == runs[-1][1] + 1:
                runs[-1][1] = j
            else:
                runs.append([j, j])
        merged = [runs[0]]
        for start, end in runs[1:]:
            # The paper speaks of the gap; the released code measures from the first word to the
            # last.
            near = (
                end - merged[-1][0] <= self.max_gap + 1 if self.defects else start - merged[-1][1] <= self.max_gap + 1
            )
            if near:
                merged[-1][1] = end
            else:
                merged.append([start, end])
        start, end = max(merged, key=lambda r: r[1] - r[0])  # of equals the first
        return start, end + 1

    def _collisions(self, pair: SentencePair, runs: List[Tuple[int, int, int]]) -> List[Tuple[int, int, int]]:
        """Join overlapping runs of one type, then drop the shorter of overlapping runs of two (of
        equals the later).
        """
        joined: List[Tuple[int, int, int]] = []
        for start, end, s in sorted(runs):
            label = pair.entities[s][2]
            if joined and start < joined[-1][1] and pair.entities[joined[-1][2]][2] == label:
                first, last, owner = joined[-1]
                joined[-1] = (first, max(last, end), owner)
            else:
                joined.append((start, end, s))
        kept: List[Tuple[int, int, int]] = []
        taken = bytearray(len(pair.target))
        for run in sorted(joined, key=lambda r: (r[0] - r[1], r[0])):
            if taken.find(1, run[0], run[1]) < 0:
                kept.append(run)
                taken[run[0] : run[1]] = b"\1" * (run[1] - run[0])
        return sorted(kept)

    def _old_collisions(self, pair: SentencePair, runs: List[Tuple[int, int, int]]) -> List[Tuple[int, int, int]]:
        """The released code's two passes over neighbours in source order."""
        joined = list(runs)
        k = 0
        while k + 1 < len(joined):
            one, other = joined[k], joined[k + 1]
            if one[1] - 1 >= other[0] and pair.entities[one[2]][2] == pair.entities[other[2]][2]:
                joined[k : k + 2] = [(min(one[0], other[0]), max(one[1], other[1]), one[2])]
            else:
                k += 1
        k = 0
        while k + 1 < len(joined):
            one, other = joined[k], joined[k + 1]
            if one[1] - 1 >= other[0]:
                del joined[k if one[1] - one[0] <= other[1] - other[0] else k + 1]
            else:
                k += 1
        return joined
