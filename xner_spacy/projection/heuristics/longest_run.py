"""The projection of García-Ferrero, Agerri and Rigau 2022 (arXiv 2210.12623), with its defects mended or not."""

import string
from dataclasses import dataclass
from typing import Dict, List, Tuple

from ...spelling import is_punctuation
from ...types import ProjectedSpan, Projection, Reason, SentencePair
from ..linked_words import entity_links, mean_link
from ..matching.confidence import LINK_CONFIDENCE
from ..projectors import BaseProjector, held_ranges, with_reasons, without_overlaps

_ASCII = frozenset(string.punctuation)

Run = Tuple[int, int, int]  # start, end, source


@dataclass(eq=False)
class LongestRunProjector(BaseProjector):
    """Projects each entity to its longest run of linked words (`xner.GarciaFerrero.v1`).

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
            places = [j for j, _, _ in linked[s]]
            if self.punctuation:
                places = [j for j in places if not self._is_mark(pair.target[j])]
            if places:
                runs.append((*self._longest(places), s))
            else:
                reasons[s] = Reason.NO_CANDIDATE if linked[s] else Reason.NO_LINKS
        # Runs of the released code may overlap: the later one then takes the words.
        holder = [-1] * len(pair.target)
        for start, end, s in self._collisions_as_released(pair, runs) if self.defects else self._collisions(pair, runs):
            holder[start:end] = [s] * (end - start)
        spans = [
            ProjectedSpan(start, end, pair.entities[s][2], s, LINK_CONFIDENCE(mean_link(linked[s], start, end), 0.0))
            for start, end, s in held_ranges(holder)
        ]
        return with_reasons(pair, spans, reasons, Reason.OVERLAP)

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
            # The paper speaks of the gap; the released code measures from the first word to the last.
            distance = end - merged[-1][0] if self.defects else start - merged[-1][1]
            if distance <= self.max_gap + 1:
                merged[-1][1] = end
            else:
                merged.append([start, end])
        start, end = max(merged, key=lambda r: r[1] - r[0])  # the first of equally long runs
        return start, end + 1

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
        """The released code's two passes over neighbours in source order."""
        joined = list(runs)
        k = 0
        while k + 1 < len(joined):
            left, right = joined[k], joined[k + 1]
            if left[1] - 1 >= right[0] and pair.entities[left[2]][2] == pair.entities[right[2]][2]:
                joined[k : k + 2] = [(min(left[0], right[0]), max(left[1], right[1]), left[2])]
            else:
                k += 1
        k = 0
        while k + 1 < len(joined):
            left, right = joined[k], joined[k + 1]
            if left[1] - 1 >= right[0]:
                del joined[k if left[1] - left[0] <= right[1] - right[0] else k + 1]
            else:
                k += 1
        return joined
